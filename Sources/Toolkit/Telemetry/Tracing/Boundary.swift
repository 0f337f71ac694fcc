// SPDX-License-Identifier: Apache-2.0

/// Anything that knows its request's trace.
package protocol Traceable: Sendable {
    var trace: RequestTrace { get }
}

extension RequestTrace: Traceable {
    package var trace: RequestTrace { self }
}

/// One measured seam: declared once, named once, measured wherever it runs.
package struct Boundary: Sendable {
    package let layer: Layer
    package let name: StaticString

    package init(_ layer: Layer, _ name: StaticString) {
        self.layer = layer
        self.name = name
    }

    /// Runs `body` as this boundary inside `context`: one span, its self time, one outcome.
    @inlinable
    package func measure<Context: Traceable, Value, Failure: Error>(
        in context: Context,
        _ body: (Context) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let trace = context.trace
        let previous = trace.enter(layer, named: name, at: uptimeNanoseconds())
        do throws(Failure) {
            let value = try await body(context)
            trace.leave(to: previous)
            return value
        } catch {
            trace.leave(to: previous, failed: true)
            throw error
        }
    }

    /// The same for work that does not wait.
    @inlinable
    package func measure<Context: Traceable, Value, Failure: Error>(
        in context: Context,
        _ body: (Context) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let trace = context.trace
        let previous = trace.enter(layer, named: name, at: uptimeNanoseconds())
        do throws(Failure) {
            let value = try body(context)
            trace.leave(to: previous)
            return value
        } catch {
            trace.leave(to: previous, failed: true)
            throw error
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
import Telemetry

/// Tells the caller under which ids the request is known here, and where its time went.
///
/// `traceparent` and `X-Request-Id` for programs, `Server-Timing` for browsers' tools: the same
/// self times that the log and the metrics have, but for what comes after the header. First in the
/// list, and so the last on the way back: all that is left is to write.
package struct TraceHeaders: Middleware {
    package var name: StaticString { "trace_headers" }

    package init() {}

    package func after(_ request: Request, _ response: inout Response) {
        let trace = request.trace
        trace.beginWriting()
        let traceparent = trace.context.traceparentCharacters
        response.headers.append("traceparent", room: traceparent.count) {
            $0.append(traceparent.span)
        }
        if let state = trace.traceStateText { response.headers.append("tracestate", state) }

        // A feature may echo what the client calls its request.
        if !response.headers.contains("X-Request-Id") {
            if let given = trace.givenRequestID {
                response.headers.append("X-Request-Id", given)
            } else {
                response.headers.append("X-Request-Id", room: 32) {
                    $0.append(traceparent.span.extracting(3..<35))
                }
            }
        }

        // A feature may have timed itself in a vocabulary of its own.
        let isTimed = response.headers.contains("Server-Timing")
        // 11 layers of at most 10 letters and 20 digits, and the trace.
        response.headers.append("Server-Timing", room: 512) { value in
            if !isTimed { Self.append(layersOf: trace, to: &value) }
            value.append("traceparent;desc=\"")
            value.append(traceparent.span)
            value.append("\"")
        }
    }

    /// `auth;dur=0.012, sql;dur=0.710, ` (W3C Server Timing §2).
    private static func append(layersOf trace: RequestTrace, to value: inout OutputSpan<UInt8>) {
        for layer in Layer.allCases {
            let nanoseconds = trace.selfNanoseconds(layer)
            guard nanoseconds > 0 else { continue }
            value.append(layer.label)
            value.append(";dur=")
            value.append(milliseconds: nanoseconds, decimals: 3)
            value.append(", ")
        }
    }
}

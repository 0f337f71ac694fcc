// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
import Telemetry

/// Tells the caller under which ids the request is known here, and where its time went.
///
/// `traceparent` and `X-Request-Id` for programs, `Server-Timing` for browsers' tools: the same
/// self times that the log and the metrics have, as far as they are known before the writing.
package struct TraceHeaders: Middleware {
    package var name: StaticString { "trace_headers" }

    package init() {}

    package func after(_ request: Request, _ response: inout Response) {
        let trace = request.trace
        var traceparent: [UInt8] = []
        traceparent.reserveCapacity(55)
        trace.context.appendTraceparent(to: &traceparent)
        response.headers.append("traceparent", traceparent)
        if let state = trace.traceStateText { response.headers.append("tracestate", state) }

        // A feature may echo what the client calls its request.
        if !response.headers.contains("X-Request-Id") {
            var requestID: [UInt8] = []
            requestID.reserveCapacity(32)
            trace.appendRequestID(to: &requestID)
            response.headers.append("X-Request-Id", requestID)
        }

        // A feature may have timed itself in a vocabulary of its own.
        let isTimed = response.headers.contains("Server-Timing")
        response.headers.append(
            "Server-Timing",
            ServerTiming.value(trace, traceparent, withLayers: !isTimed)
        )
    }
}

/// `auth;dur=0.012, sql;dur=0.710, traceparent;desc="00-…"` (W3C Server Timing §2).
enum ServerTiming {
    static func value(
        _ trace: RequestTrace,
        _ traceparent: [UInt8],
        withLayers: Bool
    ) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(256)
        if withLayers {
            for layer in Layer.allCases {
                let nanoseconds = trace.selfNanoseconds(layer)
                guard nanoseconds > 0 else { continue }
                append(layer.label, to: &value)
                append(";dur=", to: &value)
                append(milliseconds: nanoseconds, to: &value)
                append(", ", to: &value)
            }
        }
        append("traceparent;desc=\"", to: &value)
        value.append(contentsOf: traceparent)
        append("\"", to: &value)
        return value
    }

    private static func append(_ text: StaticString, to value: inout [UInt8]) {
        unsafe value.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        )
    }

    private static func append(milliseconds nanoseconds: UInt64, to value: inout [UInt8]) {
        let microseconds = nanoseconds / 1_000
        append(decimal: microseconds / 1_000, to: &value)
        value.append(UInt8(ascii: "."))
        value.append(UInt8(ascii: "0") + UInt8(microseconds / 100 % 10))
        value.append(UInt8(ascii: "0") + UInt8(microseconds / 10 % 10))
        value.append(UInt8(ascii: "0") + UInt8(microseconds % 10))
    }

    private static func append(decimal number: UInt64, to value: inout [UInt8]) {
        if number >= 10 { append(decimal: number / 10, to: &value) }
        value.append(UInt8(ascii: "0") + UInt8(number % 10))
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Why a middleware refused a request.
package enum MiddlewareRejection: String, EventLabel {
    case origin, limit, token, draining, method
    case tooLarge = "too_large"
    case mediaType = "media_type"

    /// What the status of the refusal says of its reason; nil for an answer that is no refusal.
    init?(status: Int) {
        switch status {
        case 401: self = .token
        case 405: self = .method
        case 413, 414, 431: self = .tooLarge
        case 415: self = .mediaType
        case 429: self = .limit
        case 503: self = .draining
        case 400...: self = .origin
        default: return nil
        }
    }
}

/// The visible list of middleware, their series resolved once.
///
/// Each takes less than a microsecond, and reading the clock around it is a good part of that: one
/// request in sixteen is measured, chosen by its trace id, and those whose callers ask for the trace.
/// Refusals are all counted.
package final class MiddlewareTelemetry: Sendable {
    fileprivate let names: [StaticString]
    fileprivate let durations: [Histogram]
    private let rejections: [[Counter]]
    private let isOn: Bool
    private let callersMayKeep: Bool

    package init(names: [StaticString], telemetry: Telemetry) {
        let metrics = telemetry.middleware
        isOn = telemetry.configuration.isOn
        callersMayKeep = telemetry.configuration.callersMayKeep
        self.names = names
        durations = names.map { metrics.duration($0.text) }
        rejections = names.map { name in
            MiddlewareRejection.allCases.map { metrics.rejections(name.text, $0.rawValue) }
        }
    }

    /// Whether this request is one of those; probes and scrapes never are.
    @inline(__always)
    package func measures(_ trace: RequestTrace) -> Bool {
        let isAskedFor = callersMayKeep && (trace.isForced || trace.context.isSampled)
        return (trace.context.traceIDLow & 15 == 0 || isAskedFor) && isOn
            && trace.route?.isOperational == false
    }

    /// The middleware at `position` answered instead of the route.
    package func rejected(by position: Int, status: Int, in trace: RequestTrace) {
        guard let reason = MiddlewareRejection(status: status) else { return }
        rejections[position][reason.position].add()
        trace.note("lucarne.middleware.rejected_by", names[position].text)
        trace.note("lucarne.middleware.rejection", reason.rawValue)
    }
}

/// Times one request's way through the middleware, there and back.
package struct MiddlewareWatch: ~Copyable {
    private let telemetry: MiddlewareTelemetry
    private var nanoseconds: [UInt64]
    private var since: UInt64

    package init(_ telemetry: MiddlewareTelemetry) {
        self.telemetry = telemetry
        nanoseconds = Array(repeating: 0, count: telemetry.durations.count)
        since = uptimeNanoseconds()
    }

    /// What was before belongs to nobody here.
    package mutating func start() { since = uptimeNanoseconds() }

    /// The middleware at `position` has returned; the next one is called at once.
    package mutating func passed(_ position: Int) {
        let now = uptimeNanoseconds()
        nanoseconds[position] &+= now &- since
        since = now
    }

    package consuming func finish(in trace: RequestTrace) {
        for (position, spent) in nanoseconds.enumerated() {
            telemetry.durations[position].observe(spent)
        }
        unsafe trace.middleware = MiddlewareTimes(names: telemetry.names, nanoseconds: nanoseconds)
    }
}

/// What each middleware took of one request.
struct MiddlewareTimes: Sendable {
    var names: [StaticString]
    var nanoseconds: [UInt64]
}

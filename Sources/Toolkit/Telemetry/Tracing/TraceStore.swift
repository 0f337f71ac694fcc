// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Whether a finished request's trace is kept, and why.
package enum TraceDecision: String, EventLabel {
    case keptError = "kept_error"
    case keptSlow = "kept_slow"
    case keptSampled = "kept_sampled"
    case keptForced = "kept_forced"
    /// It would have been kept, had there not been so many: its one record is all there is of it.
    case limited
    case dropped

    var isKept: Bool { self != .dropped && self != .limited }

    /// The word in the request's record.
    package var word: StaticString? {
        switch self {
        case .keptError: "error"
        case .keptSlow: "slow"
        case .keptSampled: "head"
        case .keptForced: "forced"
        case .limited, .dropped: nil
        }
    }

    var isHindsight: Bool {
        switch self {
        case .keptError, .keptSlow, .keptForced: true
        case .keptSampled, .limited, .dropped: false
        }
    }
}

/// A finished request's trace as it is kept: a copy, so that the request can be forgotten.
package struct KeptTrace: Sendable {
    package var context: TraceContext
    package var requestID: String
    package var method: RequestMethod
    package var route: String
    package var path: String
    /// Secrets masked; empty where there was none.
    package var query: String
    package var status: Int
    package var errorType: String?
    package var errorCode: String?
    package var errorMessage: String?
    package var role: String
    package var user: String
    package var clientAddress: String
    package var userAgent: String
    /// Which its statements ran in: the database, and the schema, where there is one.
    package var namespace: String
    package var decision: TraceDecision
    package var hasSlowStatement: Bool
    /// A plan was asked for that belongs to one of its statements.
    package var isPlanned: Bool
    /// Wall time at which the request began.
    package var startedAtWall: UInt64
    package var durationNanoseconds: UInt64
    package var layers: [(layer: Layer, nanoseconds: UInt64)]
    /// Times are relative to the request's start.
    package var spans: [TraceSpan]
    package var spansLost: Int
    var middleware: MiddlewareTimes?
    package var attributes: [TraceAttribute]
    package var traceState: String?
    package var baggage: String?

    /// Distinct for each span, and the same whenever it is shown.
    package func spanID(_ position: Int) -> UInt64 {
        position < 0
            ? context.spanID
            : max(1, IdentifierSource.mixed(context.spanID &+ UInt64(position) &+ 1))
    }
}

extension KeptTrace {
    /// What is known of the span at this position; -1 for the request itself.
    package func attributes(of position: Int) -> [TraceAttribute] {
        attributes.filter { Int($0.span) == position }
    }

    /// Plans come after the request; they are shown where their statements are.
    package func adding(_ plans: [(span: Int8, plan: StatementPlan)]) -> KeptTrace {
        var trace = self
        for (span, plan) in plans {
            func note(_ key: StaticString, _ text: String) {
                trace.attributes.append(TraceAttribute(key: key, value: .text(text), span: span))
            }
            note("lucarne.plan", plan.outline.joined(separator: "\n"))
            for finding in plan.findings { note("lucarne.plan.finding", finding) }
            note("lucarne.plan.json", plan.json)
        }
        return trace
    }
}

/// The latest kept traces of each kind: failed ones are not pushed out by ordinary ones.
package final class TraceStore: Sendable {
    private struct Ring {
        var traces: [KeptTrace] = []
        var next = 0

        /// Returns the trace that had to go.
        mutating func append(_ trace: KeptTrace, max: Int) -> KeptTrace? {
            guard traces.count >= max else {
                traces.append(trace)
                return nil
            }
            defer { next = (next + 1) % max }
            let oldest = traces[next]
            traces[next] = trace
            return oldest
        }
    }

    private struct Key: Hashable {
        var high: UInt64
        var low: UInt64
    }

    private struct State {
        var rings: [Ring] = [Ring(), Ring(), Ring()]
        /// How many kept traces have the id: a client may reuse one.
        var ids: [Key: Int] = [:]
    }

    private let metrics: TraceMetrics
    private let tracesMax: Int
    private let baggageKeys: Set<String>
    private let secretNames: SecretNames
    private let database: DatabaseStanding
    private let exporter: TraceExporter?
    private let state = Mutex(State())

    init(
        _ metrics: TraceMetrics,
        _ tracesMax: Int,
        baggageKeys: Set<String> = [],
        secretNames: SecretNames = SecretNames(),
        database: DatabaseStanding = DatabaseStanding(),
        exporter: TraceExporter? = nil
    ) {
        self.metrics = metrics
        self.tracesMax = max(1, tracesMax)
        self.baggageKeys = baggageKeys
        self.secretNames = secretNames
        self.database = database
        self.exporter = exporter
    }

    package func contains(_ high: UInt64, _ low: UInt64) -> Bool {
        state.withLock { $0.ids[Key(high: high, low: low)] != nil }
    }

    /// Newest first.
    package var all: [KeptTrace] {
        state.withLock { $0.rings.flatMap(\.traces) }
            .sorted { $0.startedAtWall > $1.startedAtWall }
    }

    /// The traces with this id (32 hexadecimal digits).
    package func find(_ id: String) -> [KeptTrace] {
        let bytes = Array(id.utf8)
        guard bytes.count == 32,
            let high = Hexadecimal.parse(bytes.span, from: 0, digits: 16),
            let low = Hexadecimal.parse(bytes.span, from: 16, digits: 16)
        else { return [] }
        return state.withLock { state in
            state.rings.flatMap(\.traces)
                .filter { $0.context.traceIDHigh == high && $0.context.traceIDLow == low }
        }
    }

    func decided(_ decision: TraceDecision, slot: Int) {
        metrics.decisions[decision.position].add(1, slot: slot)
    }

    func keep(
        _ trace: RequestTrace,
        _ summary: borrowing RequestSummary,
        _ route: RouteTelemetry,
        wallOffset: UInt64
    ) {
        let kept = KeptTrace(
            trace,
            summary,
            route,
            wallOffset: wallOffset,
            baggageKeys: baggageKeys,
            secretNames: secretNames,
            namespace: database.namespace(unsafe trace.schema)
        )
        exporter?.offer(kept)
        let pool = TraceMetrics.pool(of: trace.decision)
        state.withLock { state in
            let gone = state.rings[pool].append(kept, max: tracesMax)
            state.ids[
                Key(high: kept.context.traceIDHigh, low: kept.context.traceIDLow),
                default: 0
            ] += 1
            if let gone {
                let key = Key(high: gone.context.traceIDHigh, low: gone.context.traceIDLow)
                let left = (state.ids[key] ?? 1) - 1
                state.ids[key] = left > 0 ? left : nil
            } else {
                metrics.kept[pool].add(1)
            }
        }
        for (histogram, value) in unsafe trace.waitingExemplars {
            let wall = unsafe trace.endedAt &+ wallOffset
            histogram.point(at: trace.context, value: value, wall: wall)
        }
    }
}

extension KeptTrace {
    /// What a client chose the length of is cut: it may have chosen many of them.
    private static let textBytesMax = 2_048

    /// What a caller chose to say is kept as a log record has it, without what looks like a secret.
    init(
        _ trace: RequestTrace,
        _ summary: borrowing RequestSummary,
        _ route: RouteTelemetry,
        wallOffset: UInt64,
        baggageKeys: Set<String>,
        secretNames: SecretNames,
        namespace: String
    ) {
        func shown(_ text: String) -> String { Redaction.masked(text).text }
        func shown(_ bytes: ArraySlice<UInt8>) -> String {
            shown(String(decoding: bytes.prefix(Self.textBytesMax), as: UTF8.self))
        }
        context = trace.context
        requestID = shown(trace.requestID)
        method = trace.method
        self.route = route.template
        path = shown(summary.path)
        query = shown(secretNames.masked(query: summary.query)?[...] ?? summary.query)
        status = summary.status
        errorType = summary.errorType
        errorCode = summary.errorCode
        errorMessage = summary.errorMessage.map(shown)
        role = unsafe trace.role
        user = shown(trace.user)
        clientAddress = summary.clientAddress
        userAgent = shown(summary.userAgent)
        self.namespace = namespace
        decision = trace.decision
        hasSlowStatement = trace.hasSlowStatement
        isPlanned = trace.isPlanned
        durationNanoseconds = trace.durationNanoseconds
        startedAtWall = trace.startedAt &+ wallOffset
        layers = Layer.allCases.map { ($0, trace.selfNanoseconds($0)) }
        spans = unsafe (0..<trace.spanCount).map { position in
            var span = trace.span(position)
            span.startedAt &-= trace.startedAt
            span.endedAt &-= trace.startedAt
            return span
        }
        spansLost = trace.spansLost
        middleware = unsafe trace.middleware
        attributes = trace.attributes.map { attribute in
            guard case .text(let text) = attribute.value else { return attribute }
            return TraceAttribute(
                key: attribute.key,
                value: .text(shown(text)),
                span: attribute.span
            )
        }
        traceState = trace.traceStateText.map(shown)
        baggage = trace.givenBaggage.flatMap { Baggage.allowed($0, keys: baggageKeys) }.map(shown)
    }
}

struct TraceMetrics: MetricSet {
    let decisions: [Counter]
    let kept: [Gauge]

    private static let pools = ["recent", "error", "slow"]

    init(_ registry: MetricRegistry) {
        let decisions = registry.counter(
            "lucarne_spans_total",
            "Finished request traces by tail sampling decision.",
            labels: [MetricLabel("decision", TraceDecision.self)],
            layer: "trace"
        )
        self.decisions = TraceDecision.allCases.map { decisions($0.rawValue) }
        let kept = registry.gauge(
            "lucarne_flight_recorder_traces",
            "Traces held in memory.",
            labels: [MetricLabel("pool", Self.pools)],
            layer: "trace"
        )
        self.kept = Self.pools.map { kept($0) }
    }

    static func pool(of decision: TraceDecision) -> Int {
        switch decision {
        case .keptSampled, .keptForced, .limited, .dropped: 0
        case .keptError: 1
        case .keptSlow: 2
        }
    }
}

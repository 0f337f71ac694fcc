// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSONCoding
import Synchronization

/// Sends kept traces to an OTLP receiver, from a thread of its own. The queue is bounded: what
/// finds no room is counted, and nobody waits.
package final class TraceExporter: Sendable {
    private struct State: Sendable {
        var waiting: [KeptTrace] = []
        var isClosed = false
    }

    private let service: ServiceIdentity
    private let metrics: ExportMetrics
    private let plans: StatementPlans
    private let exporter: Mutex<Exporter>
    private let spansMax: Int
    private let state = Mutex(State())
    private let queuedSpans = Atomic<Int>(0)
    private let hasEnded = Atomic<Bool>(false)
    private let patience = LogPatience()
    private let wakeup = WakeSignal()

    /// A document has so many traces at most, and waits so long for more.
    private static let tracesMax = 64
    private static let gatherMilliseconds: Int32 = 1_000
    /// A trace waits so long for the plan that was asked for on its behalf.
    private static let planNanoseconds: UInt64 = 5_000_000_000

    init(
        _ endpoint: ExportEndpoint,
        _ service: ServiceIdentity,
        _ metrics: ExportMetrics,
        plans: StatementPlans,
        spansMax: Int = 8_192
    ) {
        self.service = service
        self.metrics = metrics
        self.plans = plans
        self.spansMax = spansMax
        exporter = Mutex(Exporter(endpoint.appending("/v1/traces"), durations: metrics[.traces]))
    }

    func start() {
        let isRunning = BackgroundThread.start("trace export") { [self] in run() }
        if !isRunning { hasEnded.store(true, ordering: .releasing) }
    }

    func offer(_ trace: KeptTrace) {
        let spans = trace.spans.count + 1
        let isFirst = state.withLock { state -> Bool? in
            let queued = queuedSpans.load(ordering: .relaxed)
            guard !state.isClosed, queued + spans <= spansMax else { return nil }
            queuedSpans.add(spans, ordering: .relaxed)
            state.waiting.append(trace)
            return state.waiting.count == 1 || state.waiting.count == Self.tracesMax
        }
        guard let isFirst else { return metrics.count(.traces, .dropped, spans) }
        metrics.queued[ExportMetrics.Signal.traces.position].add(spans)
        if isFirst { wakeup.raise() }
    }

    private func run() {
        var isLast = false
        while !isLast {
            let isAnyHeld = state.withLock { !$0.waiting.isEmpty }
            wakeup.wait(milliseconds: isAnyHeld ? Self.gatherMilliseconds : -1)
            // More may come; a full document, or the end, is a second signal.
            if !patience.isEnding { wakeup.wait(milliseconds: Self.gatherMilliseconds) }
            isLast = state.withLock { $0.isClosed }
            while let traces = take() { send(traces) }
        }
        hasEnded.store(true, ordering: .releasing)
    }

    private func take() -> [KeptTrace]? {
        state.withLock { state in
            let isClosed = state.isClosed
            let due = state.waiting.indices.filter { isClosed || isDue(state.waiting[$0]) }
                .prefix(Self.tracesMax)
            guard !due.isEmpty else { return nil }
            let taken = due.map { state.waiting[$0] }
            for position in due.reversed() { state.waiting.remove(at: position) }
            return taken
        }
    }

    private func isDue(_ trace: KeptTrace) -> Bool {
        guard trace.isPlanned, plans.plans(of: trace.context).isEmpty else { return true }
        let endedAt = trace.startedAtWall &+ trace.durationNanoseconds
        return wallNanoseconds() &- endedAt >= Self.planNanoseconds
    }

    private func send(_ traces: [KeptTrace]) {
        let spans = traces.reduce(0) { $0 + $1.spans.count + 1 }
        defer {
            queuedSpans.subtract(spans, ordering: .relaxed)
            metrics.queued[ExportMetrics.Signal.traces.position].add(-spans)
        }
        guard !patience.isOver else { return metrics.count(.traces, .failed, spans) }
        let planned = traces.map { trace in
            trace.decision == .keptSlow ? trace.adding(plans.plans(of: trace.context)) : trace
        }
        let document = TraceDocument.otlp(planned, service: service).compactBytes
        let outcome = exporter.withLock { $0.send(document, patience) }
        metrics.sent(.traces, spans, outcome)
    }

    /// Sends what is queued, waiting at most so long.
    package func close(timeoutMilliseconds: Int = 2_000) {
        let deadline = uptimeNanoseconds() &+ UInt64(timeoutMilliseconds) &* 1_000_000
        patience.end(at: deadline)
        state.withLock { $0.isClosed = true }
        wakeup.raise()
        while !hasEnded.load(ordering: .acquiring), uptimeNanoseconds() < deadline { usleep(500) }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One request's passage through the layers.
///
/// At any instant exactly one layer is current, and each transition reads the clock once: the
/// self times of the layers therefore add up to the duration, to the nanosecond.
///
/// Exclusivity is not checked at run time for what every transition touches: one thread has the
/// object, and no accessor calls out.
///
/// `@unchecked Sendable`: written by the request's loop only. What another thread may look at
/// while the request runs is constant or atomic: ids, start, method, current layer, route.
@safe package final class RequestTrace: @unchecked Sendable {
    package let context: TraceContext
    package let startedAt: UInt64
    package let method: RequestMethod
    /// The caller's `X-Request-Id`; without one the trace id serves.
    package let givenRequestID: String?

    @exclusivity(unchecked) package var role = ""
    package var user = ""
    /// Which its statements ran in.
    @exclusivity(unchecked) package var schema = ""
    @exclusivity(unchecked) package var statementCount = 0
    /// Whoever asks for it sees the request's debug records and finds its trace kept.
    package var isForced = false
    /// One of its statements was reported as slow, by this trace's id.
    var hasSlowStatement = false
    /// A plan is on its way that will be shown with this trace.
    var isPlanned = false
    /// What the caller's `tracestate` and `baggage` say, where it sent any.
    private(set) var traceState: TraceState?
    private(set) var givenBaggage: String?
    /// Where somebody looked.
    @exclusivity(unchecked) var middleware: MiddlewareTimes?
    @exclusivity(unchecked) private var notes: [TraceAttribute] = []
    /// Kept apart, since most requests have one: an array would be an allocation.
    @exclusivity(unchecked) private(set) var firstStatement: NotedStatement?
    /// One credential, one body: more than these are not refused.
    @exclusivity(unchecked) private var events = InlineArray<2, NotedEvent>(repeating: .none)
    @exclusivity(unchecked) private(set) var eventCount: UInt8 = 0
    @exclusivity(unchecked) package private(set) var spanCount = 0
    package private(set) var spansLost = 0
    @exclusivity(unchecked) package private(set) var endedAt: UInt64 = 0

    /// Statements whose exemplar awaits the decision whether this trace is kept.
    @exclusivity(unchecked) var waitingExemplars: [(histogram: Histogram, value: UInt64)] = []

    private let currentLayer: Atomic<UInt8>
    private let currentRoute = Atomic<UInt>(0)
    @exclusivity(unchecked) private var enteredAt: UInt64
    @exclusivity(unchecked) private var currentSpan: Int8 = -1
    @exclusivity(unchecked) private var servicePosition: Int8 = -1
    @exclusivity(unchecked) private var spansOpenBeyond = 0
    @exclusivity(unchecked) private var ledger = InlineArray<11, UInt64>(repeating: 0)
    @exclusivity(unchecked) private var spans = InlineArray<20, TraceSpan>(repeating: .none)
    /// Where its slot's list of requests under way has it.
    @exclusivity(unchecked) var flightPosition = -1
    var flightSlot = Shard.foreign
    /// The one that ended after it, once it is over.
    @exclusivity(unchecked) var nextEnded: Unmanaged<RequestTrace>?
    /// Once it is over, what the server knows of it, and what becomes of its trace.
    var summary = RequestSummary(status: 0)
    var decision = TraceDecision.dropped
    /// The level of its record; nil where it has none.
    var recordLevel: LogLevel?
    /// Its debug records are written, whatever the level.
    var isHindsight = false

    /// Begins in `parse`, at the moment the request's first byte was read.
    package init(
        startedAt: UInt64,
        context: TraceContext,
        requestID: String? = nil,
        method: RequestMethod = .other
    ) {
        self.startedAt = startedAt
        self.context = context
        self.method = method
        givenRequestID = requestID
        unsafe enteredAt = startedAt
        currentLayer = Atomic(Layer.parse.rawValue)
    }

    package var requestID: String { givenRequestID ?? context.traceIDText }

    package var layer: Layer { Layer(rawValue: currentLayer.load(ordering: .relaxed)) ?? .parse }

    /// Set when the request is routed. A route outlives its requests: it is never given back.
    package var route: RouteTelemetry? {
        get {
            let bits = currentRoute.load(ordering: .acquiring)
            guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
            return unsafe Unmanaged<RouteTelemetry>.fromOpaque(pointer).takeUnretainedValue()
        }
        set {
            let pointer = unsafe newValue.map { unsafe Unmanaged.passUnretained($0).toOpaque() }
            currentRoute.store(UInt(bitPattern: pointer), ordering: .releasing)
        }
    }

    /// The route, or else another, without counting a reference: all loops would write to it.
    @inline(__always)
    func withRoute(or other: RouteTelemetry, _ body: (RouteTelemetry) -> Void) {
        let bits = currentRoute.load(ordering: .acquiring)
        let pointer = unsafe UnsafeRawPointer(bitPattern: bits)
        let reference = unsafe pointer.map { unsafe Unmanaged<RouteTelemetry>.fromOpaque($0) }
        unsafe (reference ?? .passUnretained(other))._withUnsafeGuaranteedRef(body)
    }

    /// Takes what came with the caller's `traceparent`; a malformed `tracestate` counts as none.
    package func receive(traceState: String?, baggage: String?) {
        self.traceState = traceState.flatMap { TraceState(parsing: $0) }
        givenBaggage = baggage
        if self.traceState?.asksToKeep == true { isForced = true }
    }

    /// The `tracestate` for the next hop: the caller's, our member before it.
    package var traceStateText: String? {
        traceState?.text(own: isForced ? "keep" : context.spanIDText)
    }

    /// Adds a fact to the open span.
    package func note(_ key: StaticString, _ value: String) {
        unsafe notes.append(TraceAttribute(key: key, value: .text(value), span: currentSpan))
    }

    package func note(_ key: StaticString, _ value: Int) {
        unsafe notes.append(TraceAttribute(key: key, value: .integer(value), span: currentSpan))
    }

    /// Keeps a debug record's facts until it is known whether there is to be one; false where that
    /// cannot be.
    func note(_ fact: NotedEvent.Fact) -> Bool {
        guard unsafe flightPosition >= 0 && endedAt == 0, unsafe Int(eventCount) < events.count
        else { return false }
        unsafe events[Int(eventCount)] = NotedEvent(fact: fact, at: uptimeNanoseconds())
        unsafe eventCount += 1
        return true
    }

    func event(_ position: Int) -> NotedEvent { unsafe events[position] }

    /// Adds an ordinary statement to the open span, to be counted together with its request; false
    /// where that cannot be: a trace that is no request's is never accounted for.
    func noteFirst(_ series: StatementSeries.Handle, nanoseconds: UInt64, rows: Int) -> Bool {
        guard unsafe flightPosition >= 0 && statementCount == 0 && endedAt == 0 else {
            return false
        }
        unsafe statementCount = 1
        unsafe firstStatement = unsafe NotedStatement(
            series: series,
            nanoseconds: nanoseconds,
            rows: rows,
            span: currentSpan
        )
        return true
    }

    /// Adds a statement to the open span that is counted at once.
    func note(_ summary: String, rows: Int, sqlState: String?) {
        unsafe statementCount += 1
        note("db.query.summary", summary)
        note("db.response.returned_rows", rows)
        if let sqlState { note("db.response.status_code", sqlState) }
    }

    /// Adds a statement to the open span that goes on beyond it.
    func note(opened summary: String) {
        unsafe statementCount += 1
        note("db.query.summary", summary)
    }

    /// What came of it: its rows belong to the span that has its name, its failure to the span that
    /// failed, if there was still room for that.
    func note(rows: Int, sqlState: String?, ofStatementIn span: Int8) {
        let count = TraceAttribute.Value.integer(rows)
        unsafe notes.append(
            TraceAttribute(key: "db.response.returned_rows", value: count, span: span)
        )
        guard let sqlState else { return }
        let failed = unsafe spansOpenBeyond == 0 ? currentSpan : span
        unsafe notes.append(
            TraceAttribute(key: "db.response.status_code", value: .text(sqlState), span: failed)
        )
    }

    /// What is known of the request and its spans. Made when somebody looks.
    package var attributes: [TraceAttribute] {
        unsafe (firstStatement?.attributes ?? []) + notes
    }
}

extension RequestTrace {
    /// Goes into a layer and says which one to come back to. One clock read.
    @discardableResult
    package func enter(_ layer: Layer) -> Layer {
        enter(layer, named: layer.label, at: uptimeNanoseconds())
    }

    /// Comes back. Whatever was open inside ends now.
    package func leave(to previous: Layer, failed: Bool = false) {
        leave(to: previous, failed: failed, at: uptimeNanoseconds())
    }

    /// Goes on to the next layer beside the current one: the end of one is the start of the other.
    package func move(to layer: Layer, at now: UInt64 = uptimeNanoseconds()) {
        closeSpan(failed: false, at: now)
        enter(layer, named: layer.label, at: now)
    }

    /// The response is there, and is only to be written, with a header that says where the time went
    /// until now. Whoever makes the header says so first.
    package func beginWriting() {
        if layer != .write { move(to: .write) }
    }

    @discardableResult
    package func enter(_ layer: Layer, named name: StaticString, at now: UInt64) -> Layer {
        let previous = transition(to: layer, at: now)
        openSpan(layer, named: name, at: now)
        return previous
    }

    package func leave(to previous: Layer, failed: Bool, at now: UInt64) {
        transition(to: previous, at: now)
        closeSpan(failed: failed, at: now)
    }

    /// The last byte is written, or the peer has left: the ledger is closed.
    package func end(at now: UInt64 = uptimeNanoseconds()) {
        guard unsafe endedAt == 0 else { return }
        transition(to: layer, at: now)
        while unsafe currentSpan >= 0 { closeSpan(failed: false, at: now) }
        unsafe endedAt = now
    }

    package var durationNanoseconds: UInt64 {
        unsafe (endedAt == 0 ? uptimeNanoseconds() : endedAt) &- startedAt
    }

    /// Time spent in the layer itself, not in those it called.
    @inline(__always)
    package func selfNanoseconds(_ layer: Layer) -> UInt64 { unsafe ledger[Int(layer.rawValue)] }

    /// The same, by the layer's place among all.
    @inline(__always)
    func selfNanoseconds(at position: Int) -> UInt64 { unsafe ledger[position] }

    package func span(_ position: Int) -> TraceSpan { unsafe spans[position] }

    /// The service's first span, if it came so far.
    var serviceSpan: TraceSpan? {
        unsafe servicePosition < 0 ? nil : spans[Int(servicePosition)]
    }

    /// The innermost span that is open, by position.
    var openSpan: Int8 { unsafe currentSpan }

    @discardableResult
    private func transition(to layer: Layer, at now: UInt64) -> Layer {
        let previous = self.layer
        unsafe ledger[Int(previous.rawValue)] &+= now &- enteredAt
        unsafe enteredAt = now
        currentLayer.store(layer.rawValue, ordering: .relaxed)
        return previous
    }

    private func openSpan(_ layer: Layer, named name: StaticString, at now: UInt64) {
        guard unsafe spanCount < spans.count else {
            spansLost += 1
            unsafe spansOpenBeyond += 1
            return
        }
        unsafe spans[spanCount] = unsafe TraceSpan(
            name: name,
            layer: layer,
            failed: false,
            parent: currentSpan,
            startedAt: now,
            endedAt: 0
        )
        unsafe currentSpan = unsafe Int8(spanCount)
        if layer == .service, unsafe servicePosition < 0 {
            unsafe servicePosition = unsafe currentSpan
        }
        unsafe spanCount += 1
    }

    private func closeSpan(failed: Bool, at now: UInt64) {
        // Spans beyond the arena were never opened; they close first.
        guard unsafe spansOpenBeyond == 0 else { return unsafe spansOpenBeyond -= 1 }
        guard unsafe currentSpan >= 0 else { return }
        let position = unsafe Int(currentSpan)
        unsafe spans[position].endedAt = now
        unsafe spans[position].failed = failed
        unsafe currentSpan = unsafe spans[position].parent
    }
}

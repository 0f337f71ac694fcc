// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One route template's series, resolved when the route is registered: a request only adds.
package final class RouteTelemetry: Sendable {
    /// What requests that no route takes are counted under.
    static let unmatched = "_unmatched"

    package let template: String
    /// Probes and scrapes: no part of the service's own figures, and logged at debug only.
    package let isOperational: Bool

    let requestBytes: Histogram
    let responseBytes: Histogram
    let firstByte: Histogram
    let statements: Histogram
    let layers: [Counter]
    let aborts: [Counter]
    let panics: Counter
    let slowLimit: SlowLimit
    /// By method, and whether it went well.
    private let services: [(ok: Histogram, error: Histogram)]
    private let validations: [Counter]
    private let families: HTTPMetrics
    private let outcomes: OutcomeSeries
    private let problems = Mutex<[String: Counter]>([:])

    /// How requests fail for reasons of the service's own (`RestStatus`, `Refusal`). Deadlocks and
    /// what else a 500 says of kinds without a word here are `other`.
    private static let failures: [(status: Int, ErrorType)] = [
        (500, .internalFailure), (500, .timedOut), (500, .unavailable), (500, .other),
        (503, .overloaded), (503, .unavailable), (504, .timedOut),
    ]

    /// Codes come from SQL as well (`RAISE … USING ERRCODE`), so their number is bounded.
    private static let problemCodesMax = 64

    package init(
        template: String,
        registry: MetricRegistry,
        methods: [RequestMethod] = [],
        isOperational: Bool = false,
        service: ServiceName? = nil
    ) {
        let families = (isOperational ? .unseen : registry).shared(HTTPMetrics.self)
        self.template = template
        self.isOperational = isOperational
        self.families = families
        requestBytes = families.requestBytes(template)
        responseBytes = families.responseBytes(template)
        firstByte = families.firstByte(template)
        statements = families.statements(template)
        layers = Layer.allCases.map { families.layerSelf($0.label.text, template) }
        aborts = AbortReason.allCases.map { families.aborts(template, $0.label.text) }
        panics = families.panics(template)
        validations = RequestPart.allCases.map { families.validations(template, $0.rawValue) }
        services =
            service.map { service in
                RequestMethod.allCases.map { method in
                    let operation = service.operation ?? ServiceOperation(method)
                    let series = ["ok", "error"].map {
                        families.services(service.name, operation.rawValue, $0)
                    }
                    return (series[0], series[1])
                }
            } ?? []
        outcomes = OutcomeSeries(template: template, family: families.duration)
        slowLimit = SlowLimit(outcomes)
        // Never given back: a request refers to its route without counting, and its loop may account
        // for it when whoever made the route, at the end of the process, has let go of it.
        _ = unsafe Unmanaged.passRetained(self)
        guard !isOperational else { return }
        registry.shared(SlowLimits.self).add(slowLimit)
        // A rate needs to see the zero before the first failure.
        for method in methods {
            for status in [200, 400, 401, 404] { _ = outcomes.histogram(method, status, .none) }
            for (status, error) in Self.failures { _ = outcomes.histogram(method, status, error) }
        }
    }

    /// For requests that no route takes.
    static func unrouted(_ registry: MetricRegistry, isOperational: Bool) -> RouteTelemetry {
        RouteTelemetry(
            template: unmatched,
            registry: registry,
            methods: isOperational ? [] : [.get, .post],
            isOperational: isOperational
        )
    }

    /// A request was refused for what that part of it says.
    package func refused(for part: RequestPart) { validations[part.position].add() }

    /// The service's part of a request, where it came so far.
    func count(serviceOf trace: RequestTrace, slot: Int) {
        guard !services.isEmpty, let span = trace.serviceSpan else { return }
        let series = services[Int(trace.method.rawValue)]
        (span.failed ? series.error : series.ok)
            .observe(span.endedAt &- span.startedAt, slot: slot)
    }

    func duration(_ method: RequestMethod, status: Int, errorType: ErrorType) -> Histogram {
        outcomes.histogram(method, status, errorType)
    }

    func problem(_ code: String) -> Counter {
        problems.withLock { counters in
            if let counter = counters[code] { return counter }
            let label = counters.count < Self.problemCodesMax ? code : "_other"
            let counter = families.problems(label, template)
            if label == code { counters[code] = counter }
            return counter
        }
    }
}

/// What a route's requests ask for, and of whom.
package struct ServiceName: Sendable {
    package var name: String
    /// The same for all methods; nil where the method says it.
    package var operation: ServiceOperation?

    package init(_ name: String, _ operation: ServiceOperation? = nil) {
        self.name = name
        self.operation = operation
    }
}

package enum ServiceOperation: String, EventLabel {
    case read, create, update, upsert, delete, call, describe

    init(_ method: RequestMethod) {
        self =
            switch method {
            case .get, .head: .read
            case .post: .create
            case .patch: .update
            case .put: .upsert
            case .delete: .delete
            case .options, .other: .describe
            }
    }
}

/// `error_type` on the duration histogram: the words of a problem's kind, closed here so that
/// the number of series is known. Empty for what the service did not fail at.
enum ErrorType: String, EventLabel {
    case none = ""
    case overloaded, unavailable, cancelled
    case timedOut = "timed_out"
    case internalFailure = "internal_failure"
    /// OpenTelemetry's word for an error without a type of its own.
    case other = "_OTHER"

    init(status: Int, word: String?, aborted: AbortReason?) {
        if aborted == .deadline {
            self = .timedOut
        } else if status < 500 {
            self = .none
        } else {
            self = word.flatMap(ErrorType.init(rawValue:)) ?? .other
        }
    }
}

/// A route's duration series by method, status and error type.
///
/// Read without a lock: a new combination publishes a new table. Old tables are kept, since a
/// reader may be in one; there are at most as many as combinations.
@safe final class OutcomeSeries: Sendable {
    private final class Table: Sendable {
        let keys: [UInt32]
        let histograms: [Histogram]

        init(keys: [UInt32], histograms: [Histogram]) {
            self.keys = keys
            self.histograms = histograms
        }
    }

    let template: String
    private let family: HistogramFamily
    private let current: Atomic<UInt>
    private let tables: Mutex<[Table]>

    private static let combinationsMax = 120

    init(template: String, family: HistogramFamily) {
        self.template = template
        self.family = family
        let table = Table(keys: [], histograms: [])
        tables = Mutex([table])
        current = unsafe Atomic(UInt(bitPattern: Unmanaged.passUnretained(table).toOpaque()))
    }

    func histogram(_ method: RequestMethod, _ status: Int, _ error: ErrorType) -> Histogram {
        let code = UInt32(truncatingIfNeeded: status) & 0xFFFF
        let key = UInt32(method.rawValue) << 24 | UInt32(error.position) << 16 | code
        if let histogram = find(key) { return histogram }
        return insert(key, method, status, error)
    }

    /// Those that this route alone has.
    var histograms: [Histogram] { tables.withLock { $0.last?.histograms ?? [] } }

    private func find(_ key: UInt32) -> Histogram? {
        let bits = current.load(ordering: .acquiring)
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
        // Tables are never given back: no reference need be counted.
        return unsafe Unmanaged<Table>.fromOpaque(pointer)._withUnsafeGuaranteedRef { table in
            guard let position = table.keys.firstIndex(of: key) else { return nil }
            return table.histograms[position]
        }
    }

    private func insert(
        _ key: UInt32,
        _ method: RequestMethod,
        _ status: Int,
        _ error: ErrorType
    ) -> Histogram {
        tables.withLock { tables in
            if let histogram = find(key) { return histogram }
            guard let last = tables.last, last.keys.count < Self.combinationsMax else {
                return family("_OTHER", template, "_other", "", "http")
            }
            let (method, error) = (method.label.text, error.rawValue)
            let histogram = family(method, template, "\(status)", error, "http")
            let table = Table(keys: last.keys + [key], histograms: last.histograms + [histogram])
            tables.append(table)
            let pointer = unsafe Unmanaged.passUnretained(table).toOpaque()
            current.store(UInt(bitPattern: pointer), ordering: .releasing)
            return histogram
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSONCoding
import Synchronization

/// The registry as OTLP's JSON has it: cumulative, under the names of the catalogue.
///
/// A family with native buckets is an exponential histogram: its buckets are the same, but for
/// OTLP naming one by its lower bound where Prometheus does by its upper one.
struct MetricsExport {
    private let started: String
    private let now: String
    private let isHeld: (Exemplar) -> Bool

    /// Of a collection of running totals (`AGGREGATION_TEMPORALITY_CUMULATIVE`).
    private static let cumulative = JSONValue.integer(2)

    /// Exemplars are those whose traces are held: one that nobody can open says nothing.
    ///
    /// Nil when there is nothing to tell; else the document and how many data points it has.
    static func document(
        _ registry: MetricRegistry,
        _ service: ServiceIdentity,
        startedAt: UInt64,
        now: UInt64 = wallNanoseconds(),
        isHeld: @escaping (Exemplar) -> Bool
    ) -> (JSONValue, points: Int)? {
        registry.runRefreshers()
        let export = MetricsExport(started: "\(startedAt)", now: "\(now)", isHeld: isHeld)
        var points = 0
        let metrics = registry.families.compactMap { family -> JSONValue? in
            let series = family.series
            points += series.count
            // Not `nil`, which would be JSON's null: no receiver takes a document with one in it.
            return series.isEmpty ? .none : .some(export.metric(family, series))
        }
        guard !metrics.isEmpty else { return nil }
        let scope = JSONValue.object([
            ("scope", OTLP.scope(service)), ("metrics", .array(metrics)),
        ])
        let resource = JSONValue.object([
            ("resource", OTLP.resource(service)), ("scopeMetrics", .array([scope])),
        ])
        return (.object([("resourceMetrics", .array([resource]))]), points)
    }

    private func metric(_ family: MetricFamily, _ series: [Series]) -> JSONValue {
        let description = family.description
        let points = JSONValue.array(series.map { point($0, of: family) })
        var body: [(String, JSONValue)] = [("dataPoints", points)]
        let kind: String
        switch description.kind {
        case .gauge, .info: kind = "gauge"
        case .counter:
            kind = "sum"
            body += [("aggregationTemporality", Self.cumulative), ("isMonotonic", .bool(true))]
        case .histogram:
            kind = description.isNative ? "exponentialHistogram" : "histogram"
            body.append(("aggregationTemporality", Self.cumulative))
        }
        return .object([
            ("name", .string(description.name)), ("description", .string(description.help)),
            ("unit", .string(description.unit.inUCUM)), (kind, .object(body)),
        ])
    }

    private func point(_ series: Series, of family: MetricFamily) -> JSONValue {
        let description = family.description
        let attributes = zip(description.labels, series.values).filter { !$0.1.isEmpty }
            .map { OTLP.attribute($0.0.name, $0.1) }
        var members: [(String, JSONValue)] = [
            ("attributes", .array(attributes)), ("startTimeUnixNano", .string(started)),
            ("timeUnixNano", .string(now)),
        ]
        switch description.kind {
        case .counter: members.append(value(Int(clamping: series.cell.sum()), description.unit))
        case .gauge:
            let signed = Int(Int64(bitPattern: series.cell.sum()))
            members.append(value(signed, description.unit))
        case .info: members.append(("asInt", .string("1")))
        case .histogram:
            guard let layout = family.layout else { break }
            let reading = HistogramReading(series, layout)
            members += histogram(reading, description)
            if let exemplars = reading.exemplars?.compactMap(\.self).filter(isHeld),
                !exemplars.isEmpty
            {
                let all = exemplars.map { exemplar($0, description.unit) }
                members.append(("exemplars", .array(all)))
            }
        }
        return .object(members)
    }

    private func value(
        _ integer: Int,
        _ unit: MetricDescription.Unit
    ) -> (String, JSONValue) {
        guard unit.isFractional else { return ("asInt", .string("\(integer)")) }
        return ("asDouble", Self.double(Double(integer) / 1e9))
    }

    private func histogram(
        _ reading: HistogramReading,
        _ description: MetricDescription
    ) -> [(String, JSONValue)] {
        let sum = Double(reading.sum) / (description.unit.isFractional ? 1e9 : 1)
        var members: [(String, JSONValue)] = [
            ("count", .string("\(reading.count)")), ("sum", Self.double(sum)),
        ]
        guard let native = reading.native else {
            let counts = reading.buckets.map { JSONValue.string("\($0)") }
            members.append(("bucketCounts", .array(counts)))
            members.append(("explicitBounds", .array(description.buckets.map(Self.double))))
            return members
        }
        members += [
            ("scale", .integer(native.schema)), ("zeroCount", .string("\(native.zeroCount)")),
            ("zeroThreshold", Self.double(NativeBuckets.zeroThreshold)),
        ]
        if let dense = native.dense {
            let counts = dense.counts.map { JSONValue.string("\($0)") }
            let buckets = [
                ("offset", JSONValue.integer(dense.first - 1)), ("bucketCounts", .array(counts)),
            ]
            members.append(("positive", .object(buckets)))
        }
        return members
    }

    private func exemplar(_ exemplar: Exemplar, _ unit: MetricDescription.Unit) -> JSONValue {
        let value = Double(exemplar.value) / (unit.isFractional ? 1e9 : 1)
        return .object([
            ("timeUnixNano", .string("\(exemplar.wallMilliseconds * 1_000_000)")),
            ("asDouble", Self.double(value)),
            ("traceId", .string(String(decoding: exemplar.traceID, as: UTF8.self))),
            ("spanId", .string(TraceDocument.hexadecimal(exemplar.spanID))),
        ])
    }

    private static func double(_ value: Double) -> JSONValue { .number("\(value)") }
}

extension NativeReading {
    /// All buckets from the first that holds anything to the last, without gaps.
    fileprivate var dense: (first: Int, counts: [UInt64])? {
        guard let first = runs.first else { return nil }
        var all: [UInt64] = []
        var rest = counts[...]
        for (position, run) in runs.enumerated() {
            if position > 0 { all += repeatElement(0, count: run.offset) }
            all += rest.prefix(run.length)
            rest = rest.dropFirst(run.length)
        }
        return (first.offset, all)
    }
}

extension MetricDescription.Unit {
    /// The Unified Code for Units of Measure, which OpenTelemetry names units by.
    fileprivate var inUCUM: String {
        switch self {
        case .seconds: "s"
        case .bytes: "By"
        default: "1"
        }
    }
}

/// Sends the registry to an OTLP receiver every so often, from a thread of its own.
final class MetricsExporter: Sendable {
    private let registry: MetricRegistry
    private let service: ServiceIdentity
    private let isHeld: @Sendable (Exemplar) -> Bool
    private let metrics: ExportMetrics
    private let exporter: Mutex<Exporter>
    private let period: Int32
    private let startedAt = wallNanoseconds()
    private let patience = LogPatience()
    private let wakeup = WakeSignal()
    private let hasEnded = Atomic<Bool>(false)

    init(
        _ endpoint: ExportEndpoint,
        _ service: ServiceIdentity,
        _ registry: MetricRegistry,
        isHeld: @escaping @Sendable (Exemplar) -> Bool,
        periodMilliseconds: Int32
    ) {
        self.registry = registry
        self.isHeld = isHeld
        self.service = service
        metrics = registry.shared(ExportMetrics.self)
        period = periodMilliseconds
        // After that there are newer ones.
        var rules = ExportRules.otlp
        rules.elapsedMax = min(rules.elapsedMax, UInt64(max(0, periodMilliseconds)) * 1_000_000)
        exporter = Mutex(
            Exporter(endpoint.appending("/v1/metrics"), rules, durations: metrics[.metrics])
        )
    }

    func start() {
        let isRunning = BackgroundThread.start("metric export") { [self] in run() }
        if !isRunning { hasEnded.store(true, ordering: .releasing) }
    }

    private func run() {
        var isLast = false
        while !isLast {
            wakeup.wait(milliseconds: period)
            isLast = patience.isEnding
            send()
        }
        hasEnded.store(true, ordering: .releasing)
    }

    private func send() {
        let made = MetricsExport.document(
            registry,
            service,
            startedAt: startedAt,
            isHeld: isHeld
        )
        guard let (document, points) = made else { return }
        let outcome = exporter.withLock { $0.send(document.compactBytes, patience) }
        metrics.sent(.metrics, points, outcome)
    }

    /// Sends the last state, waiting at most so long.
    func close(timeoutMilliseconds: Int = 2_000) {
        let deadline = uptimeNanoseconds() &+ UInt64(timeoutMilliseconds) &* 1_000_000
        patience.end(at: deadline)
        wakeup.raise()
        while !hasEnded.load(ordering: .acquiring), uptimeNanoseconds() < deadline { usleep(500) }
    }
}

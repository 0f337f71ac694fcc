// SPDX-License-Identifier: Apache-2.0
import Compression
import JSONCoding

/// How a receiver took what it was sent.
enum ExportOutcome: Equatable, Sendable {
    /// But for so many items, which it did not want.
    case accepted(rejected: Int)
    case rejected
    /// Too many at once, or some of them are not wanted: parts may be.
    case rejectedTogether
    /// Not reached, or too busy, for longer than was waited.
    case failed
}

/// What a kind of receiver means by its answers, and for how long it is worth asking again.
struct ExportRules: Sendable {
    var attemptsMax = Int.max
    /// From the first attempt on; nothing is begun afterwards.
    var elapsedMax = UInt64.max
    var firstPause: UInt64 = 500_000_000
    /// A pause doubles up to this: what waits meanwhile needs room.
    var ownPauseMax: UInt64 = 5_000_000_000
    /// No receiver is waited for longer than this between two attempts, whatever it says.
    var pauseMax: UInt64 = 30_000_000_000
    var isBusy: @Sendable (_ status: Int) -> Bool
    var isTaken: @Sendable (_ status: Int) -> Bool
    var isWorthDividing: @Sendable (_ status: Int) -> Bool

    /// opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response": 429, 502, 503 and 504 are
    /// asked again; nothing else is, least of all what was accepted in part. A proxy before the
    /// receiver may find a document too large. A receiver that is being restarted is asked for as long
    /// as the collector asks the next one (exporterhelper, `max_elapsed_time`).
    static let otlp = ExportRules(
        elapsedMax: 300_000_000_000,
        isBusy: { [429, 502, 503, 504].contains($0) },
        isTaken: { (200..<300).contains($0) },
        isWorthDividing: { $0 == 413 }
    )

    /// Loki says 500 as long as its ring is empty, so every 5xx may pass, as it does for Loki's own
    /// clients (clients/pkg/util/client.go), which try for nine minutes; what is sent twice, it
    /// keeps once. The queue is what waits meanwhile. 260 says that nothing was taken
    /// ("Ingest logs", `block_ingestion_until`); 400 that some records are too old or too long,
    /// and not which: the others were taken.
    static let loki = ExportRules(
        attemptsMax: 120,
        pauseMax: 5_000_000_000,
        isBusy: { $0 == 429 || (500..<600).contains($0) },
        isTaken: { $0 == 200 || $0 == 204 },
        isWorthDividing: { $0 == 400 || $0 == 413 }
    )
}

/// Sends documents to one receiver, again where that makes sense, after a growing, jittered pause or
/// `Retry-After`, whichever is longer; for one thread.
struct Exporter: ~Copyable {
    private var connection: ExportConnection
    private let compressor = GzipCompressor()
    private let rules: ExportRules
    private let durations: Histogram?
    /// What the receiver last asked for. It outlasts a document that is given up before.
    private var notBefore: UInt64 = 0

    /// `durations`: of each request, whatever becomes of it.
    init(
        _ endpoint: ExportEndpoint,
        _ rules: ExportRules = .otlp,
        durations: Histogram? = nil
    ) {
        connection = ExportConnection(endpoint)
        self.rules = rules
        self.durations = durations
    }

    mutating func send(_ document: [UInt8], _ patience: LogPatience) -> ExportOutcome {
        var body: [UInt8] = []
        compressor.reset()
        compressor.append(document, flush: .finish, to: &body)
        var pause = rules.firstPause
        var attempts = 0
        var started = uptimeNanoseconds()
        if notBefore > started {
            guard patience.sleep(nanoseconds: notBefore - started) else { return .failed }
            started = uptimeNanoseconds()
        }
        while true {
            attempts += 1
            var wait = UInt64.random(in: pause / 2...pause)
            do throws(ExportConnection.Failure) {
                let answer = try post(body)
                if rules.isTaken(answer.status) {
                    return .accepted(rejected: Self.rejected(in: answer.body))
                }
                guard rules.isBusy(answer.status) else {
                    return rules.isWorthDividing(answer.status) ? .rejectedTogether : .rejected
                }
                if let seconds = answer.retryAfter, seconds.isFinite, seconds >= 0 {
                    let asked = min(UInt64(min(seconds, 3_600) * 1e9), rules.pauseMax)
                    notBefore = uptimeNanoseconds() &+ asked
                    // No less than our own pause: one that asks for none would be asked without end.
                    wait = max(wait, asked)
                }
            } catch {
                // An answer that is none, or a receiver that is not there: it may come back.
            }
            wait = min(wait, rules.pauseMax)
            let elapsed = uptimeNanoseconds() &- started
            guard attempts < rules.attemptsMax, elapsed &+ wait < rules.elapsedMax,
                !patience.isEnding, patience.sleep(nanoseconds: wait)
            else { return .failed }
            pause = min(pause * 2, rules.ownPauseMax)
        }
    }

    private mutating func post(
        _ body: [UInt8]
    ) throws(ExportConnection.Failure) -> ExportAnswer {
        let started = uptimeNanoseconds()
        defer { durations?.observe(uptimeNanoseconds() &- started) }
        return try connection.post(body, isCompressed: true)
    }

    /// What an OTLP receiver says that it left out of an accepted document: never less than none.
    private static func rejected(in body: [UInt8]) -> Int {
        guard !body.isEmpty, let answer = try? JSONValue(parsing: body),
            let partial = answer["partialSuccess"]
        else { return 0 }
        for name in ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"] {
            if let count = partial[name] {
                return max(0, count.int ?? Int(count.string ?? "") ?? 0)
            }
        }
        return 0
    }
}

/// What became of what was sent.
struct ExportMetrics: MetricSet {
    enum Signal: String, EventLabel { case traces, logs, metrics }
    enum Result: String, EventLabel { case ok, rejected, failed, dropped }

    private let items: [[Counter]]
    private let durations: [Histogram]
    let queued: [Gauge]

    init(_ registry: MetricRegistry) {
        let signal = MetricLabel("signal", Signal.self)
        let items = registry.counter(
            "lucarne_export_items_total",
            "OTLP items exported.",
            labels: [signal, MetricLabel("result", Result.self)],
            layer: "trace"
        )
        self.items = Signal.allCases.map { signal in
            Result.allCases.map { items(signal.rawValue, $0.rawValue) }
        }
        let durations = registry.histogram(
            "lucarne_export_duration_seconds",
            "OTLP export request time.",
            labels: [signal],
            buckets: Buckets.http,
            layer: "trace"
        )
        self.durations = Signal.allCases.map { durations($0.rawValue) }
        let queued = registry.gauge(
            "lucarne_export_queue_items",
            "Items waiting for export.",
            labels: [signal],
            layer: "trace"
        )
        self.queued = Signal.allCases.map { queued($0.rawValue) }
    }

    /// How long each request for the signal takes.
    subscript(_ signal: Signal) -> Histogram { durations[signal.position] }

    func count(_ signal: Signal, _ result: Result, _ count: Int) {
        items[signal.position][result.position].add(UInt64(count))
    }

    func sent(_ signal: Signal, _ count: Int, _ outcome: ExportOutcome) {
        switch outcome {
        case .accepted(let claimed):
            let rejected = min(claimed, count)
            self.count(signal, .ok, count - rejected)
            self.count(signal, .rejected, rejected)
        case .rejected, .rejectedTogether: self.count(signal, .rejected, count)
        case .failed: self.count(signal, .failed, count)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Compression
import JSONCoding

/// How a receiver took what it was sent.
enum ExportOutcome: Equatable, Sendable {
    /// But for so many items, which it did not want.
    case accepted(rejected: Int)
    case rejected
    /// Not reached, or too busy, for longer than was waited.
    case failed
}

/// Sends documents to one receiver, again where that makes sense; for one thread.
///
/// OTLP's rules (opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response"), which fit Loki
/// as well: 429, 502, 503 and 504 are asked again, after `Retry-After` or a growing, jittered
/// pause; nothing else is, least of all what was accepted in part.
struct Exporter: ~Copyable {
    private var connection: ExportConnection
    private let compressor = GzipCompressor()
    private let attemptsMax: Int
    private let firstPause: UInt64

    /// No receiver is waited for longer than this between two attempts.
    private static let pauseMax: UInt64 = 30_000_000_000

    init(_ endpoint: ExportEndpoint, attemptsMax: Int = 5, firstPause: UInt64 = 500_000_000) {
        connection = ExportConnection(endpoint)
        self.attemptsMax = attemptsMax
        self.firstPause = firstPause
    }

    mutating func send(_ document: [UInt8], _ patience: LogPatience) -> ExportOutcome {
        var body: [UInt8] = []
        compressor.reset()
        compressor.append(document, flush: .finish, to: &body)
        var pause = firstPause
        for attempt in 1...attemptsMax {
            var wait = UInt64.random(in: pause / 2...pause)
            do throws(ExportConnection.Failure) {
                let answer = try connection.post(body, isCompressed: true)
                switch answer.status {
                case 200..<300: return .accepted(rejected: Self.rejected(in: answer.body))
                case 429, 502, 503, 504:
                    if let seconds = answer.retryAfter, seconds.isFinite, seconds >= 0 {
                        wait = UInt64(min(seconds, 3_600) * 1e9)
                    }
                default: return .rejected
                }
            } catch {
                // An answer that is none, or a receiver that is not there: it may come back.
            }
            guard attempt < attemptsMax, !patience.isEnding,
                patience.sleep(nanoseconds: min(wait, Self.pauseMax))
            else { break }
            pause = min(pause * 2, Self.pauseMax)
        }
        return .failed
    }

    /// What an OTLP receiver says that it left out of an accepted document.
    private static func rejected(in body: [UInt8]) -> Int {
        guard !body.isEmpty, let answer = try? JSONValue(parsing: body),
            let partial = answer["partialSuccess"]
        else { return 0 }
        for name in ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"] {
            if let count = partial[name] { return count.int ?? Int(count.string ?? "") ?? 0 }
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

    func count(_ signal: Signal, _ result: Result, _ count: Int) {
        items[signal.position][result.position].add(UInt64(max(0, count)))
    }

    func sent(_ signal: Signal, _ count: Int, _ outcome: ExportOutcome, took: UInt64) {
        durations[signal.position].observe(took)
        switch outcome {
        case .accepted(let rejected):
            self.count(signal, .ok, count - rejected)
            self.count(signal, .rejected, rejected)
        case .rejected: self.count(signal, .rejected, count)
        case .failed: self.count(signal, .failed, count)
        }
    }
}

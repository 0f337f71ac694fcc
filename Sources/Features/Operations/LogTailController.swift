// SPDX-License-Identifier: Apache-2.0
import EventLoop
import HTTPServer
import JSONCoding
import Telemetry

/// The latest records, and those that come: filtered here, so that only what is wanted travels.
struct LogTailController: Sendable {
    let telemetry: Telemetry
    let thread: BlockingPool

    private static let listedMax = 2_048
    private static let readersMax = 8
    /// What a reader may be behind.
    private static let recordsMax = 8_192
    private static let gathering = Duration.milliseconds(250)
    private static let pause = Duration.milliseconds(20)
    /// Proxies and browsers take silence for death.
    private static let pausesBetweenSigns = 750

    /// `?q=level>=warning and route=/rest/v1/{relation}&limit=100`, oldest first.
    func show(_ request: Request) async throws(ParameterFailure) -> Response {
        let (asked, filter) = try request.filter()
        let limit = min(try request.number("limit") ?? .max, Self.listedMax)
        let isPage = request.prefers("text/html")
        return await thread.answer {
            let found = telemetry.logs.ring.snapshot.filter { filter.matches($0) }.suffix(limit)
            return isPage
                ? Response(html: LogPage.list(found, asked: asked)) : Self.document(found)
        }
    }

    private static func document(_ found: ArraySlice<LogEntry>) -> Response {
        var body = Array("{\"records\":[".utf8)
        for (position, entry) in found.enumerated() {
            if position > 0 { body.append(UInt8(ascii: ",")) }
            body += entry.line
        }
        return Response(status: 200, contentType: "application/json", body + Array("]}\n".utf8))
    }

    /// Server-sent events: each record is one; `dropped` says how many a slow reader has lost, or
    /// one that comes back with `Last-Event-ID`; `end` that this process stops.
    func follow(_ request: Request) throws(ParameterFailure) -> Response {
        let filter = try request.filter().filter
        let ring = telemetry.logs.ring
        guard
            let subscription = ring.subscribe(
                capacity: Self.recordsMax,
                max: Self.readersMax,
                matching: { filter.matches($0) }
            )
        else {
            return Response(status: 503, problem: "\(Self.readersMax) readers follow already")
        }
        let place = Place(subscription)
        var response = Response(status: 200, headers: ["Content-Type": "text/event-stream"])
        response.headers.set("X-Accel-Buffering", "no")
        let cancellation = request.cancellation
        // Where no record has that number yet, it is one of another process.
        let last = request.headers["Last-Event-ID"].flatMap { UInt64($0) }
            .flatMap { $0 < telemetry.logs.madeCount ? $0 : nil }
        response.body = .stream(length: nil) { writer in
            let subscription = place.subscription
            defer { subscription.cancel() }
            try await writer.write(": following\n\n")
            if let last {
                let missed = try await thread.run { ring.resume(subscription, after: last) }
                if missed > 0 { try await writer.write(Self.dropped(missed)) }
            }
            while try await deliver(subscription, to: writer, until: cancellation) {}
        }
        return response
    }

    /// Until a sign of life is due. False when this was the last, or its reader has left.
    private func deliver(
        _ subscription: LogSubscription,
        to writer: BodyWriter,
        until cancellation: Cancellation
    ) async throws -> Bool {
        for _ in 0..<Self.pausesBetweenSigns {
            guard !cancellation.isCancelled else { return false }
            let isEnding = isEnding
            // What was said before the end is still on its way here.
            if isEnding { try? await Task.sleep(for: Self.gathering) }
            let batch = subscription.take()
            if !batch.entries.isEmpty || batch.dropped > 0 {
                try await writer.write(Self.events(batch))
            }
            guard !isEnding else {
                try await writer.write("event: end\ndata: {}\n\n")
                return false
            }
            try await Task.sleep(for: Self.pause)
        }
        try await writer.write(": alive\n\n")
        return true
    }

    private var isEnding: Bool {
        switch telemetry.health.lifecycle {
        case .draining, .stopped: true
        case .starting, .ready, .degraded: false
        }
    }

    private static func events(_ batch: LogSubscription.Batch) -> [UInt8] {
        var bytes: [UInt8] = []
        for entry in batch.entries {
            bytes += "id: \(entry.sequence)\ndata: ".utf8
            bytes += entry.line
            bytes += "\n\n".utf8
        }
        return batch.dropped > 0 ? bytes + Array(dropped(batch.dropped).utf8) : bytes
    }

    private static func dropped(_ records: UInt64) -> String {
        "event: dropped\ndata: {\"records\":\(records)}\n\n"
    }
}

/// A reader's place among the others: given back with an answer that nobody reads, as one to HEAD.
private final class Place: Sendable {
    let subscription: LogSubscription

    init(_ subscription: LogSubscription) { self.subscription = subscription }

    deinit { subscription.cancel() }
}

/// Records for eyes.
enum LogPage {
    static func list(_ entries: ArraySlice<LogEntry>, asked: String) -> String {
        let rows = entries.reversed().map { entry in
            let fields = entry.fields
            let message = fields.first { $0.0 == "msg" }?.1.string ?? ""
            let more = fields.filter { !hidden.contains($0.0) }.map { name, value in
                "\(name)=\(value.string ?? value.compactText)"
            }
            let trace = entry.traceID.map {
                "<a href=\"/debug/traces/\($0)\"><code>\($0.prefix(8))…</code></a>"
            }
            return """
                <tr><td class="mono whole">\(time(entry.wallNanoseconds))\
                <td class="level \(entry.level.label)">\(entry.level.label)\
                <td>\(entry.module.label)<td>\(HTML.text(message))<br>\
                <code class="soft">\(HTML.text(more.joined(separator: " ")))</code>\
                <td class="whole">\(trace ?? "")</tr>
                """
        }
        return HTML.page(
            "Records",
            """
            <form><input name="q" size="60" value="\(HTML.text(asked))" \
            placeholder="level&gt;=warning and logger=sql"> <button>Show</button> \
            <button formaction="/debug/logs/tail">Follow</button></form>
            <table><tr><th>Time<th>Level<th>Module<th>Record<th>Trace</tr>
            \(rows.joined(separator: "\n"))</table>
            """
        )
    }

    /// To the millisecond.
    private static func time(_ wall: UInt64) -> Substring {
        internetTime(wall).dropFirst(11).prefix(12)
    }

    /// In a column of their own, or the same in all records.
    private static let hidden: Set<String> = [
        "time", "level", "msg", "logger", "trace_id", "span_id", "trace_flags", "service.name",
        "service.version", "service.instance.id", "event", "request_id",
    ]
}

// SPDX-License-Identifier: Apache-2.0

extension Telemetry {
    /// The debug records of a request, made after the fact from what its trace holds, in the order
    /// in which it all began: when the level asks for them, and in hindsight for whoever failed, was
    /// slow or was asked for.
    func logDetails(of trace: RequestTrace, wallOffset: UInt64) {
        // What passed through the layers to look inside is of no interest.
        let spanCount = unsafe trace.route?.isOperational == true ? 0 : trace.spanCount
        let attributes = spanCount > 0 ? trace.attributes : []
        var told = 0
        func tellEvents(before now: UInt64) {
            while unsafe told < Int(trace.eventCount), trace.event(told).at < now {
                log(trace.event(told), of: trace, wallOffset: wallOffset)
                told += 1
            }
        }
        for position in 0..<spanCount {
            tellEvents(before: trace.span(position).startedAt)
            let attributes = attributes.filter { Int($0.span) == position }
            log(trace.span(position), attributes, of: trace, wallOffset: wallOffset)
        }
        tellEvents(before: .max)
    }

    private func log(_ event: NotedEvent, of trace: RequestTrace, wallOffset: UInt64) {
        let head = event.fact.head
        guard trace.isHindsight || logs.isEnabled(.debug, head.module) else { return }
        logs.writeAlways(
            .debug,
            head.module,
            head.message,
            event: head.event,
            trace: trace,
            wall: event.at &+ wallOffset,
            settles: false
        ) { record in
            event.fact.describe(from: trace.summary.clientAddress, in: &record)
            if trace.isHindsight { record.field("hindsight", true) }
        }
    }

    private func log(
        _ span: TraceSpan,
        _ attributes: [TraceAttribute],
        of trace: RequestTrace,
        wallOffset: UInt64
    ) {
        let module = span.layer.module
        guard trace.isHindsight || logs.isEnabled(.debug, module) else { return }
        logs.writeAlways(
            .debug,
            module,
            "layer",
            event: "request.layer",
            trace: trace,
            wall: span.endedAt &+ wallOffset,
            settles: false
        ) { record in
            record.field("layer", span.layer.label)
            // As the trace calls it.
            if let summary = attributes.first(where: { $0.key.text == "db.query.summary" }) {
                record.field("span.name", summary.value.text)
            } else {
                record.field("span.name", span.name)
            }
            record.field("start_ms", milliseconds: span.startedAt &- trace.startedAt)
            record.field("duration_ms", milliseconds: span.endedAt &- span.startedAt)
            if span.failed { record.field("failed", true) }
            for attribute in attributes {
                switch attribute.value {
                case .text(let text): record.field(attribute.key, text)
                case .integer(let number): record.field(attribute.key, number)
                }
            }
            if trace.isHindsight { record.field("hindsight", true) }
        }
    }

    /// A debug record of a request: with its others, once it is accounted for. Of none, at once.
    func tell(_ fact: NotedEvent.Fact, of trace: RequestTrace?, from client: String = "") {
        if let trace, trace.note(fact) { return }
        let head = fact.head
        logs.write(.debug, head.module, head.message, event: head.event, trace: trace) { record in
            fact.describe(from: client, in: &record)
        }
    }
}

extension Layer {
    /// Whose level decides about the layer's debug records.
    var module: LogModule {
        switch self {
        case .parse, .middleware, .rateLimit, .write: .http
        case .auth: .auth
        case .validate, .controller, .service, .serialize: .rest
        case .poolWait: .pool
        case .sql: .sql
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Takes records from any thread and writes them from its own.
///
/// Every record that is made has a number; numbers have no gaps, so a gap in what is read is a
/// loss, and each loss is counted by sink and reason.
package final class LogPipeline: Sendable {
    private let levels: LogLevels
    private let stages: [LogStage]
    private let sequence = Atomic<UInt64>(0)
    private let repeated: RepeatedRecords
    private let keepOneRequestIn: UInt64
    private let tail: MappedTail?
    let records: LogRecordMetrics?
    /// The latest records, and the way to follow them; empty when none are kept.
    package let ring: LogRing

    package init(
        _ configuration: LogConfiguration,
        identity: ServiceIdentity,
        registry: MetricRegistry? = nil
    ) {
        levels = LogLevels(configuration)
        repeated = RepeatedRecords(perSecondMax: configuration.duplicatesMax)
        keepOneRequestIn = UInt64(max(1, configuration.keepOneRequestIn))
        ring = LogRing(recordsMax: configuration.ringRecordsMax)
        records = registry.map { $0.shared(LogRecordMetrics.self) }
        var leftovers: [[UInt8]] = []
        tail = configuration.tailPath.flatMap {
            MappedTail(path: $0, slots: configuration.tailSlots, leftovers: &leftovers)
        }
        let inMemory = configuration.ringRecordsMax > 0 ? [LogSinkConfiguration(.ring(ring))] : []
        stages = Self.stages(configuration.sinks + inMemory, identity, registry, tail)
        if let registry { observe(registry) }
        for stage in stages { stage.start() }
        if configuration.tailPath != nil, tail == nil {
            write(.warning, .app, "last records are not kept", event: "log.tail_unavailable")
        }
        replay(leftovers)
    }

    deinit { close() }

    /// One stage for each format that a sink asks for. The mapped tail goes with the first that
    /// writes JSON.
    private static func stages(
        _ sinks: [LogSinkConfiguration],
        _ identity: ServiceIdentity,
        _ registry: MetricRegistry?,
        _ tail: MappedTail?
    ) -> [LogStage] {
        let formats = LogFormat.allCases.filter { format in sinks.contains { $0.format == format } }
        let remote = sinks.contains { if case .otlp = $0.destination { true } else { false } }
        let metrics = remote ? registry?.shared(ExportMetrics.self) : nil
        return formats.map { format in
            LogStage(
                format,
                sinks: sinks.filter { $0.format == format }.map {
                    LogSink($0, $0.destination(identity, metrics))
                },
                service: service(identity, format),
                tail: format == formats.first ? tail : nil
            )
        }
    }

    @inline(__always)
    package func isEnabled(_ level: LogLevel, _ module: LogModule) -> Bool {
        levels.isEnabled(level, module)
    }

    func isAnyEnabled(_ level: LogLevel) -> Bool { levels.isAnyEnabled(level) }

    /// Makes one record, unless the same place has just made too many. `fields` runs at once,
    /// under the slot's lock: it only appends.
    package func write(
        _ level: LogLevel,
        _ module: LogModule,
        _ message: StaticString,
        event: StaticString? = nil,
        trace: RequestTrace? = nil,
        wall: UInt64? = nil,
        _ fields: (inout LogRecord) -> Void = { _ in }
    ) {
        guard levels.isEnabled(level, module) else { return }
        let wall = wall ?? wallNanoseconds()
        guard case .speaks(let leftOut) = repeated.verdict(message, at: wall) else {
            return skip(.rateLimited, level, module)
        }
        writeAlways(level, module, message, event: event, trace: trace, wall: wall) { record in
            fields(&record)
            if leftOut > 0 { record.field("repeats_left_out", Int(clamping: leftOut)) }
        }
    }

    /// To be called when records have been made that do not settle, before anything is waited for.
    func settle() {
        for position in stages.indices { stages[position].settle() }
    }

    /// Makes the record whatever the level: for what is decided elsewhere.
    func writeAlways(
        _ level: LogLevel,
        _ module: LogModule,
        _ message: StaticString,
        event: StaticString?,
        trace: RequestTrace?,
        wall: UInt64? = nil,
        settles: Bool = true,
        _ fields: (inout LogRecord) -> Void
    ) {
        let head = LogHead(
            wall: wall ?? wallNanoseconds(),
            level: level,
            module: module,
            message: message,
            event: event,
            sequence: sequence.wrappingAdd(1, ordering: .relaxed).oldValue
        )
        records?.count(level, module)
        for position in stages.indices {
            stages[position].append(head, trace, settles: settles, fields)
        }
    }

    /// Makes the records of all those requests that have one, at once; they do not settle.
    func write(
        _ message: StaticString,
        event: StaticString,
        of requests: borrowing EndedRequests,
        wallOffset: UInt64,
        _ fields: (inout LogRecord, RequestTrace) -> Void
    ) {
        var count = 0
        requests.forEach { trace in
            guard let level = trace.recordLevel else { return }
            count &+= 1
            records?.count(level, .http)
        }
        guard count > 0 else { return }
        let heads = LogHeads(
            message: message,
            event: event,
            wallOffset: wallOffset,
            firstSequence: sequence.wrappingAdd(UInt64(count), ordering: .relaxed).oldValue,
            count: count
        )
        for position in stages.indices { stages[position].append(heads, of: requests, fields) }
    }

    /// So many records have been made; the next one has this number.
    package var madeCount: UInt64 { sequence.load(ordering: .relaxed) }

    /// Counts a record that is dropped before it has a number: one without a record is a loss.
    private func skip(_ reason: LogDropReason, _ level: LogLevel, _ module: LogModule) {
        records?.count(level, module)
        for stage in stages { stage.skip(reason) }
    }

    /// Whether an ordinary request has no record; counted if so. All records of a trace share
    /// its fate.
    func skipsOrdinary(_ trace: RequestTrace) -> Bool {
        guard keepOneRequestIn > 1, trace.context.traceIDLow % keepOneRequestIn != 0 else {
            return false
        }
        skip(.sampled, .info, .http)
        return true
    }

    /// Writes what is queued, waiting at most so long; nothing is accepted afterwards. The last
    /// record says what became of all of them.
    package func end(timeoutMilliseconds: Int = 2_000) {
        let time = UInt64(timeoutMilliseconds) &* 1_000_000
        let deadline = uptimeNanoseconds() &+ time
        // Threads' records are written thread by thread: those before the last one go first. A sink
        // that does not get on leaves the others time for the last one.
        let lastRecordAt = deadline &- time / 2
        while ledgers.contains(where: { $0.queued > 0 }), uptimeNanoseconds() < lastRecordAt {
            usleep(2_000)
        }
        if madeCount > 0 { writeLedger() }
        close(deadline: deadline)
    }

    package func close(timeoutMilliseconds: Int = 2_000) {
        close(deadline: uptimeNanoseconds() &+ UInt64(timeoutMilliseconds) &* 1_000_000)
    }

    private func close(deadline: UInt64) {
        for stage in stages { stage.refuse(deadline: deadline) }
        for stage in stages { stage.close(deadline: deadline) }
        tail?.close()
    }

    package var ledgers: [LogLedger] { stages.flatMap(\.ledgers) }

    /// What every record says of the process; whoever gets it has to free it.
    private static func service(_ identity: ServiceIdentity, _ format: LogFormat) -> LogBytes {
        guard format.isJSON else { return LogBytes() }
        var record = LogRecord(in: LogBytes(), format: format)
        record.field("service.name", identity.name)
        record.field("service.version", identity.version)
        if format == .ecs {
            record.field("service.node.name", identity.instanceID)
            record.field("service.environment", identity.environment)
            record.field("ecs.version", "8.17.0" as StaticString)
        } else {
            record.field("service.instance.id", identity.instanceID)
        }
        return record.bytes
    }
}

extension LogSinkConfiguration {
    fileprivate func destination(
        _ identity: ServiceIdentity,
        _ metrics: ExportMetrics?
    ) -> any LogDestination {
        switch destination {
        case .standardOutput: DescriptorDestination(name: "stdout", descriptor: 1)
        case .file(let path, let rotation): FileDestination(path: path, rotation: rotation)
        case .loki(let endpoint): RemoteDestination.loki(endpoint, identity)
        case .otlp(let endpoint): RemoteDestination.otlp(endpoint, identity, metrics)
        case .custom(let name, let take): CustomDestination(name: name, take: take)
        case .ring(let ring): RingDestination(ring: ring)
        }
    }
}

extension LogPipeline {
    /// The level of each module, and until when (uptime) where it is temporary.
    package var currentLevels: [(module: LogModule, level: LogLevel, until: UInt64?)] {
        LogModule.allCases.map { ($0, levels.level(of: $0), levels.expiry(of: $0)) }
    }

    /// Changes the level of a module, or of all; after `seconds`, it is again what it was.
    package func setLevel(
        _ level: LogLevel,
        of module: LogModule? = nil,
        forSeconds seconds: Int? = nil,
        askedBy client: String? = nil
    ) {
        levels.set(level, of: module.map { [$0] } ?? LogModule.allCases, forSeconds: seconds)
        tellLevel(level, of: module?.label ?? "all", forSeconds: seconds, askedBy: client)
    }

    /// Takes back what was changed for a while: of a module, or of all.
    package func restoreLevel(of module: LogModule? = nil, askedBy client: String? = nil) {
        for (module, level) in levels.restore(module.map { [$0] } ?? LogModule.allCases) {
            tellLevel(level, of: module.label, askedBy: client)
        }
    }

    /// Levels that were changed for a while are again what they were, when that is over.
    func restoreLevels() {
        for (module, level) in levels.expire() { tellLevel(level, of: module.label) }
    }

    private func tellLevel(
        _ level: LogLevel,
        of module: StaticString,
        forSeconds seconds: Int? = nil,
        askedBy client: String? = nil
    ) {
        write(.notice, .app, "log level changed", event: "log.level") { record in
            record.field("log.level", level.label)
            record.field("log.module", module)
            if let seconds { record.field("log.seconds", seconds) }
            if let client { record.field("client.address", client) }
        }
    }

    /// Says what became of all records so far, this one among them: whoever reads the log can
    /// tell whether it is complete. Where there was none, there is nothing to account for.
    private func writeLedger() {
        let ledgers = ledgers.map { ledger in
            "\(ledger.sink) made=\(ledger.produced + 1) dropped=\(ledger.droppedInAll)"
        }.joined(separator: ", ")
        writeAlways(.info, .app, "log ends", event: "log.ledger", trace: nil) { record in
            record.field("ledger", ledgers)
        }
    }

    private func observe(_ registry: MetricRegistry) {
        let sinks = stages.flatMap(\.sinks)
        guard !sinks.isEmpty else { return }
        let metrics = LogSinkMetrics(registry, sinks: sinks.map(\.destination.name))
        let exports = registry.shared(ExportMetrics.self)
        registry.refresh { [weak self] in
            guard let self else { return }
            for (position, ledger) in self.ledgers.enumerated() {
                metrics.refresh(position, ledger, flushes: sinks[position].takeFlushes())
                guard ledger.sink == "otlp" else { continue }
                exports.queued[ExportMetrics.Signal.logs.position].set(Int(ledger.queued))
            }
            metrics.subscribers.set(self.ring.subscriberCount)
        }
    }
}

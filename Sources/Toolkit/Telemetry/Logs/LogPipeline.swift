// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Takes records from any thread and writes them from its own.
///
/// Every record that is made has a number; numbers have no gaps, so a gap in what is read is a
/// loss, and each loss is counted by sink and reason.
package final class LogPipeline: Sendable {
    /// The sinks that take records in the same form.
    private struct Group {
        let format: LogFormat
        /// Pre-encoded: `service.name` and its kin.
        let service: [UInt8]
        let sinks: [LogSink]
    }

    private let levels: LogLevels
    private let sinks: [LogSink]
    private let sequence = Atomic<UInt64>(0)
    private let groups: [Group]
    private let encoders = (0..<Shard.slotsMax).map { _ in LogEncoder() }
    let records: LogRecordMetrics?
    /// The latest records, and the way to follow them; empty when none are kept.
    package let ring: LogRing

    package init(
        _ configuration: LogConfiguration,
        identity: ServiceIdentity,
        registry: MetricRegistry? = nil
    ) {
        levels = LogLevels(configuration)
        ring = LogRing(recordsMax: configuration.ringRecordsMax)
        let inMemory = configuration.ringRecordsMax > 0 ? [LogSinkConfiguration(.ring(ring))] : []
        sinks = (configuration.sinks + inMemory).map(LogSink.init)
        let service = Self.service(identity)
        groups = Set(sinks.map(\.format)).map { [sinks] format in
            Group(
                format: format,
                service: service[format] ?? [],
                sinks: sinks.filter { $0.format == format }
            )
        }
        records = registry.map { $0.shared(LogRecordMetrics.self) }
        if let registry { observe(registry) }
        for sink in sinks { sink.start() }
    }

    deinit { close() }

    @inline(__always)
    package func isEnabled(_ level: LogLevel, _ module: LogModule) -> Bool {
        levels.isEnabled(level, module)
    }

    func isAnyEnabled(_ level: LogLevel) -> Bool {
        LogModule.allCases.contains { levels.isEnabled(level, $0) }
    }

    /// Makes one record. `fields` runs at once, under the slot's lock: it only appends.
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
        writeAlways(
            level,
            module,
            message,
            event: event,
            trace: trace,
            wall: wall,
            fields
        )
    }

    /// Makes the record whatever the level: for what is decided elsewhere.
    func writeAlways(
        _ level: LogLevel,
        _ module: LogModule,
        _ message: StaticString,
        event: StaticString?,
        trace: RequestTrace?,
        wall: UInt64? = nil,
        _ fields: (inout LogRecord) -> Void
    ) {
        let head = LogHead(
            wall: wall ?? wallNanoseconds(),
            level: level,
            module: module,
            message: message,
            event: event,
            sequence: sequence.wrappingAdd(1, ordering: .relaxed).oldValue,
            trace: trace
        )
        records?.count(level, module)
        for group in groups {
            encoders[Shard.current].encode(head, group.format, service: group.service, fields) {
                record,
                redactions in
                for sink in group.sinks { sink.append(record, level, redactions) }
            }
        }
    }

    /// Writes what is queued, waiting at most so long; nothing is accepted afterwards.
    package func close(timeoutMilliseconds: Int = 2_000) {
        let deadline = uptimeNanoseconds() &+ UInt64(timeoutMilliseconds) &* 1_000_000
        for sink in sinks { sink.close(deadline: deadline) }
    }

    package var ledgers: [LogLedger] { sinks.map(\.ledger) }

    private static func service(_ identity: ServiceIdentity) -> [LogFormat: [UInt8]] {
        var bytes = LogBytes()
        defer { bytes.free() }
        var record = LogRecord(in: bytes, format: .json)
        record.field("service.name", identity.name)
        record.field("service.version", identity.version)
        record.field("service.instance.id", identity.instanceID)
        bytes = record.bytes
        // The first field opens the object; here it continues one.
        return [.json: Array(",".utf8) + bytes.copy(from: 1)]
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
        forSeconds seconds: Int? = nil
    ) {
        levels.set(level, of: module.map { [$0] } ?? LogModule.allCases, forSeconds: seconds)
        write(.notice, .app, "log level changed", event: "log.level") { record in
            record.field("log.level", level.label)
            record.field("log.module", module?.label ?? "all")
            if let seconds { record.field("log.seconds", seconds) }
        }
    }

    private func observe(_ registry: MetricRegistry) {
        guard !sinks.isEmpty else { return }
        let metrics = LogSinkMetrics(registry, sinks: sinks.map(\.destination.name))
        registry.refresh { [weak self] in
            guard let self else { return }
            for (position, sink) in self.sinks.enumerated() {
                metrics.refresh(position, sink.ledger, flushes: sink.takeFlushes())
            }
            metrics.subscribers.set(self.ring.subscriberCount)
        }
    }
}

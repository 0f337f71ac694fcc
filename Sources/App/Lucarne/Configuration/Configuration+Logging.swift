// SPDX-License-Identifier: Apache-2.0
internal import EventLoop
import Glibc
internal import Telemetry

extension Configuration {
    /// Where log records and traces go.
    mutating func readLogSinks() throws(ConfigurationFailure) {
        telemetry.log.ringRecordsMax = try values.integer(.logRingRecords) ?? 0
        telemetry.log.keepOneRequestIn = try values.integer(.logKeepOneRequestIn) ?? 1
        telemetry.log.duplicatesMax = try values.integer(.logDuplicatesMax) ?? 0
        if try values.flag(.logTail) {
            telemetry.log.tailPath = dataDirectory + "/log-tail"
            telemetry.log.tailSlots = (loops == 0 ? EventLoopGroup.coreCount : loops) + 1
        }
        let format = try logFormat()
        var sinks: [LogSinkConfiguration] = []
        if try values.flag(.logStandardOutput) {
            sinks.append(LogSinkConfiguration(.standardOutput, format: format))
        }
        if let path = values.text(.logFile) {
            let path = Files.absolute(path)
            // A file is read by programs.
            let format = format == .pretty ? .json : format
            sinks.append(LogSinkConfiguration(.file(path: path, try logRotation()), format: format))
        }
        if var endpoint = try endpoint(.logLokiURL) {
            if let tenant = values.text(.logLokiTenant) {
                endpoint.headers = [try header("X-Scope-OrgID", tenant, of: .logLokiTenant)]
            }
            sinks.append(LogSinkConfiguration(.loki(endpoint)))
        }
        if let endpoint = try otlpEndpoint() {
            let signals = values.list(.otlpSignals)
            guard Set(signals).isSubset(of: ["traces", "logs", "metrics"]) else {
                throw values.malformed(.otlpSignals, "a list of traces, logs, metrics")
            }
            if signals.contains("logs") { sinks.append(LogSinkConfiguration(.otlp(endpoint))) }
            if signals.contains("traces") { telemetry.traceEndpoint = endpoint }
            if signals.contains("metrics") { telemetry.metricEndpoint = endpoint }
            let period = try values.duration(.otlpMetricsPeriod)
            guard period >= .seconds(1), period <= .seconds(3_600) else {
                throw values.malformed(.otlpMetricsPeriod, "a duration from 1s to 1h")
            }
            telemetry.metricPeriodMilliseconds = Int32(period / .milliseconds(1))
        }
        telemetry.log.sinks = try queued(sinks)
        telemetry.baggageKeys = Set(values.list(.baggageKeys))
        telemetry.redactKeys = values.list(.redactKeys)
    }

    /// `info,sql=debug`: one for all, and others for some loggers.
    mutating func readLogLevels() throws(ConfigurationFailure) {
        for (position, word) in values.list(.logLevel).enumerated() {
            let parts = word.split(separator: "=", maxSplits: 1).map(\.trimmed)
            let level = parts.last.flatMap { LogLevel(label: $0) }
            switch (level, parts.count) {
            case (let level?, 1) where position == 0: telemetry.log.level = level
            case (let level?, 2):
                guard let module = LogModule(label: parts[0]) else { fallthrough }
                telemetry.log.moduleLevels[module] = level
            default:
                let levels = LogLevel.allCases.map(\.label.text).joined(separator: ", ")
                let loggers = LogModule.allCases.map(\.label.text).joined(separator: ", ")
                throw values.malformed(
                    .logLevel,
                    "a level (\(levels)), then perhaps logger=level (\(loggers))"
                )
            }
        }
    }

    private func logFormat() throws(ConfigurationFailure) -> LogFormat {
        if try values.oneOf(.logFormat) == "auto" { return isatty(1) == 1 ? .pretty : .json }
        return try values.choice(.logFormat)
    }

    private func logRotation() throws(ConfigurationFailure) -> LogRotation {
        LogRotation(
            bytesMax: try values.bytes(.logFileBytesMax),
            seconds: Int(try values.duration(.logFilePeriod).components.seconds),
            keep: try values.integer(.logFileKeep) ?? 0,
            compresses: try values.flag(.logFileCompression)
        )
    }

    private func queued(
        _ sinks: [LogSinkConfiguration]
    ) throws(ConfigurationFailure) -> [LogSinkConfiguration] {
        let queueMax = try values.integer(.logQueueMax) ?? 8_192
        let policy = try fullPolicy()
        return sinks.map { sink in
            var sink = sink
            sink.queueMax = queueMax
            sink.whenFull = policy
            return sink
        }
    }

    private func fullPolicy() throws(ConfigurationFailure) -> LogFullPolicy {
        let text = values.text(.logWhenFull) ?? "drop-newest"
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("drop-newest", 1): return .dropNewest
        case ("drop-below", 2):
            if let level = LogLevel(label: parts[1]) {
                // What matters waits, but no request for long.
                return .dropBelow(level, milliseconds: 100)
            }
        case ("block", 2):
            if let patience = SettingValues.duration(parts[1]), patience <= .seconds(10) {
                return .block(milliseconds: Int(patience.nanoseconds / 1_000_000))
            }
        default: break
        }
        throw values.malformed(
            .logWhenFull,
            "drop-newest, drop-below:<level> or block:<duration of at most 10s>"
        )
    }

    private func otlpEndpoint() throws(ConfigurationFailure) -> ExportEndpoint? {
        guard var endpoint = try endpoint(.otlpURL) else { return nil }
        for pair in values.list(.otlpHeaders) {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw values.malformed(.otlpHeaders, "a list of name=value")
            }
            endpoint.headers.append(try header(parts[0], parts[1], of: .otlpHeaders))
        }
        return endpoint
    }

    private func endpoint(_ key: SettingKey) throws(ConfigurationFailure) -> ExportEndpoint? {
        guard let text = values.text(key) else { return nil }
        guard let endpoint = ExportEndpoint(text) else {
            let isTLS = text.lowercased().hasPrefix("https://")
            let more = isTLS ? "; TLS is left to a collector or proxy beside this process" : ""
            throw values.malformed(key, "http://host[:port][/path]" + more)
        }
        return endpoint
    }

    /// Neither part may end a line of a request's head.
    private func header(
        _ name: String,
        _ value: String,
        of key: SettingKey
    ) throws(ConfigurationFailure) -> (name: String, value: String) {
        let isName = !name.isEmpty && name.utf8.allSatisfy { 0x21...0x7E ~= $0 && $0 != 0x3A }
        guard isName, value.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw values.malformed(key, "what a header can say")
        }
        return (name.trimmed, value.trimmed)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// A record being written: fields are appended in the order they are given.
///
/// Whatever the values are, what comes out is one line of valid UTF-8 of at most 16 kB, and a
/// value under a secret's name, or of a secret's shape, is not in it.
package struct LogRecord: ~Copyable {
    static let bytesMax = 16_384
    /// Longer values are cut, and the record says so.
    static let valueBytesMax = 4_096
    /// What closing a record may take.
    private static let tailBytesMax = 32

    var bytes: LogBytes
    private let format: LogFormat
    private let end: Int
    private var isCut = false
    private var isFirst = true
    private(set) var redactions: [Redaction.Rule] = []

    init(in bytes: LogBytes, format: LogFormat) {
        self.bytes = bytes
        self.format = format
        self.bytes.reserve(Self.bytesMax + Self.tailBytesMax)
        end = self.bytes.count + Self.bytesMax - Self.tailBytesMax
    }

    package mutating func field(_ key: StaticString, _ value: String) {
        guard !Redaction.isSecretField(key) else { return fieldRedacted(key) }
        var value = value
        value.withUTF8 { text in unsafe field(key, text) }
    }

    package mutating func field(_ key: StaticString, _ value: ArraySlice<UInt8>) {
        guard !Redaction.isSecretField(key) else { return fieldRedacted(key) }
        unsafe value.withUnsafeBufferPointer { text in unsafe field(key, text) }
    }

    package mutating func field(_ key: StaticString, _ value: StaticString) {
        guard begin(key, roomFor: value.utf8CodeUnitCount + 2) else { return }
        openText()
        bytes.append(value)
        closeText()
    }

    package mutating func field(_ key: StaticString, _ value: Int) {
        guard begin(key, roomFor: 20) else { return }
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.append(decimal: UInt64(value.magnitude))
    }

    package mutating func field(_ key: StaticString, _ value: Bool) {
        guard begin(key, roomFor: 5) else { return }
        bytes.append(value ? "true" : "false")
    }

    /// Milliseconds with three decimals, from nanoseconds.
    package mutating func field(_ key: StaticString, milliseconds nanoseconds: UInt64) {
        // ECS has durations in nanoseconds, and one name for the record's own.
        let isOwn = format == .ecs && key.text == "duration_ms"
        guard begin(isOwn ? "event.duration" : key, roomFor: 24) else { return }
        guard !isOwn else { return bytes.append(decimal: nanoseconds) }
        bytes.append(milliseconds: nanoseconds)
    }

    /// A query string, without the values of `apikey` and its like.
    package mutating func field(_ key: StaticString, query: ArraySlice<UInt8>) {
        if let masked = Redaction.maskedQuery(query) {
            redactions.append(.key)
            field(key, masked[...])
        } else {
            field(key, query)
        }
    }

    mutating func field(_ key: StaticString, hexadecimal value: UInt64, _ more: UInt64? = nil) {
        guard begin(key, roomFor: 34) else { return }
        openText()
        bytes.append(hexadecimal: value)
        if let more { bytes.append(hexadecimal: more) }
        closeText()
    }

    /// Self times of the layers that took any.
    mutating func layers(of trace: RequestTrace) {
        guard format.isJSON else {
            for layer in Layer.allCases where trace.selfNanoseconds(layer) > 0 {
                guard bytes.count + 48 < end else { return }
                bytes.append(" layers.")
                bytes.append(layer.label)
                bytes.append(UInt8(ascii: "="))
                bytes.append(milliseconds: trace.selfNanoseconds(layer))
            }
            return
        }
        guard begin("layers", roomFor: 400) else { return }
        bytes.append(UInt8(ascii: "{"))
        var separator: StaticString = "\""
        for layer in Layer.allCases where trace.selfNanoseconds(layer) > 0 {
            bytes.append(separator)
            bytes.append(layer.label)
            bytes.append("\":")
            bytes.append(milliseconds: trace.selfNanoseconds(layer))
            separator = ",\""
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func fieldRedacted(_ key: StaticString) {
        redactions.append(.key)
        guard begin(key, roomFor: 16) else { return }
        openText()
        bytes.append(Redaction.mark)
        closeText()
    }

    @unsafe private mutating func field(
        _ key: StaticString,
        _ text: UnsafeBufferPointer<UInt8>
    ) {
        let plain = unsafe PlainText.check(text)
        guard plain == .plain, text.count <= Self.valueBytesMax else {
            return unsafe fieldSlowly(key, text)
        }
        guard begin(key, roomFor: text.count + 2) else { return }
        unsafe openText(quoted: format.isJSON || PlainText.needsQuotes(text))
        if let start = text.baseAddress { unsafe bytes.append(start, text.count) }
        unsafe closeText(quoted: format.isJSON || PlainText.needsQuotes(text))
    }

    /// Repairs UTF-8, masks, cuts and escapes.
    @unsafe private mutating func fieldSlowly(
        _ key: StaticString,
        _ text: UnsafeBufferPointer<UInt8>
    ) {
        let length = min(text.count, Self.valueBytesMax * 2)
        var value = unsafe String(
            decoding: UnsafeBufferPointer(rebasing: text[..<length]),
            as: UTF8.self
        )
        let masked = Redaction.masked(value)
        redactions.append(contentsOf: masked.rules)
        value = masked.text
        guard begin(key, roomFor: 8) else { return }
        openText(quoted: true)
        let limit = min(end - 1, bytes.count + Self.valueBytesMax)
        for scalar in value.unicodeScalars {
            guard bytes.count + 12 <= limit else {
                isCut = true
                break
            }
            bytes.append(escaping: scalar)
        }
        if text.count > length { isCut = true }
        closeText(quoted: true)
    }

    /// Writes the key, if the value can follow it.
    private mutating func begin(_ key: StaticString, roomFor length: Int) -> Bool {
        guard bytes.count + key.utf8CodeUnitCount + length + 8 <= end else {
            isCut = true
            return false
        }
        switch format {
        case .json, .ecs:
            bytes.append(isFirst ? "{" : ",", "\"")
            bytes.append(key)
            bytes.append("\"", ":")
        case .logfmt, .pretty:
            if !isFirst { bytes.append(UInt8(ascii: " ")) }
            bytes.append(key)
            bytes.append(UInt8(ascii: "="))
        }
        isFirst = false
        return true
    }

    private mutating func openText(quoted: Bool? = nil) {
        if quoted ?? format.isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    private mutating func closeText(quoted: Bool? = nil) { openText(quoted: quoted) }
}

extension LogRecord {
    /// What every record begins with.
    mutating func begin(_ head: LogHead, clock: inout LogClock, service: [UInt8]) {
        guard format != .pretty else { return beginPretty(head, clock: &clock) }
        let isECS = format == .ecs
        let isJSON = format.isJSON
        bytes.append(isECS ? "{\"@timestamp\":\"" : isJSON ? "{\"time\":\"" : "time=")
        clock.append(head.wall, to: &bytes)
        bytes.append(isJSON ? "\"" : "")
        isFirst = false
        field(isECS ? "log.level" : "level", head.level.label)
        if isJSON { field(isECS ? "message" : "msg", head.message) } else { message(head.message) }
        if let event = head.event { field(isECS ? "event.action" : "event", event) }
        field(isECS ? "log.logger" : "logger", head.module.label)
        field(isECS ? "event.sequence" : "seq", Int(truncatingIfNeeded: head.sequence))
        bytes.append(service)
        if let trace = head.trace { ids(of: trace) }
    }

    private mutating func message(_ text: StaticString) {
        bytes.append(" msg=\"")
        bytes.append(text)
        bytes.append("\"")
    }

    /// OpenTelemetry's "trace context in non-OTLP logs": exactly these names.
    private mutating func ids(of trace: RequestTrace) {
        let context = trace.context
        let isECS = format == .ecs
        field(
            isECS ? "trace.id" : "trace_id",
            hexadecimal: context.traceIDHigh,
            context.traceIDLow
        )
        field(isECS ? "span.id" : "span_id", hexadecimal: context.spanID)
        let requestID: StaticString = isECS ? "http.request.id" : "request_id"
        if !isECS, begin("trace_flags", roomFor: 4) {
            openText()
            bytes.append(hexadecimal: UInt64(context.flags), digits: 2)
            closeText()
        }
        if let given = trace.givenRequestID {
            field(requestID, given)
        } else {
            field(requestID, hexadecimal: context.traceIDHigh, context.traceIDLow)
        }
    }

    private mutating func beginPretty(_ head: LogHead, clock: inout LogClock) {
        clock.appendTimeOfDay(head.wall, to: &bytes)
        switch head.level {
        case .trace, .debug: bytes.append(" \u{1B}[90m")
        case .info: bytes.append(" \u{1B}[32m")
        case .notice: bytes.append(" \u{1B}[36m")
        case .warning: bytes.append(" \u{1B}[33m")
        case .error, .critical: bytes.append(" \u{1B}[31m")
        }
        bytes.append(head.level.label)
        for _ in head.level.label.utf8CodeUnitCount..<8 { bytes.append(UInt8(ascii: " ")) }
        bytes.append("\u{1B}[0m ")
        bytes.append(head.module.label)
        bytes.append(" \u{1B}[1m")
        bytes.append(head.message)
        bytes.append("\u{1B}[0m")
        isFirst = false
        if let trace = head.trace {
            field("trace_id", hexadecimal: trace.context.traceIDHigh, trace.context.traceIDLow)
        }
    }

    mutating func close() {
        switch format {
        case .json, .ecs: bytes.append(isCut ? ",\"_cut\":true}\n" : "}\n")
        case .logfmt, .pretty: bytes.append(isCut ? " _cut=true\n" : "\n")
        }
    }
}

/// What a record is about, before its fields.
struct LogHead {
    var wall: UInt64
    var level: LogLevel
    var module: LogModule
    var message: StaticString
    var event: StaticString?
    var sequence: UInt64
    var trace: RequestTrace?
}

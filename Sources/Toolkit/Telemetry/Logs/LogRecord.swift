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
    private let isJSON: Bool
    private let end: Int
    private let fragments: LogFragments
    private var isCut = false
    /// Values that each rule has kept out.
    private(set) var redactions = InlineArray<4, UInt8>(repeating: 0)

    init(in bytes: LogBytes, format: LogFormat, _ fragments: LogFragments = LogFragments()) {
        self.bytes = bytes
        self.fragments = fragments
        self.format = format
        isJSON = format.isJSON
        self.bytes.reserve(Self.bytesMax + Self.tailBytesMax)
        end = self.bytes.count + Self.bytesMax - Self.tailBytesMax
    }

    @inline(__always)
    package mutating func field(_ key: StaticString, _ value: String) {
        guard !Redaction.isSecretField(key) else { return fieldRedacted(key) }
        guard begin(key, roomFor: 8) else { return }
        append(text: value)
    }

    @inline(__always)
    package mutating func field(_ key: StaticString, _ value: ArraySlice<UInt8>) {
        guard !Redaction.isSecretField(key) else { return fieldRedacted(key) }
        guard begin(key, roomFor: 8) else { return }
        append(text: value)
    }

    @inline(__always)
    package mutating func field(_ key: StaticString, _ value: StaticString) {
        guard begin(key, roomFor: value.utf8CodeUnitCount + 2) else { return }
        openText()
        bytes.append(value)
        closeText()
    }

    @inline(__always)
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

    /// A record as it was made: without secrets, and as long as there is room.
    mutating func field(_ key: StaticString, record: ArraySlice<UInt8>) {
        guard begin(key, roomFor: 8) else { return }
        openText(quoted: true)
        append(escaping: String(decoding: record, as: UTF8.self), before: end - 1)
        closeText(quoted: true)
    }

    /// A query string, without the values of `apikey` and its like.
    mutating func field(
        _ key: StaticString,
        query: ArraySlice<UInt8>,
        without secrets: SecretNames
    ) {
        if let masked = secrets.masked(query: query) {
            count(.key)
            field(key, masked[...])
        } else {
            field(key, query)
        }
    }

    @inline(__always)
    mutating func field(_ key: StaticString, hexadecimal value: UInt64, _ more: UInt64? = nil) {
        guard begin(key, roomFor: 34) else { return }
        openText()
        bytes.append(hexadecimal: value)
        if let more { bytes.append(hexadecimal: more) }
        closeText()
    }

    /// Fields that depend on the key's texts and this one, and on nothing else: a thread that has
    /// made them lately copies them. It holds the key's texts for as long as it has the fields.
    @inline(__always)
    mutating func fields(
        alikeFor key: LogFragments.Key,
        _ text: ArraySlice<UInt8> = [],
        holding texts: () -> (String, String, String),
        made fields: (inout LogRecord) -> Void
    ) {
        if let known = unsafe fragments.find(key, text), bytes.count &+ known.count <= end {
            return unsafe bytes.append(known)
        }
        let (start, redacted) = (bytes.count, redactedCount)
        fields(&self)
        // What was left out is counted in each record that it is left out of.
        guard !isCut, redactedCount == redacted else { return }
        unsafe fragments.keep(bytes.part(start..<bytes.count), for: key, texts(), text)
    }

    private var redactedCount: Int {
        redactions.indices.reduce(0) { $0 + Int(redactions[$1]) }
    }

    /// Self times of the layers that took a microsecond: the rest would be zeros.
    mutating func layers(of trace: RequestTrace) {
        guard isJSON else { return plainLayers(of: trace) }
        guard begin("layers", roomFor: 400) else { return }
        // In registers, for as long as nothing else is called.
        var bytes = bytes
        let start = bytes.count
        let keys = LayerKey.all
        for position in keys.indices {
            let nanoseconds = trace.selfNanoseconds(at: position)
            // Not entered, as all of a route's requests do not: easily foreseen.
            guard nanoseconds > 0 else { continue }
            bytes.append(keys[position], nanoseconds)
        }
        // Each came with a comma before it; the first comma's place is the brace's.
        if bytes.count == start { bytes.append(UInt8(ascii: "{")) }
        bytes.replace(at: start, with: UInt8(ascii: "{"))
        bytes.append(UInt8(ascii: "}"))
        self.bytes = bytes
    }

    private mutating func plainLayers(of trace: RequestTrace) {
        guard bytes.count + 400 < end else { return }
        for layer in Layer.allCases where trace.selfNanoseconds(layer) >= 1_000 {
            bytes.append(" layers.")
            bytes.append(layer.label)
            bytes.append(UInt8(ascii: "="))
            bytes.append(milliseconds: trace.selfNanoseconds(layer))
        }
    }

    private mutating func fieldRedacted(_ key: StaticString) {
        count(.key)
        guard begin(key, roomFor: 16) else { return }
        openText()
        bytes.append(Redaction.mark)
        closeText()
    }

    private mutating func append(text: String) {
        unsafe text.utf8Span.span.withUnsafeBufferPointer { text in unsafe append(text) }
    }

    private mutating func append(text: ArraySlice<UInt8>) {
        unsafe text.withUnsafeBufferPointer { text in unsafe append(text) }
    }

    /// The value of the key that was written just now.
    @inline(__always)
    @unsafe private mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        let start = bytes.count
        let hasRoom = text.count <= Self.valueBytesMax && start &+ text.count &+ 8 <= end
        guard hasRoom, unsafe appendIfPlain(text) else {
            bytes.truncate(to: start)
            return unsafe appendSlowly(text)
        }
    }

    @unsafe private mutating func appendIfPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let isQuoted = unsafe isJSON || PlainText.needsQuotes(text)
        openText(quoted: isQuoted)
        guard unsafe bytes.appendIfPlain(text) else { return false }
        closeText(quoted: isQuoted)
        return true
    }

    /// Repairs UTF-8, masks, cuts and escapes.
    @unsafe private mutating func appendSlowly(_ text: UnsafeBufferPointer<UInt8>) {
        let length = min(text.count, Self.valueBytesMax * 2)
        var value = unsafe String(
            decoding: UnsafeBufferPointer(rebasing: text[..<length]),
            as: UTF8.self
        )
        let masked = Redaction.masked(value)
        for rule in masked.rules { count(rule) }
        value = masked.text
        openText(quoted: true)
        append(escaping: value, before: min(end - 1, bytes.count + Self.valueBytesMax))
        if text.count > length { isCut = true }
        closeText(quoted: true)
    }

    private mutating func append(escaping text: String, before limit: Int) {
        for scalar in text.unicodeScalars {
            guard bytes.count + 12 <= limit else { return isCut = true }
            bytes.append(escaping: scalar)
        }
    }

    private mutating func count(_ rule: Redaction.Rule) { redactions[rule.position] &+= 1 }

    /// Writes the key, if the value can follow it. Where the key is a literal, all of this becomes
    /// a comparison and a few stores.
    @inline(__always)
    private mutating func begin(_ key: StaticString, roomFor length: Int) -> Bool {
        guard bytes.count &+ key.utf8CodeUnitCount &+ length &+ 8 <= end else {
            isCut = true
            return false
        }
        if isJSON {
            bytes.append(",", "\"")
            bytes.append(key)
            bytes.append("\"", ":")
        } else {
            beginPlain(key)
        }
        return true
    }

    private mutating func beginPlain(_ key: StaticString) {
        bytes.append(UInt8(ascii: " "))
        bytes.append(key)
        bytes.append(UInt8(ascii: "="))
    }

    @inline(__always)
    private mutating func openText(quoted: Bool? = nil) {
        if quoted ?? isJSON { bytes.append(UInt8(ascii: "\"")) }
    }

    @inline(__always)
    private mutating func closeText(quoted: Bool? = nil) { openText(quoted: quoted) }
}

extension LogRecord {
    /// What every record begins with.
    mutating func begin(
        _ head: LogHead,
        _ trace: RequestTrace?,
        site: LogSite,
        clock: inout LogClock,
        service: LogBytes
    ) {
        guard format != .pretty else { return beginPretty(head, trace, clock: &clock) }
        switch format {
        case .json: bytes.append("{\"time\":\"")
        case .ecs: bytes.append("{\"@timestamp\":\"")
        case .logfmt, .pretty: bytes.append("time=")
        }
        clock.append(head.wall, to: &bytes)
        unsafe bytes.append(site.bytes.all)
        bytes.append(decimal: head.sequence)
        unsafe bytes.append(service.all)
        if let trace { ids(of: trace) }
    }

    /// What follows the time in each record of a place in the code, up to the record's number.
    mutating func describe(_ head: LogHead) {
        let isECS = format == .ecs
        if isJSON { bytes.append(UInt8(ascii: "\"")) }
        field(isECS ? "log.level" : "level", head.level.label)
        if isJSON { field(isECS ? "message" : "msg", head.message) } else { message(head.message) }
        if let event = head.event { field(isECS ? "event.action" : "event", event) }
        field(isECS ? "log.logger" : "logger", head.module.label)
        _ = begin(isECS ? "event.sequence" : "seq", roomFor: 20)
    }

    private mutating func message(_ text: StaticString) {
        bytes.append(" msg=\"")
        bytes.append(text)
        bytes.append("\"")
    }

    /// OpenTelemetry's "trace context in non-OTLP logs": exactly these names.
    private mutating func ids(of trace: RequestTrace) {
        guard format != .ecs else { return idsAsECS(of: trace) }
        let context = trace.context
        field("trace_id", hexadecimal: context.traceIDHigh, context.traceIDLow)
        let traceID = bytes.count - (isJSON ? 33 : 32)
        field("span_id", hexadecimal: context.spanID)
        if begin("trace_flags", roomFor: 4) {
            openText()
            bytes.append(hexadecimal: UInt64(context.flags), digits: 2)
            closeText()
        }
        if let given = trace.givenRequestID {
            field("request_id", given)
        } else if begin("request_id", roomFor: 34) {
            openText()
            bytes.appendAgain(from: traceID)
            closeText()
        }
    }

    private mutating func idsAsECS(of trace: RequestTrace) {
        let context = trace.context
        field("trace.id", hexadecimal: context.traceIDHigh, context.traceIDLow)
        field("span.id", hexadecimal: context.spanID)
        if let given = trace.givenRequestID {
            field("http.request.id", given)
        } else {
            field("http.request.id", hexadecimal: context.traceIDHigh, context.traceIDLow)
        }
    }

    private mutating func beginPretty(
        _ head: LogHead,
        _ trace: RequestTrace?,
        clock: inout LogClock
    ) {
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
        if let trace {
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

/// What a record is about, before its fields. Plain memory: handing it on counts no references.
struct LogHead: Sendable {
    var wall: UInt64
    var level: LogLevel
    var module: LogModule
    var message: StaticString
    var event: StaticString?
    var sequence: UInt64
}

/// The heads of the records of several requests: what they have in common.
struct LogHeads: Sendable {
    var message: StaticString
    var event: StaticString
    /// From uptime to the time of day.
    var wallOffset: UInt64
    var firstSequence: UInt64
    var count: Int

    @inline(__always)
    func forEach(
        of requests: borrowing EndedRequests,
        _ body: (LogHead, RequestTrace) -> Void
    ) {
        var sequence = firstSequence
        requests.forEach { trace in
            guard let level = trace.recordLevel else { return }
            let wall = unsafe trace.endedAt &+ wallOffset
            let head = LogHead(
                wall: wall,
                level: level,
                module: .http,
                message: message,
                event: event,
                sequence: sequence
            )
            sequence &+= 1
            body(head, trace)
        }
    }
}

/// What the records of one place in the code have in common. A thread writes many in a row from
/// the same place, so the latest is kept for the next.
struct LogSite: Sendable {
    private(set) var bytes = LogBytes()
    private var message: UInt = 0
    private var event: UInt = 0
    private var level = LogLevel.info
    private var module = LogModule.app

    mutating func become(_ head: LogHead, _ format: LogFormat) {
        // Literals are told apart by where they lie; equal ones may lie in one place.
        let message = unsafe UInt(bitPattern: head.message.utf8Start)
        let event = head.event.map { unsafe UInt(bitPattern: $0.utf8Start) } ?? 0
        guard
            message != self.message || event != self.event || level != head.level
                || module != head.module
        else { return }
        (self.message, self.event, level, module) = (message, event, head.level, head.module)
        bytes.clear()
        var record = LogRecord(in: bytes, format: format)
        record.describe(head)
        bytes = record.bytes
    }

    mutating func free() { bytes.free() }
}

// SPDX-License-Identifier: Apache-2.0

extension CPUProfile {
    /// The profile as pprof reads it, to be compressed by gzip (pprof, proto/profile.proto).
    package var pprof: [UInt8] {
        var profile = PprofProfile()
        for (stack, count) in stacks { profile.add(stack, count) }
        return profile.finish()
    }
}

/// Each function and each address once, with numbers that the samples refer to.
private struct PprofProfile {
    private var symbolizer = Symbolizer()
    private var strings = ["": 0]
    private var stringTable = [""]
    private var functions: [String: UInt64] = [:]
    private var locations: [UInt: UInt64] = [:]
    private var body = PprofMessage()

    init() {
        body.field(1, valueType("samples", "count"))
        body.field(1, valueType("cpu", "nanoseconds"))
        body.field(11, valueType("cpu", "nanoseconds"))
        body.field(12, UInt64(CPUProfile.interval))
    }

    mutating func add(_ stack: CPUProfile.Stack, _ count: Int) {
        var references = PprofMessage()
        for frame in stack.frames { references.append(location(frame)) }
        var values = PprofMessage()
        values.append(UInt64(count))
        values.append(UInt64(count * CPUProfile.interval))
        var sample = PprofMessage()
        sample.field(1, references)
        sample.field(2, values)
        body.field(2, sample)
    }

    consuming func finish() -> [UInt8] {
        for text in stringTable { body.field(6, Array(text.utf8)) }
        return body.bytes
    }

    private mutating func location(_ address: UInt) -> UInt64 {
        if let known = locations[address] { return known }
        let number = UInt64(locations.count + 1)
        locations[address] = number
        var line = PprofMessage()
        line.field(1, function(symbolizer.name(of: address)))
        var location = PprofMessage()
        location.field(1, number)
        location.field(3, UInt64(address))
        location.field(4, line)
        body.field(4, location)
        return number
    }

    private mutating func function(_ name: String) -> UInt64 {
        if let known = functions[name] { return known }
        let number = UInt64(functions.count + 1)
        functions[name] = number
        var function = PprofMessage()
        function.field(1, number)
        function.field(2, string(name))
        body.field(5, function)
        return number
    }

    private mutating func string(_ text: String) -> UInt64 {
        if let known = strings[text] { return UInt64(known) }
        strings[text] = stringTable.count
        stringTable.append(text)
        return UInt64(stringTable.count - 1)
    }

    private mutating func valueType(_ type: String, _ unit: String) -> PprofMessage {
        var message = PprofMessage()
        message.field(1, string(type))
        message.field(2, string(unit))
        return message
    }
}

/// A message of Protocol Buffers: numbers, and what has a length.
private struct PprofMessage {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func field(_ number: UInt64, _ value: UInt64) {
        append(number << 3)
        append(value)
    }

    mutating func field(_ number: UInt64, _ contents: [UInt8]) {
        append(number << 3 | 2)
        append(UInt64(contents.count))
        bytes += contents
    }

    mutating func field(_ number: UInt64, _ message: PprofMessage) {
        field(number, message.bytes)
    }
}

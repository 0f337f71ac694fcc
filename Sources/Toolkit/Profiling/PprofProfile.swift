// SPDX-License-Identifier: Apache-2.0
import Telemetry

extension CPUProfile {
    /// The profile as pprof reads it, to be compressed by gzip (pprof, proto/profile.proto). Each
    /// sample is labelled with its thread.
    package var pprof: [UInt8] {
        var profile = PprofProfile()
        for (stack, count) in stacks { profile.add(stack, count, of: threadName(of: stack)) }
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
    private var body = ProtobufBytes()

    init() {
        body.field(1, valueType("samples", "count"))
        body.field(1, valueType("cpu", "nanoseconds"))
        body.field(11, valueType("cpu", "nanoseconds"))
        body.field(12, UInt64(CPUProfile.interval))
    }

    mutating func add(_ stack: CPUProfile.Stack, _ count: Int, of thread: String) {
        var references = ProtobufBytes()
        for frame in stack.frames { references.append(varint: location(frame)) }
        var values = ProtobufBytes()
        values.append(varint: UInt64(count))
        values.append(varint: UInt64(count * CPUProfile.interval))
        var sample = ProtobufBytes()
        sample.field(1, references)
        sample.field(2, values)
        var label = ProtobufBytes()
        label.field(1, string("thread"))
        label.field(2, string(thread))
        sample.field(3, label)
        body.field(2, sample)
    }

    consuming func finish() -> [UInt8] {
        for text in stringTable { body.field(6, text) }
        return body.bytes
    }

    private mutating func location(_ address: UInt) -> UInt64 {
        if let known = locations[address] { return known }
        let number = UInt64(locations.count + 1)
        locations[address] = number
        var line = ProtobufBytes()
        line.field(1, function(symbolizer.name(of: address)))
        var location = ProtobufBytes()
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
        var function = ProtobufBytes()
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

    private mutating func valueType(_ type: String, _ unit: String) -> ProtobufBytes {
        var message = ProtobufBytes()
        message.field(1, string(type))
        message.field(2, string(unit))
        return message
    }
}

// SPDX-License-Identifier: Apache-2.0

/// How often each stack was seen: `thread;outermost;…;innermost`.
struct FoldedLines: Equatable {
    private(set) var counts: [String: Int] = [:]

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            guard let gap = line.lastIndex(of: " "), let count = Int(line[gap...].dropFirst())
            else { continue }
            counts[String(line[..<gap]), default: 0] += count
        }
    }

    init(_ samples: [(thread: String, outermostFirst: [String], count: Int)]) {
        for sample in samples {
            let names = ([sample.thread] + sample.outermostFirst).map {
                $0.replacing(";", with: ",").replacing("\n", with: " ")
            }
            counts[names.joined(separator: ";"), default: 0] += sample.count
        }
    }

    /// What `pprof -raw` prints: samples as numbers of locations with their labels below, then the
    /// locations with their functions.
    init(ofPprofTool text: String) {
        var samples: [(thread: String, numbers: [Int], count: Int)] = []
        var names: [Int: String] = [:]
        var section = ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if !line.hasPrefix(" ") {
                section = String(words[0])
            } else if section == "Locations", let number = Int(words[0].dropLast()) {
                var name = line.drop { $0 != "x" }.drop { $0 != " " }.dropFirst()
                if name.hasPrefix("M=") { name = name.drop { $0 != " " }.dropFirst() }
                let end = name.ranges(of: " :0 s=0").last?.lowerBound ?? name.endIndex
                names[number] = String(name[..<end])
            } else if section == "samples/count", let count = Int(words[0]) {
                samples.append(("", words.dropFirst(2).compactMap { Int($0) }, count))
            } else if section == "samples/count", let start = line.firstRange(of: "thread:[") {
                samples[samples.count - 1].thread = String(line[start.upperBound...].dropLast())
            }
        }
        self.init(
            samples.map { sample in
                (sample.thread, sample.numbers.reversed().map { names[$0] ?? "?" }, sample.count)
            }
        )
    }
}

/// A profile as its bytes have it (pprof, proto/profile.proto).
struct PprofReading {
    private(set) var sampleTypes: [String] = []
    private(set) var samples: [(thread: String, outermostFirst: [String], values: [Int])] = []
    private(set) var period = 0

    var folded: FoldedLines {
        FoldedLines(samples.map { ($0.thread, $0.outermostFirst, $0.values[0]) })
    }

    init(_ bytes: ArraySlice<UInt8>) {
        let fields = Self.fields(bytes)
        let strings = fields.filter { $0.number == 6 }.map {
            String(decoding: $0.contents, as: UTF8.self)
        }
        func messages(_ number: UInt64) -> [[Field]] {
            fields.filter { $0.number == number }.map { Self.fields($0.contents) }
        }
        func text(_ message: [Field], _ number: UInt64) -> String {
            strings[Int(message.first { $0.number == number }?.value ?? 0)]
        }
        func number(_ message: [Field], _ number: UInt64) -> UInt64 {
            message.first { $0.number == number }?.value ?? 0
        }
        func packed(_ message: [Field], _ number: UInt64) -> [UInt64] {
            message.filter { $0.number == number }.flatMap { Self.varints($0.contents) }
        }
        sampleTypes = messages(1).map { text($0, 1) + "/" + text($0, 2) }
        period = Int(number(fields, 12))
        let functions = Dictionary(
            uniqueKeysWithValues: messages(5).map { (number($0, 1), text($0, 2)) }
        )
        let locations = Dictionary(
            uniqueKeysWithValues: messages(4).map { location in
                let line = location.first { $0.number == 4 }.map { Self.fields($0.contents) } ?? []
                return (number(location, 1), functions[number(line, 1)] ?? "?")
            }
        )
        samples = messages(2).map { sample in
            let label = sample.first { $0.number == 3 }.map { Self.fields($0.contents) } ?? []
            let names = packed(sample, 1).reversed().map { locations[$0] ?? "?" }
            let thread = text(label, 1) == "thread" ? text(label, 2) : "?"
            return (thread, names, packed(sample, 2).map { Int($0) })
        }
    }

    /// A message's fields: numbers have no contents.
    private typealias Field = (number: UInt64, value: UInt64, contents: ArraySlice<UInt8>)

    private static func varints(_ bytes: ArraySlice<UInt8>) -> [UInt64] {
        var values: [UInt64] = []
        var (value, shift): (UInt64, UInt64) = (0, 0)
        for byte in bytes {
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            values.append(value)
            (value, shift) = (0, 0)
        }
        return values
    }

    private static func fields(_ bytes: ArraySlice<UInt8>) -> [Field] {
        var fields: [Field] = []
        var rest = bytes
        func next() -> UInt64 {
            let end = rest.firstIndex { $0 < 0x80 } ?? rest.endIndex - 1
            defer { rest = rest[(end + 1)...] }
            return varints(rest[...end])[0]
        }
        while !rest.isEmpty {
            let key = next()
            let value = next()
            guard key & 7 == 2 else {
                fields.append((key >> 3, value, []))
                continue
            }
            fields.append((key >> 3, value, rest.prefix(Int(value))))
            rest = rest.dropFirst(Int(value))
        }
        return fields
    }
}

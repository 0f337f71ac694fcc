// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// The functions of one ELF file, by address (ELF-64 object file format, §§ 4 and 7).
struct SymbolTable {
    private struct Symbol {
        var start: UInt64
        var end: UInt64
        var name: Int
    }

    private let bytes: [UInt8]
    private var symbols: [Symbol] = []
    private var segments: [(offset: UInt64, address: UInt64, size: UInt64)] = []

    init?(path: String) {
        guard let bytes = FileBytes.read(path, bytesMax: 1 << 29) else { return nil }
        self.init(bytes)
    }

    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { return nil }
        readSegments()
        // The whole table where it was not stripped, else what other files link to.
        readSymbols(ofType: 2)
        if symbols.isEmpty { readSymbols(ofType: 11) }
        symbols.sort { $0.start < $1.start }
    }

    var count: Int { symbols.count }

    /// The function at an offset in the file.
    func name(atOffset offset: UInt64) -> String? {
        guard
            let segment = segments.first(where: {
                $0.offset <= offset && offset - $0.offset < $0.size
            })
        else { return nil }
        let address = offset - segment.offset + segment.address
        var (low, high) = (0, symbols.count)
        while low < high {
            let middle = (low + high) / 2
            if symbols[middle].start <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, address < symbols[low - 1].end else { return nil }
        let start = symbols[low - 1].name
        guard let end = bytes[start...].firstIndex(of: 0) else { return nil }
        return Self.demangled(String(decoding: bytes[start..<end], as: UTF8.self))
    }

    private func number(_ offset: Int, _ size: Int) -> UInt64 {
        guard offset >= 0, offset + size <= bytes.count else { return 0 }
        return (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }

    private func position(_ offset: Int) -> Int { Int(truncatingIfNeeded: number(offset, 8)) }

    private mutating func readSegments() {
        let (start, size, count) = (position(0x20), Int(number(0x36, 2)), Int(number(0x38, 2)))
        for index in 0..<count {
            let header = start + index * size
            guard number(header, 4) == 1 else { continue }
            segments.append(
                (number(header + 0x08, 8), number(header + 0x10, 8), number(header + 0x20, 8))
            )
        }
    }

    private mutating func readSymbols(ofType type: UInt64) {
        let (start, size, count) = (position(0x28), Int(number(0x3A, 2)), Int(number(0x3C, 2)))
        for index in 0..<count {
            let header = start + index * size
            guard number(header + 4, 4) == type else { continue }
            let names = start + Int(number(header + 0x28, 4)) * size
            readSymbols(
                from: position(header + 0x18),
                count: position(header + 0x20) / 24,
                names: position(names + 0x18)
            )
        }
    }

    private mutating func readSymbols(from start: Int, count: Int, names: Int) {
        guard start >= 0, names >= 0, count >= 0, start + count * 24 <= bytes.count else { return }
        symbols.reserveCapacity(count)
        for index in 0..<count {
            let entry = start + index * 24
            // STT_FUNC or STT_GNU_IFUNC, and defined here.
            let kind = bytes[entry + 4] & 0xF
            guard kind == 2 || kind == 10, number(entry + 6, 2) != 0 else { continue }
            let (address, size) = (number(entry + 8, 8), number(entry + 16, 8))
            let name = names + Int(number(entry, 4))
            guard address > 0, name < bytes.count else { continue }
            symbols.append(Symbol(start: address, end: address + max(1, size), name: name))
        }
    }

    private static func demangled(_ name: String) -> String {
        guard name.hasPrefix("$s") || name.hasPrefix("$S") else { return name }
        guard let text = unsafe swift_demangle(name, name.utf8.count, nil, nil, 0) else {
            return name
        }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}

/// Names for addresses of this process.
struct Symbolizer {
    private struct Mapping {
        var range: Range<UInt>
        var offset: UInt64
        var path: String
    }

    private let mappings: [Mapping]
    private var tables: [String: SymbolTable?] = [:]
    private var names: [UInt: String] = [:]

    /// What is mapped executable now (proc(5), /proc/pid/maps).
    init() {
        let lines = (FileBytes.text("/proc/self/maps") ?? "").split(separator: "\n")
        mappings = lines.compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6, fields[1].contains("x") else { return nil }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, let offset = UInt64(fields[2], radix: 16) else { return nil }
            let path = String(fields[5].drop { $0 == " " })
            return Mapping(range: ends[0]..<ends[1], offset: offset, path: path)
        }
    }

    mutating func name(of address: UInt) -> String {
        if let name = names[address] { return name }
        let name = find(address)
        names[address] = name
        return name
    }

    private mutating func find(_ address: UInt) -> String {
        guard let mapping = mappings.first(where: { $0.range.contains(address) }) else {
            return "0x" + String(address, radix: 16)
        }
        let file = mapping.path.split(separator: "/").last.map(String.init) ?? mapping.path
        let offset = UInt64(address - mapping.range.lowerBound) + mapping.offset
        if tables[mapping.path] == nil {
            // Our own file may have been replaced since the start; this link has not.
            let isOwn = mapping.path == Self.ownPath
            let path = isOwn ? "/proc/self/exe" : mapping.path
            tables[mapping.path] = .some(
                mapping.path.hasPrefix("/") ? SymbolTable(path: path) : nil
            )
        }
        guard let table = tables[mapping.path] ?? nil, let name = table.name(atOffset: offset)
        else { return "\(file)+0x" + String(offset, radix: 16) }
        return name
    }

    private static let ownPath: String = {
        var path = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe path.withUnsafeMutableBytes { room -> Int in
            guard let start = room.baseAddress else { return 0 }
            let text = unsafe start.assumingMemoryBound(to: CChar.self)
            return unsafe readlink("/proc/self/exe", text, room.count)
        }
        return String(decoding: path.prefix(max(0, count)), as: UTF8.self)
    }()
}

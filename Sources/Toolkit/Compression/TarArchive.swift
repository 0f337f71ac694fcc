// SPDX-License-Identifier: Apache-2.0

/// An archive of small files being made, in the format that every tar reads (POSIX.1-1988 ustar,
/// pax(1) "ustar Interchange Format").
package struct TarArchive: Sendable {
    package struct NameTooLong: Error {}

    private var bytes: [UInt8] = []
    private let seconds: UInt64

    private static let block = 512

    /// `seconds` since 1970: when the files were made.
    package init(madeAt seconds: UInt64) { self.seconds = seconds }

    package mutating func append(_ contents: [UInt8], named name: String) throws(NameTooLong) {
        guard name.utf8.count <= 100 else { throw NameTooLong() }
        bytes += header(name, contents.count)
        bytes += contents
        let rest = contents.count % Self.block
        if rest > 0 { bytes += [UInt8](repeating: 0, count: Self.block - rest) }
    }

    /// Two empty blocks end it.
    package consuming func finish() -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: 2 * Self.block)
    }

    /// The same, compressed.
    package consuming func finishGzip() -> [UInt8] {
        var output: [UInt8] = []
        GzipCompressor(level: 6).append(finish(), flush: .finish, to: &output)
        return output
    }

    private func header(_ name: String, _ size: Int) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: Self.block)
        func put(_ text: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in text.enumerated() { header[offset + index] = byte }
        }
        put(name.utf8, at: 0)
        put(Self.octal(0o644, digits: 7), at: 100)
        put(Self.octal(0, digits: 7), at: 108)
        put(Self.octal(0, digits: 7), at: 116)
        put(Self.octal(UInt64(size), digits: 11), at: 124)
        put(Self.octal(seconds, digits: 11), at: 136)
        // The checksum counts itself as spaces.
        put(repeatElement(UInt8(ascii: " "), count: 8), at: 148)
        header[156] = UInt8(ascii: "0")
        put("ustar\u{0}00".utf8, at: 257)
        let sum = header.reduce(UInt64(0)) { $0 + UInt64($1) }
        put(Self.octal(sum, digits: 6) + [0], at: 148)
        return header
    }

    private static func octal(_ value: UInt64, digits: Int) -> [UInt8] {
        let text = String(value, radix: 8)
        return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
    }
}

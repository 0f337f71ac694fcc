// SPDX-License-Identifier: Apache-2.0

/// `field-name ":" OWS field-value OWS` (RFC 9112 §5).
enum FieldLine {
    static func parse(
        _ bytes: Span<UInt8>,
        _ line: Range<Int>
    ) throws(Malformed) -> HeaderFields.Entry {
        var mark = line.lowerBound
        // RFC 9112 §5.2: folding is obsolete, and read differently by different parsers.
        guard !ByteClass.isWhitespace(bytes[mark]) else { throw .fieldFolded }
        while mark < line.upperBound, ByteClass.isToken(unsafe bytes[unchecked: mark]) { mark += 1 }
        guard mark < line.upperBound else { throw .colonMissing }
        guard bytes[mark] == UInt8(ascii: ":"), mark > line.lowerBound else {
            throw ByteClass.isWhitespace(bytes[mark]) ? .spaceBeforeColon : .fieldName
        }
        var start = mark + 1
        var end = line.upperBound
        while start < end, ByteClass.isWhitespace(unsafe bytes[unchecked: start]) { start += 1 }
        while end > start, ByteClass.isWhitespace(unsafe bytes[unchecked: end - 1]) { end -= 1 }
        try checkValue(bytes, start..<end)
        return HeaderFields.Entry(
            nameStart: UInt32(truncatingIfNeeded: line.lowerBound),
            nameEnd: UInt32(truncatingIfNeeded: mark),
            valueStart: UInt32(truncatingIfNeeded: start),
            valueEnd: UInt32(truncatingIfNeeded: end)
        )
    }

    /// Eight bytes at a time: none below space, none DEL; then the exception for HTAB.
    private static func checkValue(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(Malformed) {
        var mark = range.lowerBound
        let raw = unsafe bytes.bytes
        while mark + 8 <= range.upperBound {
            let word = unsafe raw.unsafeLoadUnaligned(
                fromUncheckedByteOffset: mark,
                as: UInt64.self
            )
            if holdsControl(word) { try checkEach(bytes, mark..<mark + 8) }
            mark += 8
        }
        try checkEach(bytes, mark..<range.upperBound)
    }

    @inline(__always)
    private static func holdsControl(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let belowSpace = (word &- ones &* 0x20) & ~word & highs
        let isDelete = word ^ (ones &* 0x7F)
        return belowSpace | ((isDelete &- ones) & ~isDelete & highs) != 0
    }

    private static func checkEach(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(Malformed) {
        for index in range {
            let byte = unsafe bytes[unchecked: index]
            guard ByteClass.isControl(byte) else { continue }
            throw byte == UInt8(ascii: "\r") ? .bareCarriageReturn : .fieldValue
        }
    }
}

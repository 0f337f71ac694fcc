// SPDX-License-Identifier: Apache-2.0

/// Takes a chunked body apart as it arrives (RFC 9112 §7.1).
///
/// Sizes are hexadecimal and nothing else; extensions are skipped and bounded; trailers are
/// checked, bounded and dropped, since nothing here may depend on them (RFC 9110 §6.5.1).
struct ChunkedDecoder {
    private enum State {
        /// At a chunk's size; `digits` of it have been read.
        case size(digits: Int)
        /// Behind the semicolon of an extension; leaves at CR.
        case `extension`
        /// The size line's CR has been read: LF follows.
        case sizeEnd
        /// Inside a chunk: `remaining` bytes of it are to come.
        case content
        /// Behind a chunk: CR, then LF follow.
        case contentCarriageReturn, contentLineFeed
        /// In the trailer, at the start of a line, inside one, or behind its CR.
        case trailerStart, trailer, trailerLineFeed
        /// The empty line's CR has been read.
        case endLineFeed
        case done
    }

    private let bodyBytesMax: Int
    private var state = State.size(digits: 0)
    private var remaining = 0
    private var extensionBytes = 0
    private var trailerLine: [UInt8] = []
    private var trailerBytes = 0

    private static let extensionBytesMax = 4_096
    private static let trailerBytesMax = 8_192

    init(bodyBytesMax: Int) { self.bodyBytesMax = bodyBytesMax }

    var isDone: Bool {
        if case .done = state { true } else { false }
    }

    /// Appends what is content to `body`; answers how many bytes were used.
    mutating func decode(
        _ input: Span<UInt8>,
        into body: inout [UInt8]
    ) throws(Malformed) -> Int {
        var mark = 0
        while mark < input.count {
            switch state {
            case .done: return mark
            case .content:
                let count = min(remaining, input.count - mark)
                unsafe input.extracting(mark..<mark + count).withUnsafeBufferPointer {
                    unsafe body.append(contentsOf: $0)
                }
                mark += count
                remaining -= count
                if remaining == 0 { state = .contentCarriageReturn }
            default:
                try accept(input[mark], bodyCount: body.count)
                mark += 1
            }
        }
        return mark
    }

    private mutating func accept(_ byte: UInt8, bodyCount: Int) throws(Malformed) {
        switch state {
        case .size(let digits): try acceptSize(byte, digits)
        case .extension: try acceptExtension(byte)
        case .sizeEnd:
            guard byte == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
            guard remaining <= bodyBytesMax - bodyCount else { throw .bodyTooLarge }
            state = remaining == 0 ? .trailerStart : .content
        case .contentCarriageReturn:
            guard byte == UInt8(ascii: "\r") else { throw .chunkEnd }
            state = .contentLineFeed
        case .contentLineFeed:
            guard byte == UInt8(ascii: "\n") else { throw .chunkEnd }
            state = .size(digits: 0)
        case .trailerStart, .trailer, .trailerLineFeed: try acceptTrailer(byte)
        case .endLineFeed:
            guard byte == UInt8(ascii: "\n") else { throw .bareCarriageReturn }
            state = .done
        case .content, .done: break
        }
    }

    private mutating func acceptSize(_ byte: UInt8, _ digits: Int) throws(Malformed) {
        if let digit = ByteClass.hexadecimal(byte) {
            // Fifteen digits cannot overflow; longer ones are somebody's experiment.
            guard digits < 15 else { throw .chunkSize }
            remaining = digits == 0 ? Int(digit) : remaining << 4 | Int(digit)
            state = .size(digits: digits + 1)
            return
        }
        guard digits > 0 else { throw .chunkSize }
        switch byte {
        case UInt8(ascii: "\r"): state = .sizeEnd
        case UInt8(ascii: ";"): state = .extension
        case UInt8(ascii: "\n"): throw .bareLineFeed
        default: throw .chunkSize
        }
    }

    private mutating func acceptExtension(_ byte: UInt8) throws(Malformed) {
        extensionBytes += 1
        guard extensionBytes <= Self.extensionBytesMax else { throw .chunkExtension }
        switch byte {
        case UInt8(ascii: "\r"): state = .sizeEnd
        case UInt8(ascii: "\n"): throw .bareLineFeed
        default:
            guard !ByteClass.isControl(byte) else { throw .chunkExtension }
        }
    }

    private mutating func acceptTrailer(_ byte: UInt8) throws(Malformed) {
        trailerBytes += 1
        guard trailerBytes <= Self.trailerBytesMax else { throw .trailerTooLarge }
        switch (state, byte) {
        case (.trailerStart, UInt8(ascii: "\r")): state = .endLineFeed
        case (.trailerLineFeed, UInt8(ascii: "\n")):
            _ = try FieldLine.parse(trailerLine.span, 0..<trailerLine.count)
            trailerLine.removeAll(keepingCapacity: true)
            state = .trailerStart
        case (.trailerLineFeed, _): throw .bareCarriageReturn
        case (_, UInt8(ascii: "\r")): state = .trailerLineFeed
        case (_, UInt8(ascii: "\n")): throw .bareLineFeed
        default:
            trailerLine.append(byte)
            state = .trailer
        }
    }
}

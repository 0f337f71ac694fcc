// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Reads a request's head line by line as it arrives, and copies nothing.
///
/// Each call gets all bytes since the head began; a line is looked at once, however the bytes
/// are cut. Anything RFC 9112 calls invalid is refused at the line where it shows.
struct RequestParser {
    private let headerBytesMax: Int
    private let headerCountMax: Int
    private let targetBytesMax: Int

    /// Where the line that is not complete yet begins, and how far it is known to hold no LF.
    private var lineStart = 0
    private var searched = 0
    private var line: RequestLine?
    private var skippedEmptyLine = false
    private var fields: [HeaderFields.Entry] = []
    private var framing = FramingFields()

    init(limits: ServerLimits) {
        headerBytesMax = limits.headerBytesMax
        headerCountMax = limits.headerCountMax
        targetBytesMax = limits.targetBytesMax
    }

    /// The head, once its empty line has come; nil asks for more bytes.
    mutating func parse(_ bytes: Span<UInt8>) throws(Malformed) -> RequestHead? {
        while let lineFeed = Self.lineFeed(in: bytes, from: searched) {
            searched = lineFeed + 1
            guard lineFeed > lineStart, bytes[lineFeed - 1] == UInt8(ascii: "\r") else {
                throw .bareLineFeed
            }
            guard lineFeed < headerBytesMax else { throw tooLarge(lineFeed) }
            let content = lineStart..<lineFeed - 1
            lineStart = searched
            if let head = try accept(content, in: bytes) { return head }
        }
        searched = bytes.count
        try checkIncomplete(bytes)
        return nil
    }

    private mutating func accept(
        _ content: Range<Int>,
        in bytes: Span<UInt8>
    ) throws(Malformed) -> RequestHead? {
        guard line != nil else {
            // RFC 9112 §2.2: one empty line before the request line is forgiven.
            guard !content.isEmpty || skippedEmptyLine else {
                skippedEmptyLine = true
                return nil
            }
            let line = try RequestLine(bytes, content)
            guard line.target.count <= targetBytesMax else { throw .targetTooLong }
            self.line = line
            fields.reserveCapacity(16)
            return nil
        }
        guard !content.isEmpty else { return try finish(bytes) }
        guard fields.count < headerCountMax else { throw .tooManyFields }
        let field = try FieldLine.parse(bytes, content)
        fields.append(field)
        try framing.note(field, in: bytes)
        return nil
    }

    private func finish(_ bytes: Span<UInt8>) throws(Malformed) -> RequestHead {
        guard let line else { throw .requestLine }
        try framing.checkHost(of: line, in: bytes)
        return RequestHead(
            method: line.method,
            version: line.version,
            path: line.path,
            query: line.query,
            fields: fields,
            framing: try framing.framing(line.version),
            keepsAlive: framing.keepsAlive(line.version),
            // RFC 9110 §10.1.1: from a 1.0 client it is ignored.
            expectsContinue: framing.expectsContinue && line.version == .http11,
            byteCount: lineStart
        )
    }

    /// What an unfinished line already gives away.
    private func checkIncomplete(_ bytes: Span<UInt8>) throws(Malformed) {
        guard bytes.count <= headerBytesMax else { throw tooLarge(bytes.count) }
        guard line == nil, bytes.count > lineStart else { return }
        guard bytes.count - lineStart <= targetBytesMax + 64 else { throw .targetTooLong }
        // A TLS hello on a plain port need not wait for its deadline.
        let first = bytes[lineStart]
        guard ByteClass.isToken(first) || first == UInt8(ascii: "\r") else { throw .method }
    }

    private func tooLarge(_ count: Int) -> Malformed {
        line == nil && count - lineStart > targetBytesMax ? .targetTooLong : .headTooLarge
    }

    @inline(__always)
    private static func lineFeed(in bytes: Span<UInt8>, from start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        return unsafe bytes.withUnsafeBytes { raw -> Int? in
            guard let base = raw.baseAddress,
                let found = unsafe memchr(base + start, 10, raw.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - base
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import CZlib

/// Reads gzip (RFC 1952), piece by piece, up to a limit: a few bytes can claim to be gigabytes.
@safe package final class GzipDecompressor {
    package enum Malformed: Error, Equatable { case content, truncated, tooLarge }

    private let stream: UnsafeMutablePointer<z_stream>
    private let room: UnsafeMutableBufferPointer<UInt8>
    private let bytesMax: Int
    private var byteCount = 0
    package private(set) var isDone = false

    package init(bytesMax: Int) {
        self.bytesMax = bytesMax
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe room = .allocate(capacity: 16 * 1_024)
        let size = unsafe Int32(MemoryLayout<z_stream>.size)
        let status = unsafe inflateInit2_(stream, 15 + 16, zlibVersion(), size)
        precondition(status == Z_OK, "zlib refused its own version")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe room.deallocate()
    }

    /// Appends what `input` decodes to. Bytes after the stream's end are not gzip.
    package func append(
        _ input: [UInt8],
        to output: inout [UInt8]
    ) throws(Malformed) {
        guard !input.isEmpty else { return }
        let failure = unsafe input.withUnsafeBytes { unsafe inflateAll($0, to: &output) }
        if let failure { throw failure }
    }

    private func inflateAll(
        _ input: UnsafeRawBufferPointer,
        to output: inout [UInt8]
    ) -> Malformed? {
        guard !isDone else { return .content }
        let start = unsafe input.bindMemory(to: UInt8.self).baseAddress
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
        unsafe stream.pointee.avail_in = UInt32(input.count)
        repeat {
            unsafe stream.pointee.next_out = room.baseAddress
            unsafe stream.pointee.avail_out = UInt32(room.count)
            let status = unsafe inflate(stream, Z_NO_FLUSH)
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                return .content
            }
            let made = unsafe room.count - Int(stream.pointee.avail_out)
            byteCount += made
            guard byteCount <= bytesMax else { return .tooLarge }
            unsafe output.append(contentsOf: room.prefix(made))
            isDone = status == Z_STREAM_END
            if status == Z_BUF_ERROR { return nil }
        } while unsafe !isDone && (stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0)
        return unsafe stream.pointee.avail_in > 0 ? .content : nil
    }

    /// A whole stream at once.
    package static func decompress(
        _ input: [UInt8],
        bytesMax: Int
    ) throws(Malformed) -> [UInt8] {
        let decompressor = GzipDecompressor(bytesMax: bytesMax)
        var output: [UInt8] = []
        try decompressor.append(input, to: &output)
        guard decompressor.isDone else { throw .truncated }
        return output
    }
}

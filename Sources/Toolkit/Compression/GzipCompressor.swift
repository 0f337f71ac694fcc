// SPDX-License-Identifier: Apache-2.0
import CZlib

/// A gzip stream being made (RFC 1952), reusable: its 256 KiB of state outlive each use.
///
/// Belongs to one thread.
@safe package final class GzipCompressor {
    /// What becomes of the bytes that the compressor still holds.
    package enum Flush: Sendable {
        /// They wait for more.
        case none
        /// They go out, so that the reader can see all that was written.
        case sync
        /// They go out, and the stream ends.
        case finish
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let room: UnsafeMutableBufferPointer<UInt8>

    package init(level: Int = 1) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe room = .allocate(capacity: 16 * 1_024)
        // 15 bits of window, and 16 more to ask for gzip's frame instead of zlib's (zlib.h).
        let status = unsafe deflateInit2_(
            stream,
            Int32(level),
            Z_DEFLATED,
            15 + 16,
            8,
            Z_DEFAULT_STRATEGY,
            zlibVersion(),
            Int32(MemoryLayout<z_stream>.size)
        )
        precondition(status == Z_OK, "zlib refused its own version")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
        unsafe room.deallocate()
    }

    /// Begins a new stream.
    package func reset() { _ = unsafe deflateReset(stream) }

    package func append(
        _ input: UnsafeRawBufferPointer,
        flush: Flush,
        to output: inout [UInt8]
    ) {
        let start = unsafe input.bindMemory(to: UInt8.self).baseAddress
        unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
        unsafe stream.pointee.avail_in = UInt32(input.count)
        var status = Z_OK
        repeat {
            unsafe stream.pointee.next_out = room.baseAddress
            unsafe stream.pointee.avail_out = UInt32(room.count)
            status = unsafe deflate(stream, flush.code)
            let made = unsafe room.count - Int(stream.pointee.avail_out)
            unsafe output.append(contentsOf: room.prefix(made))
        } while unsafe stream.pointee.avail_out == 0 || (flush == .finish && status == Z_OK)
    }

    package func append(_ input: [UInt8], flush: Flush, to output: inout [UInt8]) {
        unsafe input.withUnsafeBytes { unsafe append($0, flush: flush, to: &output) }
    }
}

extension GzipCompressor.Flush {
    fileprivate var code: Int32 {
        switch self {
        case .none: Z_NO_FLUSH
        case .sync: Z_SYNC_FLUSH
        case .finish: Z_FINISH
        }
    }
}

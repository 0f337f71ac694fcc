// SPDX-License-Identifier: Apache-2.0
import Compression
import EventLoop
import Telemetry

/// A body on its way out, piece by piece. The head waits for the first piece, so that a stream
/// that fails at once can be answered with an error, and a short one takes a single packet.
final class StreamedBody: BodySink {
    /// More, or less, than the announced length.
    struct LengthBroken: Error {}

    private let socket: StreamSocket
    private let compressor: GzipCompressor?
    private let patience: UInt64
    private var head: [UInt8]
    private var isChunked: Bool
    private var remaining: Int?
    private var chunkIsOpen = false
    private(set) var hasStarted = false
    private(set) var bytesWritten = 0
    private(set) var firstByteAt: UInt64 = 0
    /// The socket's failure, as opposed to the producer's.
    private(set) var failure: SocketError?

    init(
        _ socket: StreamSocket,
        _ head: [UInt8],
        _ framing: ResponseEncoder.BodyLength,
        _ compressor: GzipCompressor?,
        _ patience: UInt64
    ) {
        self.socket = socket
        self.head = head
        self.compressor = compressor
        self.patience = patience
        isChunked = framing == .chunked
        if case .known(let length) = framing { remaining = length }
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        guard let compressor else { return try await send(bytes) }
        var compressed: [UInt8] = []
        compressor.append(bytes, flush: .sync, to: &compressed)
        try await send(compressed)
    }

    func sendHead() async throws {
        try await flush(prefix: [], [])
    }

    func finish() async throws {
        if let compressor {
            var rest: [UInt8] = []
            compressor.append([], flush: .finish, to: &rest)
            try await send(rest)
        }
        guard remaining ?? 0 == 0 else { throw LengthBroken() }
        var end: [UInt8] = []
        if isChunked {
            if chunkIsOpen { end.append("\r\n") }
            end.append("0\r\n\r\n")
        }
        try await flush(prefix: end, [])
    }

    private func send(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        if let remaining {
            guard bytes.count <= remaining else { throw LengthBroken() }
            self.remaining = remaining - bytes.count
        }
        var prefix: [UInt8] = []
        if isChunked {
            if chunkIsOpen { prefix.append("\r\n") }
            prefix.append(hexadecimal: bytes.count)
            prefix.append("\r\n")
            chunkIsOpen = true
        }
        try await flush(prefix: prefix, bytes)
        bytesWritten += bytes.count
    }

    private func flush(prefix: [UInt8], _ bytes: [UInt8]) async throws {
        if firstByteAt == 0 { firstByteAt = uptimeNanoseconds() }
        hasStarted = true
        let front = head + prefix
        head = []
        do throws(SocketError) {
            try await socket.write(front, body: bytes, deadline: uptimeNanoseconds() + patience)
        } catch {
            failure = error
            throw error
        }
    }
}

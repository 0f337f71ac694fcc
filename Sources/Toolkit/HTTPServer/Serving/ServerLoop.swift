// SPDX-License-Identifier: Apache-2.0
import Compression
import EventLoop

/// What a server keeps on one loop: its connections, and memory that they take turns with, so
/// that a connection without a request owns nearly nothing.
///
/// `@unchecked Sendable`: touched on the loop's thread only, once it serves.
@safe final class ServerLoop: @unchecked Sendable {
    let loop: EventLoop
    /// Reads land here and are taken out before anything waits.
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1_024, alignment: 16)
    var date = DateLine()
    private var spareOutputs: [[UInt8]] = []
    private var spareCompressors: [GzipCompressor] = []
    private var listening: [ListeningSocket]
    private var acceptors: [Acceptor] = []
    private var connections: [ObjectIdentifier: Connection] = [:]
    private(set) var isDraining = false
    /// No connection outlives its next answer.
    var isLeaving = false
    /// Peers that are being told that there is no room.
    var refusalsInFlight = 0

    init(loop: EventLoop, listening: [ListeningSocket]) {
        self.loop = loop
        self.listening = listening
    }

    deinit { unsafe scratch.deallocate() }

    /// Watches the next of the loop's listening sockets; nil when there is none.
    func nextAcceptor() throws(SocketError) -> Acceptor? {
        guard !isDraining, let next = listening.popLast() else { return nil }
        let acceptor = try next.acceptor(on: loop)
        acceptors.append(acceptor)
        return acceptor
    }

    func add(_ connection: Connection) { connections[ObjectIdentifier(connection)] = connection }
    func remove(_ connection: Connection) { connections[ObjectIdentifier(connection)] = nil }

    /// No more connections, and none that waits for a request.
    func beginDrain() {
        isDraining = true
        isLeaving = true
        listening = []
        for acceptor in acceptors { acceptor.close() }
        acceptors = []
        for connection in connections.values where connection.isIdle { connection.abandon() }
    }

    func closeAll() {
        for connection in connections.values { connection.abandon() }
    }

    func takeOutput() -> [UInt8] { spareOutputs.popLast() ?? [] }

    func give(_ output: consuming [UInt8]) {
        guard spareOutputs.count < 16, output.capacity <= 64 * 1_024 else { return }
        output.removeAll(keepingCapacity: true)
        spareOutputs.append(output)
    }

    func takeCompressor() -> GzipCompressor { spareCompressors.popLast() ?? GzipCompressor() }

    func give(_ compressor: GzipCompressor) {
        guard spareCompressors.count < 2 else { return }
        compressor.reset()
        spareCompressors.append(compressor)
    }
}

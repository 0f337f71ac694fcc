// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Telemetry

extension Connection {
    /// Waits for a request and reads its head. The head's bytes are copied out, once.
    func readHead() async throws(ReadFailure) -> (RequestHead, [UInt8]) {
        if passed() { await giveWay() }
        guard socket.isOpen else { throw .abandoned }
        var parser = RequestParser(limits: limits)
        var deadline = UInt64.max
        if unread.isEmpty {
            guard !state.isDraining else { throw .abandoned }
            becameIdle()
            deadline = uptimeNanoseconds() + limits.idleTimeout.nanoseconds
        } else {
            becameActive()
            deadline = startedAt + limits.headerReadTimeout.nanoseconds
            if let found = try parseUnread(&parser) { return found }
        }
        while true {
            guard let count = try receive() else {
                try await readable(deadline)
                continue
            }
            if isIdle {
                becameActive()
                deadline = startedAt + limits.headerReadTimeout.nanoseconds
            }
            if let found = try take(count, &parser) { return found }
        }
    }

    /// The body, if the request has one and it is not too long.
    func readBody(_ head: RequestHead, _ match: RouteMatch) async throws(ReadFailure) -> [UInt8] {
        let bytesMax = min(match.bodyBytesMax, limits.bodyBytesMax)
        switch head.framing {
        case .none: return []
        case .length(0): return []
        case .length(let length):
            guard length <= bytesMax else { throw .malformed(.bodyTooLarge) }
            return try await readBody(length: length, try await invite(head, match))
        case .chunked: return try await readChunks(bytesMax, try await invite(head, match))
        }
    }

    /// RFC 9110 §10.1.1: a client that asks first is told to go on, unless its body is here or
    /// the answer does not depend on it.
    private func invite(
        _ head: RequestHead,
        _ match: RouteMatch
    ) async throws(ReadFailure) -> UInt64 {
        let deadline = uptimeNanoseconds() + limits.bodyReadTimeout.nanoseconds
        guard head.expectsContinue, unread.isEmpty else { return deadline }
        guard match.isFound else { throw .malformed(.bodyTooLarge) }
        do throws(SocketError) {
            try await socket.write(ResponseEncoder.continueLine, deadline: deadline)
        } catch {
            throw .left
        }
        return deadline
    }

    private func readBody(
        length: Int,
        _ deadline: UInt64
    ) async throws(ReadFailure) -> [UInt8] {
        var body: [UInt8] = []
        // What is promised is not there yet: memory follows what comes.
        body.reserveCapacity(min(length, max(unread.count, 64 * 1_024)))
        let present = min(length, unread.count)
        body.append(contentsOf: unread.slice.prefix(present))
        unread.consume(present)
        while body.count < length {
            if passed() { await giveWay() }
            guard let count = try receive() else {
                try await readable(deadline)
                continue
            }
            let received = unsafe scratch(count)
            let span = unsafe received.span
            let wanted = min(count, length - body.count)
            unsafe span.extracting(0..<wanted).withUnsafeBufferPointer {
                unsafe body.append(contentsOf: $0)
            }
            if wanted < count { unread.append(span.extracting(wanted..<count)) }
            guard hold(body.count) else { throw .tooMuchHeld }
        }
        return body
    }

    private func readChunks(
        _ bytesMax: Int,
        _ deadline: UInt64
    ) async throws(ReadFailure) -> [UInt8] {
        var decoder = ChunkedDecoder(bodyBytesMax: bytesMax)
        var body: [UInt8] = []
        if !unread.isEmpty {
            unread.consume(try decode(&decoder, unread.slice.span, into: &body))
        }
        while !decoder.isDone {
            if passed() { await giveWay() }
            guard let count = try receive() else {
                try await readable(deadline)
                continue
            }
            let received = unsafe scratch(count)
            let span = unsafe received.span
            let used = try decode(&decoder, span, into: &body)
            if used < count { unread.append(span.extracting(used..<count)) }
            guard hold(body.count) else { throw .tooMuchHeld }
        }
        return body
    }

    private func decode(
        _ decoder: inout ChunkedDecoder,
        _ bytes: Span<UInt8>,
        into body: inout [UInt8]
    ) throws(ReadFailure) -> Int {
        do throws(Malformed) {
            return try decoder.decode(bytes, into: &body)
        } catch {
            throw .malformed(error)
        }
    }

    /// Counts; true where it is the others' turn. A peer that has always sent more already, and takes
    /// every answer at once, is never waited for.
    private func passed() -> Bool {
        passes += 1
        return passes > 16
    }

    private func giveWay() async {
        passes = 0
        await state.loop.nextTurn()
    }

    /// Reads into the scratch memory; nil asks to wait. Never waits itself: whoever gets a count
    /// uses the memory before any other connection can.
    private func receive() throws(ReadFailure) -> Int? {
        do throws(SocketError) {
            let count = try unsafe socket.readAvailable(into: state.scratch)
            guard count != 0 else { throw .closed }
            return count
        } catch {
            throw error == .closed && !socket.isOpen ? .abandoned : .left
        }
    }

    private func readable(_ deadline: UInt64) async throws(ReadFailure) {
        passes = 0
        do throws(SocketError) {
            try await socket.readable(deadline: deadline)
        } catch {
            switch error {
            case .timedOut: throw isIdle ? .idle : .timedOut
            case .closed: throw .abandoned
            case .addressInvalid, .system: throw .left
            }
        }
    }

    private func scratch(_ count: Int) -> UnsafeBufferPointer<UInt8> {
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: state.scratch[..<count])
        return unsafe bytes.bindMemory(to: UInt8.self)
    }

    private func take(
        _ count: Int,
        _ parser: inout RequestParser
    ) throws(ReadFailure) -> (RequestHead, [UInt8])? {
        let received = unsafe scratch(count)
        let span = unsafe received.span
        guard unread.isEmpty else {
            unread.append(span)
            return try parseUnread(&parser)
        }
        guard let head = try parse(span, &parser) else {
            unread.append(span)
            return nil
        }
        let bytes = unsafe span.extracting(0..<head.byteCount).withUnsafeBufferPointer {
            unsafe Array($0)
        }
        if head.byteCount < count { unread.append(span.extracting(head.byteCount..<count)) }
        return (head, bytes)
    }

    private func parseUnread(
        _ parser: inout RequestParser
    ) throws(ReadFailure) -> (RequestHead, [UInt8])? {
        guard let head = try parse(unread.slice.span, &parser) else { return nil }
        let bytes = Array(unread.slice.prefix(head.byteCount))
        unread.consume(head.byteCount)
        return (head, bytes)
    }

    private func parse(
        _ bytes: Span<UInt8>,
        _ parser: inout RequestParser
    ) throws(ReadFailure) -> RequestHead? {
        do throws(Malformed) {
            return try parser.parse(bytes)
        } catch {
            throw .malformed(error)
        }
    }

    /// Reads and forgets until the peer closes or patience ends. Closing with unread bytes would
    /// reset the connection, and the peer could lose the answer (RFC 9112 §9.6).
    func linger() async {
        socket.shutdownWrite()
        unread = ReadBuffer()
        let deadline = uptimeNanoseconds() + limits.lingerTimeout.nanoseconds
        var patience = 4 << 20
        while patience > 0 {
            do throws(ReadFailure) {
                guard let count = try receive() else {
                    try await readable(deadline)
                    continue
                }
                patience -= count
            } catch {
                return
            }
        }
    }
}

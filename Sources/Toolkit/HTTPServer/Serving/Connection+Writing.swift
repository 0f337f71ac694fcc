// SPDX-License-Identifier: Apache-2.0
import Compression
import EventLoop
import Telemetry

extension Connection {
    /// Bodies up to here are compressed in one go; longer ones a piece at a time, between which
    /// the loop's other connections have their turn.
    private static let compressAtOnceMax = 128 * 1_024
    private static let pieceBytes = 64 * 1_024
    /// Of a peer that takes a second for 64 KiB: none is slower that is still wanted.
    private static let nanosecondsPerByte: UInt64 = 1_000_000_000 / (64 * 1_024)
    /// For a response that there is no room to hold.
    private static let hurry: UInt64 = 1_000_000_000

    /// Writes a response; says in `passage` what became of it.
    func write(_ response: Response, to request: Request, _ passage: inout Passage) async {
        var response = response
        if response.closesConnection || state.isLeaving { passage.keepsAlive = false }
        // Whatever a route says: three digits, and the answer, which it is not yet below 200 (RFC 9110
        // §15.2).
        response.status = min(max(response.status, 200), 999)
        passage.status = response.status
        let coding = negotiate(&response, for: request)
        if ResponseEncoder.hasNoBody(response.status) { response.body = .empty }
        switch response.body {
        case .stream(let length, let produce):
            await stream(response, length, coding, to: request, &passage, produce)
        case .bytes(let bytes) where coding == .gzip && bytes.count > Self.compressAtOnceMax:
            await stream(response, nil, coding, to: request, &passage, holding: bytes.count) {
                writer in
                for start in stride(from: 0, to: bytes.count, by: Self.pieceBytes) {
                    let end = min(start + Self.pieceBytes, bytes.count)
                    try await writer.write(Array(bytes[start..<end]))
                    await state.loop.nextTurn()
                }
            }
        case .external(let owner) where coding == .gzip && owner.count > Self.compressAtOnceMax:
            await stream(response, nil, coding, to: request, &passage, holding: owner.count) {
                writer in
                for start in stride(from: 0, to: owner.count, by: Self.pieceBytes) {
                    try await writer.write(owner.copy(from: start, count: Self.pieceBytes))
                    await state.loop.nextTurn()
                }
            }
        case .empty, .bytes, .external:
            await writeWhole(response, coding, to: request, &passage)
        }
    }

    private func writeWhole(
        _ response: Response,
        _ coding: Coding,
        to request: Request,
        _ passage: inout Passage
    ) async {
        let body = coding == .gzip ? compressed(response.body, request.trace) : response.body
        let isHead = request.method == .head
        var length = ResponseEncoder.BodyLength.known(body.knownCount)
        // RFC 9110 §8.6: what HEAD says must be what GET would. A compressed length would have to be
        // found out by compressing; a route that made no body for HEAD does not know it.
        let isUnknown = isHead && (coding == .gzip || body.isEmpty)
        if isUnknown || ResponseEncoder.hasNoBody(response.status) { length = .absent }
        var output = state.takeOutput()
        let persistence = persistence(request, passage)
        ResponseEncoder.append(response, length, persistence, date: &state.date, to: &output)
        passage.firstByteAt = uptimeNanoseconds()
        let patience = limits.writeTimeout.nanoseconds
        let hasRoom = isHead || hold(request.body.count + body.knownCount)
        let time = patience + UInt64(body.knownCount) * Self.nanosecondsPerByte
        let deadline = passage.firstByteAt + (hasRoom ? time : Self.hurry)
        do throws(SocketError) {
            switch body {
            case .bytes(let bytes) where !isHead:
                try await socket.write(
                    output,
                    body: bytes,
                    deadline: deadline,
                    patience: patience
                )
            case .external(let owner) where !isHead:
                try await write(output, owner, deadline, patience)
            case .empty, .bytes, .external, .stream:
                try await socket.write(output, deadline: deadline)
            }
            passage.bytesWritten = isHead ? 0 : body.knownCount
        } catch {
            passage.abort(AbortReason(error))
        }
        state.give(output)
    }

    /// The bytes stay in place for as long as their owner lives, and we hold it.
    private func write(
        _ head: [UInt8],
        _ owner: any ExternalBytes,
        _ deadline: UInt64,
        _ patience: UInt64
    ) async throws(SocketError) {
        let bytes = unsafe owner.withBytes { unsafe $0 }
        defer { withExtendedLifetime(owner) {} }
        try await unsafe socket.write(
            head,
            body: bytes,
            deadline: deadline,
            patience: patience
        )
    }

    private func stream(
        _ response: Response,
        _ length: Int?,
        _ coding: Coding,
        to request: Request,
        _ passage: inout Passage,
        holding bytes: Int = 0,
        _ produce: (BodyWriter) async throws -> Void
    ) async {
        let isHead = request.method == .head
        var framing: ResponseEncoder.BodyLength = .chunked
        if let length, coding == .identity {
            framing = .known(length)
        } else if request.version == .http10 {
            // No chunks in 1.0: the end of the connection is the end of the body.
            framing = .untilClose
            passage.keepsAlive = false
        }
        var head = state.takeOutput()
        let persistence = persistence(request, passage)
        ResponseEncoder.append(response, framing, persistence, date: &state.date, to: &head)
        let compressor = coding == .gzip && !isHead ? state.takeCompressor() : nil
        let patience =
            hold(request.body.count + bytes) ? limits.writeTimeout.nanoseconds : Self.hurry
        let body = StreamedBody(socket, head, framing, compressor, patience)
        do {
            if isHead {
                try await body.sendHead()
            } else {
                try await produce(BodyWriter(body))
                try await body.finish()
            }
        } catch {
            await cutShort(body, error, request, &passage)
        }
        if let compressor { state.give(compressor) }
        guard body.hasStarted else { return }
        passage.bytesWritten = body.bytesWritten
        passage.firstByteAt = body.firstByteAt
    }

    /// A stream that fails before its first byte can still say so. Later, the connection ends
    /// where the body should not: the client sees that it is not whole.
    private func cutShort(
        _ body: StreamedBody,
        _ error: any Error,
        _ request: Request,
        _ passage: inout Passage
    ) async {
        passage.keepsAlive = false
        if let failure = body.failure { return passage.abort(AbortReason(failure)) }
        guard !body.hasStarted else { return passage.status = 500 }
        let response = server.pipeline.refuse(.failed, request)
        passage.status = response.status
        await writeWhole(response, .identity, to: request, &passage)
    }

    /// Writes an answer to what is no request, and then the end.
    func refuse(_ response: Response) async {
        var output = state.takeOutput()
        let body = response.body.knownCount
        ResponseEncoder.append(response, .known(body), .close, date: &state.date, to: &output)
        if case .bytes(let bytes) = response.body { output.append(contentsOf: bytes) }
        let deadline = uptimeNanoseconds() + limits.writeTimeout.nanoseconds
        do throws(SocketError) {
            try await socket.write(output, deadline: deadline)
            await linger()
        } catch {
            // Whom the answer was for has gone.
        }
        state.give(output)
    }

    private func persistence(
        _ request: Request,
        _ passage: Passage
    ) -> ResponseEncoder.Persistence {
        guard passage.keepsAlive else { return .close }
        return request.version == .http10 ? .keepAliveSaid : .keepAlive
    }
}

extension Connection {
    enum Coding { case identity, gzip }

    /// Compresses what is long enough, text, and wanted so. `Vary` tells caches that others may
    /// want it otherwise (RFC 9110 §12.5.5).
    private func negotiate(_ response: inout Response, for request: Request) -> Coding {
        switch response.body {
        case .empty: return .identity
        case .bytes, .external:
            guard response.body.knownCount >= limits.compressBytesMin else { return .identity }
        case .stream(let length, _):
            guard length ?? .max >= limits.compressBytesMin else { return .identity }
        }
        guard ContentCoding.isCompressible(response.headers) else { return .identity }
        response.headers.appendToList("Vary", "Accept-Encoding")
        guard request.version == .http11, ContentCoding.acceptsGzip(request.headers) else {
            return .identity
        }
        response.headers.append("Content-Encoding", "gzip")
        weakenTag(&response)
        return .gzip
    }

    // RFC 9110 §8.8.1: a strong validator changes with the coding.
    private func weakenTag(_ response: inout Response) {
        guard let tag = response.headers["ETag"], !tag.hasPrefix("W/") else { return }
        response.headers.set("ETag", "W/\(tag)")
    }

    private func compressed(_ body: Response.Body, _ trace: RequestTrace) -> Response.Body {
        let previous = trace.enter(.serialize)
        defer { trace.leave(to: previous) }
        let compressor = state.takeCompressor()
        defer { state.give(compressor) }
        var output: [UInt8] = []
        output.reserveCapacity(body.knownCount / 3)
        switch body {
        case .bytes(let bytes): compressor.append(bytes, flush: .finish, to: &output)
        case .external(let owner):
            unsafe owner.withBytes { unsafe compressor.append($0, flush: .finish, to: &output) }
        case .empty, .stream: break
        }
        return .bytes(output)
    }
}

extension Response.Body {
    /// Made without content, as a route may for HEAD.
    var isEmpty: Bool {
        if case .empty = self { return true }
        return false
    }

    /// 0 for streams.
    var knownCount: Int {
        switch self {
        case .empty, .stream: 0
        case .bytes(let bytes): bytes.count
        case .external(let owner): owner.count
        }
    }
}

extension ExternalBytes {
    var count: Int { unsafe withBytes { $0.count } }

    func copy(from start: Int, count: Int) -> [UInt8] {
        unsafe withBytes { unsafe Array($0[start..<min(start + count, $0.count)]) }
    }
}

extension AbortReason {
    init(_ error: SocketError) {
        switch error {
        case .timedOut: self = .deadline
        case .closed: self = .shutdown
        case .addressInvalid, .system: self = .clientClosed
        }
    }
}

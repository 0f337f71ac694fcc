// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Telemetry

/// One client's connection: request, response, request, response, until one side has enough.
///
/// Confined to its loop. This is the one place where a request's passage is measured as a whole:
/// it starts with its first byte and ends with the last one of its response.
final class Connection {
    let socket: StreamSocket
    let server: Server
    let state: ServerLoop
    var unread = ReadBuffer()
    /// When the current request's first byte was there.
    var startedAt: UInt64 = 0
    /// Nothing of a request has come yet.
    private(set) var isIdle = false
    /// Requests and pieces of bodies that were taken since its peer was last waited for.
    var passes = 0
    private var cancellation: Cancellation?
    /// What of the current request's and its response's body counts among all that are held.
    private var heldBytes = 0

    init(_ socket: StreamSocket, server: Server, state: ServerLoop) {
        self.socket = socket
        self.server = server
        self.state = state
    }

    var limits: ServerLimits { server.limits }

    func run() async {
        server.telemetry.report(.accepted, on: server.listener)
        state.add(self)
        socket.registration.onPeerLeft = { [unowned self] in cancellation?.cancel() }
        let reason = await serve()
        socket.close()
        state.remove(self)
        server.telemetry.report(.closed(reason, wasIdle: isIdle), on: server.listener)
    }

    /// Says that there is no room, and goes.
    func refuse() async {
        startedAt = uptimeNanoseconds()
        await refuse(.tooManyConnections)
        socket.close()
        server.turnedAway()
    }

    /// The drain's deadline has passed, or nothing was going on anyway.
    func abandon() {
        cancellation?.cancel()
        socket.close()
    }

    func becameIdle() {
        guard !isIdle else { return }
        isIdle = true
        server.telemetry.report(.becameIdle, on: server.listener)
    }

    func becameActive() {
        startedAt = uptimeNanoseconds()
        guard isIdle else { return }
        isIdle = false
        server.telemetry.report(.becameActive, on: server.listener)
    }

    /// Counts the current request's bytes, once they are many: what is below that is bounded by the
    /// number of connections. False when all of them together are too many.
    func hold(_ bytes: Int) -> Bool {
        let more = bytes - heldBytes
        guard more > 64 * 1_024 else { return true }
        heldBytes = bytes
        return server.hold(more)
    }

    private func releaseBytes() {
        guard heldBytes > 0 else { return }
        server.release(heldBytes)
        heldBytes = 0
    }

    private func serve() async -> ConnectionEvent.CloseReason {
        while true {
            do throws(ReadFailure) {
                let (head, bytes) = try await readHead()
                if let reason = await exchange(head, bytes) { return reason }
            } catch {
                return await close(after: error)
            }
        }
    }

    /// Answers one request. The reason to close the connection, or nil to go on.
    private func exchange(
        _ head: RequestHead,
        _ bytes: [UInt8]
    ) async -> ConnectionEvent.CloseReason? {
        let trace = RequestTrace(head, bytes, startedAt: startedAt)
        let match = server.pipeline.router.match(
            head.method,
            path: bytes.span.extracting(head.path),
            offset: head.path.lowerBound
        )
        trace.route = match.route?.telemetry ?? server.unmatchedRoute
        server.telemetry.requestStarted(trace)
        let cancellation = Cancellation()
        self.cancellation = cancellation
        // It may have left before anybody came to read what it asked. Who asks for no more, or has
        // asked for more already, may just have said that this was all.
        if socket.registration.peerHasLeft, head.keepsAlive, unread.isEmpty {
            cancellation.cancel()
        }

        var request = Request(
            head: head,
            bytes: bytes,
            body: [],
            peerAddress: socket.peerAddress,
            trace: trace,
            cancellation: cancellation
        )
        var passage = Passage(keepsAlive: head.keepsAlive)
        let response = await answer(&request, match, head, &passage)
        if let response {
            trace.beginWriting()
            await write(response, to: request, &passage)
        }
        self.cancellation = nil
        releaseBytes()
        if cancellation.isCancelled { passage.abort(.clientClosed) }
        server.telemetry.requestEnded(trace, passage.summary(of: request, response))
        if passage.failure == nil, passage.keepsAlive { return nil }
        if passage.leavesUnread || mayStillSend(head, passage) { await linger() }
        return passage.closeReason(isLeaving: state.isLeaving)
    }

    /// Whether a peer that was not dropped has sent more, or may: it did not know that this was to be
    /// the last answer.
    private func mayStillSend(_ head: RequestHead, _ passage: Passage) -> Bool {
        guard passage.aborted == nil else { return false }
        return head.keepsAlive || !unread.isEmpty || socket.registration.isReadable
    }

    /// The response, or nil when the peer left before the request was complete.
    private func answer(
        _ request: inout Request,
        _ match: RouteMatch,
        _ head: RequestHead,
        _ passage: inout Passage
    ) async -> Response? {
        do throws(ReadFailure) {
            request.body = try await readBody(head, match)
            request.trace.enter(.middleware)
            return await server.pipeline.respond(to: &request, as: match)
        } catch {
            passage.failure = error
            passage.keepsAlive = false
            passage.leavesUnread = true
            request.trace.enter(.middleware)
            switch error {
            case .malformed(.bodyTooLarge) where !match.isFound:
                return await server.pipeline.respond(to: &request, as: match)
            case .malformed(let why):
                report(why.reason, of: request)
                return server.pipeline.refuse(Refusal(why), request)
            case .timedOut:
                report(.timeout, of: request)
                return server.pipeline.refuse(.timedOut, request)
            case .tooMuchHeld: return server.pipeline.refuse(.tooMuchHeld, request)
            case .left, .idle, .abandoned:
                passage.abort(error == .abandoned ? .shutdown : .clientClosed)
                passage.leavesUnread = false
                return nil
            }
        }
    }

    /// What a connection dies of between requests.
    private func close(after failure: ReadFailure) async -> ConnectionEvent.CloseReason {
        switch failure {
        case .left: return .client
        case .idle: return .idleTimeout
        case .tooMuchHeld: return .limit
        case .abandoned:
            // What it has asked for meanwhile must not cost it the end of its last answer.
            if socket.isOpen, socket.registration.isReadable { await linger() }
            return .shutdown
        case .timedOut:
            await refuse(.timedOut, for: .timeout)
            return .readTimeout
        case .malformed(let why):
            await refuse(Refusal(why), for: why.reason)
            return .parseError
        }
    }

    /// An answer to what is no request. What it might have said of itself is not believed: it has a
    /// trace of its own, so that it can be asked about.
    private func refuse(
        _ refusal: Refusal,
        for reason: ConnectionEvent.ParseErrorReason? = nil
    ) async {
        let trace = RequestTrace(startedAt: startedAt, context: .restarted())
        trace.enter(.middleware)
        let request = Request(.get, "/", peerAddress: socket.peerAddress, trace: trace)
        if let reason { report(reason, of: request, status: refusal.status) }
        await refuse(server.pipeline.refuse(refusal, request))
    }

    /// `status`: of what will have no other record.
    private func report(
        _ reason: ConnectionEvent.ParseErrorReason,
        of request: Request,
        status: Int? = nil
    ) {
        server.telemetry.requestRefused(
            reason,
            status: status,
            of: request.peerAddress,
            in: request.trace,
            on: server.listener
        )
    }
}

/// Why there is no request.
enum ReadFailure: Error, Equatable {
    case malformed(Malformed)
    /// It began, and did not come to its end in time.
    case timedOut
    /// There is no room for its body.
    case tooMuchHeld
    case idle
    /// The peer has gone.
    case left
    /// Closed on this side.
    case abandoned
}

/// What is known of a request's way through the connection.
struct Passage {
    var keepsAlive: Bool
    var failure: ReadFailure?
    /// The peer may still be sending: it must be listened to, or it will not read the answer.
    var leavesUnread = false
    var aborted: AbortReason?
    var status = 0
    var bytesWritten = 0
    var firstByteAt: UInt64 = 0

    mutating func abort(_ reason: AbortReason) {
        aborted = reason
        keepsAlive = false
    }

    func closeReason(isLeaving: Bool) -> ConnectionEvent.CloseReason {
        switch failure {
        case .timedOut: .readTimeout
        case .malformed: .parseError
        case .abandoned: .shutdown
        case .left, .idle: .client
        case .tooMuchHeld: .limit
        case nil where aborted == .deadline: .writeTimeout
        case nil: isLeaving ? .shutdown : .client
        }
    }

    /// 499 is what the log of a request says that nobody waited for.
    func summary(of request: Request, _ response: Response?) -> RequestSummary {
        var summary = RequestSummary(status: status == 0 ? 499 : status)
        summary.requestBytes = request.body.count
        summary.responseBytes = bytesWritten
        summary.path = request.pathBytes
        summary.query = request.queryBytes ?? []
        summary.clientAddress = request.peerAddress
        summary.userAgent = request.headers.bytes(of: "User-Agent") ?? []
        summary.aborted = aborted
        summary.firstByteAt = firstByteAt
        guard let failure = response?.failure else { return summary }
        summary.errorType = failure.type
        summary.errorCode = failure.code
        summary.errorMessage = failure.message
        return summary
    }
}

extension TraceContext {
    /// Two callers' spans cannot both be the parent: more than one is none that is valid.
    fileprivate init(acceptingOneOf fields: HeaderFields) {
        guard let position = fields.position(of: "traceparent") else {
            self.init(accepting: Span<UInt8>?.none)
            return
        }
        let isOnly = fields.position(of: "traceparent", from: position + 1) == nil
        let value = fields.bytes.span.extracting(fields.entries[position].value)
        self.init(accepting: isOnly ? value : value.extracting(first: 0))
    }
}

extension RequestTrace {
    /// The caller's trace and request id are taken where they are well formed.
    fileprivate convenience init(_ head: RequestHead, _ bytes: [UInt8], startedAt: UInt64) {
        let fields = HeaderFields(of: bytes, at: head.fields)
        let context = TraceContext(acceptingOneOf: fields)
        self.init(
            startedAt: startedAt,
            context: context,
            requestID: fields.bytes(of: "X-Request-Id").flatMap(Self.requestID),
            method: head.method.label
        )
        if method == .other { note("http.request.method_original", Self.shown(head.method)) }
        receive(
            // Without a trace to belong to it says nothing (W3C Trace Context §3.3); baggage goes
            // with a trace or without.
            traceState: context.origin == .accepted ? fields.joined("tracestate") : nil,
            baggage: fields.joined("baggage")
        )
    }

    /// A method may be as long as a target.
    private static func shown(_ method: Method) -> String {
        String(decoding: method.text.utf8.prefix(64), as: UTF8.self)
    }

    /// An id goes into logs and headers: short, visible, and without quotes.
    private static func requestID(_ bytes: ArraySlice<UInt8>) -> String? {
        guard (1...128).contains(bytes.count) else { return nil }
        let isPlain = bytes.allSatisfy {
            ByteClass.isToken($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/")
                || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "@")
        }
        return isPlain ? String(decoding: bytes, as: UTF8.self) : nil
    }
}

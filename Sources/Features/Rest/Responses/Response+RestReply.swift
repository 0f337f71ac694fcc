// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore

extension Response {
    static let variesBy = "Accept, Prefer, Range"

    init(_ reply: RestReply, to request: Request, under state: RestState?) {
        self.init(
            status: reply.status,
            reason: reply.reason,
            headers: reply.headers,
            body: Body(reply.body)
        )
        if !headers.contains("Vary") { headers.append("Vary", Self.variesBy) }
        echo(state?.settings.traceHeader, of: request)
        failure = reply.problem.map {
            Failure(type: $0.kind.rawValue, code: $0.code, message: $0.message)
        }
    }
}

extension Response {
    /// Sends a header of the request back, for clients that tell answers apart by it.
    mutating func echo(_ name: String?, of request: Request) {
        guard let name else { return }
        headers.set(name, request.headers[name] ?? "")
    }
}

extension Response.Body {
    fileprivate init(_ body: RestReply.Body) {
        switch body {
        case .none: self = .empty
        case .bytes(let bytes): self = .bytes(bytes)
        case .pieces(let pieces):
            self = .stream(length: nil) { writer in
                defer { pieces.letGo() }
                while let piece = try await pieces.next() { try await writer.write(piece) }
            }
        case .answer(let answer):
            self = (answer as? any ExternalBytes).map(Self.external) ?? .bytes(answer.copied)
        }
    }
}

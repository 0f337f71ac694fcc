// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
package import LucarneCore

/// Bytes PostgreSQL made, still in its result: they reach the socket without being copied.
package protocol AnswerBytes: AnyObject, Sendable {
    var count: Int { get }
    var copied: [UInt8] { get }
}

/// Rows as JSON, a piece at a time: nil when there are no more.
package protocol AnswerPieces: AnyObject, Sendable {
    func next() async throws(Problem) -> [UInt8]?
    /// No more will be asked for. To be said before the request is over.
    func letGo()
}

/// A response in the dialect's terms, before it is HTTP.
package struct RestReply: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([UInt8])
        case answer(any AnswerBytes)
        /// More than is held at once.
        case pieces(any AnswerPieces)

        package var count: Int {
            switch self {
            case .none, .pieces: 0
            case .bytes(let bytes): bytes.count
            case .answer(let answer): answer.count
            }
        }

        /// For the few who look into it.
        var copied: [UInt8] {
            switch self {
            case .none, .pieces: []
            case .bytes(let bytes): bytes
            case .answer(let answer): answer.copied
            }
        }
    }

    package var status: Int
    package var reason: String?
    package var headers: HeaderFields
    package var body: Body
    /// Why this is a refusal.
    package var problem: Problem?

    package init(
        status: Int,
        reason: String? = nil,
        headers: HeaderFields = [:],
        body: Body = .none,
        problem: Problem? = nil
    ) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.problem = problem
    }
}

// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore
import QueryPlanner

/// Makes the response of an answer, by what was asked for.
struct ReplyBuilder {
    let terms: RestTerms
    /// What the body is.
    let mediaType: MediaType
    let offset: Int
    /// Where REST is mounted, without a slash at its end.
    let mount: String
    let isErrorVerbose: Bool
    /// Names in the query that will not be understood for ever.
    private let warning: String?

    init(
        _ terms: RestTerms,
        _ output: Output,
        offset: Int = 0,
        legacyTargets: [(name: String, alias: String)],
        _ settings: RestSettings
    ) {
        self.terms = terms
        self.offset = offset
        mediaType = output.mediaType
        mount = settings.path == "/" ? "" : settings.path
        isErrorVerbose = settings.isErrorVerbose
        warning = RestReply.warning(of: legacyTargets, settings)
    }

    /// What every answer to a read of these terms says.
    var readHeaders: HeaderFields {
        var headers = contentHeaders
        headers.append(
            contentsOf: applied {
                $0.resolution = nil
                $0.representation = nil
                $0.missing = nil
                $0.affectedMax = nil
            }
        )
        return headers
    }

    /// `location` is where these rows, and no others, are found again.
    func read(
        _ answer: RestAnswer,
        at location: [UInt8],
        _ readHeaders: HeaderFields
    ) throws(Problem) -> RestReply {
        let headersOnly = terms.action.isHeadersOnly
        let range = ContentRange(offset: offset, rows: answer.pageTotal, total: answer.tableTotal)
        let body = range.status == 416 ? outOfBounds(answer) : headersOnly ? .none : answer.body
        var headers = readHeaders
        headers.append("Content-Range", range.text)
        headers.append("Content-Location", location)
        return try finish(answer, RestReply(status: range.status, headers: headers, body: body))
    }

    func insert(
        _ answer: RestAnswer,
        into relation: QualifiedName,
        resolvesConflicts: Bool
    ) throws(Problem) -> RestReply {
        let isFull = terms.preferences.representation == .full
        var headers: HeaderFields = [:]
        if !answer.location.isEmpty { headers.append("Location", location(answer, relation)) }
        headers.append("Content-Range", ContentRange(total: countedTotal(answer)).text)
        headers.append(
            contentsOf: applied {
                $0.affectedMax = nil
                if !resolvesConflicts { $0.resolution = nil }
            }
        )
        if isFull { headers.append(contentsOf: contentHeaders) }
        return try finish(
            answer,
            RestReply(
                status: insertStatus(answer),
                headers: headers,
                body: isFull ? answer.body : .none
            )
        )
    }

    /// Nothing new came of a merge that only updated.
    private func insertStatus(_ answer: RestAnswer) -> Int {
        let isMerge = terms.preferences.resolution == .mergeDuplicates
        return isMerge && (answer.insertedCount ?? 0) <= 0 ? 200 : 201
    }

    private func location(_ answer: RestAnswer, _ relation: QualifiedName) -> String {
        let pairs = answer.location.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.map { QueryEncoding.encoded(String($0)) }.joined(separator: "=")
        }
        return "\(mount)/\(relation.name)?" + pairs.joined(separator: "&")
    }

    func update(_ answer: RestAnswer) throws(Problem) -> RestReply {
        let total = countedTotal(answer)
        let range = ContentRange(offset: 0, rows: answer.pageTotal, total: total).text
        return try change(answer, range, applied { $0.resolution = nil })
    }

    func delete(_ answer: RestAnswer) throws(Problem) -> RestReply {
        try change(
            answer,
            ContentRange(total: countedTotal(answer)).text,
            applied {
                $0.resolution = nil
                $0.missing = nil
            }
        )
    }

    func upsert(_ answer: RestAnswer) throws(Problem) -> RestReply {
        let status = (answer.insertedCount ?? 0) > 0 ? 201 : 200
        let headers = applied {
            $0.resolution = nil
            $0.missing = nil
            $0.affectedMax = nil
        }
        return try change(answer, nil, headers, status: status)
    }

    /// 204 without a body, unless the rows were asked for.
    private func change(
        _ answer: RestAnswer,
        _ range: String?,
        _ applied: HeaderFields,
        status: Int = 200
    ) throws(Problem) -> RestReply {
        var headers: HeaderFields = [:]
        if let range { headers.append("Content-Range", range) }
        headers.append(contentsOf: applied)
        guard terms.preferences.representation == .full else {
            return try finish(answer, RestReply(status: 204, headers: headers))
        }
        headers.append(contentsOf: contentHeaders)
        return try finish(answer, RestReply(status: status, headers: headers, body: answer.body))
    }

    func call(
        _ answer: RestAnswer,
        returnsVoid: Bool,
        headersOnly: Bool
    ) throws(Problem) -> RestReply {
        let range = ContentRange(offset: offset, rows: answer.pageTotal, total: answer.tableTotal)
        var headers: HeaderFields = ["Content-Range": range.text]
        headers.append(
            contentsOf: applied {
                $0.resolution = nil
                $0.representation = nil
                $0.missing = nil
            }
        )
        guard !returnsVoid else {
            return try finish(answer, RestReply(status: 204, headers: headers))
        }
        let body = range.status == 416 ? outOfBounds(answer) : answer.body
        headers.append(contentsOf: contentHeaders)
        return try finish(
            answer,
            RestReply(status: range.status, headers: headers, body: headersOnly ? .none : body)
        )
    }

    /// What EXPLAIN printed.
    func plan(_ answer: RestAnswer) -> RestReply {
        RestReply(status: 200, headers: contentHeaders, body: answer.body)
    }

    private func finish(_ answer: RestAnswer, _ reply: RestReply) throws(Problem) -> RestReply {
        let settings = try ReplySettings(
            status: answer.responseStatus,
            headers: answer.responseHeaders
        )
        var reply = settings.apply(to: reply)
        if let warning { reply.headers.append("Warning", warning) }
        return reply
    }

    private func countedTotal(_ answer: RestAnswer) -> Int? {
        switch terms.preferences.count {
        case .exact, .estimated: answer.pageTotal
        case .planned, nil: nil
        }
    }

    private func outOfBounds(_ answer: RestAnswer) -> RestReply.Body {
        let problem = Problem.outOfBounds(offset: offset, total: answer.tableTotal ?? 0)
        return .bytes(ProblemBody.encode(problem, isVerbose: isErrorVerbose))
    }

    var contentHeaders: HeaderFields {
        var headers: HeaderFields = ["Content-Type": mediaType.contentType]
        if terms.namesSchema { headers.append("Content-Profile", terms.schema) }
        return headers
    }

    /// `Preference-Applied`, without the wishes that have no meaning here.
    private func applied(_ drop: (inout Preferences) -> Void = { _ in }) -> HeaderFields {
        var preferences = terms.preferences
        drop(&preferences)
        return preferences.applied.map { ["Preference-Applied": $0] } ?? [:]
    }
}

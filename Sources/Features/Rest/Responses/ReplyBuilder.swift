// SPDX-License-Identifier: Apache-2.0
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

    init(_ terms: RestTerms, _ output: Output, offset: Int = 0, _ settings: RestSettings) {
        self.terms = terms
        self.offset = offset
        mediaType = output.mediaType
        mount = settings.path == "/" ? "" : settings.path
        isErrorVerbose = settings.isErrorVerbose
    }

    private typealias Header = RestReply.Header

    /// What every answer to a read of these terms says.
    var readHeaders: [RestReply.Header] {
        contentHeaders
            + applied {
                $0.resolution = nil
                $0.representation = nil
                $0.missing = nil
                $0.affectedMax = nil
            }
    }

    /// `location` is where these rows, and no others, are found again.
    func read(
        _ answer: RestAnswer,
        at location: String,
        _ readHeaders: [RestReply.Header]
    ) throws(Problem) -> RestReply {
        let headersOnly = terms.action.isHeadersOnly
        let range = ContentRange(offset: offset, rows: answer.pageTotal, total: answer.tableTotal)
        let body = range.status == 416 ? outOfBounds(answer) : headersOnly ? .none : answer.body
        var headers: [RestReply.Header] = []
        headers.reserveCapacity(readHeaders.count + 3)
        headers.append(range.header)
        headers.append(Header("Content-Location", location))
        if !headersOnly { headers.append(Self.length(body)) }
        headers += readHeaders
        return try finish(answer, RestReply(status: range.status, headers: headers, body: body))
    }

    func insert(
        _ answer: RestAnswer,
        into relation: QualifiedName,
        resolvesConflicts: Bool
    ) throws(Problem) -> RestReply {
        let isFull = terms.preferences.representation == .full
        let body = isFull ? answer.body : .none
        var headers = [Self.length(body)]
        if !answer.location.isEmpty { headers.append(location(answer, relation)) }
        headers.append(ContentRange(total: countedTotal(answer)).header)
        headers += applied {
            $0.affectedMax = nil
            if !resolvesConflicts { $0.resolution = nil }
        }
        if isFull { headers += contentHeaders }
        return try finish(
            answer,
            RestReply(status: insertStatus(answer), headers: headers, body: body)
        )
    }

    /// Nothing new came of a merge that only updated.
    private func insertStatus(_ answer: RestAnswer) -> Int {
        let isMerge = terms.preferences.resolution == .mergeDuplicates
        return isMerge && (answer.insertedCount ?? 0) <= 0 ? 200 : 201
    }

    private func location(_ answer: RestAnswer, _ relation: QualifiedName) -> RestReply.Header {
        let pairs = answer.location.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.map { QueryEncoding.encoded(String($0)) }.joined(separator: "=")
        }
        return Header("Location", "\(mount)/\(relation.name)?" + pairs.joined(separator: "&"))
    }

    func update(_ answer: RestAnswer) throws(Problem) -> RestReply {
        let total = countedTotal(answer)
        let range = ContentRange(offset: 0, rows: answer.pageTotal, total: total).header
        return try change(answer, [range] + applied { $0.resolution = nil })
    }

    func delete(_ answer: RestAnswer) throws(Problem) -> RestReply {
        let range = ContentRange(total: countedTotal(answer)).header
        return try change(
            answer,
            [range]
                + applied {
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
        return try change(answer, headers, status: status)
    }

    /// 204 without a body, unless the rows were asked for.
    private func change(
        _ answer: RestAnswer,
        _ headers: [RestReply.Header],
        status: Int = 200
    ) throws(Problem) -> RestReply {
        guard terms.preferences.representation == .full else {
            return try finish(answer, RestReply(status: 204, headers: headers))
        }
        let all = headers + [Self.length(answer.body)] + contentHeaders
        return try finish(answer, RestReply(status: status, headers: all, body: answer.body))
    }

    func call(
        _ answer: RestAnswer,
        returnsVoid: Bool,
        headersOnly: Bool
    ) throws(Problem) -> RestReply {
        let range = ContentRange(offset: offset, rows: answer.pageTotal, total: answer.tableTotal)
        let preferences = applied {
            $0.resolution = nil
            $0.representation = nil
            $0.missing = nil
        }
        var headers = [range.header] + preferences
        guard !returnsVoid else {
            return try finish(answer, RestReply(status: 204, headers: headers))
        }
        let body = range.status == 416 ? outOfBounds(answer) : answer.body
        if !headersOnly { headers.append(Self.length(body)) }
        headers += contentHeaders
        return try finish(
            answer,
            RestReply(status: range.status, headers: headers, body: headersOnly ? .none : body)
        )
    }

    /// What EXPLAIN printed.
    func plan(_ answer: RestAnswer) -> RestReply {
        let headers = [Self.length(answer.body)] + contentHeaders
        return RestReply(status: 200, headers: headers, body: answer.body)
    }

    private func finish(_ answer: RestAnswer, _ reply: RestReply) throws(Problem) -> RestReply {
        let settings = try ReplySettings(
            status: answer.responseStatus,
            headers: answer.responseHeaders
        )
        return settings.apply(to: reply)
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

    private static func length(_ body: RestReply.Body) -> RestReply.Header {
        RestReply.Header("Content-Length", String(body.count))
    }

    var contentHeaders: [RestReply.Header] {
        let type = RestReply.Header("Content-Type", mediaType.contentType)
        guard terms.namesSchema else { return [type] }
        return [type, RestReply.Header("Content-Profile", terms.schema)]
    }

    /// `Preference-Applied`, without the wishes that have no meaning here.
    private func applied(_ drop: (inout Preferences) -> Void = { _ in }) -> [RestReply.Header] {
        var preferences = terms.preferences
        drop(&preferences)
        return preferences.applied.map { [RestReply.Header("Preference-Applied", $0)] } ?? []
    }
}

// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore
import Persistence
import PostgresClient
import QueryPlanner
import Synchronization

/// Rows of a relation, planned: once for all requests that differ in values only, so it holds
/// nothing of one request.
package final class RestRead: PlannedRequest {
    private let terms: RestTerms
    private let plan: ReadPlan
    private let output: Output
    private let statement: SQLTemplate
    private let countPlan: SQLTemplate?
    /// Nil where the rows are wanted in one piece.
    private let format: ListFormat?
    private let weight = RowWeight()
    /// How many rows `statement` shows at most.
    private let usualCut: Int?
    /// What was last made for rows of another weight.
    private let unusual = Mutex<(cut: Int?, isWeighed: Bool, statement: SQLTemplate)?>(nil)
    private let check: (@Sendable (RestAnswer) throws(Problem) -> Void)?
    private let reply: ReplyBuilder
    private let rowsMax: Int?
    private let headers: HeaderFields
    private let sharing: Sharing?
    private let latest = Mutex<Latest?>(nil)
    /// `/films?` as the mount has it, and what follows.
    private let path: [UInt8]
    private let query: CanonicalQuery

    init(
        _ relation: QualifiedName,
        _ shape: QueryShape,
        _ request: RestRequest,
        _ state: RestState
    ) throws(RestRefusal) {
        terms = request.terms
        let isHeadersOnly = terms.action.isHeadersOnly
        do throws(PlannerFailure) {
            let (query, range) = try request.asked(by: shape.marked)
            plan = try ReadPlan(of: relation, query, range: range, in: state.catalog, state.planner)
            let agreed = try state.catalog.output(
                accepting: terms.accepted,
                for: relation,
                selectsWholeRow: plan.selectsWholeRow,
                planEnabled: state.settings.planEnabled
            )
            output = isHeadersOnly ? agreed.withoutBody : agreed
            self.query = CanonicalQuery(query)
        } catch { throw .plan(error) }
        if let problem = terms.refusedPreferences { throw .problem(problem) }
        let count = terms.preferences.count
        let isListed = !output.isPlan && (count == nil || count == .exact)
        format = isListed ? ListFormat(output.format) : nil
        usualCut = format == nil ? nil : RowWeight.usualCut(of: plan.rowsMax)
        statement = SQLTemplate(
            plan.sql(output, count: count.map(RowCount.init), atMost: usualCut.map { $0 + 1 })
        )
        let isEstimated = count == .planned || count == .estimated
        countPlan = isEstimated && !output.isPlan ? SQLTemplate(plan.countPlanSQL()) : nil
        check = RestChecks(terms, output).singular
        reply = ReplyBuilder(
            terms,
            output,
            offset: plan.range.offset,
            legacyTargets: plan.legacyTargets,
            state.settings
        )
        rowsMax = state.settings.rowsMax
        headers = reply.readHeaders
        sharing = output.isPlan ? nil : .ofAnswers()
        path = Array("\(reply.mount)/\(relation.name)\(query.isEmpty ? "" : "?")".utf8)
    }

    /// About what keeping it takes: its texts, with the one for rows of another weight, and its tree.
    var bytes: Int {
        statement.text.utf8.count * (format == nil ? 1 : 2) + (countPlan?.text.utf8.count ?? 0)
            + path.count + plan.bytes
    }

    func transaction(
        for identity: Identity,
        _ message: RestMessage,
        _ values: QueryValues,
        _ state: RestState
    ) -> RestTransaction {
        let settings = settings(for: identity, message, state)
        var transaction = RestTransaction(terms, message, identity, state, settings: settings)
        let cut = format == nil ? nil : weight.cut(of: plan.rowsMax)
        transaction.statement = Query(statement(cut: cut), values)
        transaction.cut = cut
        transaction.countPlan = countPlan.map { Query($0, values) }
        transaction.answers(as: output, check)
        transaction.sharing = sharing
        return transaction
    }

    /// Who asked last, and what that set.
    private final class Latest: Sendable {
        let headers: HeaderFields
        let identity: Identity
        let settings: LocalSettings

        init(_ headers: HeaderFields, _ identity: Identity, _ settings: LocalSettings) {
            self.headers = headers
            self.identity = identity
            self.settings = settings
        }
    }

    /// Clients say the same of themselves time and again.
    private func settings(
        for identity: Identity,
        _ message: RestMessage,
        _ state: RestState
    ) -> LocalSettings {
        let latest = latest.withLock { $0 }
        if let latest, latest.headers.isIdentical(to: message.headers), latest.identity == identity
        {
            return latest.settings
        }
        let made = LocalSettings(of: message, terms, from: identity, state, routine: nil)
        let next = Latest(message.headers, identity, made)
        self.latest.withLock { $0 = next }
        return made
    }

    /// The usual one, or, for rows of unusual or unknown weight, one made for them.
    private func statement(cut: Int?) -> SQLTemplate {
        let isWeighed = cut != nil && weight.isUnknown
        guard isWeighed || cut != usualCut else { return statement }
        return unusual.withLock { unusual in
            if let unusual, unusual.cut == cut, unusual.isWeighed == isWeighed {
                return unusual.statement
            }
            let sql = plan.sql(
                output,
                count: terms.preferences.count.map(RowCount.init),
                atMost: cut.map { $0 + 1 },
                weighing: isWeighed ? RowWeight.answerBytesMax : nil
            )
            let statement = SQLTemplate(sql)
            unusual = (cut, isWeighed, statement)
            return statement
        }
    }

    func learn(from answer: RestAnswer) { weight.learn(answer.body.count, of: answer.pageTotal) }

    func continuation(
        of answer: RestAnswer,
        _ transaction: RestTransaction,
        _ values: QueryValues
    ) -> RestTransaction? {
        guard let format, let cut = transaction.cut,
            answer.pageTotal > cut || answer.leftOutCount > 0
        else { return nil }
        let isCounted = terms.preferences.count != nil
        var transaction = transaction
        var cursor = Query(SQLTemplate(plan.cursorSQL(RestCursor.name, as: format)), values)
        cursor.isPrepared = false
        transaction.list = RestTransaction.RestList(
            format: format,
            separator: format.separator(ofScalars: false),
            cursor: cursor,
            count: Query(SQLTemplate(plan.rowsCountedSQL(as: format, inAll: isCounted)), values),
            rowsFirst: RestCursor.rowsAPiece(answer.body.count, of: answer.pageTotal)
        )
        return transaction
    }

    /// What the head of the response says of rows yet to come.
    private func announced(_ answer: RestAnswer) -> RestAnswer {
        var answer = answer
        answer.pageTotal = plan.rowsShown(of: answer.pageTotal)
        if terms.preferences.count == nil { answer.tableTotal = nil }
        return answer
    }

    func reply(
        to answer: RestAnswer,
        _ values: QueryValues
    ) throws(Problem) -> RestReply {
        guard !output.isPlan else { return reply.plan(answer) }
        var answer = answer
        if case .pieces = answer.body { answer = announced(answer) }
        answer.tableTotal = total(answer)
        return try reply.read(answer, at: location(values), headers)
    }

    private func location(_ values: QueryValues) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(256)
        text.append(contentsOf: path)
        query.append(values, to: &text)
        return text
    }

    private func total(_ answer: RestAnswer) -> Int? {
        switch terms.preferences.count {
        case .exact, nil: return answer.tableTotal
        case .planned: return answer.plannedTotal
        case .estimated:
            // Counting stopped one row after the most that is ever shown: from there on PostgreSQL's
            // estimate is all there is.
            guard let counted = answer.tableTotal, let planned = answer.plannedTotal,
                rowsMax.map({ counted > $0 }) ?? true
            else { return answer.tableTotal }
            return max(counted, planned)
        }
    }
}

extension Sharing {
    /// Of answers in one row. Functions may set the response's status and headers, for the transaction.
    static func ofAnswers() -> Sharing {
        Sharing { results in
            guard let answer = results.first, answer.rowCount > 0 else { return false }
            return [ResultColumn.responseHeaders, .responseStatus].contains {
                !answer.isNull(0, $0.index())
            }
        }
    }
}

extension RowCount {
    init(_ preference: Preferences.Count) {
        switch preference {
        case .exact: self = .exact
        case .planned: self = .planned
        case .estimated: self = .estimated
        }
    }
}

extension Query {
    init(_ sql: SQL) {
        self.init(sql.text, texts: sql.parameters)
    }

    init(_ template: SQLTemplate, _ values: QueryValues, body: [UInt8] = []) {
        self.init(template.text)
        for parameter in template.parameters {
            switch parameter {
            case .fixed(let text): parameters.append(text)
            case .value(let index): parameters.append(utf8: values[index])
            case .body: parameters.append(utf8: body)
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import Persistence
import PostgresClient
import QueryPlanner

/// A call of a function, planned. Where its arguments came as an object it holds nothing of one
/// request, and is planned once for all that name the same arguments.
package final class RestCall: PlannedRequest {
    private let terms: RestTerms
    private let plan: CallPlan
    private let output: Output
    private let statement: Statement
    private let check: (@Sendable (RestAnswer) throws(Problem) -> Void)?
    private let reply: ReplyBuilder
    /// What may leave something behind does so for itself.
    private let sharing: Sharing?

    /// Nil where the rows are wanted in one piece.
    private let format: ListFormat?
    /// Of all answers of the function.
    private let weight: AnswerWeight

    private enum Statement {
        case shared(SQLTemplate)
        case own(SQL)
    }

    init(
        _ name: QualifiedName,
        _ shape: QueryShape,
        _ request: RestRequest,
        _ state: RestState
    ) throws(RestRefusal) {
        terms = request.terms
        let asked = try Asked(shape, request)
        let preferences = terms.preferences
        let agreed: Output
        do throws(PlannerFailure) {
            plan = try CallPlan(
                of: name,
                asked.arguments,
                contentType: terms.action.isFunctionRead ? nil : terms.contentType,
                asked.query,
                range: asked.range,
                in: state.catalog,
                state.planner
            )
            agreed = try plan.output(
                accepting: terms.accepted,
                planEnabled: state.settings.planEnabled,
                in: state.catalog
            )
        } catch { throw .plan(error) }
        output = terms.action.isHeadersOnly ? agreed.withoutBody : agreed
        if let problem = terms.refusedPreferences { throw .problem(problem) }
        if preferences.handling == .strict, preferences.affectedMax != nil,
            !plan.routine.returnsSet
        {
            throw .problem(.affectedMaxOnSingle)
        }
        check = RestChecks(terms, output).singularAndFew
        let isListed =
            !output.isPlan && preferences.count == nil && check == nil && plan.rowsMax != 1
        // CSV's head is made of a row, and a cursor's rows are not there twice.
        format = isListed && output.format != .csv ? ListFormat(output.format) : nil
        weight = state.weight(of: plan.routine)
        let sql = plan.sql(output, count: preferences.count.map(RowCount.init))
        statement = asked.isShared ? .shared(SQLTemplate(sql)) : .own(sql)
        reply = ReplyBuilder(
            terms,
            output,
            offset: plan.range.offset,
            legacyTargets: plan.legacyTargets,
            state.settings
        )
        let leavesNothing = plan.routine.volatility != .volatile && !output.isPlan
        sharing = leavesNothing && asked.isShared ? .ofAnswers() : nil
    }

    /// Whether other requests of its shape may be answered by it.
    var isShared: Bool {
        if case .shared = statement { return true }
        return false
    }

    /// About what keeping it takes: its text and its tree.
    var bytes: Int {
        switch statement {
        case .shared(let template): template.text.utf8.count + plan.bytes
        case .own(let sql): sql.text.utf8.count + plan.bytes
        }
    }

    /// What may be done with the function that the arguments choose.
    var methods: [String] { RestOptions.methods(of: plan.routine) }

    func transaction(
        for identity: Identity,
        _ message: RestMessage,
        _ values: QueryValues,
        _ state: RestState
    ) -> RestTransaction {
        var transaction = RestTransaction(terms, message, identity, state, routine: plan.routine)
        transaction.isReadOnly = plan.isReadOnly
        if let format, !weight.isLight(rowsMax: plan.rowsMax) {
            transaction.list = list(as: format, message, values)
        } else {
            transaction.statement = query(statement, message, values)
        }
        transaction.answers(as: output, check)
        // Anonymous callers say the same of themselves, and are not the same.
        transaction.sharing = identity.isAnonymous ? nil : sharing
        return transaction
    }

    private func query(
        _ statement: Statement,
        _ message: RestMessage,
        _ values: QueryValues
    ) -> Query {
        switch statement {
        case .shared(let template): Query(template, values, body: message.body)
        case .own(let sql): Query(sql)
        }
    }

    /// The function runs once: its rows are counted where they lie.
    private func list(
        as format: ListFormat,
        _ message: RestMessage,
        _ values: QueryValues
    ) -> RestTransaction.RestList {
        let sql = plan.cursorSQL(RestCursor.name, as: format)
        var cursor = query(isShared ? .shared(SQLTemplate(sql)) : .own(sql), message, values)
        cursor.isPrepared = false
        return RestTransaction.RestList(
            format: format,
            separator: format.separator(ofScalars: plan.routine.returnsPlainScalars),
            cursor: cursor,
            count: nil,
            rowsFirst: AnswerWeight.rowsFew
        )
    }

    func learn(from answer: RestAnswer) {
        guard format != nil else { return }
        // What came in pieces was long.
        let bytes = if case .pieces = answer.body { Int.max } else { answer.body.count }
        weight.learn(bytes, of: answer.pageTotal, isLimited: plan.rowsMax != nil)
    }

    func reply(
        to answer: RestAnswer,
        _ values: QueryValues
    ) throws(Problem) -> RestReply {
        guard !output.isPlan else { return reply.plan(answer) }
        return try reply.call(
            answer,
            returnsVoid: plan.routine.returnsVoid,
            headersOnly: terms.action.isHeadersOnly
        )
    }
}

/// What a call is asked with.
private struct Asked {
    let query: RequestQuery
    let range: RowRange
    let arguments: CallArguments
    /// Neither query nor arguments hold a value of this request.
    let isShared: Bool

    init(_ shape: QueryShape, _ request: RestRequest) throws(RestRefusal) {
        let whole: (query: RequestQuery, range: RowRange)
        do throws(PlannerFailure) { whole = try request.asked(by: request.message.query) } catch {
            throw .plan(error)
        }
        let payload: RestPayload?
        do throws(Problem) {
            payload = try RestPayload.read(request, hasColumns: whole.query.columns != nil)
        } catch { throw .problem(error) }
        // No body at all counts as an object without keys, but cannot be sent as one.
        if case .json(let bytes, let keys) = payload, bytes.isObject, !keys.contains(""),
            !request.message.body.isEmpty
        {
            do throws(PlannerFailure) { (query, range) = try request.asked(by: shape.marked) } catch
            {
                throw .plan(error)
            }
            arguments = .json(QueryMarks.body, keys: keys)
            isShared = true
        } else {
            (query, range) = whole
            arguments = payload?.arguments(query.columns) ?? .named(query.arguments)
            isShared = false
        }
    }
}

extension [UInt8] {
    fileprivate var isObject: Bool {
        first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
    }
}

extension RestPayload {
    fileprivate func arguments(_ columns: [String]?) -> CallArguments {
        switch self {
        case .json(let bytes, let keys): .json(bytes, keys: keys)
        case .uncheckedJSON(let bytes): .json(bytes, keys: Set(columns ?? []))
        case .form(let fields): .named(fields.map { ($0.name, $0.value) })
        case .raw(let bytes): .raw(bytes)
        }
    }
}

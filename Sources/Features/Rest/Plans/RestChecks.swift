// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import QueryPlanner

/// What a client demands of an answer before anything of it may stay.
struct RestChecks: Sendable {
    private let isSingular: Bool
    private let affectedMax: Int?

    init(_ terms: RestTerms, _ output: Output) {
        isSingular = output.isSingular
        let preferences = terms.preferences
        affectedMax = preferences.handling == .strict ? preferences.affectedMax : nil
    }

    /// One object was asked for.
    var singular: (@Sendable (RestAnswer) throws(Problem) -> Void)? {
        guard isSingular else { return nil }
        return { (answer: RestAnswer) throws(Problem) in
            guard answer.pageTotal == 1 else { throw .notSingular(rows: answer.pageTotal) }
        }
    }

    /// And not more rows than the client was ready to change.
    var singularAndFew: (@Sendable (RestAnswer) throws(Problem) -> Void)? {
        guard isSingular || affectedMax != nil else { return nil }
        return { [isSingular, affectedMax] (answer: RestAnswer) throws(Problem) in
            if isSingular, answer.pageTotal != 1 { throw .notSingular(rows: answer.pageTotal) }
            if let affectedMax, answer.pageTotal > affectedMax {
                throw .tooManyAffected(answer.pageTotal)
            }
        }
    }

    /// The row in the body must have been the row in the URL.
    static let upserted: @Sendable (RestAnswer) throws(Problem) -> Void = {
        answer throws(Problem) in
        guard answer.pageTotal == 1 else { throw .upsertKeyMismatch }
    }
}

extension Output {
    /// Converters may return `bytea`; what PostgreSQL's text format makes of it is not what they
    /// made.
    var isBinary: Bool {
        if case .converted = format { return !isPlan }
        return false
    }
}

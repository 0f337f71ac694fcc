// SPDX-License-Identifier: Apache-2.0
internal import JSONCoding

/// Conditions: `||` binds less than `&&`, which binds less than a comparison (RFC 9535 §2.3.5.1).
extension RolePathReader {
    mutating func condition() throws(RolePathFailure) -> RolePath.Condition {
        let parts = try parts(between: "||") { reader throws(RolePathFailure) in
            let parts = try reader.parts(between: "&&") { reader throws(RolePathFailure) in
                try reader.part()
            }
            return parts.count == 1 ? parts[0] : .all(parts)
        }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func parts(
        between word: String,
        _ part: (inout Self) throws(RolePathFailure) -> RolePath.Condition
    ) throws(RolePathFailure) -> [RolePath.Condition] {
        var parts: [RolePath.Condition] = []
        repeat {
            skipSpace()
            parts.append(try part(&self))
            skipSpace()
        } while take(word)
        return parts
    }

    private mutating func part() throws(RolePathFailure) -> RolePath.Condition {
        if take("!") {
            skipSpace()
            if let condition = try logical() { return .not(condition) }
            return .not(try test(try operand()))
        }
        if let condition = try logical() { return condition }
        let left = try operand()
        skipSpace()
        guard let comparison = RolePath.Comparison.allCases.first(where: { take($0.rawValue) })
        else { return try test(left) }
        guard left.isSingular else { throw failure }
        skipSpace()
        let right = try operand()
        guard right.isSingular else { throw failure }
        return .compare(left, comparison, right)
    }

    /// What is true or false without being compared.
    private mutating func logical() throws(RolePathFailure) -> RolePath.Condition? {
        if take("(") { return try parenthesised() }
        return take("search(") ? try search() : nil
    }

    private mutating func parenthesised() throws(RolePathFailure) -> RolePath.Condition {
        let condition = try condition()
        try expect(")")
        return condition
    }

    private func test(_ operand: RolePath.Operand) throws(RolePathFailure) -> RolePath.Condition {
        guard case .query(let query) = operand else { throw failure }
        return .exists(query)
    }

    private mutating func search() throws(RolePathFailure) -> RolePath.Condition {
        skipSpace()
        let searched = try operand()
        skipSpace()
        try expect(",")
        skipSpace()
        guard case .literal(.string(let pattern)) = try operand(), pattern.isPattern else {
            throw failure
        }
        skipSpace()
        try expect(")")
        return .search(searched, pattern: pattern)
    }

    private mutating func operand() throws(RolePathFailure) -> RolePath.Operand {
        if take("@") { return .query(RolePath.Query(isRooted: false, segments: try segments())) }
        if take("$") { return .query(RolePath.Query(isRooted: true, segments: try segments())) }
        if peek == "\"" || peek == "'" { return .literal(.string(try quoted())) }
        if take("true") { return .literal(true) }
        if take("false") { return .literal(false) }
        if take("null") { return .literal(nil) }
        guard let number = number() else { throw failure }
        return .literal(.number(number))
    }
}

extension RolePath.Operand {
    /// RFC 9535 §2.3.5.1: only what can be one value at most is compared.
    fileprivate var isSingular: Bool {
        guard case .query(let query) = self else { return true }
        return query.segments.allSatisfy { segment in
            guard !segment.isDeep, segment.selectors.count == 1 else { return false }
            switch segment.selectors[0] {
            case .name, .index: return true
            case .every, .slice, .filter: return false
            }
        }
    }
}

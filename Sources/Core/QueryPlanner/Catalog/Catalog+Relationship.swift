// SPDX-License-Identifier: Apache-2.0

extension Catalog {
    /// The one way from `origin` to what a request calls `target`. Several candidates are told
    /// apart by the hint; without one the caller is told how to say it.
    func relationship(
        from origin: QualifiedName,
        to target: String,
        hint: String?
    ) throws(PlannerFailure) -> Relationship {
        let all = relationships[origin] ?? []
        let found = all.filter {
            $0.target.schema == origin.schema && $0.isMeant(by: target, hint: hint)
        }
        guard let first = found.first else {
            throw noRelationship(from: origin, to: target, hint: hint)
        }
        guard found.count == 1 else {
            throw .ambiguous(from: origin.name, to: target, candidates: found)
        }
        return first
    }

    private func noRelationship(
        from origin: QualifiedName,
        to target: String,
        hint: String?
    ) -> PlannerFailure {
        let hinted = hint.map { "' using the hint '" + $0 } ?? ""
        return PlannerFailure(
            "PGRST200",
            "Could not find a relationship between '\(origin.name)' and '\(target)' "
                + "in the schema cache",
            details: "Searched for a foreign key relationship between '\(origin.name)' and "
                + "'\(target)\(hinted)' in the schema '\(origin.schema)', "
                + "but no matches were found.",
            hint: relationshipHint(from: origin, to: target)
        )
    }
}

extension Relationship {
    fileprivate func isMeant(by name: String, hint: String?) -> Bool {
        switch join {
        case .computed(let function, _): name == function.name
        case _ where isSelf: isMeantOnItself(by: name, hint: hint)
        default:
            if let hint {
                name == target.name && isHinted(by: hint)
            } else {
                name == target.name
                    || (!targetIsView && (constraint == name || keyColumn?.source == name))
            }
        }
    }

    /// The foreign key of a table to itself gives two ways, named by convention: the table's name
    /// leads to the many, the column's to the one.
    private func isMeantOnItself(by name: String, hint: String?) -> Bool {
        switch (join, hint) {
        case (.oneToMany, nil): name == target.name
        case (.oneToMany, let hint?): name == target.name && keyColumn?.target == hint
        case (.manyToOne, nil): name == keyColumn?.source
        default: false
        }
    }

    private func isHinted(by hint: String) -> Bool {
        if case .manyToMany(let junction) = join { return junction.table.name == hint }
        return constraint == hint || keyColumn?.source == hint || keyColumn?.target == hint
    }

    fileprivate var constraint: String? {
        switch join {
        case .oneToMany(let constraint, _), .manyToOne(let constraint, _),
            .oneToOne(let constraint, _, _):
            constraint
        case .manyToMany, .computed: nil
        }
    }

    fileprivate var pairs: [ColumnPair] {
        switch join {
        case .oneToMany(_, let columns), .manyToOne(_, let columns), .oneToOne(_, let columns, _):
            columns
        case .manyToMany, .computed: []
        }
    }

    /// The pair of a key of a single column.
    private var keyColumn: ColumnPair? {
        let pairs = pairs
        return pairs.count == 1 ? pairs[0] : nil
    }
}

extension PlannerFailure {
    fileprivate static func ambiguous(
        from origin: String,
        to target: String,
        candidates: [Relationship]
    ) -> PlannerFailure {
        // A computed relationship is listed as an object without members, and suggested as nothing.
        let hints = candidates.map { candidate in
            candidate.hintName.map { "'\(candidate.target.name)!\($0)'" } ?? ""
        }
        var details: [UInt8] = []
        for candidate in candidates { candidate.appendDescription(to: &details) }
        return PlannerFailure(
            "PGRST201",
            "Could not embed because more than one relationship was found for "
                + "'\(origin)' and '\(target)'",
            details: "[" + String(decoding: details, as: UTF8.self) + "]",
            detailsAreJSON: true,
            hint:
                "Try changing '\(target)' to one of the following: "
                + "\(hints.joined(separator: ", ")). "
                + "Find the desired relationship in the 'details' key."
        )
    }
}

extension Relationship {
    fileprivate var hintName: String? {
        if case .manyToMany(let junction) = join { return junction.table.name }
        return constraint
    }

    fileprivate func appendDescription(to bytes: inout [UInt8]) {
        bytes += bytes.isEmpty ? "{".utf8 : ",{".utf8
        for (index, member) in described.enumerated() {
            if index > 0 { bytes += ",".utf8 }
            bytes += "\"\(member.key)\":".utf8
            JSONText.append(member.value, to: &bytes)
        }
        bytes += "}".utf8
    }

    private var described: [(key: String, value: String)] {
        guard let cardinality else { return [] }
        return [
            ("cardinality", cardinality),
            ("embedding", "\(source.name) with \(target.name)"),
            ("relationship", relationshipText),
        ]
    }

    private var cardinality: String? {
        switch join {
        case .oneToMany: "one-to-many"
        case .manyToOne: "many-to-one"
        case .oneToOne: "one-to-one"
        case .manyToMany: "many-to-many"
        case .computed: nil
        }
    }

    private var relationshipText: String {
        func list(_ names: [String]) -> String { "(" + names.joined(separator: ", ") + ")" }
        if case .manyToMany(let junction) = join {
            return "\(junction.table.name) using \(junction.sourceConstraint)"
                + list(junction.sourceColumns.map(\.target)) + " and \(junction.targetConstraint)"
                + list(junction.targetColumns.map(\.target))
        }
        return "\(constraint ?? "") using \(source.name)\(list(pairs.map(\.source)))"
            + " and \(target.name)\(list(pairs.map(\.target)))"
    }
}

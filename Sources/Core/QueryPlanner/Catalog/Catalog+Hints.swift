// SPDX-License-Identifier: Apache-2.0

extension Catalog {
    /// Beyond so many names a miss would cost more than a hint is worth.
    private static let suggestedNamesMax = 500
    private static let scoreMin = 0.75
    /// Parameters and relationships are compared less strictly.
    private static let looseScoreMin = 0.33

    package func tableNotFound(_ name: QualifiedName) -> PlannerFailure {
        let names = tableNames[name.schema] ?? []
        var hint: String?
        if names.count < Self.suggestedNamesMax,
            let best = FuzzyIndex(names).best(for: name.name, scoreMin: Self.scoreMin)
        {
            hint = "Perhaps you meant the table '\(name.schema).\(best.name)'"
        }
        return PlannerFailure(
            "PGRST205",
            "Could not find the table '\(name.schema).\(name.name)' in the schema cache",
            hint: hint
        )
    }

    /// Suggests another origin if nothing leads from this one, or else another target. When both
    /// are there it is the hint of the request that is wrong, and nothing is suggested.
    func relationshipHint(from origin: QualifiedName, to target: String) -> String? {
        let origins = sources[origin.schema] ?? []
        if origins.contains(origin) {
            let ways = relationships[origin, default: []].filter {
                $0.target.schema == origin.schema
            }
            let best = FuzzyIndex(ways.map(\.target.name))
                .best(for: target, scoreMin: Self.looseScoreMin)
            guard let best, best.score < 1 else { return nil }
            return "Perhaps you meant '\(best.name)' instead of '\(target)'."
        }
        guard origins.count < Self.suggestedNamesMax else { return nil }
        return FuzzyIndex(origins.map(\.name).sorted()).best(
            for: origin.name,
            scoreMin: Self.looseScoreMin
        )
        .map { "Perhaps you meant '\($0.name)' instead of '\(origin.name)'." }
    }

    func routineHint(
        _ name: QualifiedName,
        given keys: [String],
        _ overloads: [Routine]
    ) -> String? {
        let start = "Perhaps you meant to call the function \(name.schema)."
        guard overloads.isEmpty else {
            let lists = overloads.map { Self.listed($0.parameters.map(\.name)) }
            return FuzzyIndex(lists).best(for: Self.listed(keys), scoreMin: Self.looseScoreMin)
                .map { start + name.name + $0.name }
        }
        let names = routineNames[name.schema] ?? []
        guard names.count < Self.suggestedNamesMax * 4 else { return nil }
        return FuzzyIndex(names).best(for: name.name, scoreMin: Self.scoreMin)
            .map { start + $0.name }
    }

    private static func listed(_ names: [String]) -> String {
        "(" + names.sorted().joined(separator: ", ") + ")"
    }
}

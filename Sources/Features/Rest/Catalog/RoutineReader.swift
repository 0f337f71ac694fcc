// SPDX-License-Identifier: Apache-2.0
import QueryPlanner

/// Decodes functions: a row each, with their parameters and settings in rows of their own.
struct RoutineReader {
    private let rows: CatalogRows
    private let parameters: CatalogRows
    private let settings: CatalogRows
    private let parameterRows: [Int: [Int]]
    private let settingRows: [Int: [Int]]

    init(_ source: CatalogSource) {
        rows = source.routines
        let parameters = source.routineParameters
        let settings = source.routineSettings
        self.parameters = parameters
        self.settings = settings
        parameterRows = Dictionary(grouping: parameters.indices) { parameters.number($0, 0) }
        settingRows = Dictionary(grouping: settings.indices) { settings.number($0, 0) }
    }

    /// By OID.
    func routines() -> [Int: Routine] {
        let found = rows.indices.compactMap { row in
            routine(row).map { (rows.number(row, 0), $0) }
        }
        return Dictionary(found, uniquingKeysWith: { first, _ in first })
    }

    private func routine(_ row: Int) -> Routine? {
        let identifier = rows.number(row, 0)
        let parameters = parameters(of: identifier, requiredCount: rows.number(row, 4))
        guard isCallable(parameters) else { return nil }
        let type = QualifiedName(rows.text(row, 5), rows.text(row, 6))
        return Routine(
            name: QualifiedName(rows.text(row, 1), rows.text(row, 2)),
            description: rows.optional(row, 3),
            parameters: parameters,
            shape: rows.flag(row, 8)
                ? .composite(type, isAlias: rows.flag(row, 9)) : .scalar(type),
            returnsSet: rows.flag(row, 7),
            volatility: volatility(rows.text(row, 10)),
            hasVariadic: rows.flag(row, 11),
            isolation: rows.optional(row, 12),
            settings: (settingRows[identifier] ?? []).map {
                (name: settings.text($0, 1), value: settings.text($0, 2))
            }
        )
    }

    private func parameters(of identifier: Int, requiredCount: Int) -> [RoutineParameter] {
        (parameterRows[identifier] ?? []).enumerated().map { position, row in
            RoutineParameter(
                name: parameters.text(row, 1),
                type: parameters.text(row, 2),
                castType: parameters.optional(row, 4),
                isRequired: position < requiredCount,
                isVariadic: parameters.flag(row, 3)
            )
        }
    }

    /// Requests name their arguments, so only one may be without a name, and then its type must be
    /// one that a whole body can be.
    private func isCallable(_ parameters: [RoutineParameter]) -> Bool {
        switch parameters.count(where: \.name.isEmpty) {
        case 0: true
        case 1: ["bytea", "json", "jsonb", "text", "xml"].contains(parameters[0].type)
        default: false
        }
    }

    private func volatility(_ letter: String) -> Routine.Volatility {
        switch letter {
        case "i": .immutable
        case "s": .stable
        default: .volatile
        }
    }
}

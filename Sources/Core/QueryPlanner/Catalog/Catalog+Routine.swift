// SPDX-License-Identifier: Apache-2.0

extension Catalog {
    /// The one overload that takes these arguments. When none does by name, a POST may mean the one
    /// with a single unnamed parameter of the body's kind.
    func routine(
        _ name: QualifiedName,
        given keys: Set<String>,
        contentType: MediaType?
    ) throws(PlannerFailure) -> Routine {
        let overloads = routines[name] ?? []
        let named = overloads.filter { $0.accepts(keys, contentType) }
        if named.count == 1 { return named[0] }
        guard named.isEmpty else { throw .ambiguous(named) }
        let unnamed = overloads.filter { $0.takes(contentType) }
        if unnamed.count == 1 { return unnamed[0] }
        guard unnamed.isEmpty else { throw .ambiguous(unnamed) }
        throw noRoutine(name, given: keys.sorted(), contentType, overloads)
    }

    private func noRoutine(
        _ name: QualifiedName,
        given keys: [String],
        _ contentType: MediaType?,
        _ overloads: [Routine]
    ) -> PlannerFailure {
        let function = "\(name.schema).\(name.name)"
        let none = " without parameters"
        let list = keys.joined(separator: ", ")
        let byName = keys.isEmpty ? none : " with parameter\(keys.count > 1 ? "s" : "") \(list)"
        let body = contentType.flatMap(\.unnamedParameter)
        let searched =
            switch (contentType, body) {
            case (_, let type?): " with a single unnamed \(type) parameter"
            case (.json, _): byName + " or with a single unnamed json/jsonb parameter"
            default: byName
            }
        let called = body != nil ? "" : keys.isEmpty ? none : "(\(list))"
        return PlannerFailure(
            "PGRST202",
            "Could not find the function \(function)\(called) in the schema cache",
            details: "Searched for the function \(function)\(searched), "
                + "but no matches were found in the schema cache.",
            hint: body == nil ? routineHint(name, given: keys, overloads) : nil
        )
    }
}

extension MediaType {
    /// The type of parameter that such a body is, when it can be nothing else.
    fileprivate var unnamedParameter: String? {
        switch self {
        case .plainText: "text"
        case .xml: "xml"
        case .octetStream: "bytea"
        default: nil
        }
    }
}

extension Routine {
    /// All that are required, and none that are unknown.
    fileprivate func accepts(_ keys: Set<String>, _ contentType: MediaType?) -> Bool {
        guard !parameters.isEmpty else {
            return keys.isEmpty && contentType?.unnamedParameter == nil
        }
        var required = 0
        var known = 0
        for parameter in parameters {
            let isGiven = keys.containsName(parameter.name)
            if parameter.isRequired, !isGiven { return false }
            if parameter.isRequired { required += 1 }
            if isGiven { known += 1 }
        }
        return known == keys.count
    }

    fileprivate func takes(_ contentType: MediaType?) -> Bool {
        guard takesOneUnnamed, let contentType else { return false }
        let type = parameters[0].type
        if contentType == .json { return type == "json" || type == "jsonb" }
        return contentType.unnamedParameter == type
    }
}

extension PlannerFailure {
    fileprivate static func ambiguous(_ routines: [Routine]) -> PlannerFailure {
        let list = routines.map { routine in
            let parameters = routine.parameters.map { "\($0.name) => \($0.type)" }
            return "\(routine.name.schema).\(routine.name.name)"
                + "(\(parameters.joined(separator: ", ")))"
        }
        return PlannerFailure(
            "PGRST203",
            "Could not choose the best candidate function between: "
                + list.joined(separator: ", "),
            hint: "Try renaming the parameters or the function itself in the database "
                + "so function overloading can be resolved"
        )
    }
}

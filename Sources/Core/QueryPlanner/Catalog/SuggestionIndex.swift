// SPDX-License-Identifier: Apache-2.0

extension Catalog {
    func tableNotFound(_ name: QualifiedName) -> PlannerFailure {
        PlannerFailure(
            "PGRST205",
            "Could not find the table '\(name.schema).\(name.name)' in the schema cache"
        )
    }

    func relationshipHint(from origin: QualifiedName, to target: String) -> String? { nil }
}

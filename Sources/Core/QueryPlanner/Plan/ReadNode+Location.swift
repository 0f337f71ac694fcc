// SPDX-License-Identifier: Apache-2.0

extension ReadNode {
    /// Changes the node at the end of `path`.
    ///
    /// Each node on the way becomes the first of its siblings: the order of the keys in the
    /// response depends on it, and clients that compare bytes know it so.
    mutating func update(
        at path: ArraySlice<String>,
        legacyTargetNames: Bool,
        _ change: (inout ReadNode) -> Void
    ) throws(PlannerFailure) {
        guard let target = path.first else { return change(&self) }
        guard
            let index = children.firstIndex(where: {
                $0.matches(target, legacyTargetNames: legacyTargetNames)
            })
        else { throw notEmbedded(target, legacyTargetNames: legacyTargetNames) }
        var child = children.remove(at: index)
        child.isLegacyTarget = child.isLegacyTarget || child.isLegacyUse(target)
        children.insert(child, at: 0)
        try children[0].update(
            at: path.dropFirst(),
            legacyTargetNames: legacyTargetNames,
            change
        )
    }

    private func matches(_ target: String, legacyTargetNames: Bool) -> Bool {
        legacyTargetNames ? name == target || alias == target : label == target
    }

    private func isLegacyUse(_ target: String) -> Bool {
        name == target && alias != nil && alias != target
    }

    private func notEmbedded(_ target: String, legacyTargetNames: Bool) -> PlannerFailure {
        guard !legacyTargetNames, let child = children.first(where: { $0.isLegacyUse(target) }),
            let alias = child.alias
        else { return .notEmbedded(target) }
        return .targetHasAlias(target, target: child.name, alias: alias)
    }
}

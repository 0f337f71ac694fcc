// SPDX-License-Identifier: Apache-2.0

/// What the configuration says about plans.
package struct PlannerSettings: Sendable {
    /// No read and no call returns more rows than this, at any level.
    package var rowsMax: Int?
    package var aggregatesEnabled: Bool
    /// Whether an embedded relation with an alias can also be filtered by its own name.
    package var legacyTargetNames: Bool

    package init(
        rowsMax: Int? = nil,
        aggregatesEnabled: Bool = false,
        legacyTargetNames: Bool = true
    ) {
        self.rowsMax = rowsMax
        self.aggregatesEnabled = aggregatesEnabled
        self.legacyTargetNames = legacyTargetNames
    }
}

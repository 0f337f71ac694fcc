// SPDX-License-Identifier: Apache-2.0

extension Panel {
    /// How numbers look where the standard does not suit them.
    struct Look: Sendable {
        /// A graph's series add up to something.
        var isStacked = false
        /// Numbers below 0 say something.
        var isSigned = false
        /// A stat shows what its series is called.
        var showsName = false
        /// A stat's colour; with the numbers from which it changes, where some are better.
        var color = Color.blue
        var steps: [(from: Double, color: Color)] = []

        enum Color: String { case blue, green, orange, red }
    }

    func stacked() -> Panel { with { $0.isStacked = true } }
    func signed() -> Panel { with { $0.isSigned = true } }
    func named() -> Panel { with { $0.showsName = true } }

    /// The colour below all steps, and from each step on.
    func colored(_ color: Look.Color, _ steps: (from: Double, color: Look.Color)...) -> Panel {
        with {
            $0.color = color
            $0.steps = steps
        }
    }

    private func with(_ change: (inout Look) -> Void) -> Panel {
        var panel = self
        change(&panel.look)
        return panel
    }
}

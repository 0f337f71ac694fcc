// SPDX-License-Identifier: Apache-2.0

extension CPUProfile {
    /// A line for each stack: `thread;outermost;…;innermost count`, as flame graph tools read it.
    package var folded: String {
        var symbolizer = Symbolizer()
        var counts: [String: Int] = [:]
        for (stack, count) in stacks {
            let names = stack.frames.reversed().map { symbolizer.name(of: $0) }
            counts[
                ([threadName(of: stack)] + names).map(Self.plain).joined(separator: ";"),
                default: 0
            ] += count
        }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.key) \($0.value)\n" }.joined()
    }

    /// Two characters have a meaning in the format.
    private static func plain(_ name: String) -> String {
        name.replacing(";", with: ",").replacing("\n", with: " ")
    }
}

// SPDX-License-Identifier: Apache-2.0

extension RuleGroup {
    /// A rule file. `runbooks` is what stands before a runbook's file name.
    package static func yaml(
        _ groups: [RuleGroup],
        runbooks: String,
        indentation: String = ""
    ) -> String {
        var lines = ["groups:"]
        for group in groups {
            lines.append("- name: \(group.name)")
            lines.append("  rules:")
            lines += group.rules.flatMap { $0.lines(runbooks) }
        }
        return lines.map { indentation + $0 + "\n" }.joined()
    }
}

extension Rule {
    fileprivate func lines(_ runbooks: String) -> [String] {
        var lines = ["  - \(kind.rawValue): \(name)", "    expr: \(quoted(expression))"]
        if let pending { lines.append("    for: \(pending)") }
        if !labels.isEmpty { lines.append("    labels:") }
        lines += labels.map { "      \($0): \(quoted($1))" }
        guard kind == .alert else { return lines }
        let runbook = ("runbook_url", "\(runbooks)/\(name).md")
        lines.append("    annotations:")
        return lines + (annotations + [runbook]).map { "      \($0): \(quoted($1))" }
    }

    /// YAML 1.2 §7.3.2: in single quotes only a quote is special.
    private func quoted(_ text: String) -> String {
        "'" + text.replacing("'", with: "''") + "'"
    }
}

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
            if let interval = group.interval { lines.append("  interval: \(interval)") }
            lines.append("  rules:")
            lines += group.rules.flatMap { $0.lines(runbooks) }
        }
        return lines.map { indentation + $0 + "\n" }.joined()
    }
}

extension Rule {
    fileprivate func lines(_ runbooks: String) -> [String] {
        var lines = ["  - \(kind.rawValue): \(name)", "    expr: \(expression.yamlQuoted)"]
        if let pending { lines.append("    for: \(pending)") }
        if let keeps { lines.append("    keep_firing_for: \(keeps)") }
        if !labels.isEmpty { lines.append("    labels:") }
        lines += labels.map { "      \($0): \($1.yamlQuoted)" }
        guard kind == .alert else { return lines }
        lines.append("    annotations:")
        return lines + shippedAnnotations(runbooks).map { "      \($0): \($1.yamlQuoted)" }
    }

    func shippedAnnotations(_ runbooks: String) -> [(String, String)] {
        annotations + [("runbook_url", "\(runbooks)/\(name).md")]
    }
}

extension String {
    /// YAML 1.2 §7.3.2: in single quotes only a quote is special.
    var yamlQuoted: String { "'" + replacing("'", with: "''") + "'" }
}

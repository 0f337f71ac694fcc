// SPDX-License-Identifier: Apache-2.0
internal import JSONCoding
internal import Monitoring

/// What was found, for a reader or for a program.
struct VerificationReport {
    var findings: [Verification.Finding]

    /// A line for each question that found nothing, and a sum.
    var text: String {
        let empty = findings.filter { $0.verdict != .data }
        let width = empty.map(\.place.count).max() ?? 0
        let lines = empty.map { finding in
            let place = finding.place + spaces(width - finding.place.count)
            let verdict = finding.verdict.rawValue
            return "\(place)  \(verdict)\(spaces(12 - verdict.count))  \(finding.reason)\n"
        }
        let sums = Verification.Verdict.allCases.compactMap { verdict -> String? in
            let count = findings.count { $0.verdict == verdict }
            return count == 0 ? nil : "\(count) \(verdict.rawValue)"
        }
        return lines.joined() + "\(findings.count) questions: \(sums.joined(separator: ", "))\n"
    }

    var json: String {
        JSONValue.array(
            findings.map { finding in
                .object([
                    ("place", .string(finding.place)),
                    ("verdict", .string(finding.verdict.rawValue)),
                    ("reason", .string(finding.reason)),
                    ("expression", .string(finding.expression)),
                ])
            }
        ).compactText
    }

    private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}

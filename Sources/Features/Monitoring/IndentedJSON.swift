// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

extension JSONValue {
    /// With a member a line, so that a change of one is a change of one line.
    package var indentedText: String {
        var text = ""
        append(to: &text, depth: 0)
        return text + "\n"
    }

    private func append(to text: inout String, depth: Int) {
        switch self {
        case .array(let elements) where !elements.isEmpty:
            text += "["
            for (index, element) in elements.enumerated() {
                text += index == 0 ? "\n" : ",\n"
                text += String(repeating: " ", count: depth + 1)
                element.append(to: &text, depth: depth + 1)
            }
            text += "\n" + String(repeating: " ", count: depth) + "]"
        case .object(let members) where !members.isEmpty:
            text += "{"
            for (index, member) in members.enumerated() {
                text += index == 0 ? "\n" : ",\n"
                text += String(repeating: " ", count: depth + 1)
                text += JSONValue.string(member.0).compactText + ": "
                member.1.append(to: &text, depth: depth + 1)
            }
            text += "\n" + String(repeating: " ", count: depth) + "}"
        default: text += compactText
        }
    }
}

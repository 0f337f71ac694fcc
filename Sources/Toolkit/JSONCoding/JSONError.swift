// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not JSON, and at which byte that became certain.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        case unexpectedEnd = "unexpected end"
        case unexpectedByte = "unexpected byte"
        case malformedNumber = "malformed number"
        case malformedEscape = "malformed escape"
        case loneSurrogate = "lone surrogate"
        case controlCharacter = "unescaped control character in a string"
        case malformedUTF8 = "invalid UTF-8"
        case tooDeep = "nested too deeply"
        case trailingBytes = "bytes after the value"
    }

    package let reason: Reason
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(reason.rawValue) at byte \(offset)" }
}

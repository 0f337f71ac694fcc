// SPDX-License-Identifier: Apache-2.0

/// Percent-encoding (RFC 3986 §2.1), decoded strictly.
package enum PercentEncoding {
    package enum Malformed: Error, Equatable { case escape, nul, notUTF8 }

    /// Decodes one piece: an escape is `%` and two hexadecimal digits, and never NUL, which C
    /// would take for the end. `plusIsSpace` is for forms (WHATWG URL §5.1), not for paths.
    package static func decode(
        _ bytes: some Collection<UInt8>,
        plusIsSpace: Bool = false
    ) throws(Malformed) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(ByteClass.hexadecimal),
                    let low = iterator.next().flatMap(ByteClass.hexadecimal)
                else { throw .escape }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: decoded.append(UInt8(ascii: " "))
            default: decoded.append(byte)
            }
        }
        guard !decoded.contains(0) else { throw .nul }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw .notUTF8 }
        return text
    }
}

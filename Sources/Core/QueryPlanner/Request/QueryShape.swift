// SPDX-License-Identifier: Apache-2.0

/// A query string with the values of its plain comparisons taken out. What is left decides what is
/// planned: requests of one shape share one plan and one statement.
package struct QueryShape: Sendable {
    /// The query string, still percent-encoded, with `hole` for each value.
    package private(set) var text: [UInt8] = []
    package private(set) var values = QueryValues()

    /// No byte of a query string that came over HTTP (RFC 9112 §3.2).
    private static let hole: UInt8 = 0

    /// `ignored` parameters are left out. What cannot be taken apart surely stays in the text.
    package init(_ query: ArraySlice<UInt8>, ignoring ignored: StaticString = "apikey") {
        text.reserveCapacity(query.count)
        var rest = query
        while !rest.isEmpty {
            let end = rest.firstIndex { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }
            let parameter = rest[..<(end ?? rest.endIndex)]
            rest = end.map { rest[($0 + 1)...] } ?? []
            guard !parameter.isEmpty else { continue }
            if !text.isEmpty { text.append(UInt8(ascii: "&")) }
            add(parameter, ignoring: ignored)
        }
    }

    private mutating func add(_ parameter: ArraySlice<UInt8>, ignoring ignored: StaticString) {
        guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")) else {
            return text.append(contentsOf: parameter)
        }
        let name = parameter[..<equals]
        let value = parameter[(equals + 1)...]
        guard name.allSatisfy(Self.isPlain) else { return text.append(contentsOf: parameter) }
        if name.elementsEqual(ignored) {
            if text.last == UInt8(ascii: "&") { text.removeLast() }
            return
        }
        guard QueryParameter.role(of: name, hasValue: true) == .filter,
            let operand = Self.operand(of: value), values.append(decoding: value[operand...])
        else { return text.append(contentsOf: parameter) }
        text.append(contentsOf: parameter[..<operand])
        text.append(Self.hole)
    }

    /// Letters, digits, and what paths to embedded relations and into JSON are written with.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: ">"):
            true
        default: false
        }
    }

    /// Where the operand of a comparison begins whose text goes into the statement's parameters as
    /// it is.
    private static func operand(of value: ArraySlice<UInt8>) -> Int? {
        var start = value.startIndex
        if value.starts(with: "not.".utf8) { start += 4 }
        guard let dot = value[start...].prefix(4).firstIndex(of: UInt8(ascii: ".")) else {
            return nil
        }
        let name = value[start..<dot]
        return operators.contains { name.elementsEqual($0) } ? dot + 1 : nil
    }

    private static let operators: [StaticString] = ["eq", "neq", "gt", "gte", "lt", "lte"]
}

extension ArraySlice<UInt8> {
    fileprivate func elementsEqual(_ text: StaticString) -> Bool {
        unsafe elementsEqual(
            UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        )
    }
}

/// The values of one request, decoded, in the order of its query string.
package struct QueryValues: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    package init() {}

    package var count: Int { ends.count }

    package subscript(_ index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// False, and nothing is added, for what PostgreSQL's text cannot be.
    fileprivate mutating func append(decoding value: ArraySlice<UInt8>) -> Bool {
        let start = bytes.count
        QueryParameter.decode(value, onto: &bytes)
        guard !bytes[start...].contains(0), bytes[start...].isUTF8 else {
            bytes.removeSubrange(start...)
            return false
        }
        ends.append(bytes.count)
        return true
    }
}

extension ArraySlice<UInt8> {
    fileprivate var isUTF8: Bool {
        allSatisfy { $0 < 0x80 } || String(validating: self, as: UTF8.self) != nil
    }
}

extension QueryShape {
    /// The query string with marks in the place of its values: what is planned.
    package var marked: [UInt8] {
        var result: [UInt8] = []
        var index = 0
        for byte in text {
            if byte == Self.hole, index < values.count {
                result += QueryMarks.mark(index)
                index += 1
            } else {
                result.append(byte)
            }
        }
        return result
    }
}

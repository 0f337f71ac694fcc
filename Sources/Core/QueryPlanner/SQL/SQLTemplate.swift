// SPDX-License-Identifier: Apache-2.0

/// What stands for a shape's values while it is planned: texts that no request can know, so that
/// where they come out is where values belong.
package struct QueryMarks: Sendable {
    private static let secret = String(UInt64.random(in: .min ... .max), radix: 16)
    private static let start = Array("lucarne\(secret)v".utf8)
    private static let end = UInt8(ascii: "e")

    /// Stands for a body that is an object of arguments.
    package static let body = Array("{lucarne\(secret)b}".utf8)
    static let bodyText = String(decoding: body, as: UTF8.self)

    package static func mark(_ index: Int) -> [UInt8] {
        start + Array(String(index).utf8) + [end]
    }

    /// Cuts a text at its marks: pieces between them, and the values that they stand for.
    static func cut(_ text: [UInt8]) -> (pieces: [[UInt8]], values: [Int]) {
        var pieces: [[UInt8]] = [[]]
        var values: [Int] = []
        var position = 0
        while position < text.count {
            if text[position...].starts(with: start),
                let end = text[(position + start.count)...].firstIndex(of: end),
                let index = Int(
                    String(decoding: text[(position + start.count)..<end], as: UTF8.self)
                )
            {
                values.append(index)
                pieces.append([])
                position = end + 1
            } else {
                pieces[pieces.count - 1].append(text[position])
                position += 1
            }
        }
        return (pieces, values)
    }
}

/// A statement of a shape: its text, and which of its parameters are the request's.
package struct SQLTemplate: Sendable {
    package enum Parameter: Sendable, Equatable {
        case fixed(String?)
        /// The request's value of that number.
        case value(Int)
        /// The request's body.
        case body
    }

    package let text: String
    package let parameters: [Parameter]

    package init(_ sql: SQL) {
        text = sql.text
        parameters = sql.parameters.map { parameter in
            guard let parameter else { return .fixed(nil) }
            if parameter == QueryMarks.bodyText { return .body }
            let (pieces, values) = QueryMarks.cut(Array(parameter.utf8))
            let isMark = values.count == 1 && pieces.allSatisfy(\.isEmpty)
            return isMark ? .value(values[0]) : .fixed(parameter)
        }
    }
}

/// The canonical form of a shape's query strings, for `Content-Location`.
package struct CanonicalQuery: Sendable {
    private let pieces: [[UInt8]]
    private let values: [Int]

    package init(_ query: RequestQuery) {
        (pieces, values) = QueryMarks.cut(Array(query.canonicalText.utf8))
    }

    package var isEmpty: Bool { values.isEmpty && pieces[0].isEmpty }

    package func append(_ given: QueryValues, to text: inout [UInt8]) {
        text.append(contentsOf: pieces[0])
        for (index, value) in values.enumerated() {
            QueryParameter.encode(given[value], onto: &text)
            text.append(contentsOf: pieces[index + 1])
        }
    }
}

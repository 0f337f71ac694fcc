// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Telemetry

/// A query parameter that does not say what it could say. It is not passed over: whoever narrowed
/// something down would take everything for the answer.
struct ParameterFailure: Error, CustomStringConvertible {
    let name: String
    let expected: String

    var description: String { "\(name): \(expected)" }
}

extension Request {
    /// As they were sent: none of ours needs an escape.
    var parameterNames: [String] {
        (queryBytes ?? []).split(separator: UInt8(ascii: "&")).map { pair in
            String(decoding: pair.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
        }
    }

    /// The values of a query parameter, in order.
    func parameters(_ name: String) throws(ParameterFailure) -> [String] {
        var values: [String] = []
        for pair in (queryBytes ?? []).split(separator: UInt8(ascii: "&")) {
            let key = pair.prefix { $0 != UInt8(ascii: "=") }
            guard key.elementsEqual(name.utf8) else { continue }
            do throws(PercentEncoding.Malformed) {
                let value = pair.dropFirst(key.count + 1)
                values.append(try PercentEncoding.decode(value, plusIsSpace: true))
            } catch {
                throw ParameterFailure(name: name, expected: "expected UTF-8 in percent-encoding")
            }
        }
        return values
    }

    func parameter(_ name: String) throws(ParameterFailure) -> String? {
        try parameters(name).first
    }

    func number(
        _ name: String,
        in range: ClosedRange<Int> = 0...Int.max
    ) throws(ParameterFailure) -> Int? {
        guard let text = try parameter(name) else { return nil }
        // What is more than can be counted is as good as the most.
        let isLong = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard let number = Int(text) ?? (isLong ? .max : nil), range.contains(number) else {
            let most = range.upperBound == .max ? "on" : "to \(range.upperBound)"
            let expected = "expected a number from \(range.lowerBound) \(most)"
            throw ParameterFailure(name: name, expected: expected)
        }
        return number
    }

    /// `?name` and `?name=1` are a yes.
    func flag(_ name: String) throws(ParameterFailure) -> Bool? {
        switch try parameter(name)?.lowercased() {
        case "", "1", "true": return true
        case "0", "false": return false
        case nil: return nil
        default: throw ParameterFailure(name: name, expected: "expected 1 or 0, true or false")
        }
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String,
        _ choices: Choice.Type
    ) throws(ParameterFailure) -> Choice? {
        guard let text = try parameter(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let words = choices.allCases.map(\.rawValue).joined(separator: " or ")
            throw ParameterFailure(name: name, expected: "expected \(words)")
        }
        return choice
    }

    /// `q`, and what it says.
    func filter() throws(ParameterFailure) -> (text: String, filter: RecordFilter) {
        let text = try parameter("q") ?? ""
        do throws(FilterFailure) {
            return (text, try RecordFilter(parsing: text))
        } catch {
            throw ParameterFailure(name: "q", expected: error.description)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// What a filter can be asked of: a log record, a kept trace.
package protocol Filterable {
    var severity: LogLevel { get }
    /// The field of that name, or nil where there is none.
    func filterValue(_ name: String) -> JSONValue?
    /// Whether the words occur anywhere. They are in lower case.
    func mentions(_ words: [UInt8]) -> Bool
}

/// Which records somebody wants to see: `level>=warning and (logger=sql or "deadlock")`.
///
/// | | |
/// |---|---|
/// | `name=value`, `!=` | the field is that, or is not (also: is not there) |
/// | `name>5`, `>=`, `<`, `<=` | numbers and levels are compared, texts in their order |
/// | `name~part` | the field's text has the part in it |
/// | `word`, `"some words"` | they occur anywhere, in whatever case |
/// | `and` (or nothing), `or`, `not`, `( )` | in the usual precedence |
package indirect enum RecordFilter: Sendable, Equatable {
    package enum Comparison: String, Sendable, CaseIterable {
        case notEqual = "!=", atLeast = ">=", atMost = "<=", equal = "=", above = ">", below = "<"
        case contains = "~"
    }

    case everything
    case all([RecordFilter])
    case any([RecordFilter])
    case not(RecordFilter)
    case level(Comparison, LogLevel)
    case field(String, Comparison, String)
    case words([UInt8])

    package func matches(_ record: some Filterable) -> Bool {
        switch self {
        case .everything: true
        case .all(let filters): filters.allSatisfy { $0.matches(record) }
        case .any(let filters): filters.contains { $0.matches(record) }
        case .not(let filter): !filter.matches(record)
        case .level(let comparison, let level): comparison.holds(record.severity, level)
        case .field(let name, let comparison, let wanted):
            Self.holds(record.filterValue(name), comparison, wanted)
        case .words(let words): record.mentions(words)
        }
    }

    private static func holds(
        _ value: JSONValue?,
        _ comparison: Comparison,
        _ wanted: String
    ) -> Bool {
        guard let value, !value.isNull else { return comparison == .notEqual }
        let text = value.string ?? value.compactText
        if comparison == .contains {
            return Array(text.utf8).containsIgnoringCase(Array(wanted.lowercased().utf8))
        }
        if let number = value.double, let wanted = Double(wanted) {
            return comparison.holds(number, wanted)
        }
        return comparison.holds(text, wanted)
    }

    /// Short names for what is asked most.
    static let shortNames = [
        "trace": "trace_id", "request": "request_id", "route": "http.route",
        "method": "http.request.method", "path": "url.path",
        "status": "http.response.status_code", "duration": "duration_ms", "user": "user.id",
        "role": "user.role", "code": "error.code", "message": "msg", "module": "logger",
        "sql": "db.query.summary",
    ]
}

extension RecordFilter.Comparison {
    fileprivate func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .equal, .contains: left == right
        case .notEqual: left != right
        case .above: left > right
        case .atLeast: left >= right
        case .below: left < right
        case .atMost: left <= right
        }
    }
}

extension LogEntry: Filterable {
    package var severity: LogLevel { level }

    package func filterValue(_ name: String) -> JSONValue? {
        switch name {
        case "logger": .string(module.label.text)
        case "trace_id": traceID.map(JSONValue.string)
        default: field(name) ?? layer(name)
        }
    }

    /// `layers.sql`: the layers are the one object in a record.
    private func layer(_ name: String) -> JSONValue? {
        guard name.hasPrefix("layers.") else { return nil }
        return field("layers")?[String(name.dropFirst("layers.".count))]
    }

    package func mentions(_ words: [UInt8]) -> Bool { line.containsIgnoringCase(words) }
}

extension KeptTrace: Filterable {
    package var severity: LogLevel { status >= 500 ? .error : .info }

    package func filterValue(_ name: String) -> JSONValue? {
        switch name {
        case "trace_id": .string(context.traceIDText)
        case "request_id": .string(requestID)
        case "http.route": .string(route)
        case "http.request.method": .string(method.label.text)
        case "http.response.status_code": .number("\(status)")
        case "url.path": .string(path)
        case "duration_ms": .number("\(Double(durationNanoseconds) / 1e6)")
        case "error.code": errorCode.map(JSONValue.string)
        case "user.role": .string(role)
        case "kept": .string(decision.rawValue)
        case "logger": .string("http")
        default: attribute(name) ?? layer(name)
        }
    }

    /// As the request's record has it: in milliseconds, and only those that it came to.
    private func layer(_ name: String) -> JSONValue? {
        let layer = layers.first { "layers.\($0.layer.label.text)" == name && $0.nanoseconds > 0 }
        return layer.map { .number("\(Double($0.nanoseconds) / 1e6)") }
    }

    package func mentions(_ words: [UInt8]) -> Bool {
        let texts = [path, route, requestID, context.traceIDText, errorCode ?? "", role]
        return (texts + attributes.map(\.value.text)).contains {
            Array($0.utf8).containsIgnoringCase(words)
        }
    }

    private func attribute(_ name: String) -> JSONValue? {
        switch attributes.first(where: { $0.key.text == name })?.value {
        case .text(let text): .string(text)
        case .integer(let number): .number("\(number)")
        case nil: nil
        }
    }
}

extension TraceAttribute.Value {
    package var text: String {
        switch self {
        case .text(let text): text
        case .integer(let number): "\(number)"
        }
    }
}

extension [UInt8] {
    /// `words` is in lower case; letters beyond ASCII are compared as they are.
    fileprivate func containsIgnoringCase(_ words: [UInt8]) -> Bool {
        guard let first = words.first else { return true }
        guard count >= words.count else { return false }
        return (0...count - words.count).contains { start in
            self[start].lowercase == first
                && words.indices.allSatisfy { self[start + $0].lowercase == words[$0] }
        }
    }
}

extension UInt8 {
    fileprivate var lowercase: UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= self ? self | 0x20 : self
    }
}

// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// Where in a token's claims the role is: a part of JSONPath (RFC 9535), and PostgREST's older
/// notation, which starts at a dot.
package struct RolePath: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case name(String)
        case index(Int)
        case every
        case slice(from: Int?, to: Int?)
        case filter(Filter)
    }

    /// `?@.kind == 'role'`: what of each element is compared, how, and with what.
    struct Filter: Sendable, Equatable {
        enum Comparison: String, Sendable {
            case equal = "=="
            case unequal = "!="
            case startsWith = "^=="
            case endsWith = "==^"
            case contains = "*=="
        }

        let steps: [Step]
        /// Nil asks only whether there is something.
        let condition: (comparison: Comparison, literal: JSONValue)?

        static func == (left: Self, right: Self) -> Bool {
            left.steps == right.steps && left.condition?.comparison == right.condition?.comparison
                && left.condition?.literal == right.condition?.literal
        }
    }

    let steps: [Step]

    package static let standard = RolePath(steps: [.name("role")])

    init(steps: [Step]) { self.steps = steps }

    /// The first match, as text: a string as it is, anything else as JSON.
    package func role(in claims: JSONValue) -> String? {
        guard let found = Self.follow(steps[...], from: claims).first else { return nil }
        return found.string ?? found.compactText
    }

    private static func follow(_ steps: ArraySlice<Step>, from value: JSONValue) -> [JSONValue] {
        guard let step = steps.first else { return [value] }
        return matches(of: step, in: value).flatMap { follow(steps.dropFirst(), from: $0) }
    }

    private static func matches(of step: Step, in value: JSONValue) -> [JSONValue] {
        switch step {
        case .name(let name): return value[name].map { [$0] } ?? []
        case .index(let index):
            guard let elements = value.array else { return [] }
            return value[index < 0 ? elements.count + index : index].map { [$0] } ?? []
        case .every: return children(of: value)
        case .slice(let from, let to): return slice(value.array ?? [], from, to)
        case .filter(let filter): return children(of: value).filter { passes($0, filter) }
        }
    }

    private static func children(of value: JSONValue) -> [JSONValue] {
        value.array ?? value.members?.map(\.1) ?? []
    }

    private static func slice(_ elements: [JSONValue], _ from: Int?, _ to: Int?) -> [JSONValue] {
        let bound = { (index: Int) in
            min(max(index < 0 ? elements.count + index : index, 0), elements.count)
        }
        let lower = bound(from ?? 0)
        let upper = bound(to ?? elements.count)
        return lower < upper ? Array(elements[lower..<upper]) : []
    }

    private static func passes(_ element: JSONValue, _ filter: Filter) -> Bool {
        let found = follow(filter.steps[...], from: element).first
        guard let (comparison, literal) = filter.condition else { return found != nil }
        if comparison == .equal { return found == literal }
        if comparison == .unequal { return found != literal }
        guard let text = found?.string, let part = literal.string else { return false }
        switch comparison {
        case .startsWith: return text.hasPrefix(part)
        case .endsWith: return text.hasSuffix(part)
        default: return part.isEmpty || text.contains(part)
        }
    }
}

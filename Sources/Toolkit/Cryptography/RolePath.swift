// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// Where in a token's claims the role is: JSONPath (RFC 9535, of whose functions `search` is here),
/// and PostgREST's older notation, which starts at a dot.
package struct RolePath: Sendable, Equatable {
    struct Segment: Sendable, Equatable {
        let selectors: [Selector]
        /// `..`: of the value, and of all that is in it.
        var isDeep = false
    }

    enum Selector: Sendable, Equatable {
        case name(String)
        case index(Int)
        case every
        case slice(from: Int?, to: Int?, step: Int)
        case filter(Condition)
    }

    /// `$…` or `@…` within a condition.
    struct Query: Sendable, Equatable {
        let isRooted: Bool
        let segments: [Segment]
    }

    let segments: [Segment]

    package static let standard = RolePath(segments: [Segment(selectors: [.name("role")])])

    init(segments: [Segment]) { self.segments = segments }

    /// The first match, as text: a string as it is, anything else as JSON.
    package func role(in claims: JSONValue) -> String? {
        let query = Query(isRooted: true, segments: segments)
        return query.matches(in: claims, at: claims).first.map { $0.string ?? $0.compactText }
    }
}

extension RolePath.Query {
    /// RFC 9535 §2.5: what each segment selects is what the next one starts from.
    func matches(in root: JSONValue, at current: JSONValue) -> [JSONValue] {
        segments.reduce([isRooted ? root : current]) { values, segment in
            values.flatMap { value in
                let places = segment.isDeep ? value.withDescendants : [value]
                return places.flatMap { place in
                    segment.selectors.flatMap { $0.matches(in: root, at: place) }
                }
            }
        }
    }
}

extension RolePath.Selector {
    fileprivate func matches(in root: JSONValue, at value: JSONValue) -> [JSONValue] {
        switch self {
        case .name(let name): value[name].map { [$0] } ?? []
        case .index(let index):
            value[index < 0 ? (value.array?.count ?? 0) + index : index].map { [$0] } ?? []
        case .every: value.children
        case .slice(let from, let to, let step): Self.slice(value.array ?? [], from, to, step)
        case .filter(let condition):
            value.children.filter { condition.holds(for: $0, in: root) }
        }
    }

    /// RFC 9535 §2.3.4.2.2.
    private static func slice(
        _ elements: [JSONValue],
        _ from: Int?,
        _ to: Int?,
        _ step: Int
    ) -> [JSONValue] {
        let count = elements.count
        let normal = { (index: Int) in index < 0 ? count + index : index }
        if step > 0 {
            let lower = min(max(from.map(normal) ?? 0, 0), count)
            let upper = min(max(to.map(normal) ?? count, 0), count)
            return stride(from: lower, to: upper, by: step).map { elements[$0] }
        }
        guard step < 0 else { return [] }
        let upper = min(max(from.map(normal) ?? count - 1, -1), count - 1)
        let lower = min(max(to.map(normal) ?? -1, -1), count - 1)
        return stride(from: upper, to: lower, by: step).map { elements[$0] }
    }
}

extension JSONValue {
    fileprivate var children: [JSONValue] { array ?? members?.map(\.1) ?? [] }

    fileprivate var withDescendants: [JSONValue] {
        [self] + children.flatMap(\.withDescendants)
    }
}

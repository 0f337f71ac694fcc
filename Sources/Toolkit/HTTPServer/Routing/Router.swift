// SPDX-License-Identifier: Apache-2.0

/// What the route table says about a request.
package enum RouteMatch: Sendable {
    case found(Route, PathParameters)
    /// The path is known, the method is not. `allow` is the header's value.
    case methodNotAllowed(allow: String, of: Route)
    case notFound
    /// An escape that decodes to nothing sensible, a dot segment, or NUL.
    case malformedPath
}

/// The route table as a tree of path segments. Literals win over parameters, and parameters over
/// a trailing rest; a parameter is never empty. Segments are cut before they are decoded, so an
/// encoded slash stays inside its segment.
package struct Router: Sendable {
    package let routes: [Route]
    private var nodes: [Node] = [Node()]

    private struct Node: Sendable {
        var literals: [(text: [UInt8], node: Int)] = []
        var parameter: Int?
        var here: Leaf?
        var rest: Leaf?
    }

    private struct Leaf: Sendable {
        var names: [String]
        var routes: [Route] = []
    }

    package init(_ routes: [Route]) {
        self.routes = routes
        for route in routes { insert(route) }
    }

    private mutating func insert(_ route: Route) {
        let template = RouteTemplate(parsing: route.template)
        var position = 0
        for segment in template.segments {
            switch segment {
            case .literal(let text): position = child(of: position, literal: text)
            case .parameter: position = childForParameter(of: position)
            case .rest:
                nodes[position].rest = adding(route, template, to: nodes[position].rest)
                return
            }
        }
        nodes[position].here = adding(route, template, to: nodes[position].here)
    }

    private func adding(_ route: Route, _ template: RouteTemplate, to leaf: Leaf?) -> Leaf {
        var leaf = leaf ?? Leaf(names: template.names)
        precondition(
            !leaf.routes.contains { $0.method == route.method },
            "two routes for \(route.method?.text ?? "any method") \(route.template)"
        )
        leaf.routes.append(route)
        return leaf
    }

    private mutating func child(of position: Int, literal text: [UInt8]) -> Int {
        if let found = nodes[position].literals.first(where: { $0.text == text }) {
            return found.node
        }
        nodes.append(Node())
        nodes[position].literals.append((text, nodes.count - 1))
        return nodes.count - 1
    }

    private mutating func childForParameter(of position: Int) -> Int {
        if let found = nodes[position].parameter { return found }
        nodes.append(Node())
        nodes[position].parameter = nodes.count - 1
        return nodes.count - 1
    }
}

extension Router {
    package func match(_ method: Method, path: ArraySlice<UInt8>) -> RouteMatch {
        match(method, path: path.span, offset: path.startIndex)
    }

    /// `offset` is where the path lies in the bytes that the parameters' ranges are for.
    func match(_ method: Method, path: Span<UInt8>, offset: Int) -> RouteMatch {
        guard path.count > 0, unsafe path[unchecked: 0] == UInt8(ascii: "/") else {
            return .notFound
        }
        guard PathCheck.isSound(path) else { return .malformedPath }
        var ranges: [Range<Int>] = []
        guard let leaf = leaf(under: 0, path, from: 1, offset: offset, &ranges) else {
            return .notFound
        }
        guard let route = route(of: leaf, for: method) else {
            return .methodNotAllowed(allow: allow(leaf), of: leaf.routes[0])
        }
        return .found(route, PathParameters(names: leaf.names, ranges: ranges))
    }

    private func leaf(
        under position: Int,
        _ path: Span<UInt8>,
        from start: Int,
        offset: Int,
        _ ranges: inout [Range<Int>]
    ) -> Leaf? {
        if start > path.count { return nodes[position].here }
        var end = start
        while end < path.count, unsafe path[unchecked: end] != UInt8(ascii: "/") { end += 1 }
        let segment = path.extracting(start..<end)
        for literal in nodes[position].literals where PathCheck.equals(segment, literal.text) {
            let found = leaf(under: literal.node, path, from: end + 1, offset: offset, &ranges)
            if let found { return found }
        }
        if let parameter = nodes[position].parameter, end > start {
            ranges.append(offset + start..<offset + end)
            let found = leaf(under: parameter, path, from: end + 1, offset: offset, &ranges)
            if let found { return found }
            ranges.removeLast()
        }
        guard let rest = nodes[position].rest, start < path.count else { return nil }
        ranges.append(offset + start..<offset + path.count)
        return rest
    }

    // RFC 9110 §9.3.2: HEAD is GET without the content.
    private func route(of leaf: Leaf, for method: Method) -> Route? {
        leaf.routes.first { $0.method == method }
            ?? (method == .head ? leaf.routes.first { $0.method == .get } : nil)
            ?? leaf.routes.first { $0.method == nil }
    }

    private func allow(_ leaf: Leaf) -> String {
        var words: [String] = []
        for case let method? in leaf.routes.map(\.method) {
            words.append(method.text)
            if method == .get, !leaf.routes.contains(where: { $0.method == .head }) {
                words.append("HEAD")
            }
        }
        if !words.contains("OPTIONS") { words.append("OPTIONS") }
        return words.joined(separator: ", ")
    }
}

/// What a path must be before it is looked up.
enum PathCheck {
    /// Escapes decode to UTF-8 without NUL; no segment is `.` or `..`, escaped or not. Nothing is
    /// normalised: a proxy that does, or does not, sees the same path as we do.
    static func isSound(_ path: Span<UInt8>) -> Bool {
        var isPlain = true
        for index in path.indices {
            let byte = unsafe path[unchecked: index]
            if byte == UInt8(ascii: "%") || byte >= 0x80 || byte == UInt8(ascii: ".") {
                isPlain = false
                break
            }
        }
        if isPlain { return true }
        let bytes = unsafe path.withUnsafeBufferPointer { unsafe Array($0) }
        let segments = bytes.split(
            separator: UInt8(ascii: "/"),
            omittingEmptySubsequences: false
        )
        for segment in segments {
            guard let text = try? PercentEncoding.decode(segment), text != ".", text != ".."
            else { return false }
        }
        return true
    }

    /// Compares a segment with a template's literal; escapes in it mean what they encode.
    static func equals(_ segment: Span<UInt8>, _ literal: [UInt8]) -> Bool {
        var hasEscape = false
        for index in segment.indices where unsafe segment[unchecked: index] == UInt8(ascii: "%") {
            hasEscape = true
        }
        if hasEscape {
            let bytes = unsafe segment.withUnsafeBufferPointer { unsafe Array($0) }
            return (try? PercentEncoding.decode(bytes)).map { Array($0.utf8) == literal } ?? false
        }
        guard segment.count == literal.count else { return false }
        for index in segment.indices where unsafe segment[unchecked: index] != literal[index] {
            return false
        }
        return true
    }
}

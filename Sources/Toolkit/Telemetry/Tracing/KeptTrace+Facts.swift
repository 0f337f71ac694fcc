// SPDX-License-Identifier: Apache-2.0

/// A trace in OpenTelemetry's words (semantic conventions, HTTP and database spans).
extension KeptTrace {
    package typealias Fact = (key: String, value: TraceAttribute.Value)

    private var isRouted: Bool { route != RouteTelemetry.unmatched }

    /// Never the path: there are too many.
    package var name: String {
        let method = method == .other ? "HTTP" : method.label.text
        return isRouted ? "\(method) \(route)" : method
    }

    /// A statement's span has its statement's name.
    package func name(of position: Int) -> String {
        let summary = attributes(of: position).first { $0.key.text == "db.query.summary" }
        return summary?.value.text ?? spans[position].name.text
    }

    /// What is known of the span at this position; -1 for the request itself.
    package func facts(of position: Int) -> [Fact] {
        let noted = attributes(of: position).map { Fact($0.key.text, $0.value) }
        guard position >= 0 else { return ownFacts + noted }
        let span = spans[position]
        var facts: [Fact] = [("lucarne.layer", .text(span.layer.label.text))]
        if span.layer == .sql {
            facts += [("db.system.name", .text("postgresql")), ("db.namespace", .text(namespace))]
        }
        if span.layer == .middleware, let middleware {
            facts += zip(middleware.names, middleware.nanoseconds).map { name, spent in
                ("lucarne.middleware.\(name.text)_ns", .integer(Int(clamping: spent)))
            }
        }
        let state = noted.first { $0.key == "db.response.status_code" }?.value
        if span.failed {
            // What PostgreSQL said, else what became of it, in the root's words.
            facts.append(("error.type", state ?? .text(errorType ?? ErrorType.other.rawValue)))
        }
        return facts + noted
    }

    private var ownFacts: [Fact] {
        var facts: [Fact] = [("http.request.method", .text(method.label.text))]
        func add(_ key: String, _ text: String?) {
            if let text, !text.isEmpty { facts.append((key, .text(text))) }
        }
        add("http.route", isRouted ? route : nil)
        add("url.path", path)
        add("url.query", query)
        add("url.scheme", "http")
        facts.append(("http.response.status_code", .integer(status)))
        add("client.address", clientAddress)
        add("user_agent.original", userAgent)
        add("user.id", user)
        add("user.role", role)
        // A server's fault is an error; a client's is not (HTTP spans, "Status").
        add("error.type", status >= 500 ? errorType ?? "\(status)" : nil)
        add("error.code", errorCode)
        add("error.message", errorMessage)
        add("baggage", baggage)
        add("lucarne.request_id", requestID)
        add("lucarne.kept", decision.rawValue)
        for (layer, nanoseconds) in layers where nanoseconds > 0 {
            let key = "lucarne.layer.\(layer.label.text)_ns"
            facts.append((key, .integer(Int(clamping: nanoseconds))))
        }
        return facts
    }
}

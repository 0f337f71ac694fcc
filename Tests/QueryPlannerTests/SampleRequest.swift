// SPDX-License-Identifier: Apache-2.0
import QueryPlanner

/// A request in one line, as golden files have it, planned against the sample catalog.
struct SampleRequest {
    let method: String
    let isCall: Bool
    let name: QualifiedName
    var query: String
    let preferences: [String]
    let body: [UInt8]

    init(_ line: String) {
        let parts = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
            .map { Self.trimmed($0) }
        let words = parts[0].split(separator: " ", maxSplits: 1).map(String.init)
        method = words[0]
        let target = words[1].split(separator: "?", maxSplits: 1).map(String.init)
        let segments = target[0].split(separator: "/").map(String.init)
        isCall = segments.count == 2
        name = Sample.name(segments[segments.count - 1])
        query = target.count > 1 ? target[1] : ""
        preferences = parts.count > 1 ? parts[1].split(separator: " ").map(String.init) : []
        body = parts.count > 2 ? Array(parts[2].utf8) : []
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    func sql(in catalog: Catalog, _ settings: PlannerSettings) throws(PlannerFailure) -> SQL {
        let isRead = method == "GET"
        let query = try RequestQuery(parsing: query.utf8, isCall: isCall && isRead)
        let range = try RowRange.topLevel(of: query)
        if isCall { return try call(query, range, catalog, settings) }
        if isRead {
            let plan = try ReadPlan(of: name, query, range: range, in: catalog, settings)
            return plan.sql(output, count: preferences.contains("count=exact") ? .exact : nil)
        }
        let kinds: [String: MutationPlan.Kind] = [
            "POST": .insert, "PATCH": .update, "PUT": .put, "DELETE": .delete,
        ]
        let plan = try MutationPlan(
            kinds[method] ?? .insert,
            of: name,
            query,
            body: WriteBody(json: body, columns: Set(query.columns ?? keys)),
            options,
            in: catalog,
            settings
        )
        return plan.sql(options.representation == .full ? output : output.withoutBody)
    }

    private func call(
        _ query: RequestQuery,
        _ range: RowRange,
        _ catalog: Catalog,
        _ settings: PlannerSettings
    ) throws(PlannerFailure) -> SQL {
        let arguments =
            method == "GET"
            ? CallArguments.named(query.arguments) : .json(body, keys: Set(query.columns ?? keys))
        return try CallPlan(
            of: name,
            arguments,
            contentType: method == "GET" ? nil : .json,
            query,
            range: range,
            in: catalog,
            settings
        ).sql(output)
    }

    private var output: Output {
        if preferences.contains("csv") { return Output(.csv, .csv) }
        if preferences.contains("object") {
            return Output(.singular(nullsStripped: true), .singular(nullsStripped: true))
        }
        if preferences.contains("plan") {
            return Output(
                .json(nullsStripped: false),
                .plan(of: .json, format: .json, options: [.analyze, .buffers])
            )
        }
        return .json
    }

    private var options: MutationPlan.Options {
        let has = preferences.contains
        return MutationPlan.Options(
            representation: has("return=representation")
                ? .full : has("return=headers-only") ? .headersOnly : .minimal,
            resolution: has("resolution=merge-duplicates")
                ? .merge : has("resolution=ignore-duplicates") ? .ignore : nil,
            appliesDefaults: has("missing=default")
        )
    }

    /// The keys of a flat JSON object, which is all that golden bodies are.
    private var keys: [String] {
        let parts = body.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
        return parts.indices.compactMap { index in
            let isKey = index % 2 == 1 && index + 1 < parts.count && parts[index + 1].first == 58
            return isKey ? String(decoding: parts[index], as: UTF8.self) : nil
        }
    }
}

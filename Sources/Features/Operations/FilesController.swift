// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding

/// The dashboards and the rules for these very metrics: a Prometheus and a Grafana can be given
/// what fits the version that runs.
struct FilesController: Sendable {
    let sources: Operations.Sources

    func list() -> Response {
        let paths = sources.dashboards().map { JSONValue.string("/dashboards/\($0.name)") }
        return Response(.object([("dashboards", .array(paths))]))
    }

    func dashboard(_ request: Request) -> Response {
        let name = request.pathParameter("name")
        guard let file = sources.dashboards().first(where: { $0.name == name }) else {
            return Response(status: 404, problem: "no such dashboard; /dashboards lists them")
        }
        return Self.board(file.text)
    }

    var dashboards: [(name: String, response: Response)] {
        sources.dashboards().map { ($0.name, Self.board($0.text)) }
    }

    private static func board(_ text: String) -> Response {
        Response(status: 200, contentType: "application/json", text)
    }

    func rules() -> Response {
        Response(status: 200, contentType: "application/yaml", sources.rules())
    }
}

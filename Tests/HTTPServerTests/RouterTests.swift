// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Telemetry
import Testing

struct RouterTests {
    private static let telemetry = RouteTelemetry(template: "test", registry: MetricRegistry())

    private static func route(_ method: Method?, _ template: String) -> Route {
        Route(method, template, telemetry: telemetry) { _ in Response(status: 200) }
    }

    private let router = Router([
        route(.get, "/livez"),
        route(.get, "/rest/v1/"),
        route(.get, "/rest/v1/{relation}"),
        route(.post, "/rest/v1/{relation}"),
        route(.get, "/rest/v1/rpc/{function}"),
        route(nil, "/graphql/v1"),
        route(.get, "/files/{bucket}/{name*}"),
        route(.get, "/files/{bucket}/list"),
    ])

    private func found(_ method: Method, _ target: String) -> String {
        let request = Request(method, target)
        return switch router.match(method, path: request.pathBytes) {
        case .found(let route, let parameters):
            "\(route.method?.text ?? "any") \(route.template) \(parameters.count)"
        case .methodNotAllowed(let allow, _): "405 \(allow)"
        case .notFound: "404"
        case .malformedPath: "400"
        }
    }

    @Test(arguments: [
        (Method.get, "/livez", "GET /livez 0"),
        (.head, "/livez", "GET /livez 0"),
        (.post, "/livez", "405 GET, HEAD, OPTIONS"),
        (.get, "/livez/", "404"),
        (.get, "/", "404"),
        (.get, "/rest/v1/", "GET /rest/v1/ 0"),
        (.get, "/rest/v1", "404"),
        (.get, "/rest/v1/planets?a=b", "GET /rest/v1/{relation} 1"),
        (.post, "/rest/v1/planets", "POST /rest/v1/{relation} 1"),
        (.delete, "/rest/v1/planets", "405 GET, HEAD, POST, OPTIONS"),
        (.get, "/rest/v1/rpc", "GET /rest/v1/{relation} 1"),
        (.get, "/rest/v1/rpc/add", "GET /rest/v1/rpc/{function} 1"),
        (.get, "/rest/v1/a/b", "404"),
        (.get, "/rest/v1//", "404"),
        (.get, "//rest/v1/a", "404"),
        (.get, "/%72est/v1/planets", "GET /rest/v1/{relation} 1"),
        (.get, "/rest%2Fv1/planets", "404"),
        (.get, "/rest/v1/a%2Fb", "GET /rest/v1/{relation} 1"),
        (.get, "/rest/v1/%00", "400"),
        (.get, "/rest/v1/%", "400"),
        (.get, "/rest/v1/%C3", "400"),
        (.get, "/rest/../admin", "400"),
        (.get, "/rest/%2e%2E/admin", "400"),
        (.get, "/./livez", "400"),
        (.get, "/rest/v1/a..b", "GET /rest/v1/{relation} 1"),
        (.other("PURGE"), "/graphql/v1", "any /graphql/v1 0"),
        (.get, "/files/a/b/c/d", "GET /files/{bucket}/{name*} 2"),
        (.get, "/files/a/list", "GET /files/{bucket}/list 1"),
        (.get, "/files/a/list/x", "GET /files/{bucket}/{name*} 2"),
    ])
    func `a path finds its route`(method: Method, target: String, expected: String) {
        #expect(found(method, target) == expected)
    }
}

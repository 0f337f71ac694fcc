// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
package import Telemetry

/// Where REST answers. The dialect refuses methods in its own words, so each path takes them all.
package enum RestRoutes {
    package static func routes(
        at mount: String,
        bodyBytesMax: Int,
        controller: RestController,
        measuring: (_ template: String, _ methods: [RequestMethod]) -> RouteTelemetry
    ) -> [Route] {
        let prefix = mount == "/" ? "" : mount
        let methods: [RequestMethod] = [.get, .head, .post, .put, .patch, .delete, .options]
        // A path with a part too many is a mistake with a code of its own.
        let templates = [
            prefix.isEmpty ? "/" : prefix, "\(prefix)/{relation}", "\(prefix)/rpc/{function}",
            "\(prefix)/{relation}/", "\(prefix)/{relation}/{rest*}",
        ]
        let slashed = prefix.isEmpty ? [] : ["\(prefix)/"]
        // Mounted at the root, every path of one part is a relation's.
        let docs = prefix.isEmpty ? [] : docs(of: prefix, measuring: measuring)
        return docs
            + (templates + slashed).map { template in
                Route(
                    nil,
                    template,
                    bodyBytesMax: bodyBytesMax,
                    telemetry: measuring(template, methods),
                    respond: controller.respond(to:)
                )
            }
    }

    /// The page to read the API on, and what it is made of.
    private static func docs(
        of prefix: String,
        measuring: (_ template: String, _ methods: [RequestMethod]) -> RouteTelemetry
    ) -> [Route] {
        let page = DocsPage.html(document: prefix + "/openapi.json")
        return [
            ("/docs", page), ("/docs/page.css", DocsPage.stylesheet),
            ("/docs/page.js", DocsPage.script),
        ].map { template, response in
            Route(
                .get,
                template,
                telemetry: measuring(template, [.get, .head]),
                respond: { _ in response }
            )
        }
    }
}

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
        // A path with a part too many, or an empty one, is a mistake with a code of its own.
        let templates = [
            prefix.isEmpty ? "/" : prefix, "\(prefix)/{relation}", "\(prefix)/rpc/{function}",
            "\(prefix)/{rest*}",
        ]
        let slashed = prefix.isEmpty ? [] : ["\(prefix)/"]
        return docs(of: prefix, controller, measuring: measuring)
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

    /// The page to read the API on, and what it is made of. Mounted at the root, every path of one
    /// part may be a relation's: there the page is what a browser finds where no relation is.
    private static func docs(
        of prefix: String,
        _ controller: RestController,
        measuring: (_ template: String, _ methods: [RequestMethod]) -> RouteTelemetry
    ) -> [Route] {
        let page = DocsPage.html(document: prefix + "/openapi.json")
        let parts = [
            ("/docs/page.css", DocsPage.stylesheet), ("/docs/page.js", DocsPage.script),
        ]
        let isShared = prefix.isEmpty
        let shared = Route(
            isShared ? nil : .get,
            "/docs",
            telemetry: measuring("/docs", [.get, .head]),
            respond: { request in
                let isPage = !isShared || controller.leavesRoom(for: "docs", to: request)
                guard !isPage else { return page }
                return await controller.respond(to: request)
            }
        )
        return [shared]
            + parts.map { template, response in
                Route(
                    .get,
                    template,
                    telemetry: measuring(template, [.get, .head]),
                    respond: { _ in response }
                )
            }
    }
}

// SPDX-License-Identifier: Apache-2.0
package import HTTPServer

/// What every response says so that no browser makes more of it than it is: content is what its
/// type says, is framed by nobody, tells no referrer; and an error is not kept by any cache.
package struct SecurityHeaders: Middleware {
    package var name: StaticString { "security_headers" }

    private static let headers: HeaderFields = [
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    ]

    package init() {}

    package func after(_ request: Request, _ response: inout Response) {
        response.headers.append(contentsOf: Self.headers)
        if response.status >= 400, !response.headers.contains("Cache-Control") {
            response.headers.append("Cache-Control", "no-store")
        }
    }
}

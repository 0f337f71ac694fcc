// SPDX-License-Identifier: Apache-2.0

/// Looks at each request before its route and at each response after it. Never waits.
///
/// `before` runs in the order of the list and may answer instead of the route; `after` runs in
/// the opposite order and sees every response, also those to requests nothing answers to.
package protocol Middleware: Sendable {
    var name: StaticString { get }
    func before(_ request: inout Request) -> Response?
    func after(_ request: Request, _ response: inout Response)
}

extension Middleware {
    package func before(_ request: inout Request) -> Response? { nil }
    package func after(_ request: Request, _ response: inout Response) {}
}

// SPDX-License-Identifier: Apache-2.0

/// Who is asking: the PostgreSQL role a statement runs under, and the claims policies read.
package struct Identity: Equatable, Sendable {
    package var role: String
    /// The verified claims as one JSON object, as `request.jwt.claims` wants them.
    package var claims: String
    /// Nobody proved who they are: a refusal means "sign in" (401), not "never" (403).
    package var isAnonymous: Bool
    /// The claim `sub`; empty where there is none.
    package var subject: String

    package init(role: String, claims: String, isAnonymous: Bool, subject: String = "") {
        self.role = role
        self.claims = claims
        self.isAnonymous = isAnonymous
        self.subject = subject
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import Cryptography
internal import Glibc
internal import JSONCoding

/// `lucarne token`: mints what an application signs in with.
package enum TokenCommand {
    package static func token(
        _ options: [String: String],
        secret: SigningSecret?,
        now: Int
    ) throws(ConfigurationFailure) -> String {
        guard let role = options["role"], !role.isEmpty else {
            throw ConfigurationFailure("token needs --role, for instance --role anon")
        }
        guard let secret = secret?.plain else {
            throw ConfigurationFailure("jwt-secret is no plain secret: it cannot sign tokens")
        }
        var claims: [(String, JSONValue)] = [
            ("iss", "lucarne"), ("role", .string(role)), ("iat", .number(String(now))),
        ]
        if let subject = options["subject"] { claims.append(("sub", .string(subject))) }
        if let text = options["expires"] {
            claims.append(("exp", .number(String(now + (try seconds(text))))))
        }
        if let text = options["claims"] { try merge(text, into: &claims) }
        return TokenMint(secret: secret).mint(.object(claims))
    }

    private static func merge(
        _ text: String,
        into claims: inout [(String, JSONValue)]
    ) throws(ConfigurationFailure) {
        guard let members = (try? JSONValue(parsing: text))?.members else {
            throw ConfigurationFailure("--claims: '\(text)' is not a JSON object")
        }
        for (name, value) in members {
            claims.removeAll { $0.0 == name }
            claims.append((name, value))
        }
    }

    /// Days as well as what durations elsewhere know: keys of applications live for years.
    private static func seconds(_ text: String) throws(ConfigurationFailure) -> Int {
        let units = ["d": 86_400, "h": 3600, "m": 60, "s": 1]
        let unit = text.last.flatMap { units[String($0)] }
        guard let number = Int(unit == nil ? text : String(text.dropLast())), number > 0,
            number <= 1_000_000_000
        else { throw ConfigurationFailure("--expires: '\(text)' is not a time like 1h or 365d") }
        return number * (unit ?? 1)
    }

    package static var clock: Int { time(nil) }
}

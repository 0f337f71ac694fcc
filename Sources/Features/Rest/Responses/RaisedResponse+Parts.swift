// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding

extension RaisedResponse {
    /// `{"code": …, "message": …, "details": …, "hint": …}`, the last two optional.
    struct Message {
        let code: String
        let message: String
        let details: String?
        let hint: String?

        init?(_ text: String) {
            guard let json = try? JSONValue(parsing: Array(text.utf8)),
                let code = json["code"]?.string, let message = json["message"]?.string,
                let details = OptionalText(json["details"]), let hint = OptionalText(json["hint"])
            else { return nil }
            self.code = code
            self.message = message
            self.details = details.text
            self.hint = hint.text
        }
    }

    /// `{"status": …, "headers": {…}, "status_text": …}`, the last optional.
    struct Detail {
        let status: Int
        let reason: String?
        let headers: HeaderFields

        init?(_ text: String) {
            guard let json = try? JSONValue(parsing: Array(text.utf8)),
                let status = json["status"]?.int, (200...999).contains(status),
                let reason = OptionalText(json["status_text"]),
                let members = json["headers"]?.members
            else { return nil }
            var headers: HeaderFields = [:]
            for (name, value) in members {
                guard let value = value.string else { return nil }
                headers.append(name, value)
            }
            self.status = status
            self.reason = reason.text
            self.headers = headers
        }
    }

    /// A string, null or nothing; anything else is a mistake.
    private struct OptionalText {
        let text: String?

        init?(_ value: JSONValue?) {
            guard let value, !value.isNull else {
                text = nil
                return
            }
            guard let string = value.string else { return nil }
            text = string
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import JSONCoding
package import LucarneCore
import QueryPlanner

/// A body that was understood as far as the service has to.
package enum RestPayload: Equatable, Sendable {
    /// JSON whose objects all have these keys.
    case json([UInt8], keys: Set<String>)
    /// JSON that nobody looked into: `columns` says which keys count, PostgreSQL reads the rest.
    case uncheckedJSON([UInt8])
    /// Arguments of a function as a form sends them.
    case form([FormField])
    /// The one argument of a function without parameter names.
    case raw([UInt8])

    package struct FormField: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    /// Nil for actions that take no body. `hasColumns` is whether the query string says `columns`.
    package static func read(
        _ request: RestRequest,
        hasColumns: Bool
    ) throws(Problem) -> RestPayload? {
        let body = request.message.body
        let isFunction: Bool
        var takesColumns = true
        switch request.terms.action {
        case .write(_, .insert), .write(_, .update): isFunction = false
        case .write(_, .upsert):
            isFunction = false
            takesColumns = false
        case .call(_, .post): isFunction = true
        default: return nil
        }
        switch request.terms.contentType {
        case .json:
            if hasColumns && takesColumns {
                try refuseInvalidText(body)
                return .uncheckedJSON(body)
            }
            return try json(body.isEmpty && isFunction ? Array("{}".utf8) : body)
        case .csv: return try csv(body)
        case .urlEncoded:
            return isFunction ? .form(fields(body)) : formAsJSON(body)
        case .plainText where isFunction, .xml where isFunction:
            try refuseInvalidText(body)
            return .raw(body)
        case .octetStream where isFunction: return .raw(body)
        default:
            throw .invalidBody("Content-Type not acceptable: \(request.terms.contentType.name)")
        }
    }

    /// Swift would mend it where PostgreSQL refuses it.
    private static func refuseInvalidText(_ body: [UInt8]) throws(Problem) {
        do { _ = try UTF8Span(validating: body.span) } catch {
            throw .invalidText(body[error.byteOffsets.lowerBound...])
        }
    }

    private static func json(_ body: [UInt8]) throws(Problem) -> RestPayload {
        guard let shape = JSONShape(body) else { throw .invalidBody("Empty or invalid json") }
        switch shape.kind {
        case .object(let keys), .objects(let keys): return .json(body, keys: Set(keys))
        case .unevenArray: throw .invalidBody("All object keys must match")
        // Anything that is no row at all counts as no rows.
        case .emptyArray, .scalar: return .json(Array("[]".utf8), keys: [])
        }
    }

    private static func csv(_ body: [UInt8]) throws(Problem) -> RestPayload {
        do throws(CSVDocument.Malformed) {
            let document = try CSVDocument(parsing: body)
            return .json(document.json, keys: Set(document.givenNames))
        } catch { throw .invalidBody(error.message) }
    }

    private static func fields(_ body: [UInt8]) -> [FormField] {
        var fields: [FormField] = []
        FormFields.forEach(in: body) { fields.append(FormField(name: $0, value: $1)) }
        return fields
    }

    /// A form is one row of text; the last of a repeated field counts.
    private static func formAsJSON(_ body: [UInt8]) -> RestPayload {
        var out: [UInt8] = [UInt8(ascii: "{")]
        var values: [String: String] = [:]
        FormFields.forEach(in: body) { values[$0] = $1 }
        for (name, value) in values {
            if out.count > 1 { out.append(UInt8(ascii: ",")) }
            appendJSONString(name, to: &out)
            out.append(UInt8(ascii: ":"))
            appendJSONString(value, to: &out)
        }
        out.append(UInt8(ascii: "}"))
        return .json(out, keys: Set(values.keys))
    }
}

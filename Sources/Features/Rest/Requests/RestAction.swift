// SPDX-License-Identifier: Apache-2.0
import LucarneCore
package import QueryPlanner

/// What a request wants done, from its method and path.
package enum RestAction: Equatable, Sendable {
    package enum Write: Equatable, Sendable { case insert, upsert, update, delete }
    /// How a function is called: a read takes its arguments from the query and may not write.
    package enum Call: Equatable, Sendable { case read(headersOnly: Bool), post }

    case read(QualifiedName, headersOnly: Bool)
    case write(QualifiedName, Write)
    case call(QualifiedName, Call)
    /// `asDocument`: at the path that is the OpenAPI 3.1 document and nothing else.
    case describeSchema(headersOnly: Bool, asDocument: Bool)
    case relationOptions(QualifiedName)
    case functionOptions(QualifiedName)
    case schemaOptions

    init(method: String, resource: RestResource, schema: String) throws(Problem) {
        switch resource {
        case .function(let name):
            self = try Self.function(QualifiedName(schema, name), method)
        case .relation(let name):
            self = try Self.relation(QualifiedName(schema, name), method)
        case .schema: self = try Self.schema(method, asDocument: false)
        case .document: self = try Self.schema(method, asDocument: true)
        }
    }

    private static func function(
        _ name: QualifiedName,
        _ method: String
    ) throws(Problem) -> RestAction {
        switch method {
        case "GET": .call(name, .read(headersOnly: false))
        case "HEAD": .call(name, .read(headersOnly: true))
        case "POST": .call(name, .post)
        case "OPTIONS": .functionOptions(name)
        default: throw .functionMethod(method)
        }
    }

    private static func relation(
        _ name: QualifiedName,
        _ method: String
    ) throws(Problem) -> RestAction {
        switch method {
        case "GET": .read(name, headersOnly: false)
        case "HEAD": .read(name, headersOnly: true)
        case "POST": .write(name, .insert)
        case "PUT": .write(name, .upsert)
        case "PATCH": .write(name, .update)
        case "DELETE": .write(name, .delete)
        case "OPTIONS": .relationOptions(name)
        default: throw .unsupportedMethod(method)
        }
    }

    private static func schema(
        _ method: String,
        asDocument: Bool
    ) throws(Problem) -> RestAction {
        switch method {
        case "GET": .describeSchema(headersOnly: false, asDocument: asDocument)
        case "HEAD": .describeSchema(headersOnly: true, asDocument: asDocument)
        case "OPTIONS": .schemaOptions
        default: throw .unsupportedMethod(method)
        }
    }

    /// Whether the query string holds arguments of a function beside its filters.
    package var isFunctionRead: Bool {
        switch self {
        case .call(_, .read), .functionOptions: true
        default: false
        }
    }

    /// Low in cardinality: `SELECT films`.
    var summary: String {
        switch self {
        case .read(let name, _): "SELECT \(name.name)"
        case .write(let name, .insert): "INSERT \(name.name)"
        case .write(let name, .upsert): "UPSERT \(name.name)"
        case .write(let name, .update): "UPDATE \(name.name)"
        case .write(let name, .delete): "DELETE \(name.name)"
        case .call(let name, _): "CALL \(name.name)"
        case .describeSchema, .relationOptions, .functionOptions, .schemaOptions: "DESCRIBE schema"
        }
    }

    package var isHeadersOnly: Bool {
        switch self {
        case .read(_, let headersOnly), .call(_, .read(let headersOnly)),
            .describeSchema(let headersOnly, _):
            headersOnly
        case .write, .call(_, .post), .relationOptions, .functionOptions, .schemaOptions: false
        }
    }
}

/// What a path names.
enum RestResource {
    case schema, document, relation(String), function(String)

    /// Below the mount; no relation is called so.
    private static let documentName = "openapi.json"

    /// `segments` are the decoded parts of the path below the mount.
    init(_ segments: [String], _ settings: RestSettings) throws(Problem) {
        switch segments.count {
        case 0:
            guard settings.openAPIMode != .disabled else { throw .openAPIDisabled }
            self = settings.rootFunction.map { .function($0.name) } ?? .schema
        case 1 where segments[0] == Self.documentName:
            guard settings.openAPIMode != .disabled else { throw .openAPIDisabled }
            self = .document
        case 1: self = .relation(segments[0])
        case 2 where segments[0] == "rpc": self = .function(segments[1])
        default: throw .invalidPath
        }
    }
}

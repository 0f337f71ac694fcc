// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// The parts that OTLP's documents share (opentelemetry-proto, docs/specification.md, "JSON
/// Protobuf Encoding"): 64-bit integers are strings, enums are integers.
enum OTLP {
    static func attribute(_ key: String, _ value: JSONValue) -> JSONValue {
        .object([("key", .string(key)), ("value", any(value))])
    }

    static func attribute(_ key: String, _ value: String) -> JSONValue {
        attribute(key, .string(value))
    }

    static func attribute(_ key: String, _ value: Int) -> JSONValue {
        attribute(key, .integer(value))
    }

    /// `AnyValue`.
    static func any(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: .object([])
        case .bool(let flag): .object([("boolValue", .bool(flag))])
        case .number(let text):
            Int64(text) != nil
                ? .object([("intValue", .string(text))])
                : .object([("doubleValue", .number(text))])
        case .string(let text): .object([("stringValue", .string(text))])
        case .array(let elements):
            .object([("arrayValue", .object([("values", .array(elements.map(any)))]))])
        case .object(let members):
            .object([
                (
                    "kvlistValue",
                    .object([("values", .array(members.map { attribute($0.0, $0.1) }))])
                )
            ])
        }
    }

    static func resource(_ service: ServiceIdentity) -> JSONValue {
        .object([
            (
                "attributes",
                .array([
                    attribute("service.name", service.name),
                    attribute("service.version", service.version),
                    attribute("service.instance.id", service.instanceID),
                    attribute("deployment.environment.name", service.environment),
                ])
            )
        ])
    }

    static func scope(_ service: ServiceIdentity) -> JSONValue {
        .object([("name", .string("lucarne")), ("version", .string(service.version))])
    }
}

extension JSONValue {
    static func integer(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }
}

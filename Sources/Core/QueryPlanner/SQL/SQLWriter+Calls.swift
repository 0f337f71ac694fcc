// SPDX-License-Identifier: Apache-2.0

extension SQLWriter {
    /// The rows that a function returns; a scalar is a row of `pgrst_scalar`.
    mutating func call(_ plan: CallPlan) {
        raw("SELECT ")
        if plan.routine.returnsScalar { raw("pgrst_call.pgrst_scalar") } else { returned(plan) }
        raw(" ")
        if plan.routine.takesOneUnnamed {
            raw("FROM ")
            called(plan) { writer in writer.unnamed(plan) }
        } else if plan.parameters.isEmpty {
            raw("FROM ")
            called(plan) { _ in }
        } else {
            switch plan.arguments {
            case .named(let arguments):
                raw("FROM ")
                called(plan) { writer in writer.named(plan.parameters, arguments) }
            case .json(let json, _), .raw(let json): calledWithJSON(plan, json)
            }
        }
    }

    private mutating func called(_ plan: CallPlan, _ arguments: (inout SQLWriter) -> Void) {
        if plan.routine.returnsScalar { raw("(SELECT ") }
        name(plan.routine.name)
        raw("(")
        arguments(&self)
        raw(plan.routine.returnsScalar ? ") pgrst_scalar) pgrst_call" : ") pgrst_call")
    }

    private mutating func returned(_ plan: CallPlan) {
        let columns = plan.root.columnsNeeded()
        if columns.isEmpty { return raw("*") }
        if columns == ["*"] { return column("*", of: Self.callName) }
        // A filter looks at what the function returned, not at what is shown of it.
        let filtered = plan.root.filters.flatMap(\.columns)
        list(Set(columns + filtered).sorted()) { $0.column($1, of: Self.callName) }
    }

    private static let callName = QualifiedName("", "pgrst_call")

    private mutating func unnamed(_ plan: CallPlan) {
        let type = plan.parameters[0].type
        switch plan.arguments {
        case .json(let bytes, _), .raw(let bytes):
            value(
                type == "bytea" ? Self.hexadecimal(bytes) : String(decoding: bytes, as: UTF8.self)
            )
        case .named(let arguments): value(Self.object(arguments))
        }
        raw("::")
        trusted(type)
    }

    private mutating func named(
        _ parameters: [RoutineParameter],
        _ arguments: [(name: String, value: String)]
    ) {
        list(parameters) { writer, parameter in
            let values = arguments.filter { $0.name == parameter.name }.map(\.value)
            if parameter.isVariadic { writer.raw("VARIADIC ") }
            writer.identifier(parameter.name)
            writer.raw(" := ")
            writer.value(parameter.isVariadic ? Self.arrayLiteral(values) : values.last)
            writer.raw("::")
            writer.trusted(parameter.castType)
        }
    }

    private mutating func calledWithJSON(_ plan: CallPlan, _ json: [UInt8]) {
        let fields = plan.parameters.map { PlannedField(name: $0.name, type: $0.castType) }
        body(json, fields, BodyForm(takesOneRow: true))
        raw(", LATERAL ")
        called(plan) { writer in
            writer.list(plan.parameters) { writer, parameter in
                if parameter.isVariadic { writer.raw("VARIADIC ") }
                writer.identifier(parameter.name)
                writer.raw(" := ")
                writer.column(parameter.name, of: Self.bodyName)
            }
        }
    }

    /// PostgreSQL manual §8.4.1.
    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("\\x".utf8)
        text.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    private static func object(_ arguments: [(name: String, value: String)]) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, argument) in arguments.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.append(argument.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            JSONText.append(argument.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension PlannedLogic {
    /// The columns that it looks at.
    fileprivate var columns: [String] {
        switch self {
        case .filter(let filter): [filter.field.name]
        case .group(_, _, let members): members.flatMap(\.columns)
        case .embedIsNull: []
        }
    }
}

extension CallPlan {
    package func sql(_ output: Output, count: RowCount? = nil) -> SQL {
        let counts = count == .exact || count == .estimated
        let countsApart = counts && (shownMax != nil || range != .all)
        var writer = SQLWriter()
        writer.explainIfAsked(output.mediaType)
        writer.raw("WITH pgrst_source AS (")
        writer.call(self)
        writer.raw(") ")
        if countsApart {
            writer.raw(", pgrst_source_count AS (")
            writer.countedRows(of: root)
            writer.raw(")")
        }
        writer.raw("SELECT ")
        if countsApart {
            writer.raw("(SELECT pg_catalog.count(*) FROM pgrst_source_count)")
        } else if counts {
            pageTotal(&writer)
        } else {
            writer.raw("null::bigint")
        }
        writer.raw(" AS total_result_set, ")
        pageTotal(&writer)
        writer.raw(" AS page_total, ")
        writer.body(output.format, of: routine)
        writer.raw(" AS body, ")
        writer.responseSettings()
        writer.raw("'' AS response_inserted FROM (")
        writer.rows(of: root)
        writer.raw(") _postgrest_t")
        return writer.sql
    }

    /// How many rows these can be, where each stands for itself; nil without a limit. What writes
    /// runs once, so its rows come all at once.
    package var rowsMax: Int? {
        routine.returnsSet && isReadOnly && !root.aggregates ? root.range.limit : 1
    }

    /// The rows one by one, from a cursor of this name that goes both ways: the function runs once,
    /// and they are counted before the first is wanted.
    package func cursorSQL(_ name: StaticString, as format: ListFormat) -> SQL {
        var writer = SQLWriter()
        writer.raw("DECLARE ")
        writer.raw(name)
        writer.raw(" SCROLL CURSOR FOR WITH pgrst_source AS (")
        writer.call(self)
        writer.raw(") SELECT ")
        writer.row(as: format, isScalar: routine.returnsScalar)
        writer.raw(" FROM (")
        writer.rows(of: root)
        writer.raw(") _postgrest_t")
        return writer.sql
    }

    /// In the form of a call's one row, without rows: what the response needs beside them.
    package static func settingsSQL() -> SQL {
        var writer = SQLWriter()
        writer.raw("SELECT null::bigint AS total_result_set, 0 AS page_total, '[' AS body, ")
        writer.responseSettings()
        writer.raw("'' AS response_inserted")
        return writer.sql
    }

    private func pageTotal(_ writer: inout SQLWriter) {
        writer.raw(routine.returnsSet ? "pg_catalog.count(*)" : "1")
    }
}

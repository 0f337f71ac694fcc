// SPDX-License-Identifier: Apache-2.0

// One JSON parameter holds all rows, whatever their number: one statement to prepare, and
// PostgreSQL reads the JSON into the columns' types (PostgreSQL manual §9.16.1).
extension SQLWriter {
    struct BodyForm {
        var selects = false
        /// A function is called once.
        var takesOneRow = false
        var appliesDefaults = false
    }

    mutating func body(_ json: [UInt8], _ fields: [PlannedField], _ form: BodyForm) {
        let isObject =
            json.first { ![32, 9, 10, 13].contains($0) } == UInt8(ascii: "{")
        if form.selects {
            raw("SELECT ")
            list(fields) { $0.column($1.name, of: Self.bodyName) }
            raw(" ")
        }
        raw("FROM (SELECT ")
        value(String(decoding: json, as: UTF8.self))
        raw(form.appliesDefaults ? "::jsonb" : "::json")
        raw(" AS json_data) pgrst_payload, ")
        if form.appliesDefaults { defaults(fields, isObject: isObject) }
        raw("LATERAL (SELECT ")
        list(fields) { writer, field in
            writer.transformed(by: field.transform) { $0.identifier(field.name) }
            if field.transform != nil { writer.alias(field.name) }
        }
        raw(" FROM ")
        bodyRows(fields, isObject: isObject, appliesDefaults: form.appliesDefaults)
        if form.takesOneRow, !fields.isEmpty { raw("LIMIT 1") }
        raw(") pgrst_body ")
    }

    static let bodyName = QualifiedName("", "pgrst_body")

    private mutating func bodyRows(
        _ fields: [PlannedField],
        isObject: Bool,
        appliesDefaults: Bool
    ) {
        // `{}` is one row without a column, `[{},{}]` two.
        if fields.isEmpty, isObject { return raw("(values(1)) _ ") }
        if appliesDefaults { raw("jsonb_") } else { raw("json_") }
        if fields.isEmpty {
            raw("array_elements(")
        } else {
            raw(isObject ? "to_record(" : "to_recordset(")
        }
        raw(appliesDefaults ? "pgrst_json_defs.val" : "pgrst_payload.json_data")
        if fields.isEmpty { return raw(") _ ") }
        raw(") AS _(")
        list(fields) { writer, field in
            writer.identifier(field.name)
            writer.raw(" ")
            writer.trusted(field.type)
        }
        raw(") ")
    }

    /// The defaults of the columns under what each row says itself.
    private mutating func defaults(_ fields: [PlannedField], isObject: Bool) {
        raw(isObject ? "LATERAL (SELECT " : "LATERAL (SELECT jsonb_agg(")
        raw("jsonb_build_object(")
        list(fields.filter { $0.defaultExpression != nil }, separator: ",") { writer, field in
            writer.literal(field.name)
            writer.raw(", ")
            writer.trusted(field.defaultExpression ?? "")
        }
        if isObject {
            raw(") || pgrst_payload.json_data AS val) pgrst_json_defs, ")
        } else {
            raw(") || elem) AS val from ")
            raw("jsonb_array_elements(pgrst_payload.json_data) elem) pgrst_json_defs, ")
        }
    }
}

extension SQLWriter {
    mutating func write(_ plan: MutationPlan) {
        switch plan.kind {
        case .insert, .put: insert(plan)
        case .update: update(plan)
        case .delete:
            raw("DELETE FROM ")
            name(plan.relation)
            raw(" ")
            conditions(plan.conditions, of: plan.relation)
            returning(plan)
        }
    }

    private mutating func insert(_ plan: MutationPlan) {
        raw("INSERT INTO ")
        name(plan.relation)
        if !plan.columns.isEmpty {
            raw("(")
            list(plan.columns) { $0.identifier($1.name) }
            raw(")")
        }
        raw(" ")
        body(
            plan.json,
            plan.columns,
            BodyForm(
                selects: true,
                appliesDefaults: plan.options.appliesDefaults && plan.kind != .put
            )
        )
        if plan.countsInserted {
            raw("WHERE ")
            countInserted(adds: true)
            if plan.kind == .put {
                for condition in plan.conditions {
                    raw(" AND ")
                    self.condition(condition, of: Self.bodyName)
                }
            }
        }
        onConflict(plan)
        raw(" ")
        returning(plan)
    }

    private mutating func onConflict(_ plan: MutationPlan) {
        guard let conflict = plan.conflict, !conflict.columns.isEmpty else { return }
        raw(" ON CONFLICT(")
        list(conflict.columns) { $0.identifier($1) }
        raw(") ")
        guard conflict.resolution == .merge, !plan.columns.isEmpty else { return raw("DO NOTHING") }
        raw("DO UPDATE SET ")
        list(plan.columns) { writer, field in
            writer.identifier(field.name)
            writer.raw(" = EXCLUDED.")
            writer.identifier(field.name)
        }
        raw(" WHERE ")
        countInserted(adds: false)
    }

    /// Counts rows inserted in a setting of the transaction, and takes those back that turn out to
    /// be there: the command tag of an upsert does not tell them apart.
    private mutating func countInserted(adds: Bool) {
        raw("set_config('pgrst.inserted', (coalesce(")
        raw("nullif(current_setting('pgrst.inserted', true), '')::int, 0) ")
        raw(adds ? "+ 1)::text, true) <> '0'" : "- 1)::text, true) <> '-1'")
    }

    private mutating func update(_ plan: MutationPlan) {
        // SET needs a column. Selecting nothing gives the read its columns all the same.
        guard !plan.columns.isEmpty else {
            raw("SELECT ")
            if plan.returning.isEmpty { raw("NULL") }
            list(plan.returning) { $0.column($1, of: QualifiedName("", plan.relation.name)) }
            raw(" FROM ")
            name(plan.relation)
            return raw(" WHERE false")
        }
        raw("UPDATE ")
        name(plan.relation)
        raw(" SET ")
        list(plan.columns) { writer, field in
            writer.identifier(field.name)
            writer.raw(" = ")
            writer.column(field.name, of: Self.bodyName)
        }
        raw(" ")
        body(
            plan.json,
            plan.columns,
            BodyForm(appliesDefaults: plan.options.appliesDefaults)
        )
        conditions(plan.conditions, of: plan.relation)
        returning(plan)
    }

    private mutating func conditions(_ conditions: [PlannedLogic], of relation: QualifiedName) {
        guard !conditions.isEmpty else { return }
        raw("WHERE ")
        list(conditions, separator: " AND ") { $0.condition($1, of: relation) }
        raw(" ")
    }

    private mutating func returning(_ plan: MutationPlan) {
        // Without columns there is still the number of rows to know.
        if plan.returning.isEmpty { return raw("RETURNING 1") }
        raw("RETURNING ")
        list(plan.returning) { $0.column($1, of: plan.relation) }
    }
}

extension MutationPlan {
    package func sql(_ output: Output) -> SQL {
        var writer = SQLWriter()
        writer.explainIfAsked(output.mediaType)
        writer.raw("WITH pgrst_source AS (")
        writer.write(self)
        writer.raw(") SELECT null::bigint AS total_result_set, ")
        writer.raw("pg_catalog.count(*) AS page_total, ")
        if kind == .insert || kind == .put, options.representation == .headersOnly {
            writer.location(primaryKey)
        } else {
            writer.raw("array[]::text[]")
        }
        writer.raw(" AS header, ")
        writer.body(output.format, of: nil)
        writer.raw(" AS body, ")
        writer.responseSettings()
        writer.raw(
            countsInserted ? "nullif(current_setting('pgrst.inserted', true),'')::int" : "''"
        )
        writer.raw(" AS response_inserted FROM (")
        // What nobody sees cannot fail for want of a column either.
        if output.format == .none {
            writer.raw("SELECT * FROM pgrst_source")
        } else {
            writer.rows(of: root)
        }
        writer.raw(") _postgrest_t")
        return writer.sql
    }
}

extension SQLWriter {
    /// The key of the row inserted, if there is just one: `{id=eq.5}`.
    fileprivate mutating func location(_ primaryKey: [String]) {
        raw("CASE WHEN pg_catalog.count(*) = 1 THEN coalesce((")
        raw("WITH data AS (SELECT row_to_json(_) AS row FROM pgrst_source AS _ LIMIT 1) ")
        raw("SELECT array_agg(json_data.key || '=' || ")
        raw("coalesce('eq.' || json_data.value, 'is.null')) ")
        raw("FROM data CROSS JOIN json_each_text(data.row) AS json_data ")
        raw("WHERE json_data.key IN (")
        if primaryKey.isEmpty { raw("''") }
        list(primaryKey) { $0.literal($1) }
        raw(")), array[]::text[]) ELSE array[]::text[] END")
    }
}

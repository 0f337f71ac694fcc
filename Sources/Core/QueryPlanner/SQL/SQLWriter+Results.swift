// SPDX-License-Identifier: Apache-2.0

/// How many rows there are in all.
package enum RowCount: Sendable { case exact, planned, estimated }

/// Rows that come one by one.
package enum ListFormat: Sendable, Equatable {
    case json(nullsStripped: Bool)
    case csv

    /// Nil for what is made of all rows together.
    package init?(_ format: RowFormat) {
        switch format {
        case .json(let nullsStripped): self = .json(nullsStripped: nullsStripped)
        case .csv: self = .csv
        case .singular, .geoJSON, .converted, .none: return nil
        }
    }

    /// As `json_agg` and `string_agg` have it, so that a list's bytes do not depend on its length.
    package func separator(ofScalars: Bool) -> StaticString {
        switch self {
        case .json(nullsStripped: false): ofScalars ? ", " : ", \n "
        case .json(nullsStripped: true): ","
        case .csv: "\n"
        }
    }

    package var end: StaticString { self == .csv ? "" : "]" }
}

/// Where a statement puts what the response needs. Writes have `header` beside the others, between
/// `pageTotal` and `body`: go by `index(isWrite:)`.
package enum ResultColumn: Int, Sendable, CaseIterable {
    /// All rows there are, for exact and estimated counts; else null (reads) or empty (writes).
    case totalResultSet
    /// The rows of this response.
    case pageTotal
    case body
    /// The settings `response.headers` and `response.status`, null when not set.
    case responseHeaders, responseStatus
    /// How many rows an upsert inserted rather than changed; empty when nobody counted.
    case responseInserted

    /// In its place, how many rows a read left out for the weight of those before them.
    package static let leftOut = ResultColumn.responseInserted

    package func index(isWrite: Bool = false) -> Int {
        isWrite && rawValue >= Self.body.rawValue ? rawValue + 1 : rawValue
    }

    /// The key of the one row inserted, as a text array of `column=eq.value`. Of writes only.
    package static let locationIndex = 2
}

extension SQLWriter {
    mutating func explain(_ format: MediaType.PlanFormat, _ options: MediaType.PlanOptions) {
        raw(format == .text ? "EXPLAIN (FORMAT TEXT" : "EXPLAIN (FORMAT JSON")
        for (option, name) in MediaType.PlanOptions.named where options.contains(option) {
            raw(", ")
            trusted(name.uppercased())
        }
        raw(") ")
    }

    mutating func explainIfAsked(_ mediaType: MediaType) {
        if case .plan(_, let format, let options) = mediaType { explain(format, options) }
    }

    /// The body, from the rows of `_postgrest_t`.
    mutating func body(_ format: RowFormat, of routine: Routine?) {
        switch format {
        case .json(let nullsStripped): json(nullsStripped, of: routine)
        case .singular(let nullsStripped):
            object(
                nullsStripped,
                isScalar: routine.map { $0.returnsScalar && !$0.returnsSet } ?? false
            )
        case .csv: csv()
        case .geoJSON:
            raw("json_build_object('type', 'FeatureCollection', 'features', ")
            raw("coalesce(json_agg(ST_AsGeoJSON(_postgrest_t)::json), '[]'))")
        case .converted(let converter): converted(converter, of: routine)
        case .none: raw("''::text")
        }
    }

    private mutating func json(_ nullsStripped: Bool, of routine: Routine?) {
        if let routine, !routine.returnsSet {
            return object(nullsStripped, isScalar: routine.returnsScalar)
        }
        raw(nullsStripped ? "coalesce(json_strip_nulls(" : "coalesce(")
        raw(
            routine?.returnsScalar == true
                ? "json_agg(_postgrest_t.pgrst_scalar)" : "json_agg(_postgrest_t)"
        )
        raw(nullsStripped ? "), '[]')" : ", '[]')")
    }

    private mutating func object(_ nullsStripped: Bool, isScalar: Bool) {
        raw(nullsStripped ? "coalesce(json_strip_nulls(" : "coalesce(")
        raw(isScalar ? "json_agg(_postgrest_t.pgrst_scalar)->0" : "json_agg(_postgrest_t)->0")
        raw(nullsStripped ? "), 'null')" : ", 'null')")
    }

    private mutating func csv() {
        raw("(SELECT coalesce(string_agg(a.k, ','), '')")
        raw("  FROM (SELECT json_object_keys(r)::text as k")
        raw(
            "    FROM ( SELECT row_to_json(hh) as r from pgrst_source as hh limit 1) s  ) a) "
        )
        raw(
            "|| E'\\n' || "
        )
        raw("coalesce(string_agg(substring(_postgrest_t::text, 2, ")
        raw("length(_postgrest_t::text) - 2), E'\\n'), '')")
    }

    private mutating func converted(_ converter: MediaConverter, of routine: Routine?) {
        name(converter.function)
        if let routine, routine.returnsScalar, !routine.returnsSet {
            return raw("(_postgrest_t.pgrst_scalar)")
        }
        raw("(_postgrest_t")
        if let target = converter.target {
            raw("::")
            name(target)
        }
        raw(")")
    }

    /// One row of `_postgrest_t`, as the list has it.
    mutating func row(as format: ListFormat, isScalar: Bool) {
        switch format {
        case .csv: raw("substring(_postgrest_t::text, 2, length(_postgrest_t::text) - 2)")
        case .json(let nullsStripped):
            if isScalar { raw("coalesce(") }
            raw(nullsStripped ? "json_strip_nulls(" : "(")
            raw(isScalar ? "to_json(_postgrest_t.pgrst_scalar)" : "row_to_json(_postgrest_t)")
            raw(isScalar ? ")::text, 'null')" : ")::text")
        }
    }

    mutating func limit(_ rows: Int) {
        raw(" LIMIT ")
        trusted(String(rows))
    }

    mutating func responseSettings() {
        raw("nullif(current_setting('response.headers', true), '') AS response_headers, ")
        raw("nullif(current_setting('response.status', true), '') AS response_status, ")
    }
}

extension ReadPlan {
    /// The statement of a read. `count` costs a second pass when not every row is shown. With
    /// `cut`, rows beyond that many are left out, as if there were no more; with `bytesMax`, so are
    /// those after the one that reaches it.
    package func sql(
        _ output: Output,
        count: RowCount? = nil,
        atMost cut: Int? = nil,
        weighing bytesMax: Int? = nil
    ) -> SQL {
        var writer = SQLWriter()
        writer.explainIfAsked(output.mediaType)
        // Nothing refers to the CTE by name but CSV's header and plans that people read.
        let needsSource =
            switch output.format {
            case .csv, .converted, .geoJSON: true
            case .json, .singular, .none: output.isPlan
            }
        let counts = count == .exact || count == .estimated
        let countsApart = counts && (shownMax != nil || range != .all)
        if needsSource {
            writer.raw("WITH pgrst_source AS ( ")
            writer.rows(of: root)
            writer.raw(" ) ")
            if countsApart {
                writer.raw(", pgrst_source_count AS (")
                writeCountedRows(to: &writer, count)
                writer.raw(") ")
            }
        }
        writer.raw("SELECT ")
        if countsApart {
            writer.raw("(SELECT pg_catalog.count(*) FROM ")
            if needsSource {
                writer.raw("pgrst_source_count")
            } else {
                writer.raw("(")
                writeCountedRows(to: &writer, count)
                writer.raw(") pgrst_source_count")
            }
            writer.raw(")")
        } else {
            writer.raw(counts ? "pg_catalog.count(*)" : "null::bigint")
        }
        writer.raw(" AS total_result_set, pg_catalog.count(*) AS page_total, ")
        writer.body(output.format, of: nil)
        writer.raw(" AS body, ")
        writer.responseSettings()
        if let bytesMax {
            writer.raw("max(pgrst_rows) - pg_catalog.count(*) AS left_out FROM ( ")
            weighed(&writer, needsSource: needsSource, cut)
            writer.raw(" ) pgrst_weighed WHERE pgrst_before < ")
            writer.trusted(String(bytesMax))
            return writer.sql
        }
        writer.raw("'' AS response_inserted FROM ( ")
        shown(&writer, needsSource: needsSource, cut)
        writer.raw(" ) _postgrest_t")
        return writer.sql
    }

    /// The rows, each with what all before it weigh and how many there are.
    private func weighed(_ writer: inout SQLWriter, needsSource: Bool, _ cut: Int?) {
        writer.raw("SELECT _postgrest_t, pg_catalog.count(*) OVER () AS pgrst_rows, ")
        writer.raw("coalesce(sum(octet_length(row_to_json(_postgrest_t)::text)) ")
        writer.raw("OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS pgrst_before ")
        writer.raw("FROM ( ")
        shown(&writer, needsSource: needsSource, cut)
        writer.raw(" ) _postgrest_t")
    }

    private func shown(_ writer: inout SQLWriter, needsSource: Bool, _ cut: Int?) {
        if needsSource {
            writer.raw("SELECT * FROM pgrst_source")
            if let cut { writer.limit(cut) }
        } else if let cut {
            writer.raw("SELECT * FROM ( ")
            writer.rows(of: root)
            writer.raw(" ) pgrst_source")
            writer.limit(cut)
        } else {
            writer.rows(of: root)
        }
    }

    /// How many rows these can be, where each stands for itself; nil without a limit.
    package var rowsMax: Int? {
        findsOneRow || root.aggregates ? 1 : root.range.limit
    }

    /// In the form of a read's one row: how many rows there are, in all or no further than its range
    /// goes, what stands before the first of them, and what the response needs beside them.
    package func rowsCountedSQL(as format: ListFormat, inAll: Bool) -> SQL {
        var writer = SQLWriter()
        writer.raw("SELECT pg_catalog.count(*) AS total_result_set, ")
        writer.raw("pg_catalog.count(*) AS page_total, ")
        if format == .csv {
            writer.raw("(SELECT coalesce(string_agg(a.k, ','), '') FROM ")
            writer.raw(
                "(SELECT json_object_keys(r)::text as k FROM ( SELECT row_to_json(hh) as r from ( "
            )
            writer.rows(of: root)
            writer.raw(" ) hh limit 1) s) a) || E'\\n' AS body, ")
        } else {
            writer.raw("'[' AS body, ")
        }
        writer.responseSettings()
        writer.raw("'' AS response_inserted FROM ( ")
        writer.countedRows(of: root)
        if !inAll, let end = root.range.end { writer.limit(end) }
        writer.raw(" ) _postgrest_t")
        return writer.sql
    }

    /// The rows one by one, from a cursor of this name.
    package func cursorSQL(_ name: StaticString, as format: ListFormat) -> SQL {
        var writer = SQLWriter()
        writer.raw("DECLARE ")
        writer.raw(name)
        writer.raw(" NO SCROLL CURSOR FOR SELECT ")
        writer.row(as: format, isScalar: false)
        writer.raw(" FROM ( ")
        writer.rows(of: root)
        writer.raw(" ) _postgrest_t")
        return writer.sql
    }

    /// How many of `total` rows its range leaves.
    package func rowsShown(of total: Int) -> Int {
        let rest = max(0, total - root.range.offset)
        return min(rest, root.range.limit ?? rest)
    }

    /// EXPLAIN of all rows: `[{"Plan": {"Plan Rows": n, …}}]`, for planned and estimated counts.
    package func countPlanSQL() -> SQL {
        var writer = SQLWriter()
        writer.explain(.json, [])
        writer.countedRows(of: root)
        return writer.sql
    }

    private func writeCountedRows(to writer: inout SQLWriter, _ count: RowCount?) {
        writer.countedRows(of: root)
        guard count == .estimated, let shownMax else { return }
        // One more than is ever shown tells whether there are more.
        writer.limit(shownMax == .max ? .max : shownMax + 1)
    }
}

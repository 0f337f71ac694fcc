// SPDX-License-Identifier: Apache-2.0

/// What introspection asks of `pg_catalog`: flat rows keyed by OID, so that PostgreSQL neither
/// aggregates nor formats what `CatalogLoader` can put together in one pass.
///
/// They run with an empty `search_path`, which makes PostgreSQL qualify every name it prints, and
/// with `jit = off`: compiling these plans costs more than running them. `$1` is the array of
/// exposed schemas; a second parameter is named where there is one.
package enum CatalogQueries {
    /// Tables, views and their like in the exposed schemas. A partition is listed only when it has
    /// a foreign key of its own: relationships name its columns, requests never name it.
    static let relations = """
        SELECT c.oid, n.nspname, c.relname, c.relkind,
          CASE WHEN c.relkind IN ('r', 'p') THEN 28
               WHEN c.relkind IN ('v', 'f') THEN pg_relation_is_updatable(c.oid, true)
               ELSE 0 END,
          c.relispartition, d.description
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_description d
          ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
        WHERE n.nspname = ANY ($1::text[]) AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
          AND (NOT c.relispartition OR \(ownForeignKey))
        """

    private static let ownForeignKey = """
        c.oid IN (SELECT conrelid FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
            UNION SELECT confrelid FROM pg_constraint WHERE contype = 'f' AND conparentid = 0)
        """

    /// Names are joined rather than cast from OIDs, which would look each up by itself.
    /// `pg_get_expr(…, 0)`: a default cannot name columns, and without the relation's context
    /// PostgreSQL need not open each table to print it.
    static let columns = """
        SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
          CASE WHEN a.atttypmod <> -1 THEN format_type(a.atttypid, a.atttypmod) END,
          CASE
            WHEN a.attidentity = 'd' THEN (
              SELECT format('nextval(%L)', format('%I.%I', sn.nspname, sc.relname))
              FROM pg_depend s
              JOIN pg_class sc ON sc.oid = s.objid
              JOIN pg_namespace sn ON sn.oid = sc.relnamespace
              WHERE s.refclassid = 'pg_class'::regclass AND s.refobjid = a.attrelid
                AND s.refobjsubid = a.attnum AND s.classid = 'pg_class'::regclass
                AND s.deptype = 'i' LIMIT 1)
            WHEN a.atthasdef AND a.attgenerated = '' THEN (
              SELECT pg_get_expr(ad.adbin, 0) FROM pg_attrdef ad
              WHERE ad.adrelid = a.attrelid AND ad.adnum = a.attnum)
          END,
          a.atthasdef OR a.attidentity <> '', d.description
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_description d
          ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
        WHERE c.relnamespace = ANY (\(exposedNamespaces))
          AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
          AND (NOT c.relispartition OR \(ownForeignKey))
        ORDER BY a.attrelid, a.attnum
        """

    private static let exposedNamespaces =
        "ARRAY(SELECT oid FROM pg_namespace WHERE nspname = ANY ($1::text[]))"

    /// The types those columns have: their name, and for a domain the type it comes down to. Types
    /// outside `pg_catalog` have no plain name: clients see the one PostgreSQL declares.
    static let types = """
        WITH RECURSIVE used AS MATERIALIZED (
          SELECT DISTINCT a.atttypid AS oid
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
          WHERE c.relnamespace = ANY (\(exposedNamespaces))
            AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND a.attnum > 0 AND NOT a.attisdropped
        ), chain AS (
          SELECT u.oid, t.oid AS base, t.typtype, t.typbasetype, t.typnamespace
          FROM used u JOIN pg_type t ON t.oid = u.oid
          UNION ALL
          SELECT d.oid, t.oid, t.typtype, t.typbasetype, t.typnamespace
          FROM chain d JOIN pg_type t ON t.oid = d.typbasetype WHERE d.typtype = 'd'
        )
        SELECT t.oid, format_type(t.oid, -1),
          CASE WHEN b.typnamespace = 'pg_catalog'::regnamespace
               THEN format_type(b.base, NULL) END,
          t.typtype = 'd' AND t.typnotnull,
          CASE WHEN t.typtype = 'd' THEN pg_get_expr(t.typdefaultbin, 0) END,
          CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
          CASE WHEN t.typtype = 'd' THEN t.typtypmod END, b.base
        FROM chain b JOIN pg_type t ON t.oid = b.oid
        WHERE b.typtype <> 'd'
        """

    /// The labels of enumerations, in order.
    static let enumLabels =
        "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder"

    /// Keys, in every schema: a view may expose a table that is not exposed itself.
    static let constraints = """
        SELECT contype, conrelid, confrelid, conname, conkey, confkey, conparentid <> 0
        FROM pg_constraint
        WHERE contype IN ('p', 'u', 'f') AND conrelid <> 0
          AND connamespace <> 'pg_catalog'::regnamespace
        ORDER BY conrelid, conname
        """

    /// The stored query of each view in the exposed schemas and in the extra search path (`$2`).
    static let viewRules = """
        SELECT c.oid, n.nspname = ANY ($1::text[]), r.ev_action
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_rewrite r ON r.ev_class = c.oid AND r.ev_type = '1'
        WHERE c.relkind IN ('v', 'm')
          AND (n.nspname = ANY ($1::text[]) OR n.nspname = ANY ($2::text[]))
        """
}

// SPDX-License-Identifier: Apache-2.0

/// What introspection asks about functions and what they stand for.
extension CatalogQueries {
    /// Domains resolved to the type they come down to.
    private static let bases = """
        bases AS (
          SELECT oid, typbasetype AS base FROM pg_type WHERE typtype = 'd'
          UNION ALL
          SELECT d.oid, t.typbasetype FROM bases d JOIN pg_type t ON t.oid = d.base
          WHERE t.typtype = 'd'
        ), resolved AS (
          SELECT d.oid, d.base FROM bases d JOIN pg_type t ON t.oid = d.base
          WHERE t.typtype <> 'd'
        )
        """

    /// Functions a request may call.
    static let routines = """
        WITH RECURSIVE \(bases)
        SELECT p.oid, n.nspname, p.proname, d.description, p.pronargs - p.pronargdefaults,
          tn.nspname, coalesce(tc.relname, t.typname), p.proretset,
          t.typtype = 'c' OR coalesce(p.proargmodes::text[] && '{t,b,o}', false),
          r.oid IS NOT NULL, p.provolatile, p.provariadic <> 0,
          (SELECT split_part(s, '=', 2) FROM unnest(p.proconfig) s
           WHERE s LIKE 'default\\_transaction\\_isolation=%')
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN resolved r ON r.oid = p.prorettype
        JOIN pg_type t ON t.oid = coalesce(r.base, p.prorettype)
        JOIN pg_namespace tn ON tn.oid = t.typnamespace
        LEFT JOIN pg_class tc ON tc.oid = t.typrelid
        LEFT JOIN pg_description d
          ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass AND d.objsubid = 0
        WHERE \(callable) AND t.oid <> 'trigger'::regtype
        """

    private static let callable = "n.nspname = ANY ($1::text[]) AND p.prokind = 'f'"

    /// Their inputs, in order. `proargnames` counts every argument, `proargtypes` only the inputs;
    /// `proallargtypes` and `proargmodes`, where present, line up with the names. The last column
    /// is the type without a length limit: a cast to plain `character` would cut to one.
    static let routineParameters = """
        SELECT p.oid, i.name, format_type(i.type, NULL), i.mode = 'v',
          CASE i.type WHEN 'bit'::regtype THEN 'bit varying'
            WHEN 'bit[]'::regtype THEN 'bit varying[]'
            WHEN 'character'::regtype THEN 'character varying'
            WHEN 'character[]'::regtype THEN 'character varying[]' END
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        CROSS JOIN unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames,
            p.proargmodes) WITH ORDINALITY AS i (type, name, mode, position)
        WHERE \(callable) AND i.type IS NOT NULL
          AND coalesce(i.mode, 'i') IN ('i', 'b', 'v')
        ORDER BY p.oid, i.position
        """

    /// What their `SET` clauses say about the whole transaction (`$2`: the settings that may).
    static let routineSettings = """
        SELECT p.oid, split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        CROSS JOIN unnest(p.proconfig) s
        WHERE \(callable) AND split_part(s, '=', 1) = ANY ($2::text[])
        """

    /// Functions from one row type to another: relationships somebody wrote by hand.
    static let computedRelationships = """
        SELECT n.nspname, p.proname, an.nspname, ac.relname, rn.nspname, rc.relname,
          NOT p.proretset OR p.prorows = 1
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_type a ON a.oid = p.proargtypes[0]
        JOIN pg_class ac ON ac.oid = a.typrelid AND ac.relkind IN ('v', 'r', 'm', 'f', 'p')
        JOIN pg_namespace an ON an.oid = ac.relnamespace
        JOIN pg_type r ON r.oid = p.prorettype
        JOIN pg_class rc ON rc.oid = r.typrelid AND rc.relkind IN ('v', 'r', 'm', 'f', 'p')
        JOIN pg_namespace rn ON rn.oid = rc.relnamespace
        WHERE p.pronargs = 1 AND an.nspname = ANY ($1::text[]) AND rn.nspname = ANY ($1::text[])
        """

    /// Implicit casts by function between a domain and `json` or `text`: how a column presents
    /// itself, is written, and is compared.
    static let representations = """
        SELECT format_type(c.castsource, NULL), format_type(c.casttarget, NULL),
          c.castfunc::regproc
        FROM pg_cast c
        JOIN pg_type s ON s.oid = c.castsource
        JOIN pg_type t ON t.oid = c.casttarget
        WHERE c.castcontext = 'i' AND c.castmethod = 'f'
          AND has_function_privilege(c.castfunc, 'execute')
          AND (s.typtype = 'd' AND c.casttarget IN ('json'::regtype, 'text'::regtype)
            OR t.typtype = 'd' AND c.castsource IN ('json'::regtype, 'text'::regtype))
        """

    /// Domains named as a media type say who produces it: an aggregate over rows, or a function
    /// that returns the domain. Columns: producer, what it produces from, type, resolved type.
    static let mediaHandlers = """
        WITH media AS (
          SELECT t.oid, n.nspname, t.typname, lower(t.typname) AS accepted,
            CASE t.typname WHEN '*/*' THEN 'application/octet-stream' ELSE t.typname END AS sent
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
          WHERE t.typtype = 'd'
            AND (t.typname ~* '^[A-Za-z0-9.-]+/[A-Za-z0-9.+-]+$' OR t.typname = '*/*')
        )
        SELECT n.nspname, p.proname, an.nspname, at.typname, m.accepted, m.sent
        FROM media m
        JOIN pg_proc p ON p.prorettype = m.oid AND p.prokind = 'a' AND p.pronargs = 1
        JOIN pg_namespace n ON n.oid = p.pronamespace
        JOIN pg_type at ON at.oid = p.proargtypes[0]
        JOIN pg_namespace an ON an.oid = at.typnamespace
        LEFT JOIN pg_class ac ON ac.oid = at.typrelid
        WHERE n.nspname = ANY ($1::text[])
          AND (ac.relkind IN ('v', 'r', 'm', 'f', 'p') OR at.oid = 'anyelement'::regtype)
        UNION
        SELECT m.nspname, m.typname, n.nspname, p.proname, m.accepted, m.sent
        FROM media m
        JOIN pg_proc p ON p.prorettype = m.oid AND p.prokind = 'f' AND NOT p.proretset
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = ANY ($1::text[])
        """
}

// SPDX-License-Identifier: Apache-2.0

/// What the database says about how it wants to be served.
enum ConfigurationQueries {
    /// `ALTER ROLE authenticator [IN DATABASE …] SET pgrst.… = …`, the more specific first, and
    /// last what the pre-config function set. Settings of the database alone do not count: anyone
    /// who owns it could change who may do what. `$1` are the names.
    static let settings = """
        SELECT DISTINCT ON (name) substr(name, 7), value
        FROM (
          SELECT s.setdatabase AS place, split_part(c, '=', 1) AS name,
            substr(c, strpos(c, '=') + 1) AS value
          FROM pg_catalog.pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
          WHERE s.setrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
            AND s.setdatabase IN (
              0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
          UNION ALL
          SELECT NULL, n, current_setting(n, true) FROM unnest($1::text[]) n WHERE $2::boolean
        ) found
        WHERE name = ANY ($1::text[]) AND value IS NOT NULL
        ORDER BY name, place DESC NULLS LAST
        """

    /// `ALTER ROLE … SET` of every role requests can take on. Only settings a session may change
    /// for itself; the isolation level apart, because it begins the transaction.
    static let roles = """
        SELECT r.rolname, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
        FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
        CROSS JOIN unnest(r.rolconfig) c
        JOIN pg_catalog.pg_settings s ON s.name = split_part(c, '=', 1)
        WHERE m.member = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
          AND (s.context = 'user' OR has_parameter_privilege(current_user, s.name, 'set'))
        """

    /// Before PostgreSQL 15 there was no privilege on settings to ask for.
    static let rolesBefore15 = roles.replacing(
        " OR has_parameter_privilege(current_user, s.name, 'set')",
        with: ""
    )
}

// SPDX-License-Identifier: Apache-2.0

/// What every database that is served has: roles, the functions that policies call, and our record
/// of migrations. Written so that it only adds what is missing: on a database that was Supabase's
/// before, it changes nothing.
enum SystemMigration {
    /// In order. Each may run again at any time.
    static let migrations = [
        ("roles", roles), ("schemas", schemas), ("claims", claims), ("extensions", extensions),
        ("reload", reload),
    ].map { Migration(name: prefix + $0, sql: $1) }

    /// No file's name has a slash.
    fileprivate static let prefix = "lucarne/"

    static let record = """
        CREATE SCHEMA IF NOT EXISTS lucarne;
        CREATE TABLE IF NOT EXISTS lucarne.migrations (
            name text PRIMARY KEY,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(),
            milliseconds integer NOT NULL
        );
        """

    /// Roles belong to all databases of a server: another one may be making them at this moment.
    /// Privileges on what comes later in `public` are given to a new database, or together with a
    /// new role: whoever had rules of their own keeps them.
    private static let roles = #"""
        DO $$
        DECLARE
            made boolean := to_regnamespace('auth') IS NULL AND NOT EXISTS (
                SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                WHERE relkind IN ('r', 'p', 'v') AND nspname <> 'lucarne'
                    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
            );
        BEGIN
            IF to_regrole('anon') IS NULL THEN
                BEGIN
                    CREATE ROLE anon NOLOGIN NOINHERIT;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
                made := true;
            END IF;
            IF to_regrole('authenticated') IS NULL THEN
                BEGIN
                    CREATE ROLE authenticated NOLOGIN NOINHERIT;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END IF;
            IF to_regrole('service_role') IS NULL THEN
                BEGIN
                    CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
                EXCEPTION
                WHEN duplicate_object OR unique_violation THEN NULL;
                WHEN insufficient_privilege THEN
                    CREATE ROLE service_role NOLOGIN NOINHERIT;
                    RAISE WARNING 'service_role cannot bypass row-level security: '
                        'only a superuser can give it that';
                END;
            END IF;
            IF to_regrole('authenticator') IS NULL THEN
                BEGIN
                    CREATE ROLE authenticator LOGIN NOINHERIT;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END IF;
            IF NOT (pg_has_role('authenticator', 'anon', 'MEMBER')
                AND pg_has_role('authenticator', 'authenticated', 'MEMBER')
                AND pg_has_role('authenticator', 'service_role', 'MEMBER')) THEN
                GRANT anon, authenticated, service_role TO authenticator;
            END IF;
            IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                AND NOT pg_has_role(current_user, 'anon', 'MEMBER') THEN
                EXECUTE format('GRANT anon, authenticated, service_role TO %I', current_user);
            END IF;
            IF made THEN
                GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
                ALTER DEFAULT PRIVILEGES IN SCHEMA public
                    GRANT ALL ON TABLES TO anon, authenticated, service_role;
                ALTER DEFAULT PRIVILEGES IN SCHEMA public
                    GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
                ALTER DEFAULT PRIVILEGES IN SCHEMA public
                    GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
            END IF;
        END $$;
        """#

    private static let schemas = """
        DO $$
        BEGIN
            IF to_regnamespace('auth') IS NULL THEN
                CREATE SCHEMA auth;
                GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
            END IF;
            IF to_regnamespace('extensions') IS NULL THEN
                CREATE SCHEMA extensions;
                GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role;
            END IF;
        END $$;
        """

    /// The single claims come first for those who still set them one by one.
    private static let claims = """
        DO $$
        BEGIN
            IF to_regprocedure('auth.uid()') IS NULL THEN
                CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $f$
                    SELECT coalesce(
                        nullif(current_setting('request.jwt.claim.sub', true), ''),
                        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
                    )::uuid
                $f$;
            END IF;
            IF to_regprocedure('auth.role()') IS NULL THEN
                CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $f$
                    SELECT coalesce(
                        nullif(current_setting('request.jwt.claim.role', true), ''),
                        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
                    )
                $f$;
            END IF;
            IF to_regprocedure('auth.email()') IS NULL THEN
                CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE AS $f$
                    SELECT coalesce(
                        nullif(current_setting('request.jwt.claim.email', true), ''),
                        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
                    )
                $f$;
            END IF;
            IF to_regprocedure('auth.jwt()') IS NULL THEN
                CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $f$
                    SELECT coalesce(
                        nullif(current_setting('request.jwt.claim', true), ''),
                        nullif(current_setting('request.jwt.claims', true), '')
                    )::jsonb
                $f$;
            END IF;
        END $$;
        """

    /// What user SQL expects to be there, where the machine has it and we may.
    private static let extensions = """
        DO $$
        DECLARE name text;
        BEGIN
            FOREACH name IN ARRAY ARRAY['pgcrypto', 'uuid-ossp'] LOOP
                CONTINUE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = name);
                BEGIN
                    EXECUTE format('CREATE EXTENSION %I SCHEMA extensions', name);
                EXCEPTION WHEN OTHERS THEN
                    RAISE NOTICE 'extension % is not available: %', name, SQLERRM;
                END;
            END LOOP;
        END $$;
        """

    /// A change of the schema reloads the catalog by itself, where we may watch for it.
    private static let reload = """
        DO $$
        BEGIN
            IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                RETURN;
            END IF;
            IF EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'pgrst_ddl_watch') THEN
                RETURN;
            END IF;
            CREATE OR REPLACE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger
            LANGUAGE plpgsql AS $f$
            BEGIN
                IF EXISTS (
                    SELECT FROM pg_event_trigger_ddl_commands()
                    WHERE schema_name IS DISTINCT FROM 'pg_temp'
                ) THEN
                    NOTIFY pgrst, 'reload schema';
                END IF;
            END $f$;
            CREATE OR REPLACE FUNCTION extensions.pgrst_drop_watch() RETURNS event_trigger
            LANGUAGE plpgsql AS $f$
            BEGIN
                IF EXISTS (
                    SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary
                ) THEN
                    NOTIFY pgrst, 'reload schema';
                END IF;
            END $f$;
            CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end
                EXECUTE FUNCTION extensions.pgrst_ddl_watch();
            CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop
                EXECUTE FUNCTION extensions.pgrst_drop_watch();
        END $$;
        """
}

extension Migration {
    /// Not the user's.
    var isOurs: Bool { name.hasPrefix(SystemMigration.prefix) }
}

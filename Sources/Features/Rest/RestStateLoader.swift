// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Endpoints
package import LucarneCore
import QueryPlanner
package import Telemetry

/// Makes a state out of the settings and what the database says.
package struct RestStateLoader: Sendable {
    private let repository: CatalogRepository
    private let settings: RestSettings
    private let telemetry: Telemetry

    /// `telemetry` learns what becomes of the credentials that requests show, and of what is kept.
    package init(repository: CatalogRepository, settings: RestSettings, telemetry: Telemetry) {
        self.repository = repository
        self.settings = settings
        self.telemetry = telemetry
    }

    /// The same under other settings.
    package func reading(_ settings: RestSettings) -> RestStateLoader {
        RestStateLoader(repository: repository, settings: settings, telemetry: telemetry)
    }

    /// What is not `wanted` stays as `old` has it. Where there is no old state, all is read.
    package func load(
        _ wanted: RestReload = .everything,
        replacing old: RestState? = nil,
        in context: RequestContext
    ) async throws(Problem) -> RestState {
        let terms =
            if let old, !wanted.contains(.settings) { Terms(old, plans) } else {
                try await terms(in: context)
            }
        if let old, !wanted.contains(.catalog), terms.settings.describesCatalog(of: old.settings) {
            return terms.state(old.catalog, old.routines)
        }
        let source = try await repository.source(terms.settings, in: context)
        return try await repository.apart {
            let routines = RoutineReader(source).routines()
            let schemas = terms.settings.schemas
            return terms.state(CatalogLoader.load(source, routines, exposing: schemas), routines)
        }
    }

    private var plans: CacheTelemetry { telemetry.cache(.plan) }

    /// How the database wants to be served, apart from what it holds.
    fileprivate struct Terms {
        let settings: RestSettings
        let malformed: [String]
        let roles: [String: RoleSettings]
        let authenticator: Authenticator
        let plans: CacheTelemetry

        func state(_ catalog: Catalog, _ routines: [Int: Routine]) -> RestState {
            RestState(
                catalog: catalog,
                routines: routines,
                settings: settings,
                roles: roles,
                authenticator: authenticator,
                malformedSettings: malformed,
                planTelemetry: plans
            )
        }
    }

    private func terms(in context: RequestContext) async throws(Problem) -> Terms {
        let (settings, malformed) = try await settingsOfDatabase(in: context)
        return Terms(
            settings: settings,
            malformed: malformed,
            roles: RoleSettings.read(try await repository.roles(in: context)),
            authenticator: try Authenticator(settings, telemetry),
            plans: plans
        )
    }

    /// A setting that says nothing sensible is passed over: a slip in it must not stop the service.
    private func settingsOfDatabase(
        in context: RequestContext
    ) async throws(Problem) -> (RestSettings, malformed: [String]) {
        guard settings.databaseConfiguration else { return (settings, []) }
        var changed = settings
        var malformed: [String] = []
        let rows = try await repository.settings(settings, in: context)
        for row in rows.indices {
            do throws(RestSettings.Malformed) {
                try changed.apply(rows.text(row, 0), rows.text(row, 1))
            } catch { malformed.append("pgrst.\(error.name)") }
        }
        return (changed, malformed)
    }
}

extension RestStateLoader.Terms {
    fileprivate init(_ state: RestState, _ plans: CacheTelemetry) {
        self.init(
            settings: state.settings,
            malformed: [],
            roles: state.roles,
            authenticator: state.authenticator,
            plans: plans
        )
    }
}

extension RestSettings {
    /// Whether introspection under the other settings found what it would find under these.
    fileprivate func describesCatalog(of other: RestSettings) -> Bool {
        schemas == other.schemas && extraSearchPath == other.extraSearchPath
            && hoistedSettings == other.hoistedSettings
    }
}

extension RoleSettings {
    static func read(_ rows: CatalogRows) -> [String: RoleSettings] {
        var roles: [String: RoleSettings] = [:]
        for row in rows.indices {
            let (name, value) = (rows.text(row, 1), rows.text(row, 2))
            if name == "default_transaction_isolation" {
                roles[rows.text(row, 0), default: RoleSettings()].isolation = value
            } else {
                roles[rows.text(row, 0), default: RoleSettings()].settings.append(
                    RestTransaction.Setting(name, value)
                )
            }
        }
        return roles
    }
}

extension Authenticator {
    convenience init(
        _ settings: RestSettings,
        _ telemetry: Telemetry
    ) throws(Problem) {
        let keys: [VerificationKey]
        let path: RolePath
        do throws(KeySetFailure) {
            keys = try settings.secretBytes().map(VerificationKey.keys(configured:)) ?? []
        } catch {
            throw Problem(.invalidInput, code: "PGRST300", error.description)
        }
        do throws(RolePathFailure) {
            path = try RolePath(parsing: settings.jwtRoleClaimKey)
        } catch {
            throw Problem(.invalidInput, code: "PGRST300", error.description)
        }
        self.init(
            verifier: TokenVerifier(keys: keys, audience: settings.jwtAudience),
            rolePath: path,
            anonymousRole: settings.anonymousRole,
            cacheEntriesMax: settings.jwtCacheEntriesMax,
            observe: { telemetry.report($0, in: $1) },
            cacheTelemetry: telemetry.cache(.token)
        )
    }
}

extension RestSettings {
    fileprivate func secretBytes() throws(KeySetFailure) -> [UInt8]? {
        guard let jwtSecret else { return nil }
        guard jwtSecretIsBase64 else { return Array(jwtSecret.utf8) }
        guard let bytes = Base64.decode(secret: jwtSecret) else { throw .notBase64 }
        return bytes
    }
}

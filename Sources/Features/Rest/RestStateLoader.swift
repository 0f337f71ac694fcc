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
    private let observe: @Sendable (AuthenticationEvent) -> Void

    /// `observe` learns what becomes of the credentials that requests show.
    package init(
        repository: CatalogRepository,
        settings: RestSettings,
        observe: @escaping @Sendable (AuthenticationEvent) -> Void = { _ in }
    ) {
        self.repository = repository
        self.settings = settings
        self.observe = observe
    }

    package func load(in context: RequestContext) async throws(Problem) -> RestState {
        let (settings, malformed) = try await settingsOfDatabase(in: context)
        let roles = RoleSettings.read(try await repository.roles(in: context))
        let source = try await repository.source(settings, in: context)
        let authenticator = try Authenticator(settings, observe)
        return try await repository.apart {
            let routines = RoutineReader(source).routines()
            return RestState(
                catalog: CatalogLoader.load(source, routines, exposing: settings.schemas),
                routines: routines,
                settings: settings,
                roles: roles,
                authenticator: authenticator,
                malformedSettings: malformed
            )
        }
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
        _ observe: @escaping @Sendable (AuthenticationEvent) -> Void
    ) throws(Problem) {
        let keys: [VerificationKey]
        let path: RolePath
        do throws(KeySetFailure) {
            keys = try settings.secretBytes.map(VerificationKey.keys(configured:)) ?? []
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
            observe: observe
        )
    }
}

extension RestSettings {
    fileprivate var secretBytes: [UInt8]? {
        guard let jwtSecret else { return nil }
        guard jwtSecretIsBase64 else { return Array(jwtSecret.utf8) }
        return Base64.url.decode(jwtSecret) ?? Base64.standard.decode(jwtSecret)
            ?? Array(jwtSecret.utf8)
    }
}

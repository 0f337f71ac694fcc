// SPDX-License-Identifier: Apache-2.0
import CLinux
package import Endpoints
import LucarneCore
import Persistence
package import QueryPlanner
import Synchronization
package import Telemetry

/// What one request works with from its beginning to its end: a reload makes a new one.
package final class RestState: Sendable {
    package let catalog: Catalog
    package let settings: RestSettings
    package let roles: [String: RoleSettings]
    package let authenticator: Authenticator
    let crossOrigin: CrossOriginAccess
    /// Settings in the database that were passed over.
    package let malformedSettings: [String]
    /// The catalog's functions by OID, as privileges are told.
    let routines: [Int: Routine]
    /// What holds unless something more specific comes after it.
    let generalSettings: [RestTransaction.Setting]
    /// `app.settings.…`, for each transaction.
    let appSettings: [RestTransaction.Setting]
    /// What each exposed schema's requests look names up in.
    private let searchPaths: [String: String]
    /// What was planned so far. It goes with the catalog that it was planned against.
    let plans: PairedCache<RestPlan>
    private let weights = Mutex<[ObjectIdentifier: AnswerWeight]>([:])
    private let names: LocalSettings.Names
    private let namesOfRoles: [String: LocalSettings.Names]

    package init(
        catalog: Catalog,
        routines: [Int: Routine] = [:],
        settings: RestSettings,
        roles: [String: RoleSettings] = [:],
        authenticator: Authenticator,
        malformedSettings: [String] = [],
        planTelemetry: CacheTelemetry
    ) {
        plans = PairedCache(telemetry: planTelemetry)
        self.malformedSettings = malformedSettings
        self.authenticator = authenticator
        crossOrigin = CrossOriginAccess(allowedOrigins: settings.corsAllowedOrigins)
        self.catalog = catalog
        self.routines = routines
        self.settings = settings
        self.roles = roles
        let timeout = settings.statementTimeout.map {
            RestTransaction.Setting("statement_timeout", String($0))
        }
        let generalSettings = timeout.map { [$0] } ?? []
        self.generalSettings = generalSettings
        let appSettings = settings.appSettings.map { RestTransaction.Setting($0.name, $0.value) }
        self.appSettings = appSettings
        func makeNames(_ role: RoleSettings?) -> LocalSettings.Names {
            Self.names(
                generalSettings,
                role: role,
                hasTimeZone: false,
                routine: nil,
                appSettings
            )
        }
        names = makeNames(nil)
        namesOfRoles = roles.filter { !$0.value.settings.isEmpty }.mapValues(makeNames)
        var paths: [String: String] = [:]
        for schema in settings.schemas { paths[schema] = Self.searchPath(from: schema, settings) }
        searchPaths = paths
    }

    func settingNames(
        for role: String,
        hasTimeZone: Bool,
        routine: Routine?
    ) -> LocalSettings.Names {
        guard !hasTimeZone, routine?.settings.isEmpty != false else {
            return Self.names(
                generalSettings,
                role: roles[role],
                hasTimeZone: hasTimeZone,
                routine: routine,
                appSettings
            )
        }
        return namesOfRoles[role] ?? names
    }

    func searchPath(from schema: String) -> String {
        searchPaths[schema] ?? Self.searchPath(from: schema, settings)
    }

    private static func searchPath(
        from schema: String,
        _ settings: RestSettings
    ) -> String {
        let names = ([schema] + settings.extraSearchPath).map { QualifiedName("", $0).quoted }
        return names.joined(separator: ", ")
    }

    /// Of the answers of a function of this catalog.
    func weight(of routine: Routine) -> AnswerWeight {
        weights.withLock { weights in
            let identifier = ObjectIdentifier(routine)
            if let weight = weights[identifier] { return weight }
            let weight = AnswerWeight()
            weights[identifier] = weight
            return weight
        }
    }

    var planner: PlannerSettings {
        PlannerSettings(
            rowsMax: settings.rowsMax,
            aggregatesEnabled: settings.aggregatesEnabled,
            legacyTargetNames: settings.legacyTargetNames
        )
    }
}

/// What `ALTER ROLE … SET` says of a role; PostgreSQL itself applies it only at login.
package struct RoleSettings: Sendable {
    package var isolation: String?
    package var settings: [RestTransaction.Setting] = []

    package init(isolation: String? = nil, settings: [RestTransaction.Setting] = []) {
        self.isolation = isolation
        self.settings = settings
    }
}

/// Where the newest state is found. Empty until the first catalog was read.
package final class RestStates: Sendable {
    private let state: Mutex<RestState?>
    private let retired = Mutex<RestState?>(nil)

    package init(_ state: RestState? = nil) {
        self.state = Mutex(state)
    }

    package var current: RestState? { state.withLock(\.self) }

    package func replace(with newest: RestState) {
        let old = state.withLock { state in
            defer { state = newest }
            return state
        }
        retired.withLock { $0 = old }
    }

    /// Lets go of what was replaced, and gives its memory back. Ten thousand tables take a while:
    /// not on a loop.
    package func forgetRetired() {
        let old = retired.withLock { retired in
            defer { retired = nil }
            return retired
        }
        _ = consume old
        // What loading a catalog takes for a moment would stay with the process else (malloc_trim(3)).
        malloc_trim(0)
    }
}

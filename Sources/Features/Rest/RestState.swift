// SPDX-License-Identifier: Apache-2.0
package import Endpoints
package import QueryPlanner
import Synchronization

/// What one request works with from its beginning to its end: a reload makes a new one.
package final class RestState: Sendable {
    package let catalog: Catalog
    package let settings: RestSettings
    package let roles: [String: RoleSettings]
    package let authenticator: Authenticator
    /// Settings in the database that were passed over, for the log.
    package let malformedSettings: [String]
    /// The catalog's functions by OID, as privileges are told.
    let routines: [Int: Routine]
    /// `app.settings.…`, for each transaction.
    let appSettings: [RestTransaction.Setting]
    /// What each exposed schema's requests look names up in.
    private let searchPaths: [String: RestTransaction.Setting]

    package init(
        catalog: Catalog,
        routines: [Int: Routine] = [:],
        settings: RestSettings,
        roles: [String: RoleSettings] = [:],
        authenticator: Authenticator,
        malformedSettings: [String] = []
    ) {
        self.malformedSettings = malformedSettings
        self.authenticator = authenticator
        self.catalog = catalog
        self.routines = routines
        self.settings = settings
        self.roles = roles
        appSettings = settings.appSettings.map { RestTransaction.Setting($0.name, $0.value) }
        var paths: [String: RestTransaction.Setting] = [:]
        for schema in settings.schemas { paths[schema] = Self.searchPath(from: schema, settings) }
        searchPaths = paths
    }

    func searchPath(from schema: String) -> RestTransaction.Setting {
        searchPaths[schema] ?? Self.searchPath(from: schema, settings)
    }

    private static func searchPath(
        from schema: String,
        _ settings: RestSettings
    ) -> RestTransaction.Setting {
        let names = ([schema] + settings.extraSearchPath).map { QualifiedName("", $0).quoted }
        return RestTransaction.Setting("search_path", names.joined(separator: ", "))
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

    package init(_ state: RestState? = nil) {
        self.state = Mutex(state)
    }

    package var current: RestState? { state.withLock(\.self) }

    package func replace(with newest: RestState) {
        state.withLock { $0 = newest }
    }
}

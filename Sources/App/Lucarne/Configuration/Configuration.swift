// SPDX-License-Identifier: Apache-2.0
package import Cryptography
package import EventLoop
package import Rest
package import Telemetry

package enum DeploymentEnvironment: String, Sendable {
    case development, staging, production
}

package enum FeatureName: String, Sendable, CaseIterable {
    case rest, operations
}

/// Everything that was decided before the process began to work: read once, passed on as a value.
package struct Configuration: Sendable {
    package struct Database: Sendable {
        /// Nil: the embedded one.
        package var url: String?
        package var postgresDirectory: String?
        package var migrationsDirectory = "migrations"
        package var migratesOnStart = true
        package var poolMin = 2
        package var poolMax = 16
        package var poolWaitersMax = 1024
        package var poolAcquireTimeout = Duration.seconds(10)
        package var poolLifetimeMax = Duration.seconds(1800)
        package var poolIdleTimeout = Duration.seconds(300)
        package var connectTimeout = Duration.seconds(5)
        package var requestTimeout = Duration.seconds(60)
        /// Each transaction says for which trace it is, as its `application_name`.
        package var tellsTraces = false
        /// Nanoseconds that it may be away before readiness fails; all there are: it never does.
        package var outageTolerance: UInt64 = 15_000_000_000
    }

    package struct HTTP: Sendable {
        package var headerBytesMax = 32 << 10
        package var headerCountMax = 100
        package var targetBytesMax = 16 << 10
        package var bodyBytesMax = 16 << 20
        package var heldBytesMax = 256 << 20
        package var headerTimeout = Duration.seconds(10)
        package var bodyTimeout = Duration.seconds(60)
        package var idleTimeout = Duration.seconds(75)
        package var writeTimeout = Duration.seconds(60)
        package var connectionsMax = 8192
        package var compresses = true
    }

    package struct Tokens: Sendable {
        /// Nil: every token is refused.
        package var secret: SigningSecret?
        package var audience: String?
        package var rolePath = RolePath.standard
        package var cacheEntriesMax = 1000
    }

    package var environment = DeploymentEnvironment.development
    package var address = SocketAddress.tcp(host: "127.0.0.1", port: 8080)
    package var operationsAddress: SocketAddress?
    /// Asked for by everything operational but the probes.
    package var operationsToken: String?
    package var dataDirectory = "lucarne-data"
    package var features: Set<FeatureName> = [.rest, .operations]
    /// Zero: as many as there are cores; `loopCount` says how many that is.
    package var loops = 0
    package var blockingThreads = 4
    package var drainDelay = Duration.zero
    package var drainTimeout = Duration.seconds(25)
    package var telemetry = TelemetryConfiguration()
    package var database = Database()
    package var http = HTTP()
    package var tokens = Tokens()
    package var rest = RestSettings()
    /// What all of the above was read from.
    package var values = SettingValues()

    package init() {}

    /// Where the cores decide, no more than there may be connections: a loop without one could
    /// answer nobody.
    var loopCount: Int {
        loops > 0 ? loops : min(EventLoopGroup.coreCount, database.poolMax)
    }

    /// Where anybody who comes over the network may look inside, when it is more than a workshop.
    var openOperationsAddress: SocketAddress? {
        let address = operationsAddress ?? address
        let isMeant =
            environment == .development || !features.contains(.operations)
            || operationsToken != nil
        guard !isMeant, case .tcp = address, !address.isLoopback else { return nil }
        return address
    }
}

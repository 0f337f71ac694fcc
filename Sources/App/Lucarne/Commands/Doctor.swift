// SPDX-License-Identifier: Apache-2.0
internal import EventLoop
internal import PostgresClient
internal import Rest

/// `lucarne doctor`: looks at a set-up from the outside and says what is wrong, and how to mend it.
package enum Doctor {
    /// What one check found. A warning may be on purpose; a fault keeps something from working.
    package enum Verdict: String, Sendable { case fine = "ok", warning = "warn", fault = "FAIL" }

    package struct Finding: Sendable, Equatable {
        package let verdict: Verdict
        package let subject: String
        package let message: String
        /// What to do about it; nil when nothing.
        package let mend: String?

        init(_ verdict: Verdict, _ subject: String, _ message: String, mend: String? = nil) {
            self.verdict = verdict
            self.subject = subject
            self.message = message
            self.mend = mend
        }

        package var text: String {
            let line = "[\(verdict.rawValue)] \(subject): \(message)\n"
            return mend.map { line + "       mend: \($0)\n" } ?? line
        }
    }

    static func run(_ configuration: Configuration) -> Int32 {
        let findings = examine(configuration)
        for finding in findings { Terminal.write(finding.text) }
        let faults = findings.count { $0.verdict == .fault }
        Terminal.writeLine(faults == 0 ? "nothing keeps this from serving" : "\(faults) to mend")
        return faults == 0 ? ExitCode.success : ExitCode.failure
    }

    static func examine(_ configuration: Configuration) -> [Finding] {
        var findings = [clock(TokenCommand.clock), libpq(), secret(configuration)]
        findings += addresses(configuration)
        findings += operations(configuration)
        if configuration.database.url == nil {
            findings += embedded(configuration)
        } else {
            findings += database(configuration, configuration.database.url ?? "")
        }
        return findings
    }

    /// A clock that is years off makes every token expired or not yet valid.
    static func clock(_ now: Int) -> Finding {
        let released = 1_767_225_600  // 2026-01-01
        guard now > released else {
            return Finding(
                .fault,
                "clock",
                "the system's clock is before 2026: tokens will look expired or not yet valid",
                mend: "set the clock (timedatectl set-ntp true)"
            )
        }
        return Finding(.fine, "clock", "plausible")
    }

    static func libpq() -> Finding {
        let version = BlockingSession.libpqVersion
        let text = "libpq \(version / 10_000).\(version % 10_000)"
        guard version >= 140_000 else {
            return Finding(
                .fault,
                "libpq",
                "\(text) has no pipeline mode",
                mend: "install libpq 14 or later (apt-get install libpq5)"
            )
        }
        return Finding(.fine, "libpq", text)
    }

    static func secret(_ configuration: Configuration) -> Finding {
        guard let secret = configuration.tokens.secret else {
            return configuration.environment == .development
                ? Finding(.fine, "jwt-secret", "unset: the first start makes one")
                : Finding(.fault, "jwt-secret", "unset", mend: "openssl rand -base64 48")
        }
        guard let weakness = secret.weakness else {
            return Finding(.fine, "jwt-secret", "\(secret.keys.count) key(s)")
        }
        return Finding(
            .warning,
            "jwt-secret",
            "\(weakness): fine for development alone",
            mend: "LUCARNE_JWT_SECRET=$(openssl rand -base64 48)"
        )
    }

    /// Nothing to say where nobody can come, or only who is meant to.
    static func operations(_ configuration: Configuration) -> [Finding] {
        guard let address = configuration.openOperationsAddress else { return [] }
        return [
            Finding(
                .warning,
                "operations",
                "/debug and /metrics are on \(address) without a token",
                mend: "LUCARNE_OPERATIONS_TOKEN=$(openssl rand -base64 24), or a loopback address"
            )
        ]
    }

    static func addresses(_ configuration: Configuration) -> [Finding] {
        let own = configuration.operationsAddress
        // Mounted at the root, REST leaves probes to the listener for operations.
        let probes = configuration.rest.path == "/" ? own : nil
        let address = configuration.address
        return [listening(on: address, "address", probedAt: probes ?? address)]
            + (own.map { [listening(on: $0, "operations-address", probedAt: $0)] } ?? [])
    }

    /// Connecting tells more than binding: with SO_REUSEPORT a second server could bind as well.
    private static func listening(
        on address: SocketAddress,
        _ subject: String,
        probedAt probes: SocketAddress
    ) -> Finding {
        let mend = "stop what listens there, or choose another --\(subject)"
        if AddressProbe.isAnswering(address) {
            guard isLucarne(at: probes) else {
                return Finding(.fault, subject, "\(address) is in use", mend: mend)
            }
            return Finding(.fine, subject, "\(address) is in use by a running Lucarne")
        }
        do throws(SocketError) {
            _ = try ListeningSocket(address)
            return Finding(.fine, subject, "\(address) is free")
        } catch {
            let message = "cannot listen on \(address): \(error)"
            return Finding(.fault, subject, message, mend: mend)
        }
    }

    /// Alive, and nobody who answers whatever is asked.
    private static func isLucarne(at address: SocketAddress) -> Bool {
        let answers = ["/livez", "/livez/nothing"].map {
            HealthCheckCommand.status(of: $0, at: address, timeoutSeconds: 2)
        }
        return answers == [200, 404]
    }

    private static func embedded(_ configuration: Configuration) -> [Finding] {
        let directory = configuration.dataDirectory
        if let running = EmbeddedPostgres.runningConnection(in: directory) {
            let found = Finding(.fine, "data-directory", "\(directory), in use by a running server")
            return [found] + database(configuration, running)
        }
        do throws(StartFailure) {
            let version = try? Files.readText(directory + "/postgres/PG_VERSION").trimmed
            let binaries = try PostgresBinaries.find(
                configured: configuration.database.postgresDirectory,
                clusterVersion: version,
                path: SettingEnvironment.current()["PATH"] ?? ""
            )
            var findings = [Finding(.fine, "postgres", "in \(binaries.directory)")]
            // Only a cluster that exists is started: looking changes nothing.
            guard version != nil else {
                let message = "\(directory) is empty: the first start initialises it"
                return findings + [Finding(.fine, "data-directory", message)]
            }
            let server = try EmbeddedPostgres.start(
                dataDirectory: directory,
                binaries: configuration.database.postgresDirectory
            ) { _ in }
            defer { server.stop() }
            findings.append(Finding(.fine, "data-directory", directory))
            return findings + database(configuration, server.connection(user: "postgres"))
        } catch {
            return [Finding(.fault, "embedded", "\(error)")]
        }
    }
}

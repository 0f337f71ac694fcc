// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONCoding
internal import Monitoring
package import Telemetry

/// `lucarne telemetry`: what ships to look at Lucarne with, and whether it finds anything.
package enum TelemetryCommand {
    static func run(_ invocation: Invocation) throws(ConfigurationFailure) -> Int32 {
        let watch = Watch(promises: try Configuration.objectives(invocation))
        return invocation.action == "write"
            ? write(watch, invocation.options) : try verify(watch, invocation.options)
    }

    /// Every family that a server can expose.
    package static var families: [MetricDescription] {
        var configuration = TelemetryConfiguration()
        configuration.log.sinks = [LogSinkConfiguration(.standardOutput)]
        let telemetry = Telemetry(configuration)
        defer { telemetry.logs.close() }
        return telemetry.registry.descriptions
    }

    private static func write(_ watch: Watch, _ options: [String: String]) -> Int32 {
        let root = options["into"] ?? "."
        var watch = watch
        watch.job = options["job"] ?? watch.job
        let files = ShippedFiles(
            watch,
            families: families,
            runbooks: options["runbooks"] ?? "docs/runbooks"
        )
        do throws(FileFailure) {
            for (path, text) in files.contents {
                let full = "\(root)/\(path)"
                if let slash = full.lastIndex(of: "/") {
                    try Files.makeDirectory(String(full[..<slash]), mode: 0o755)
                }
                // What was there is what an earlier version wrote.
                Files.remove(full)
                try Files.create(full, Array(text.utf8), mode: 0o644)
                Terminal.writeLine(path)
            }
            return ExitCode.success
        } catch {
            Terminal.complain("\(error)")
            return ExitCode.failure
        }
    }

    private static func verify(
        _ watch: Watch,
        _ options: [String: String]
    ) throws(ConfigurationFailure) -> Int32 {
        let prometheus = try url(options, "prometheus", "9090")
        let loki = try url(options, "loki", "3100")
        guard prometheus != nil || loki != nil else {
            throw ConfigurationFailure("--prometheus or --loki: a URL like http://127.0.0.1:9090")
        }
        let headers = try headers(options)
        var choice = Verification.Choice()
        choice.range = options["range"] ?? choice.range
        choice.job = options["job"] ?? choice.job
        choice.namespace = options["namespace"] ?? choice.namespace
        choice.instance = options["instance"] ?? choice.instance
        do throws(Verification.Refusal) {
            var findings: [Verification.Finding] = []
            if let prometheus {
                let ask = asking(prometheus, headers, "a Prometheus")
                findings += try Verification.run(
                    choice,
                    of: watch,
                    families: families,
                    asking: ask
                )
            }
            if let loki {
                let ask = asking(loki, headers, "a Loki")
                findings += try LogVerification.run(choice, asking: ask)
            }
            let report = VerificationReport(findings: findings)
            Terminal.write(options["json"] == nil ? report.text : report.json + "\n")
            let isFine = findings.allSatisfy {
                $0.verdict == .data || ($0.verdict.isHarmless && options["strict"] == nil)
            }
            return isFine ? ExitCode.success : ExitCode.failure
        } catch {
            Terminal.complain("\(error)")
            return ExitCode.failure
        }
    }

    /// As whom is asked.
    private static func headers(
        _ options: [String: String]
    ) throws(ConfigurationFailure) -> [(String, String)] {
        // None may end its line of the request's head.
        func word(_ name: String, _ text: String) throws(ConfigurationFailure) -> String {
            guard text.utf8.allSatisfy({ 0x20 < $0 && $0 < 0x7F }) else {
                throw ConfigurationFailure("--\(name): printable ASCII without spaces")
            }
            return text
        }
        var headers: [(String, String)] = []
        if let tenant = options["tenant"] {
            headers.append(("X-Scope-OrgID", try word("tenant", tenant)))
        }
        if let token = options["token"] {
            let text = try SigningSecret.text(written: token).trimmed
            headers.append(("Authorization", "Bearer \(try word("token", text))"))
        }
        return headers
    }

    private static func url(
        _ options: [String: String],
        _ name: String,
        _ port: String
    ) throws(ConfigurationFailure) -> PlainURL? {
        guard let text = options[name] else { return nil }
        guard let url = PlainURL(text) else {
            throw ConfigurationFailure("--\(name): a URL like http://127.0.0.1:\(port)")
        }
        return url
    }

    /// The `data` of the envelope that both share, or what is said instead: Prometheus has a place
    /// for it, Loki says it in plain text.
    private static func asking(
        _ url: PlainURL,
        _ headers: [(String, String)],
        _ kind: String
    ) -> Verification.Ask {
        { path, query throws(Verification.Refusal) in
            let reply: PlainReply
            do throws(PlainRequestFailure) {
                let request = PlainRequest(url: url, path: path, query: query, headers: headers)
                reply = try request.send()
            } catch {
                throw Verification.Refusal("\(url): \(error)")
            }
            let answer = try? JSONValue(parsing: reply.body)
            guard reply.status == 200, let data = answer?["data"] else {
                let text = String(decoding: reply.body.prefix(200), as: UTF8.self)
                let isPlain = answer == nil && reply.status != 200 && !text.contains("<")
                let line = isPlain ? text.split(separator: "\n").first.map(String.init) : nil
                let reason = answer?["error"]?.string ?? line ?? "is this \(kind)?"
                throw Verification.Refusal("\(url) answered \(reply.status): \(reason)")
            }
            return data
        }
    }
}

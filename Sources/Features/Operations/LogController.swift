// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// How much is logged, and what became of it.
struct LogController: Sendable {
    let logs: LogPipeline

    func levels() -> Response {
        let now = uptimeNanoseconds()
        let modules = logs.currentLevels.map { module, level, until in
            JSONValue.object([
                ("module", .string(module.label.text)),
                ("level", .string(level.label.text)),
                (
                    "seconds_left",
                    until.map { .integer(($0 > now ? $0 - now : 0) / 1_000_000_000) } ?? .null
                ),
            ])
        }
        return Response(.object([("modules", .array(modules))]))
    }

    /// `{"level": "debug", "module": "sql", "seconds": 300}`; without a module, all of them;
    /// without seconds, until it is changed again. No seconds take back what was for a while.
    func change(_ request: Request) -> Response {
        let members: [(String, JSONValue)]
        do throws(JSONError) {
            guard case .object(let object) = try JSONValue(parsing: request.body) else {
                return Response(status: 400, problem: "the body must be a JSON object")
            }
            members = object
        } catch {
            return Response(status: 400, problem: "the body is not JSON: \(error)")
        }
        var change = LevelChange()
        for (name, value) in members {
            guard change.set(name, value) else {
                return Response(status: 400, problem: LevelChange.expected(name))
            }
        }
        if change.seconds == 0 {
            logs.restoreLevel(of: change.module, askedBy: request.peerAddress)
            return levels()
        }
        guard let level = change.level else {
            return Response(status: 400, problem: "level is missing")
        }
        logs.setLevel(
            level,
            of: change.module,
            forSeconds: change.seconds,
            askedBy: request.peerAddress
        )
        return levels()
    }

    private struct LevelChange {
        var level: LogLevel?
        var module: LogModule?
        var seconds: Int?

        static func expected(_ name: String) -> String {
            switch name {
            case "level":
                "level: one of \(LogLevel.allCases.map(\.label.text).joined(separator: ", "))"
            case "module":
                "module: one of \(LogModule.allCases.map(\.label.text).joined(separator: ", "))"
            case "seconds": "seconds: a number from 0 to 86400"
            default: "\(name) is neither level, module nor seconds"
            }
        }

        /// False where the member is unknown or its value has no meaning.
        mutating func set(_ name: String, _ value: JSONValue) -> Bool {
            switch (name, value) {
            case ("level", .string(let text)):
                level = LogLevel(label: text)
                return level != nil
            case ("module", .string(let text)):
                module = LogModule(label: text)
                return module != nil
            case ("seconds", .number(let text)):
                seconds = Int(text)
                return seconds.map { 0...86_400 ~= $0 } ?? false
            default: return false
            }
        }
    }

    /// For each sink: made = written + queued + dropped.
    func ledger() -> Response {
        let sinks = logs.ledgers.map { ledger in
            JSONValue.object([
                ("sink", .string(ledger.sink)),
                ("made", .integer(ledger.produced)),
                ("written", .integer(ledger.written)),
                ("queued", .integer(ledger.queued)),
                (
                    "dropped",
                    .object(
                        LogDropReason.allCases.map {
                            ($0.rawValue, .integer(ledger.dropped[$0] ?? 0))
                        }
                    )
                ),
                ("written_bytes", .integer(ledger.writtenBytes)),
                ("errors", .integer(ledger.errors)),
                ("balances", .bool(ledger.isBalanced)),
            ])
        }
        return Response(.object([("sinks", .array(sinks))]))
    }
}

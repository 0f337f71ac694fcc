// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// What the mixed client saw of one request.
private struct Seen: Decodable {
    var status: Int
    var trace: String
    var timing: String

    /// The layers in `Server-Timing`, in milliseconds.
    var layers: [String: Double] {
        let entries = timing.split(separator: ", ").map { $0.split(separator: ";dur=") }
        return Dictionary(
            entries.filter { $0.count == 2 }.map { (String($0[0]), Double($0[1]) ?? -1) },
            uniquingKeysWith: { $1 }
        )
    }
}

/// One request's record.
private struct Record {
    var trace: String
    var duration: Double
    var layers: [String: Double]

    init?(_ fields: [String: Any]) {
        guard fields["event"] as? String == "http.request", fields["level"] as? String != "debug",
            let trace = fields["trace_id"] as? String,
            let duration = fields["duration_ms"] as? Double,
            let layers = fields["layers"] as? [String: Double]
        else { return nil }
        self.trace = trace
        self.duration = duration
        self.layers = layers
    }
}

extension AcceptanceTests {
    /// Where a request's time went, told in four ways that agree.
    @Suite(.serialized) struct LedgerTests {
        /// LUCARNE_TEST_REQUESTS makes it the long form.
        private let count =
            ProcessInfo.processInfo.environment["LUCARNE_TEST_REQUESTS"].flatMap { Int($0) } ?? 200

        private func ask(_ server: LucarneProcess, _ count: Int) throws -> [Seen] {
            let run = try Command.client("mixed", "127.0.0.1:\(server.port)", "\(count)")
            try #require(run.status == 0, "\(run.errors)")
            return try run.output.split(separator: "\n").map {
                try JSONDecoder().decode(Seen.self, from: Data($0.utf8))
            }
        }

        @Test func `the layers add up, and header, record, spans and metrics agree`() throws {
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                // PostgREST's Server-Timing has other phases, and takes the place of ours.
                environment: [
                    "LUCARNE_KEEP_ONE_TRACE_IN": "1", "LUCARNE_REST_SERVER_TIMING_ENABLED": "off",
                ]
            )
            let seen = try ask(server, count)
            #expect(Set(seen.map(\.status)).isSuperset(of: [200, 400, 401, 404]))
            var records: [String: Record] = [:]
            _ = try eventually(within: 10) {
                records = Dictionary(
                    try server.records().compactMap(Record.init).map { ($0.trace, $0) },
                    uniquingKeysWith: { $1 }
                )
                return seen.allSatisfy { records[$0.trace] != nil }
            }
            for answer in seen {
                let record = try #require(records[answer.trace])
                let sum = record.layers.values.reduce(0, +)
                let allowed = max(record.duration * 0.01, 0.05)
                #expect(abs(sum - record.duration) <= allowed, "\(record)")
                // The header goes out before the writing.
                for (layer, time) in record.layers where layer != "write" {
                    #expect(abs((answer.layers[layer] ?? -1) - time) < 0.0015, "\(layer) \(answer)")
                }
            }
            for answer in seen.suffix(50) {
                let record = try #require(records[answer.trace])
                for (layer, time) in try spans(server, answer.trace).layers {
                    #expect(abs((record.layers[layer] ?? 0) - time) < 0.0015, "\(layer)")
                }
            }
            let layers = try sum(server, "lucarne_request_layer_self_seconds_total{")
            let durations = try sum(server, "http_server_request_duration_seconds_sum{")
            #expect(durations > 0 && abs(layers / durations - 1) < 0.01)
        }

        @Test func `every exemplar opens the trace that it was taken from`() throws {
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_KEEP_ONE_TRACE_IN": "1", "LUCARNE_SLOW_STATEMENT": "0ms"]
            )
            // More than are kept: some exemplars have outlived their trace.
            _ = try ask(server, max(count, 400))
            let accept = "Accept: application/openmetrics-text;version=1.0.0"
            let text = try server.get("/metrics", "-H", accept).body
            let pattern = /le="([^"]+)".* # \{trace_id="([0-9a-f]{32})"\} ([0-9.e-]+)/
            var followed = 0
            for line in text.split(separator: "\n") {
                guard let match = line.firstMatch(of: pattern) else { continue }
                followed += 1
                let value = try #require(Double(match.3))
                #expect(value <= Double(match.1) ?? .infinity)
                let trace = try spans(server, String(match.2))
                let isRequest = line.hasPrefix("http_server_request_duration")
                guard isRequest || line.hasPrefix("db_client_operation_duration") else { continue }
                let durations = isRequest ? trace.durations : trace.statements
                #expect(durations.contains { abs($0 - value) < 0.000_000_001 }, "\(line)")
            }
            #expect(followed > 5)
        }

        @Test func `debug records are those of the request that failed, complete and in order`()
            throws
        {
            let database = try Database()
            let server = try LucarneProcess.serving(
                connection: database.connection,
                environment: ["LUCARNE_KEEP_ONE_TRACE_IN": "0"]
            )
            try database.psql(
                """
                create function broken() returns int language plpgsql as
                $$ begin raise 'broken' using errcode = 'XX000'; end $$;
                notify pgrst, 'reload schema'
                """
            )
            var failed = Reply()
            #expect(
                try eventually(within: 10) {
                    failed = try server.get("/rest/v1/rpc/broken")
                    return failed.status == 500
                }
            )
            _ = try ask(server, count)
            let second = try server.get("/rest/v1/rpc/broken")
            let ids = Set([failed, second].map(\.traceID))
            _ = try eventually(within: 10) {
                try server.records().contains {
                    $0["event"] as? String == "http.request"
                        && $0["trace_id"] as? String == second.traceID
                }
            }
            let records = try server.records()
            let debug = records.filter { $0["event"] as? String == "request.layer" }
            // The machine may have stood still meanwhile: what was slow tells of itself as well.
            let slow = records.filter { $0["sampled"] as? String == "slow" }
            let told = ids.union(slow.compactMap { $0["trace_id"] as? String })
            #expect(Set(debug.compactMap { $0["trace_id"] as? String }) == told)
            for id in ids {
                let own = debug.filter { $0["trace_id"] as? String == id }
                let starts = own.compactMap { $0["start_ms"] as? Double }
                #expect(starts == starts.sorted())
                let sequence = own.compactMap { $0["seq"] as? Int }
                #expect(sequence == sequence.sorted())
                #expect(
                    own.compactMap { $0["span.name"] as? String } == (try spans(server, id).names)
                )
                #expect(
                    own.contains {
                        $0["layer"] as? String == "sql" && $0["failed"] as? Bool == true
                    }
                )
            }
        }

        private struct Spans {
            var names: [String] = []
            /// Of the requests, in seconds.
            var durations: [Double] = []
            var statements: [Double] = []
            var layers: [String: Double] = [:]
        }

        /// What `/debug/traces/{id}` says.
        private func spans(_ server: LucarneProcess, _ id: String) throws -> Spans {
            let reply = try server.get("/debug/traces/\(id)")
            #expect(reply.status == 200, "\(id)")
            let document = try JSONSerialization.jsonObject(with: Data(reply.body.utf8))
            let resource = ((document as? [String: Any])?["resourceSpans"] as? [[String: Any]])?
                .first
            let scope = (resource?["scopeSpans"] as? [[String: Any]])?.first
            var found = Spans()
            for span in scope?["spans"] as? [[String: Any]] ?? [] {
                func time(_ key: String) -> UInt64 { UInt64(span[key] as? String ?? "") ?? 0 }
                let took = Double(time("endTimeUnixNano") - time("startTimeUnixNano")) / 1e9
                guard span["kind"] as? Int == 2 else {
                    found.names.append(span["name"] as? String ?? "")
                    if span["kind"] as? Int == 3 { found.statements.append(took) }
                    continue
                }
                found.durations.append(took)
                for attribute in span["attributes"] as? [[String: Any]] ?? [] {
                    let key = attribute["key"] as? String ?? ""
                    guard key.hasPrefix("lucarne.layer."), key.hasSuffix("_ns") else { continue }
                    let value = (attribute["value"] as? [String: String])?["intValue"] ?? ""
                    let layer = String(key.dropFirst(14).dropLast(3))
                    found.layers[layer] = (Double(value) ?? -1) / 1e6
                }
            }
            return found
        }

        private func sum(_ server: LucarneProcess, _ series: String) throws -> Double {
            try server.get("/metrics").body.split(separator: "\n").filter { $0.hasPrefix(series) }
                .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
        }
    }
}

extension Reply {
    fileprivate var traceID: String {
        headers["traceparent"]?.split(separator: "-").dropFirst().first.map(String.init) ?? ""
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc
import Telemetry

// What telemetry costs its caller: `Benchmarks/telemetry`. On a machine that others use as well,
// judge by instructions: `perf stat -e instructions:u … <case> <count>`.

/// One case at a time, so that a profiler sees nothing else.
struct Case {
    var name: String
    var budgetNanoseconds: Double?
    var run: (Int) -> Void
}

/// A line of exactly fourteen fields: nine that every record has, and five of its own.
func record(_ logs: LogPipeline, _ count: Int) {
    let path = Array("/rest/v1/planets".utf8)[...]
    for number in 0..<count {
        logs.write(.info, .http, "request", event: "http.request") { record in
            record.field("http.request.method", "GET" as StaticString)
            record.field("http.route", "/rest/v1/{relation}")
            record.field("url.path", path)
            record.field("http.response.status_code", 200)
            record.field("duration_ms", milliseconds: UInt64(number))
        }
    }
}

/// All that telemetry does for a request which reads one row: its trace with ten spans, one
/// statement, some fifteen series, the ledger, and its record to three sinks.
func requests(_ telemetry: Telemetry, _ route: RouteTelemetry, _ count: Int) {
    let path = Array("/rest/v1/items".utf8)[...]
    let query = Array("id=eq.4711&select=id,name,price,tags,created_at".utf8)[...]
    let agent = Array("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0".utf8)[...]
    for _ in 0..<count {
        let context = TraceContext(accepting: Span<UInt8>?.none)
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: context, method: .get)
        trace.route = route
        telemetry.requestStarted(trace)
        trace.enter(.middleware)
        let middleware = trace.enter(.controller)
        let controller = trace.enter(.auth)
        trace.leave(to: controller)
        trace.role = "authenticated"
        trace.enter(.validate)
        trace.leave(to: controller)
        trace.enter(.service)
        trace.enter(.poolWait)
        trace.move(to: .sql)
        telemetry.statementEnded("SELECT public.items", nanoseconds: 300_000, rows: 1, in: trace)
        telemetry.report(.transaction(.commit))
        telemetry.report(.prepared(.hit, times: 2))
        trace.leave(to: .service)
        trace.leave(to: controller)
        trace.enter(.serialize)
        trace.leave(to: controller)
        trace.leave(to: middleware)
        trace.move(to: .write)
        var summary = RequestSummary(status: 200)
        summary.path = path
        summary.query = query
        summary.responseBytes = 120
        summary.clientAddress = "203.0.113.17"
        summary.userAgent = agent
        telemetry.requestEnded(trace, summary)
    }
}

func telemetry(isOn: Bool, level: LogLevel = .info) -> Telemetry {
    var configuration = TelemetryConfiguration()
    configuration.isOn = isOn
    configuration.log.level = level
    var sink = LogSinkConfiguration(.custom(name: "nowhere") { _ in true })
    sink.queueMax = 10_000_000
    configuration.log.sinks = [sink]
    configuration.log.ringRecordsMax = 2_048
    configuration.log.tailPath = "/tmp/lucarne-benchmark-tail-\(isOn)-\(level.label)"
    configuration.log.tailSlots = 2
    return Telemetry(configuration)
}

func route(_ telemetry: Telemetry) -> RouteTelemetry {
    RouteTelemetry(
        template: "/rest/v1/{relation}",
        registry: telemetry.registry,
        methods: [.get, .post]
    )
}

func cases() -> [Case] {
    Shard.bind(index: 0)
    let registry = MetricRegistry(linesMax: 1_000_000)
    let counter = registry.counter("a_total", "A.", layer: "b")()
    let buckets = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5,
        7.5, 10,
    ]
    let classic = registry.histogram("b_seconds", "B.", buckets: buckets, layer: "b")()
    let native = registry.histogram(
        "c_seconds",
        "C.",
        buckets: buckets,
        native: true,
        layer: "b"
    )()
    var configuration = LogConfiguration()
    var sink = LogSinkConfiguration(.custom(name: "nowhere") { _ in true })
    sink.queueMax = 10_000_000
    configuration.sinks = [sink]
    let logs = LogPipeline(configuration, identity: ServiceIdentity(version: "1.0"))
    let large = MetricRegistry(linesMax: 1_000_000)
    let family = large.histogram(
        "d_seconds",
        "D.",
        labels: ["route", "method"],
        buckets: buckets,
        native: true,
        layer: "b"
    )
    for number in 0..<500 {
        family("/rest/v1/things/\(number)", "GET").observe(UInt64(number) * 70_000)
    }
    let (on, off) = (telemetry(isOn: true), telemetry(isOn: false))
    let unlogged = telemetry(isOn: true, level: .error)
    let (onRoute, offRoute, unloggedRoute) = (route(on), route(off), route(unlogged))
    return [
        Case(name: "counter", budgetNanoseconds: 5) { for _ in 0..<$0 { counter.add() } },
        Case(name: "histogram", budgetNanoseconds: 15) {
            for number in 0..<$0 { classic.observe(UInt64(truncatingIfNeeded: number &* 7_919)) }
        },
        Case(name: "histogram+native", budgetNanoseconds: 15) {
            for number in 0..<$0 { native.observe(UInt64(truncatingIfNeeded: number &* 7_919)) }
        },
        Case(name: "record", budgetNanoseconds: 300) { record(logs, $0) },
        // What is between these two is the access line: 26 fields, ten layers in one of them.
        Case(name: "request") { requests(on, onRoute, $0) },
        Case(name: "request-unlogged") { requests(unlogged, unloggedRoute, $0) },
        Case(name: "request-off") { requests(off, offRoute, $0) },
        Case(name: "scrape-text", budgetNanoseconds: 1_500_000) {
            for _ in 0..<$0 { _ = Exposition.render(large, as: .text, capacity: 1 << 20) }
        },
        Case(name: "scrape-protobuf", budgetNanoseconds: 1_500_000) {
            for _ in 0..<$0 { _ = Exposition.render(large, as: .protobuf, capacity: 1 << 20) }
        },
    ]
}

/// The calling thread's processor time: what others do to the machine is not in it.
func threadNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

func measure(_ one: Case, _ count: Int, bursts: Int) {
    one.run(max(1, count / 10))
    // The best of some: caches that others have emptied only ever add.
    var best = Double.infinity
    for _ in 0..<5 {
        var spent: UInt64 = 0
        for _ in 0..<bursts {
            // Records come as requests do; in one go, they would only measure growing buffers.
            if bursts > 1 { usleep(12_000) }
            let started = threadNanoseconds()
            one.run(count)
            spent += threadNanoseconds() - started
        }
        best = min(best, Double(spent) / Double(count * bursts))
    }
    let verdict = one.budgetNanoseconds.map { ", budget \($0)\(best <= $0 ? "" : "  over")" }
    print("\(one.name): \((best * 10).rounded() / 10) ns\(verdict ?? "")")
}

let arguments = CommandLine.arguments.dropFirst()
for one in cases() where arguments.isEmpty || arguments.first == one.name {
    if let count = arguments.dropFirst().first.flatMap({ Int($0) }) {
        one.run(count)
    } else if one.name.hasPrefix("re") {
        measure(one, 400, bursts: 50)
    } else {
        measure(one, one.name.hasPrefix("scrape") ? 50 : 5_000_000, bursts: 1)
    }
}

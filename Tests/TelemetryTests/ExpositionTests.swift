// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

/// A small registry of every kind.
func sampleRegistry() -> MetricRegistry {
    let registry = MetricRegistry()
    let requests = registry.counter(
        "app_requests_total",
        "Requests.",
        labels: ["route"],
        layer: "t"
    )
    requests("/a\\b\"c\nd").add(3)
    let busy = registry.counter("app_busy_seconds_total", "Busy.", unit: .seconds, layer: "t")
    busy().add(1_500_000_000)
    registry.gauge("app_depth", "Depth \\ of\nit.", layer: "t")().add(-2)
    let took = registry.histogram(
        "app_took_seconds",
        "Took.",
        labels: [MetricLabel("kind", ["x"])],
        buckets: [1e-05, 0.25, 1, 10],
        exemplars: true,
        layer: "t"
    )("x")
    took.observe(10_000)
    took.observe(250_000_000)
    took.observe(250_000_001)
    took.observe(11_000_000_000)
    let context = TraceContext(accepting: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    took.point(at: context, value: 250_000_000, wall: 1_700_000_000_123_456_789)
    let native = registry.histogram(
        "app_native_seconds",
        "Native.",
        labels: ["kind"],
        buckets: [0.25, 1],
        native: true,
        layer: "t"
    )("x")
    for value: UInt64 in [0, 250_000_000, 250_000_001, 900_000_000, 3_000_000_000] {
        native.observe(value)
    }
    InfoFamily(registry, "app_build_info", "Build.", labels: ["version"]).set("1.2")
    return registry
}

func render(_ registry: MetricRegistry, _ format: ExpositionFormat) -> String {
    String(decoding: Exposition.render(registry, as: format), as: UTF8.self)
}

struct ExpositionTests {
    @Test func `text 0.0.4 is written as promtool reads it`() {
        #expect(
            render(sampleRegistry(), .text) == #"""
                # HELP app_requests_total Requests.
                # TYPE app_requests_total counter
                app_requests_total{route="/a\\b\"c\nd"} 3
                # HELP app_busy_seconds_total Busy.
                # TYPE app_busy_seconds_total counter
                app_busy_seconds_total 1.5
                # HELP app_depth Depth \\ of\nit.
                # TYPE app_depth gauge
                app_depth -2
                # HELP app_took_seconds Took.
                # TYPE app_took_seconds histogram
                app_took_seconds_bucket{kind="x",le="1e-05"} 1
                app_took_seconds_bucket{kind="x",le="0.25"} 2
                app_took_seconds_bucket{kind="x",le="1.0"} 3
                app_took_seconds_bucket{kind="x",le="10.0"} 3
                app_took_seconds_bucket{kind="x",le="+Inf"} 4
                app_took_seconds_sum{kind="x"} 11.500010001
                app_took_seconds_count{kind="x"} 4
                # HELP app_native_seconds Native.
                # TYPE app_native_seconds histogram
                app_native_seconds_bucket{kind="x",le="0.25"} 2
                app_native_seconds_bucket{kind="x",le="1.0"} 4
                app_native_seconds_bucket{kind="x",le="+Inf"} 5
                app_native_seconds_sum{kind="x"} 4.400000001
                app_native_seconds_count{kind="x"} 5
                # HELP app_build_info Build.
                # TYPE app_build_info gauge
                app_build_info{version="1.2"} 1

                """#
        )
    }

    @Test func `OpenMetrics 1.0 has units, exemplars and an end`() {
        #expect(
            render(sampleRegistry(), .openmetrics) == #"""
                # TYPE app_requests counter
                # HELP app_requests Requests.
                app_requests_total{route="/a\\b\"c\nd"} 3
                # TYPE app_busy_seconds counter
                # UNIT app_busy_seconds seconds
                # HELP app_busy_seconds Busy.
                app_busy_seconds_total 1.5
                # TYPE app_depth gauge
                # HELP app_depth Depth \\ of\nit.
                app_depth -2
                # TYPE app_took_seconds histogram
                # UNIT app_took_seconds seconds
                # HELP app_took_seconds Took.
                app_took_seconds_bucket{kind="x",le="1e-05"} 1
                app_took_seconds_bucket{kind="x",le="0.25"} 2 \#
                # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.25 1700000000.123
                app_took_seconds_bucket{kind="x",le="1.0"} 3
                app_took_seconds_bucket{kind="x",le="10.0"} 3
                app_took_seconds_bucket{kind="x",le="+Inf"} 4
                app_took_seconds_sum{kind="x"} 11.500010001
                app_took_seconds_count{kind="x"} 4
                # TYPE app_native_seconds histogram
                # UNIT app_native_seconds seconds
                # HELP app_native_seconds Native.
                app_native_seconds_bucket{kind="x",le="0.25"} 2
                app_native_seconds_bucket{kind="x",le="1.0"} 4
                app_native_seconds_bucket{kind="x",le="+Inf"} 5
                app_native_seconds_sum{kind="x"} 4.400000001
                app_native_seconds_count{kind="x"} 5
                # TYPE app_build info
                # HELP app_build Build.
                app_build_info{version="1.2"} 1
                # EOF

                """#
        )
    }

    @Test func `OpenMetrics 2.0 has a histogram of both kinds in one line`() {
        let lines = render(sampleRegistry(), .openmetrics2).split(separator: "\n")
        #expect(
            lines.contains(
                #"""
                app_native_seconds{kind="x"} {count:5,sum:4.400000001,schema:3,\#
                zero_threshold:2.938735877055719e-39,zero_count:1,\#
                positive_spans:[-16:2,13:1,13:1],positive_buckets:[1,1,1,1],\#
                bucket:[0.25:2,1.0:4,+Inf:5]}
                """#
            )
        )
        #expect(lines.contains("# TYPE app_requests_total counter"))
        #expect(lines.last == "# EOF")
    }

    @Test func `an exemplar whose trace is gone is not shown`() {
        let bytes = Exposition.render(sampleRegistry(), as: .openmetrics) { _ in false }
        #expect(!String(decoding: bytes, as: UTF8.self).contains("trace_id"))
    }

    @Test func `beyond the ceiling observations share a series, and none is lost`() {
        let registry = MetricRegistry(linesMax: 100)
        let family = registry.counter("app_total", "A.", labels: ["path"], layer: "t")
        for index in 0..<1_000 { family("/\(index)").add() }
        #expect(registry.linesUsed <= 100)
        #expect(family.family.series.count <= 100)
        let sum = family.family.series.reduce(0) { $0 + $1.cell.sum() }
        #expect(sum == 1_000)
        #expect(render(registry, .text).contains(#"app_total{path="_overflow"} "#))
    }

    @Test func `one family's flood leaves the others room`() {
        let registry = MetricRegistry(linesMax: 1_000)
        func family(_ name: String) -> CounterFamily {
            registry.counter(name, "A.", labels: ["label"], layer: "t")
        }
        let (flooded, other, early) = (family("flooded"), family("other"), family("early"))
        // What is there at the start counts against nobody.
        for index in 0..<600 { early("\(index)").add() }
        registry.settle()
        for index in 0..<2_000 { flooded("\(index)").add() }
        for index in 0..<50 { other("\(index)").add() }
        early("new").add()
        let counts = registry.seriesCounts
        #expect(counts.map(\.hasOverflowed) == [true, false, false])
        #expect(counts.map(\.series) == [297 + 1, 50, 601])
        #expect(counts[0].room == 0 && counts[1].room > 0)
        #expect(flooded.family.series.reduce(0) { $0 + $1.cell.sum() } == 2_000)
    }

    @Test func `a container's account of processor time is read`() {
        let text = "usage_usec 7\nnr_periods 40\nnr_throttled 10\nthrottled_usec 2500\nodd\n"
        let account = CPUAccount(text)
        #expect(account.periods == 40 && account.throttledPeriods == 10)
        #expect(account.throttledNanoseconds == 2_500_000)
        #expect(CPUAccount("") == CPUAccount("usage_usec 7\n"))
    }

    @Test func `what can be enumerated is 0 from the start`() {
        let telemetry = Telemetry()
        _ = RouteTelemetry(template: "/x", registry: telemetry.registry, methods: [.get])
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        func answered(_ status: Int, _ error: String) -> String {
            "http_server_request_duration_seconds_count{http_request_method=\"GET\","
                + "http_route=\"/x\",http_response_status_code=\"\(status)\","
                + "error_type=\"\(error)\",url_scheme=\"http\"} 0"
        }
        for line in [
            answered(200, ""), answered(500, "internal_failure"), answered(503, "unavailable"),
            answered(504, "timed_out"),
            #"lucarne_db_pool_acquires_total{pool="primary",result="timeout"} 0"#,
            #"lucarne_db_pool_acquires_total{pool="primary",result="unavailable"} 0"#,
            #"lucarne_http_connections_closed_total{listener="public",reason="parse_error"} 0"#,
            #"lucarne_lifecycle_state{state="starting"} 1"#,
            #"lucarne_lifecycle_state{state="ready"} 0"#,
            #"lucarne_sql_transactions_total{outcome="rollback"} 0"#,
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }
}

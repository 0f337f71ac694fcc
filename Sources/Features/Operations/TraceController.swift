// SPDX-License-Identifier: Apache-2.0
import EventLoop
import HTTPServer
import JSONCoding
import Telemetry

/// The traces the process has kept.
struct TraceController: Sendable {
    let telemetry: Telemetry
    let thread: BlockingPool

    private var traces: TraceStore { telemetry.traces }

    private static let listedMax = 500

    private enum Format: String, CaseIterable { case otlp, jaeger, html }

    /// `?q=status>=500`, `?route=/rest/v1/{relation}&min_ms=100&error=1&limit=20`; newest first.
    /// `error=0` are those that did not fail.
    func list(_ request: Request) async throws(ParameterFailure) -> Response {
        let (asked, filter) = try request.filter()
        let route = try request.parameter("route")
        let atLeast = UInt64(try request.number("min_ms") ?? 0).saturatingMilliseconds
        let isFailed = try request.flag("error")
        let limit = min(try request.number("limit") ?? .max, Self.listedMax)
        let isPage = request.prefers("text/html")
        return await thread.answer {
            let found = traces.all.lazy.filter { trace in
                filter.matches(trace) && (route == nil || trace.route == route)
                    && trace.durationNanoseconds >= atLeast
                    && (isFailed == nil || isFailed == (trace.status >= 500))
            }
            let listed = Array(found.prefix(limit))
            return isPage
                ? Response(html: TracePage.list(listed, asked: asked))
                : Response(.object([("traces", .array(listed.map(summary)))]))
        }
    }

    /// OTLP JSON, or a page with the waterfall for a browser (`?format=otlp|jaeger|html`).
    func show(_ request: Request) throws(ParameterFailure) -> Response {
        let id = request.pathParameter("id")
        let asked = try request.choice("format", Format.self)
        let format = asked ?? (request.prefers("text/html") ? .html : .otlp)
        guard format == .html else { return document(id, isJaeger: format == .jaeger) }
        let found = planned(id)
        return found.isEmpty ? Self.notFound : Response(html: TracePage.waterfall(found))
    }

    func document(_ id: String, isJaeger: Bool = false) -> Response {
        let found = planned(id)
        guard !found.isEmpty else { return Self.notFound }
        let service = telemetry.configuration.identity
        return Response(
            isJaeger
                ? TraceDocument.jaeger(found, service: service)
                : TraceDocument.otlp(found, service: service)
        )
    }

    private func planned(_ id: String) -> [KeptTrace] {
        traces.find(id).map { $0.adding(telemetry.plans.plans(of: $0.context)) }
    }

    private static var notFound: Response {
        Response(status: 404, problem: "no such trace is kept (any more)")
    }

    private func summary(_ trace: KeptTrace) -> JSONValue {
        .object([
            ("trace_id", .string(trace.context.traceIDText)),
            ("request_id", .string(trace.requestID)),
            ("time", .string(internetTime(trace.startedAtWall))),
            ("method", .string(trace.method.label.text)),
            ("route", .string(trace.route)),
            ("path", .string(trace.path)),
            ("status", .integer(trace.status)),
            ("error_code", .optional(trace.errorCode)),
            ("duration_ms", .milliseconds(trace.durationNanoseconds)),
            ("kept", .string(trace.decision.rawValue)),
        ])
    }
}

extension UInt64 {
    fileprivate var saturatingMilliseconds: UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : product
    }
}

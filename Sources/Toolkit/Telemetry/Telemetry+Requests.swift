// SPDX-License-Identifier: Apache-2.0

extension Telemetry {
    /// A request's head is known. Called once, on the request's loop.
    package func requestStarted(_ trace: RequestTrace) {
        guard configuration.isOn else { return }
        flights.insert(trace)
        trace.withRoute(or: unmatchedRoute) { route in
            guard !route.isOperational else { return }
            http.active[Int(trace.method.rawValue)].add(1, slot: trace.flightSlot)
        }
    }

    /// A request is over. On a loop it is accounted for together with others: when the loop's turn
    /// ends, or when there are enough of them (decision 0008).
    package func requestEnded(_ trace: RequestTrace, _ summary: consuming RequestSummary) {
        guard configuration.isOn else { return }
        trace.end(at: summary.endedAt == 0 ? uptimeNanoseconds() : summary.endedAt)
        if let message = summary.errorMessage {
            summary.errorMessage = secretNames.masked(message, about: summary.query)
        }
        trace.summary = summary
        if flights.end(trace) { account() }
    }

    /// Accounts for the requests that have ended in the calling loop's turn: metrics and the
    /// decision whether the trace is kept, for all; then the one wide record of each. So the code
    /// and the memory that one request needs are at hand for the next.
    package func account() {
        let slot = Shard.current
        let ended = flights.takeEnded(slot: slot)
        guard !ended.isEmpty else { return }
        let offset = wallOffsetNanoseconds()
        ended.forEach { trace in
            http.traceContexts[Int(trace.context.origin.rawValue)].add(1, slot: slot)
            trace.withRoute(or: unmatchedRoute) { route in
                if !route.isOperational { trace.decision = decide(trace, trace.summary, route) }
                trace.isHindsight = isHindsight(trace, route)
                trace.recordLevel = recordLevel(trace, route)
                if let statement = unsafe trace.firstStatement {
                    count(statement, of: trace, slot: slot)
                }
                guard !route.isOperational else { return }
                http.active[Int(trace.method.rawValue)].add(-1, slot: slot)
                count(trace, trace.summary, route, slot: slot, wallOffset: offset)
            }
        }
        logs.write("request", event: "http.request", of: ended, wallOffset: offset) {
            describe($1, $1.summary, in: &$0)
        }
        let tellsAll = logs.isAnyEnabled(.debug)
        ended.forEach { if tellsAll || $0.isHindsight { logDetails(of: $0, wallOffset: offset) } }
        logs.settle()
    }

    private func count(_ statement: NotedStatement, of trace: RequestTrace, slot: Int) {
        let duration = statements.ended(
            statement.series,
            nanoseconds: statement.nanoseconds,
            rows: statement.rows,
            slot: slot
        )
        guard trace.decision.isKept else { return }
        unsafe trace.waitingExemplars.append((duration, statement.nanoseconds))
    }

    private func isHindsight(_ trace: RequestTrace, _ route: RouteTelemetry) -> Bool {
        guard !route.isOperational else { return false }
        return trace.decision.isHindsight || scopes.isWanted(trace, route: route.template)
    }

    /// The level of the request's record; nil where there is to be none.
    private func recordLevel(_ trace: RequestTrace, _ route: RouteTelemetry) -> LogLevel? {
        let isSlow =
            !trace.summary.isLongLived
            && trace.durationNanoseconds >= configuration.slowRequestNanoseconds
        let level: LogLevel =
            route.isOperational
            ? .debug : trace.summary.status >= 500 ? .error : isSlow ? .warning : .info
        let isOrdinary =
            level == .info && trace.decision == .dropped && !trace.isHindsight
        guard !isOrdinary || !logs.skipsOrdinary(trace), logs.isEnabled(level, .http) else {
            return nil
        }
        return level
    }

    private func decide(
        _ trace: RequestTrace,
        _ summary: borrowing RequestSummary,
        _ route: RouteTelemetry
    ) -> TraceDecision {
        if scopes.isNamed(trace) { return .keptForced }
        if trace.isForced, configuration.callersMayKeep {
            return unsafe hindsight.decided(.keptForced, at: trace.endedAt)
        }
        if summary.status >= 500 || summary.aborted == .deadline {
            return unsafe hindsight.decided(.keptError, at: trace.endedAt)
        }
        if trace.isPlanned { return .keptSlow }
        if !summary.isLongLived {
            let duration = trace.durationNanoseconds
            if duration >= configuration.slowRequestNanoseconds || trace.hasSlowStatement {
                return unsafe hindsight.decided(.keptSlow, at: trace.endedAt)
            }
            if route.slowLimit.admits(duration) { return .keptSlow }
        }
        if trace.context.isSampled, configuration.callersMayKeep { return .keptSampled }
        let interval = UInt64(configuration.keepOneTraceIn)
        guard interval > 0, trace.context.traceIDLow % interval == 0 else { return .dropped }
        // Where they are sent nowhere, more of them would only push each other out.
        let isLimited = interval > 1 && configuration.traceEndpoint == nil
        let hasRoom = unsafe !isLimited || hindsight.admitsSample(at: trace.endedAt)
        return hasRoom ? .keptSampled : .dropped
    }

    private func count(
        _ trace: RequestTrace,
        _ summary: borrowing RequestSummary,
        _ route: RouteTelemetry,
        slot: Int,
        wallOffset: UInt64
    ) {
        let decision = trace.decision
        traces.decided(decision, slot: slot)
        route.requestBytes.observe(UInt64(summary.requestBytes), slot: slot)
        route.responseBytes.observe(UInt64(summary.responseBytes), slot: slot)
        unsafe route.statements.observe(UInt64(trace.statementCount), slot: slot)
        if let code = summary.errorCode { route.problem(code).add(1, slot: slot) }
        if let reason = summary.aborted { route.aborts[Int(reason.rawValue)].add(1, slot: slot) }
        for position in 0..<Layer.count {
            let nanoseconds = trace.selfNanoseconds(at: position)
            guard nanoseconds > 0 else { continue }
            route.layers[position].add(nanoseconds, slot: slot)
            http.layerDurations[position].observe(nanoseconds, slot: slot)
        }
        route.count(serviceOf: trace, slot: slot)
        guard !summary.isLongLived else { return }
        if summary.firstByteAt > trace.startedAt {
            route.firstByte.observe(summary.firstByteAt &- trace.startedAt, slot: slot)
        }
        let error = ErrorType(
            status: summary.status,
            word: summary.errorType,
            aborted: summary.aborted
        )
        let duration = route.duration(trace.method, status: summary.status, errorType: error)
        duration.observe(trace.durationNanoseconds, slot: slot)
        guard decision.isKept else { return }
        traces.keep(trace, summary, route, wallOffset: wallOffset)
        let wall = unsafe trace.endedAt &+ wallOffset
        duration.point(at: trace.context, value: trace.durationNanoseconds, wall: wall)
    }
}

extension Telemetry {
    private func describe(
        _ trace: RequestTrace,
        _ summary: borrowing RequestSummary,
        in record: inout LogRecord
    ) {
        trace.withRoute(or: unmatchedRoute) { route in
            let key = LogFragments.Key(route.template, number: UInt64(trace.method.rawValue) + 1)
            record.fields(alikeFor: key) {
                (route.template, "", "")
            } made: {
                $0.field("http.request.method", trace.method.label)
                $0.field("http.route", route.template)
            }
        }
        record.field("url.path", summary.path)
        if !summary.query.isEmpty {
            record.field("url.query", query: summary.query, without: secretNames)
        }
        record.field("http.response.status_code", summary.status)
        record.field("duration_ms", milliseconds: trace.durationNanoseconds)
        record.layers(of: trace)
        unsafe record.field("sql.count", trace.statementCount)
        if summary.requestBytes > 0 {
            record.field("http.request.body.size", summary.requestBytes)
        }
        record.field("http.response.body.size", summary.responseBytes)
        describeCaller(trace, summary, in: &record)
        if let given = trace.givenBaggage,
            let baggage = Baggage.allowed(given, keys: configuration.baggageKeys)
        {
            record.field("baggage", baggage)
        }
        if let type = summary.errorType { record.field("error.type", type) }
        if let code = summary.errorCode { record.field("error.code", code) }
        if let message = summary.errorMessage { record.field("error.message", message) }
        if let reason = summary.aborted { record.field("aborted", reason.label) }
        if let sampled = trace.decision.word { record.field("sampled", sampled) }
    }

    private func describeCaller(
        _ trace: RequestTrace,
        _ summary: borrowing RequestSummary,
        in record: inout LogRecord
    ) {
        let key = unsafe LogFragments.Key(trace.role, trace.user, summary.clientAddress)
        record.fields(alikeFor: key, summary.userAgent) {
            unsafe (trace.role, trace.user, summary.clientAddress)
        } made: {
            if unsafe !trace.role.isEmpty { unsafe $0.field("user.role", trace.role) }
            if !trace.user.isEmpty { $0.field("user.id", trace.user) }
            $0.field("client.address", summary.clientAddress)
            if !summary.userAgent.isEmpty { $0.field("user_agent.original", summary.userAgent) }
        }
    }
}

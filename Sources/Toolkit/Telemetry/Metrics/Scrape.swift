// SPDX-License-Identifier: Apache-2.0

/// The registry as a scraper asked for it, rendered a piece at a time while it is read: whoever
/// stops reading holds one piece, not all of it.
package struct Scrape: Sendable {
    private let telemetry: Telemetry
    private let format: ExpositionFormat
    private var rest: Exposition.Rest
    private var byteCount = 0
    private var nanoseconds: UInt64 = 0
    package private(set) var isOver = false

    init(_ telemetry: Telemetry, _ format: ExpositionFormat) {
        self.telemetry = telemetry
        self.format = format
        telemetry.registry.runRefreshers()
        rest = Exposition.Rest(telemetry.registry)
    }

    /// What comes next, about so many bytes of it; nil after the last.
    package mutating func next(about bytesWanted: Int = 32_768) -> [UInt8]? {
        guard !isOver else { return nil }
        let started = uptimeNanoseconds()
        let bytes = Exposition.render(
            &rest,
            as: format,
            about: bytesWanted,
            capacity: min(bytesWanted, 1 << 20) + 4_096
        ) { [telemetry] in
            telemetry.traces.contains($0.traceIDHigh, $0.traceIDLow)
        }
        isOver = rest.isEmpty
        byteCount += bytes.count
        nanoseconds += uptimeNanoseconds() &- started
        if isOver { telemetry.scrapes.scraped(format, bytes: byteCount, took: nanoseconds) }
        return bytes
    }
}

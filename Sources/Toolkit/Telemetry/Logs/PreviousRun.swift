// SPDX-License-Identifier: Apache-2.0

extension LogPipeline {
    /// What a run that was killed had to say last; not what it told of the run before it, or the
    /// same would be told once more with each kill.
    func replay(_ leftovers: [[UInt8]]) {
        let records = leftovers.map { LogLeftover(line: $0.last == 0x0A ? $0.dropLast() : $0[...]) }
            .filter { !$0.isReplayed }
            .sorted { $0.sequence < $1.sequence }
        for record in records.suffix(Self.leftoversMax) {
            writeAlways(
                record.level,
                .app,
                "previous run",
                event: "previous_run_tail",
                trace: nil
            ) {
                $0.field("previous.seq", record.sequence)
                $0.field("previous.record", record: record.line)
            }
        }
    }

    private static let leftoversMax = 200
}

/// A record of a run before, in whatever format that run wrote.
private struct LogLeftover {
    let line: ArraySlice<UInt8>
    /// `"seq":12`, `"event.sequence":12` or `seq=12`.
    let sequence: Int
    /// The level it had.
    let level: LogLevel
    /// It is of an earlier run yet.
    let isReplayed: Bool

    /// Level and message come before what anybody else may have chosen.
    private static let headBytes = 160

    private static let replayed = [
        "\"msg\":\"previous run\"", "\"message\":\"previous run\"", " msg=\"previous run\"",
        "\u{1B}[1mprevious run\u{1B}[0m",
    ]

    init(line: ArraySlice<UInt8>) {
        self.line = line
        func word(after names: [String], in part: ArraySlice<UInt8>) -> String? {
            for name in names {
                guard let found = part.firstRange(of: Array(name.utf8)) else { continue }
                let rest = part[found.upperBound...]
                let word = rest.prefix { 0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 }
                return String(decoding: word, as: UTF8.self)
            }
            return nil
        }
        let head = line.prefix(Self.headBytes)
        let sequences = ["\"seq\":", "\"event.sequence\":", " seq="]
        sequence = word(after: sequences, in: line).flatMap { Int($0) } ?? 0
        // For eyes, a level has its colour before it.
        let colours = [90, 32, 36, 33, 31].map { " \u{1B}[\($0)m" }
        let levels = ["\"level\":\"", "\"log.level\":\"", " level="] + colours
        level = word(after: levels, in: head).flatMap { LogLevel(label: $0) } ?? .notice
        // Within a value, none of these stands as it does here.
        isReplayed = Self.replayed.contains { head.firstRange(of: Array($0.utf8)) != nil }
    }
}

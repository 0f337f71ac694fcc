// SPDX-License-Identifier: Apache-2.0

/// A request's place in a distributed trace (W3C Trace Context, level 2).
package struct TraceContext: Equatable, Sendable {
    /// What became of the caller's `traceparent`.
    package enum Origin: UInt8, CaseIterable, Sendable {
        case accepted, absent, invalid, restarted

        package var label: StaticString {
            switch self {
            case .accepted: "accepted"
            case .absent: "absent"
            case .invalid: "invalid"
            case .restarted: "restarted"
            }
        }
    }

    package let traceIDHigh: UInt64
    package let traceIDLow: UInt64
    /// The caller's span; 0 when this is the first.
    package let parentSpanID: UInt64
    /// This service's span for the request.
    package let spanID: UInt64
    package let flags: UInt8
    package let origin: Origin

    package var isSampled: Bool { flags & Self.sampled != 0 }

    private static let sampled: UInt8 = 1
    /// Level 2 §3.2.2.5.2: the rightmost seven bytes of the trace id are random.
    private static let random: UInt8 = 2

    /// Continues the caller's trace, or starts one: a malformed header is as good as none.
    package init(accepting traceparent: Span<UInt8>?) {
        guard let traceparent else {
            self.init(startingBecause: .absent)
            return
        }
        guard let caller = Parsed(traceparent) else {
            self.init(startingBecause: .invalid)
            return
        }
        self.init(continuing: caller)
    }

    package init(accepting traceparent: String?) {
        guard let traceparent else {
            self.init(startingBecause: .absent)
            return
        }
        self.init(accepting: traceparent.utf8.span)
    }

    /// A trace of our own, whatever the caller said.
    package static func restarted() -> TraceContext { TraceContext(startingBecause: .restarted) }

    private init(continuing caller: Parsed) {
        traceIDHigh = caller.traceIDHigh
        traceIDLow = caller.traceIDLow
        parentSpanID = caller.spanID
        spanID = IdentifierSource.next()
        flags = caller.flags & (Self.sampled | Self.random)
        origin = .accepted
    }

    private init(startingBecause origin: Origin) {
        traceIDHigh = IdentifierSource.next()
        traceIDLow = IdentifierSource.next()
        parentSpanID = 0
        spanID = IdentifierSource.next()
        flags = Self.random
        self.origin = origin
    }
}

extension TraceContext {
    /// `00-<trace id>-<our span id>-<flags>`: what the next hop is told.
    package var traceparentCharacters: InlineArray<55, UInt8> {
        var text = InlineArray<55, UInt8>(repeating: UInt8(ascii: "0"))
        (text[2], text[35], text[52]) = (UInt8(ascii: "-"), UInt8(ascii: "-"), UInt8(ascii: "-"))
        var digits = text.mutableSpan
        Hexadecimal.put(traceIDHigh, in: &digits, at: 3)
        Hexadecimal.put(traceIDLow, in: &digits, at: 19)
        Hexadecimal.put(spanID, in: &digits, at: 36)
        digits[53] = Hexadecimal.character(flags >> 4)
        digits[54] = Hexadecimal.character(flags & 15)
        return text
    }

    package func appendTraceID(to bytes: inout [UInt8]) {
        Hexadecimal.append(traceIDHigh, to: &bytes)
        Hexadecimal.append(traceIDLow, to: &bytes)
    }

    package func appendSpanID(to bytes: inout [UInt8]) {
        Hexadecimal.append(spanID, to: &bytes)
    }

    package var traceparent: String {
        let characters = traceparentCharacters
        return unsafe characters.span.withUnsafeBufferPointer {
            unsafe String(decoding: $0, as: UTF8.self)
        }
    }
    package var traceIDText: String { text { appendTraceID(to: &$0) } }

    /// Whether that is the trace's id, without making a text of it.
    func isNamed(_ traceID: String) -> Bool {
        traceID.utf8.count == 32
            && traceID.utf8.enumerated().allSatisfy { position, digit in
                let half = position < 16 ? traceIDHigh : traceIDLow
                let nibble = UInt8(half >> (60 - UInt64(position % 16) * 4) & 15)
                return digit == Hexadecimal.character(nibble)
            }
    }

    package var spanIDText: String { text { appendSpanID(to: &$0) } }

    private func text(_ append: (inout [UInt8]) -> Void) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        append(&bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A well-formed `traceparent`.
private struct Parsed {
    var traceIDHigh: UInt64
    var traceIDLow: UInt64
    var spanID: UInt64
    var flags: UInt8

    /// Version 00 has exactly 55 characters; of a later version the first 55 are read, and what
    /// follows must begin with a dash. Version ff is forbidden (§3.2.2.1, §4.3).
    init?(_ bytes: Span<UInt8>) {
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Hexadecimal.parse(bytes, from: 0, digits: 2), version != 0xFF,
            version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == dash,
            let high = Hexadecimal.parse(bytes, from: 3, digits: 16),
            let low = Hexadecimal.parse(bytes, from: 19, digits: 16), high | low != 0,
            let span = Hexadecimal.parse(bytes, from: 36, digits: 16), span != 0,
            let flags = Hexadecimal.parse(bytes, from: 53, digits: 2)
        else { return nil }
        traceIDHigh = high
        traceIDLow = low
        spanID = span
        self.flags = UInt8(flags)
    }
}

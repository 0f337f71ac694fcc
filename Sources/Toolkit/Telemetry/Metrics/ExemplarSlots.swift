// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// A trace that fell into a bucket.
package struct Exemplar: Equatable, Sendable {
    package var traceIDHigh: UInt64
    package var traceIDLow: UInt64
    package var spanID: UInt64
    /// In the family's integer unit.
    package var value: UInt64
    package var wallNanoseconds: UInt64

    /// What every format says of its time.
    var wallMilliseconds: UInt64 { wallNanoseconds / 1_000_000 }

    /// 32 digits.
    var traceID: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        Hexadecimal.append(traceIDHigh, to: &bytes)
        Hexadecimal.append(traceIDLow, to: &bytes)
        return bytes
    }
}

/// The latest exemplar of each bucket. Only kept traces leave one, which is rare: a lock will do.
package final class ExemplarSlots: Sendable {
    private let slots: Mutex<[Exemplar?]>

    init(count: Int) { slots = Mutex(Array(repeating: nil, count: count)) }

    func record(_ exemplar: Exemplar, at position: Int) {
        slots.withLock { $0[position] = exemplar }
    }

    var all: [Exemplar?] { slots.withLock { $0 } }
}

extension Histogram {
    /// Leaves a pointer from the value's bucket to the trace. The value is observed apart.
    package func point(at context: TraceContext, value: UInt64, wall: UInt64) {
        exemplars?.record(
            Exemplar(
                traceIDHigh: context.traceIDHigh,
                traceIDLow: context.traceIDLow,
                spanID: context.spanID,
                value: value,
                wallNanoseconds: wall
            ),
            at: layout.position(of: value)
        )
    }
}

// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a sink has done with the records it was given:
/// `produced == written + queued + dropped`, at every instant.
package struct LogLedger: Equatable, Sendable {
    package var sink: String
    package var produced: UInt64 = 0
    package var written: UInt64 = 0
    package var queued: UInt64 = 0
    package var dropped: [LogDropReason: UInt64]
    package var writtenBytes: UInt64 = 0
    package var errors: UInt64 = 0
    package var queueMax: Int
    var redactions: [UInt64]

    init(sink: String, queueMax: Int) {
        self.sink = sink
        self.queueMax = queueMax
        dropped = Dictionary(uniqueKeysWithValues: LogDropReason.allCases.map { ($0, 0) })
        redactions = Array(repeating: 0, count: Redaction.Rule.allCases.count)
    }

    package var droppedInAll: UInt64 { dropped.values.reduce(0, +) }

    package var isBalanced: Bool { produced == written + queued + droppedInAll }

    mutating func add(_ drops: LogDrops) {
        for reason in LogDropReason.allCases { dropped[reason, default: 0] += drops[reason] }
    }

    mutating func add(_ slot: borrowing LogSlot, sink: Int) {
        slot.state.withLock { state in
            let account = state.accounts[sink]
            produced += account.produced
            queued += account.queued
            add(account.drops)
            for index in redactions.indices { redactions[index] += state.redactions[index] }
        }
    }
}

extension LogDrops {
    var total: UInt64 { LogDropReason.allCases.reduce(0) { $0 + self[$1] } }
}

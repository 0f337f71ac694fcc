// SPDX-License-Identifier: Apache-2.0
package import PostgresClient
import Synchronization

/// What reads that differ in values only have learned of themselves: whether they may share a
/// transaction with others that are there at the same moment under the same settings.
///
/// Racing loops may lose each other's samples; the next ones make up for it.
package final class Sharing: Sendable {
    /// Nanoseconds. What is quicker makes nobody wait who is behind it.
    static let briefMax: UInt64 = 5_000_000
    /// Nanoseconds. What is quicker gains more by company than it loses by waiting for it.
    private static let momentMax: UInt64 = 500_000

    /// Nanoseconds. What nobody has measured yet counts as slow.
    private let recent = Atomic<UInt64>(Sharing.briefMax * 4)
    private let standsAlone = Atomic<Bool>(false)
    /// Whether these results tell of settings that the statements left for those behind them.
    let leavesSettings: @Sendable (ArraySlice<QueryResult>) -> Bool

    package init(leavesSettings: @escaping @Sendable (ArraySlice<QueryResult>) -> Bool) {
        self.leavesSettings = leavesSettings
    }

    /// How long one took of late, in nanoseconds.
    var usual: UInt64 { recent.load(ordering: .relaxed) }
    var isAllowed: Bool { usual < Self.briefMax && !standsAlone.load(ordering: .relaxed) }
    var isMomentary: Bool { usual < Self.momentMax }

    /// A quarter of each new sample: slow once, and it takes several quick runs to be brief again.
    func took(_ nanoseconds: UInt64) {
        let before = usual
        recent.store(before - before / 4 + nanoseconds / 4, ordering: .relaxed)
    }

    /// A failure ends the transaction for those behind it, who then run again.
    func failed() { took(Self.briefMax * 32) }

    func standAlone() { standsAlone.store(true, ordering: .relaxed) }
}

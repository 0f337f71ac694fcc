// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What the rows of one plan weighed so far, and so how many of them one answer may hold. Beyond
/// that they are not held in memory, here or in PostgreSQL.
final class RowWeight: Sendable {
    private let bytesARow = Atomic<Int>(0)
    private static let answerBytesMax = 8 << 20
    /// Few different numbers, for each is a statement of its own.
    private static let choices = [2_000, 500, 100, 10]

    /// The cut of rows that weigh little.
    static func usualCut(of rowsMax: Int?) -> Int? {
        rowsMax.map { $0 <= choices[0] } == true ? nil : choices[0]
    }

    /// For rows of which there can be `rowsMax`: nil if one answer holds them all.
    func cut(of rowsMax: Int?) -> Int? {
        let weight = bytesARow.load(ordering: .relaxed)
        let choice =
            weight == 0
            ? Self.choices[1]
            : Self.choices.first { $0 <= Self.answerBytesMax / weight } ?? 10
        return rowsMax.map { $0 <= choice } == true ? nil : choice
    }

    func learn(_ bytes: Int, of rows: Int) {
        guard rows > 0 else { return }
        let before = bytesARow.load(ordering: .relaxed)
        let now = bytes / rows + 1
        bytesARow.store(before == 0 ? now : (before + now) / 2, ordering: .relaxed)
    }
}

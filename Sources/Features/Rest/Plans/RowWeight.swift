// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What the rows of one plan weighed so far, and so how many of them one answer may hold. Beyond
/// that they are not held in memory, here or in PostgreSQL.
final class RowWeight: Sendable {
    private let bytesARow = Atomic<Int>(0)
    static let answerBytesMax = 8 << 20
    /// Few different numbers, for each is a statement of its own.
    private static let choices = [2_000, 500, 100, 10]

    /// The cut of rows that weigh little.
    static func usualCut(of rowsMax: Int?) -> Int? {
        rowsMax.map { $0 <= choices[0] } == true ? nil : choices[0]
    }

    /// Nobody has seen such rows: the statement itself must see to what they weigh.
    var isUnknown: Bool { bytesARow.load(ordering: .relaxed) == 0 }

    /// For rows of which there can be `rowsMax`: nil if one answer holds them all. What nobody has
    /// seen is cut by what it weighs as well, however few the rows.
    func cut(of rowsMax: Int?) -> Int? {
        let weight = bytesARow.load(ordering: .relaxed)
        guard weight > 0 else { return rowsMax == 1 ? nil : Self.choices[0] }
        let choice = Self.choices.first { $0 <= Self.answerBytesMax / weight } ?? 10
        return rowsMax.map { $0 <= choice } == true ? nil : choice
    }

    func learn(_ bytes: Int, of rows: Int) {
        guard rows > 0 else { return }
        let before = bytesARow.load(ordering: .relaxed)
        let now = bytes / rows + 1
        bytesARow.store(before == 0 ? now : (before + now) / 2, ordering: .relaxed)
    }
}

/// What the answers of one function weighed so far. A function runs once, so whether its rows do in
/// one piece must be known before; where it is not they come from a cursor.
final class AnswerWeight: Sendable {
    /// Of answers without a limit; negative before the first.
    private let bytesMost = Atomic<Int>(-1)
    private let bytesARowMost = Atomic<Int>(0)
    private static let bytesLight = 2 << 20
    /// How many rows of unknown weight are looked at first.
    static let rowsFew = 10

    func isLight(rowsMax: Int?) -> Bool {
        guard let rowsMax else {
            return (0...Self.bytesLight).contains(bytesMost.load(ordering: .relaxed))
        }
        let weight = bytesARowMost.load(ordering: .relaxed)
        return rowsMax <= Self.rowsFew || (weight > 0 && rowsMax <= Self.bytesLight / weight)
    }

    func learn(_ bytes: Int, of rows: Int, isLimited: Bool) {
        if !isLimited { _ = bytesMost.max(bytes, ordering: .relaxed) }
        if rows > 0 { _ = bytesARowMost.max(bytes / rows, ordering: .relaxed) }
    }
}

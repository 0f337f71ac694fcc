// SPDX-License-Identifier: Apache-2.0

/// What is wrong with a command line, a variable or a file: one line that names it.
package struct ConfigurationFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Finds the word somebody meant.
enum Suggestion {
    static func closest(to word: String, among words: [String]) -> String? {
        let candidates = words.map { (word: $0, distance: distance(word, $0)) }
        guard let best = candidates.min(by: { $0.distance < $1.distance }),
            best.distance <= max(2, word.count / 4)
        else { return nil }
        return best.word
    }

    static func didYouMean(_ word: String, among words: [String]) -> String {
        closest(to: word, among: words).map { "; did you mean \($0)?" } ?? ""
    }

    /// Levenshtein's: insertions, deletions and substitutions.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let cost = a == b ? diagonal : diagonal + 1
                diagonal = row[j + 1]
                row[j + 1] = min(cost, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}

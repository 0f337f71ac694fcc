// SPDX-License-Identifier: Apache-2.0
internal import QueryPlanner

/// What is wrong with a command line, a variable or a file: one line that names it.
package struct ConfigurationFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Finds the word somebody meant.
enum Suggestion {
    static func closest(to word: String, among words: [String]) -> String? {
        let candidates = words.map { (word: $0, distance: EditDistance.between(word, $0)) }
        guard let best = candidates.min(by: { $0.distance < $1.distance }),
            best.distance <= max(2, word.count / 4)
        else { return nil }
        return best.word
    }

    static func didYouMean(_ word: String, among words: [String]) -> String {
        closest(to: word, among: words).map { "; did you mean \($0)?" } ?? ""
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Finds the name that was probably meant, by shared letter groups and then by edit distance, as
/// FuzzySet does (Glen Chiacchieri, 2012): the hints of the dialect come from
/// it.
struct FuzzyIndex {
    private let entries: [(key: String, length: Int, name: String)]
    private let longest: Int

    /// Names that differ in case only count once.
    init(_ names: [String]) {
        var seen: Set<String> = []
        entries = names.compactMap { name in
            let key = name.lowercased()
            return seen.insert(key).inserted ? (key, key.unicodeScalars.count, name) : nil
        }
        longest = entries.map(\.length).max() ?? 0
    }

    /// The most similar name, with how similar it is: from `scoreMin` to 1, which is the name
    /// itself.
    func best(for text: String, scoreMin: Double) -> (score: Double, name: String)? {
        // A body can be one name of megabytes; in lower case it is no shorter.
        let length = text.unicodeScalars.count
        guard length <= longest || Self.similarityMax(length, longest) >= scoreMin else {
            return nil
        }
        let key = text.lowercased()
        if let exact = entries.first(where: { $0.key == key }) { return (1, exact.name) }
        for size in [3, 2] {
            if let found = best(for: key, scoreMin: scoreMin, gramSize: size) { return found }
        }
        return nil
    }

    private func best(
        for key: String,
        scoreMin: Double,
        gramSize: Int
    ) -> (score: Double, name: String)? {
        let grams = Self.grams(key, gramSize)
        let magnitude = Self.magnitude(grams)
        var similar: [(cosine: Double, index: Int)] = []
        for (index, entry) in entries.enumerated() {
            let others = Self.grams(entry.key, gramSize)
            var product = 0
            for (gram, count) in others { product += count * (grams[gram] ?? 0) }
            guard product > 0 else { continue }
            similar.append((Double(product) / (magnitude * Self.magnitude(others)), index))
        }
        // Distances are dear: only the fifty most similar are measured.
        similar.sort { $0.cosine > $1.cosine }
        let length = key.unicodeScalars.count
        var best: (score: Double, name: String)?
        for (_, index) in similar.prefix(50)
        where Self.similarityMax(length, entries[index].length) >= scoreMin {
            let score = Self.similarity(key, entries[index].key)
            if score >= scoreMin, score > best?.score ?? 0 { best = (score, entries[index].name) }
        }
        return best
    }

    private static func grams(_ key: String, _ size: Int) -> [[UInt32]: Int] {
        let dash = UInt32(UInt8(ascii: "-"))
        let kept = key.unicodeScalars.lazy.filter { scalar in
            scalar.properties.isWhitespace || scalar == "," || scalar.properties.numericType != nil
                || scalar.isLetter
        }
        let letters = [dash] + kept.map(\.value) + [dash]
        var counts: [[UInt32]: Int] = [:]
        guard letters.count >= size else { return counts }
        for start in 0...(letters.count - size) {
            counts[Array(letters[start..<(start + size)]), default: 0] += 1
        }
        return counts
    }

    private static func magnitude(_ grams: [[UInt32]: Int]) -> Double {
        Double(grams.values.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }

    /// 1 less the edit distance as a share of the longer text.
    private static func similarity(_ left: String, _ right: String) -> Double {
        let left = Array(left.unicodeScalars)
        let right = Array(right.unicodeScalars)
        let longest = max(left.count, right.count)
        return longest == 0 ? 1 : 1 - Double(EditDistance.between(left, right)) / Double(longest)
    }

    /// Of texts of these lengths: what one has more must at least be added to the other.
    private static func similarityMax(_ left: Int, _ right: Int) -> Double {
        let longest = max(left, right)
        return longest == 0 ? 1 : 1 - Double(abs(left - right)) / Double(longest)
    }
}

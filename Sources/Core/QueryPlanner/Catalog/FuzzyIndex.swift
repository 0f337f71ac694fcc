// SPDX-License-Identifier: Apache-2.0

/// Finds the name that was probably meant, by shared letter groups and then by edit distance, as
/// FuzzySet does (Glen Chiacchieri, 2012): the hints of the dialect come from
/// it.
struct FuzzyIndex {
    private let entries: [(key: String, name: String)]

    /// Names that differ in case only count once.
    init(_ names: [String]) {
        var seen: Set<String> = []
        entries = names.compactMap { name in
            let key = name.lowercased()
            return seen.insert(key).inserted ? (key, name) : nil
        }
    }

    /// The most similar name, with how similar it is: from `scoreMin` to 1, which is the name
    /// itself.
    func best(for text: String, scoreMin: Double) -> (score: Double, name: String)? {
        let key = text.lowercased()
        if let exact = entries.first(where: { $0.key == key }) { return (1, exact.name) }
        for size in [3, 2] {
            if let found = best(for: key, gramSize: size), found.score >= scoreMin { return found }
        }
        return nil
    }

    private func best(for key: String, gramSize: Int) -> (score: Double, name: String)? {
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
        var best: (score: Double, name: String)?
        for (_, index) in similar.prefix(50) {
            let score = Self.similarity(key, entries[index].key)
            if score > best?.score ?? 0 { best = (score, entries[index].name) }
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
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import QueryPlanner

struct FuzzyIndexTests {
    @Test(
        arguments: [
            ("planets", 1, "planets"), ("PLANETS", 1, "planets"), ("planet", 6.0 / 7, "planets"),
            ("planetsss", 7.0 / 9, "planets"), ("planetssss", nil, nil), ("plan", nil, nil),
            ("missons", 7.0 / 8, "missions"), ("xyz", nil, nil), ("", nil, nil),
        ] as [(String, Double?, String?)]
    )
    func `the name that was probably meant is found`(text: String, score: Double?, name: String?) {
        let index = FuzzyIndex(["missions", "moons", "planets", "Planets", "stars"])
        let best = index.best(for: text, scoreMin: 0.75)
        #expect(best?.name == name)
        #expect(abs((best?.score ?? 0) - (score ?? 0)) < 0.000_001)
    }

    /// Minutes, were each name measured against it.
    @Test func `a name of a million letters is like none`() {
        let names = (0..<400).map { "a_name_of_some_sixty_letters_such_as_there_are_many_of_\($0)" }
        let text = String(repeating: "a_name_of_some_", count: 66_667)
        for scoreMin in [0.33, 0.75] {
            #expect(FuzzyIndex(names).best(for: text, scoreMin: scoreMin) == nil)
            // One that is long itself brings the others no closer.
            let long = String(repeating: "x", count: text.utf8.count)
            #expect(FuzzyIndex(names + [long]).best(for: text, scoreMin: scoreMin) == nil)
        }
    }
}

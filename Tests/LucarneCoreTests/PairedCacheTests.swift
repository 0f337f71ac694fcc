// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import Telemetry
import Testing

struct PairedCacheTests {
    private let telemetry = Telemetry()

    private func cache(pairs: Int = 1) -> PairedCache<Int> {
        PairedCache(pairCount: pairs, telemetry: telemetry.cache(.plan))
    }

    private func key(_ name: String) -> CacheKey { CacheKey(Array(name.utf8)) }

    /// What the metrics say of the cache, zeros left out.
    private var told: Set<String> {
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let lines = text.split(separator: "\n").filter {
            $0.hasPrefix("lucarne_cache_") && $0.contains(#"cache="plan""#) && !$0.hasSuffix(" 0")
        }
        return Set(
            lines.map { line in
                String(line.dropFirst("lucarne_cache_".count)).replacing(#"cache="plan""#, with: "")
                    .replacing("{}", with: "").replacing("{,", with: "{")
            }
        )
    }

    @Test func `what was kept is found again, and both outcomes are counted`() {
        let cache = cache()
        #expect(told.isEmpty)
        #expect(cache.find(key("a")) == nil)
        cache.insert(1, bytes: 10, for: key("a"))
        #expect(cache.find(key("a")) == 1)
        #expect(cache.find(key("a")) == 1)
        #expect(
            told == [
                #"lookups_total{result="hit"} 2"#, #"lookups_total{result="miss"} 1"#,
                "entries 1", "resident_bytes 11",
            ]
        )
    }

    @Test func `what was used longest ago makes room, and is counted`() {
        let cache = cache()
        for (value, name) in ["a", "b"].enumerated() {
            cache.insert(value, bytes: 10 * value, for: key(name))
        }
        #expect(cache.find(key("a")) == 0)
        cache.insert(2, bytes: 20, for: key("c"))
        #expect(cache.find(key("b")) == nil)
        #expect(cache.find(key("a")) == 0)
        #expect(cache.find(key("c")) == 2)
        #expect(told.contains(#"evictions_total{reason="capacity"} 1"#))
        #expect(told.isSuperset(of: ["entries 2", "resident_bytes 22"]))
    }

    @Test func `what several make of the same at once is kept once`() async {
        let cache = cache()
        let names = ["a", "b"]
        await withTaskGroup(of: Void.self) { tasks in
            for value in 0..<200 {
                tasks.addTask { cache.insert(value, bytes: 1, for: key(names[value % 2])) }
            }
        }
        let kept = names.map { cache.find(key($0)) }
        #expect(kept[0].map { $0 % 2 } == 0 && kept[1].map { $0 % 2 } == 1)
        // Whoever comes later changes nothing, and pushes nobody out.
        for name in names { cache.insert(-1, bytes: 1, for: key(name)) }
        #expect(names.map { cache.find(key($0)) } == kept)
        #expect(told == [#"lookups_total{result="hit"} 4"#, "entries 2", "resident_bytes 4"])
    }

    @Test func `with the cache goes all that it held`() {
        do {
            let cache = cache(pairs: 64)
            for number in 0..<20 { cache.insert(number, bytes: 7, for: key("\(number)")) }
            #expect(!told.isEmpty)
        }
        let gone = told.compactMap { Int($0.split(separator: " ")[1]) }.reduce(0, +)
        #expect(gone == 20 && told.allSatisfy { $0.hasPrefix("evictions_total") })
    }
}

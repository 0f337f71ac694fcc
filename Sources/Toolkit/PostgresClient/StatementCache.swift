// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Which statements a connection has prepared, and which one to give up for a new one: the
/// least recently used. Names are never used twice on a connection.
struct StatementCache {
    /// Texts are long, and one is looked up for each statement sent: a hash of eight bytes at a time.
    private struct Key: Hashable {
        let text: String
        private let digest: UInt64
        private static let seed = UInt64.random(in: .min ... .max)

        init(_ text: String) {
            var text = text
            digest = text.withUTF8 { unsafe hash_bytes($0.baseAddress, $0.count, Self.seed) }
            self.text = text
        }

        func hash(into hasher: inout Hasher) { hasher.combine(digest) }
    }

    private struct Entry {
        let name: String
        let preparedAt: UInt64
        var lastUse: UInt64
    }

    enum Lookup: Equatable {
        case prepared(name: String)
        case missing(name: String, evicted: String?)
    }

    private var entries: [Key: Entry] = [:]
    private var clock: UInt64 = 0
    private var outdatedAt: UInt64 = 0
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    mutating func look(up sql: String) -> Lookup {
        clock += 1
        let key = Key(sql)
        var evicted: String?
        if let index = entries.index(forKey: key) {
            if entries.values[index].preparedAt > outdatedAt {
                entries.values[index].lastUse = clock
                return .prepared(name: entries.values[index].name)
            }
            evicted = entries.values[index].name
        } else if entries.count >= capacity {
            evicted = removeOldest()
        }
        let name = "lucarne_\(clock)"
        entries[key] = Entry(name: name, preparedAt: clock, lastUse: clock)
        return .missing(name: name, evicted: evicted)
    }

    /// What is there now is given up, and prepared anew, when it is next wanted.
    mutating func outdate() { outdatedAt = clock }

    /// The server refused to prepare it, or may have.
    mutating func forget(_ sql: String) { entries[Key(sql)] = nil }

    // A scan of a few hundred entries, only when a new statement meets a full cache.
    private mutating func removeOldest() -> String? {
        guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
            return nil
        }
        entries[oldest.key] = nil
        return oldest.value.name
    }
}

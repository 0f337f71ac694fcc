// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Remembers what tokens whose signature was right stand for, so that the next request does not
/// pay for it again.
///
/// Bounded; when full, the clock's hand passes over what was used since it last came by and takes
/// the first that was not. The whole token is the key: a hash alone would let a collision sign in.
struct TokenCache<Value: Sendable>: Sendable {
    private(set) var evictions = 0

    private struct Key: Hashable {
        let token: ArraySlice<UInt8>
        private let digest: UInt64

        init(_ token: ArraySlice<UInt8>, seed: UInt64) {
            self.token = token
            digest = unsafe token.withUnsafeBytes {
                unsafe hash_bytes($0.baseAddress, $0.count, seed)
            }
        }

        func hash(into hasher: inout Hasher) { hasher.combine(digest) }

        static func == (left: Key, right: Key) -> Bool {
            guard left.digest == right.digest, left.token.count == right.token.count else {
                return false
            }
            return unsafe left.token.withUnsafeBytes { left in
                unsafe right.token.withUnsafeBytes { right in
                    guard let first = left.baseAddress, let second = right.baseAddress else {
                        return left.count == right.count
                    }
                    return unsafe memcmp(first, second, left.count) == 0
                }
            }
        }
    }

    private struct Entry: Sendable {
        let key: Key
        let value: Value
        let expiry: Int?
        var wasUsed = false
    }

    /// Longer tokens are verified each time: what is kept is bounded in bytes as well.
    static var tokenBytesMax: Int { 8 << 10 }

    private let entriesMax: Int
    private var entries: [Entry] = []
    private var positions: [Key: Int] = [:]
    private let seed = UInt64.random(in: .min ... .max)
    private var hand = 0

    /// With no entries allowed, every lookup misses.
    init(entriesMax: Int) { self.entriesMax = max(0, entriesMax) }

    var count: Int { entries.count }

    mutating func find(_ token: ArraySlice<UInt8>, now: Int) -> Value? {
        guard let position = positions[Key(token, seed: seed)] else { return nil }
        if let expiry = entries[position].expiry, expiry < now {
            remove(at: position)
            return nil
        }
        entries[position].wasUsed = true
        return entries[position].value
    }

    /// `expiry`: seconds since 1970 after which the entry is of no use.
    mutating func insert(_ value: Value, expiry: Int?, for token: ArraySlice<UInt8>) {
        guard entriesMax > 0, token.count <= Self.tokenBytesMax else { return }
        // A slice of its own: the caller's is a part of something larger.
        let key = Key(Array(token)[...], seed: seed)
        guard positions[key] == nil else { return }
        let entry = Entry(key: key, value: value, expiry: expiry)
        if entries.count < entriesMax {
            positions[key] = entries.count
            entries.append(entry)
            return
        }
        let victim = nextVictim()
        positions[entries[victim].key] = nil
        entries[victim] = entry
        positions[key] = victim
        evictions += 1
    }

    private mutating func nextVictim() -> Int {
        while true {
            let candidate = hand
            hand = (hand + 1) % entries.count
            guard entries[candidate].wasUsed else { return candidate }
            entries[candidate].wasUsed = false
        }
    }

    private mutating func remove(at position: Int) {
        positions[entries[position].key] = nil
        let last = entries.removeLast()
        if position < entries.count {
            entries[position] = last
            positions[last.key] = position
        }
        hand = entries.isEmpty ? 0 : hand % entries.count
    }
}

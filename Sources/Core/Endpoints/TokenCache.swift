// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Telemetry

/// Remembers what tokens whose signature was right stand for, so that the next request does not
/// pay for it again.
///
/// Bounded; when full, the clock's hand passes over what was used since it last came by and takes
/// the first that was not. The whole token is the key: a hash alone would let a collision sign in.
struct TokenCache<Value: Sendable>: Sendable {
    enum Finding {
        case hit(Value)
        case miss
        /// It was there and has expired; it is not there any more.
        case stale(bytes: Int)
    }

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
        let bytes: Int
        var wasUsed = false

        func hasExpired(_ now: Int) -> Bool { expiry.map { $0 < now } ?? false }
    }

    /// Longer tokens are verified each time: what is kept is bounded in bytes as well.
    static var tokenBytesMax: Int { 8 << 10 }

    private let entriesMax: Int
    private var entries: [Entry] = []
    private var positions: [Key: Int] = [:]
    private let seed = UInt64.random(in: .min ... .max)
    private var hand = 0
    /// Of all entries.
    private(set) var bytes = 0

    /// With no entries allowed, every lookup misses.
    init(entriesMax: Int) { self.entriesMax = max(0, entriesMax) }

    var count: Int { entries.count }

    mutating func find(_ token: ArraySlice<UInt8>, now: Int) -> Finding {
        guard let position = positions[Key(token, seed: seed)] else { return .miss }
        if entries[position].hasExpired(now) { return .stale(bytes: remove(at: position)) }
        entries[position].wasUsed = true
        return .hit(entries[position].value)
    }

    /// Says what came of it. `bytes`: about what keeping the value takes; `expiry`: seconds since
    /// 1970 after which it is of no use.
    mutating func insert(
        _ value: Value,
        bytes: Int = 0,
        expiry: Int?,
        for token: ArraySlice<UInt8>,
        now: Int
    ) -> [CacheEvent] {
        guard entriesMax > 0, token.count <= Self.tokenBytesMax else { return [] }
        // A slice of its own: the caller's is a part of something larger.
        let key = Key(Array(token)[...], seed: seed)
        guard positions[key] == nil else { return [] }
        let entry = Entry(key: key, value: value, expiry: expiry, bytes: bytes + token.count)
        self.bytes += entry.bytes
        let kept = CacheEvent.kept(bytes: entry.bytes)
        guard entries.count == entriesMax else {
            positions[key] = entries.count
            entries.append(entry)
            return [kept]
        }
        let position = nextVictim(now)
        let victim = entries[position]
        positions[victim.key] = nil
        entries[position] = entry
        positions[key] = position
        self.bytes -= victim.bytes
        return [.evicted(victim.hasExpired(now) ? .expired : .capacity, bytes: victim.bytes), kept]
    }

    private mutating func nextVictim(_ now: Int) -> Int {
        while true {
            let candidate = hand
            hand = (hand + 1) % entries.count
            guard entries[candidate].wasUsed, !entries[candidate].hasExpired(now) else {
                return candidate
            }
            entries[candidate].wasUsed = false
        }
    }

    /// How many bytes that was.
    private mutating func remove(at position: Int) -> Int {
        let removed = entries[position]
        positions[removed.key] = nil
        bytes -= removed.bytes
        let last = entries.removeLast()
        if position < entries.count {
            entries[position] = last
            positions[last.key] = position
        }
        hand = entries.isEmpty ? 0 : hand % entries.count
        return removed.bytes
    }
}

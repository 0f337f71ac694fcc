// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
package import Synchronization
package import Telemetry

/// What something is found by again: bytes, and a digest of them that no request can foresee.
package struct CacheKey: Equatable, Sendable {
    package let bytes: [UInt8]
    package let digest: UInt64

    private static let seed = UInt64.random(in: .min ... .max)

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        digest = unsafe bytes.withUnsafeBytes {
            unsafe hash_bytes($0.baseAddress, $0.count, Self.seed)
        }
    }

    package static func == (left: CacheKey, right: CacheKey) -> Bool {
        guard left.digest == right.digest, left.bytes.count == right.bytes.count else {
            return false
        }
        return unsafe memcmp(left.bytes, right.bytes, left.bytes.count) == 0
    }
}

/// Values that all loops find again by their key, counted where every look-up passes.
///
/// Two to a set, the set chosen by the key's digest: nothing is ever scanned, and what was used last
/// stays longest. With the cache goes all that it held: nobody can look anything up any more.
package final class PairedCache<Value: Sendable>: Sendable {
    @usableFromInline struct Entry: Sendable {
        @usableFromInline let key: CacheKey
        @usableFromInline let value: Value
        @usableFromInline let bytes: Int

        @usableFromInline init(key: CacheKey, value: Value, bytes: Int) {
            self.key = key
            self.value = value
            self.bytes = bytes
        }
    }

    @usableFromInline final class Pair: Sendable {
        @usableFromInline let entries = Mutex<(newer: Entry?, older: Entry?)>((nil, nil))
    }

    @usableFromInline let pairs: [Pair]
    @usableFromInline let telemetry: CacheTelemetry

    /// Holds twice as many as there are pairs, at most.
    package init(pairCount: Int = 512, telemetry: CacheTelemetry) {
        pairs = (0..<max(1, pairCount)).map { _ in Pair() }
        self.telemetry = telemetry
    }

    @inlinable
    package func find(_ key: CacheKey) -> Value? {
        let value = pair(key).entries.withLock { entries -> Value? in
            if let newer = entries.newer, newer.key == key { return newer.value }
            guard let older = entries.older, older.key == key else { return nil }
            (entries.newer, entries.older) = (older, entries.newer)
            return older.value
        }
        telemetry.report(.lookedUp(value == nil ? .miss : .hit))
        return value
    }

    /// `bytes`: about what keeping the value takes. One that is there already stays: another loop
    /// made it of the same at the same time, and it has been used since.
    package func insert(_ value: Value, bytes: Int, for key: CacheKey) {
        let entry = Entry(key: key, value: value, bytes: bytes + key.bytes.count)
        let outcome = pair(key).entries.withLock { entries -> (isNew: Bool, evicted: Int?) in
            guard entries.newer?.key != key, entries.older?.key != key else { return (false, nil) }
            let evicted = entries.older?.bytes
            entries = (entry, entries.newer)
            return (true, evicted)
        }
        if outcome.isNew { telemetry.report(.kept(bytes: entry.bytes)) }
        if let bytes = outcome.evicted { telemetry.report(.evicted(.capacity, bytes: bytes)) }
    }

    @inlinable
    func pair(_ key: CacheKey) -> Pair {
        pairs[Int(truncatingIfNeeded: key.digest % UInt64(pairs.count))]
    }

    deinit {
        let held = pairs.flatMap { pair in
            pair.entries.withLock { [$0.newer, $0.older].compactMap { $0?.bytes } }
        }
        let bytes = held.reduce(0, +)
        telemetry.report(.evicted(.invalidated, entries: held.count, bytes: bytes))
    }
}

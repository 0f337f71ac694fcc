// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import HTTPServer
import QueryPlanner
import Synchronization

/// What a read's plan depends on: its method, its path, the shape of its query, and the headers that
/// negotiate. Nil for what is no read of a relation.
struct RestReadKey: Equatable, Sendable {
    let bytes: [UInt8]
    let digest: UInt64

    private static let seed = UInt64.random(in: .min ... .max)
    /// What is longer is planned each time: it hardly comes twice, and the memory is bounded.
    private static let bytesMax = 2_048
    private static let negotiating = ["accept", "accept-profile", "prefer", "range"]

    init?(_ message: RestMessage, _ shape: QueryShape) {
        guard message.method == "GET" || message.method == "HEAD" else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append(contentsOf: shape.text)
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: message.path.utf8)
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: message.method.utf8)
        for (index, name) in Self.negotiating.enumerated() {
            message.headers.forEach(name) { value in
                bytes.append(UInt8(ascii: "\n"))
                bytes.append(UInt8(index))
                unsafe value.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
            }
        }
        guard bytes.count <= Self.bytesMax else { return nil }
        digest = unsafe bytes.withUnsafeBytes {
            unsafe hash_bytes($0.baseAddress, $0.count, Self.seed)
        }
        self.bytes = bytes
    }

    static func == (left: RestReadKey, right: RestReadKey) -> Bool {
        guard left.digest == right.digest, left.bytes.count == right.bytes.count else {
            return false
        }
        return unsafe memcmp(left.bytes, right.bytes, left.bytes.count) == 0
    }
}

/// The reads planned against one catalog, found again by their shape.
///
/// Two to a set, the set chosen by the key's digest: nothing is ever scanned, and what was used last
/// stays longest.
final class RestReads: Sendable {
    private struct Entry: Sendable {
        let key: RestReadKey
        let read: RestRead
    }

    private final class Pair: Sendable {
        let entries = Mutex<(newer: Entry?, older: Entry?)>((nil, nil))
    }

    private let pairs: [Pair] = (0..<256).map { _ in Pair() }

    func find(_ key: RestReadKey) -> RestRead? {
        pair(key).entries.withLock { entries in
            if let newer = entries.newer, newer.key == key { return newer.read }
            guard let older = entries.older, older.key == key else { return nil }
            (entries.newer, entries.older) = (older, entries.newer)
            return older.read
        }
    }

    func insert(_ read: RestRead, for key: RestReadKey) {
        pair(key).entries.withLock { $0 = (Entry(key: key, read: read), $0.newer) }
    }

    private func pair(_ key: RestReadKey) -> Pair {
        pairs[Int(truncatingIfNeeded: key.digest % UInt64(pairs.count))]
    }
}

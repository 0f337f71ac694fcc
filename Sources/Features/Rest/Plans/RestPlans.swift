// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import HTTPServer
import QueryPlanner
import Synchronization

/// What a plan depends on: the method, the path, the shape of the query, the headers that negotiate,
/// and the names of a function's arguments. Nil for writes, and for calls whose body is no object.
struct RestPlanKey: Equatable, Sendable {
    let bytes: [UInt8]
    let digest: UInt64

    private static let seed = UInt64.random(in: .min ... .max)
    /// What is longer is planned each time: it hardly comes twice, and the memory is bounded.
    private static let bytesMax = 2_048
    private static let negotiating = [
        "accept", "accept-profile", "prefer", "range", "content-profile", "content-type",
    ]

    init?(_ message: RestMessage, _ shape: QueryShape) {
        let argumentNames: [String]
        switch message.method {
        case "GET", "HEAD": argumentNames = []
        case "POST":
            guard message.path.hasPrefix("/rpc/"), let names = message.argumentNames else {
                return nil
            }
            argumentNames = names
        default: return nil
        }
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
        for name in argumentNames {
            bytes.append(0)
            bytes.append(contentsOf: name.utf8)
        }
        guard bytes.count <= Self.bytesMax else { return nil }
        digest = unsafe bytes.withUnsafeBytes {
            unsafe hash_bytes($0.baseAddress, $0.count, Self.seed)
        }
        self.bytes = bytes
    }

    static func == (left: RestPlanKey, right: RestPlanKey) -> Bool {
        guard left.digest == right.digest, left.bytes.count == right.bytes.count else {
            return false
        }
        return unsafe memcmp(left.bytes, right.bytes, left.bytes.count) == 0
    }
}

extension RestMessage {
    /// The keys of a body that is one object. No argument's name has a NUL, and it parts them.
    fileprivate var argumentNames: [String]? {
        guard case .object(let keys) = JSONShape(body)?.kind,
            !keys.contains(where: { $0.utf8.contains(0) })
        else { return nil }
        return keys
    }
}

/// The reads, or calls, planned against one catalog, found again by their shape.
///
/// Two to a set, the set chosen by the key's digest: nothing is ever scanned, and what was used last
/// stays longest.
final class RestPlans<Plan: Sendable>: Sendable {
    private struct Entry: Sendable {
        let key: RestPlanKey
        let plan: Plan
    }

    private final class Pair: Sendable {
        let entries = Mutex<(newer: Entry?, older: Entry?)>((nil, nil))
    }

    private let pairs: [Pair] = (0..<256).map { _ in Pair() }

    func find(_ key: RestPlanKey) -> Plan? {
        pair(key).entries.withLock { entries in
            if let newer = entries.newer, newer.key == key { return newer.plan }
            guard let older = entries.older, older.key == key else { return nil }
            (entries.newer, entries.older) = (older, entries.newer)
            return older.plan
        }
    }

    func insert(_ plan: Plan, for key: RestPlanKey) {
        pair(key).entries.withLock { $0 = (Entry(key: key, plan: plan), $0.newer) }
    }

    private func pair(_ key: RestPlanKey) -> Pair {
        pairs[Int(truncatingIfNeeded: key.digest % UInt64(pairs.count))]
    }
}

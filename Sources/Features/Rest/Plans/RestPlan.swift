// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore
import QueryPlanner

/// A read or a call that was planned once, for all requests of its shape.
enum RestPlan: Sendable {
    case read(RestRead)
    case call(RestCall)

    /// About what keeping it takes.
    var bytes: Int {
        switch self {
        case .read(let read): read.bytes
        case .call(let call): call.bytes
        }
    }
}

extension PairedCache<RestPlan> {
    /// A short request can be a long statement: one that takes more than this is planned each time.
    private static var planBytesMax: Int { 64 << 10 }

    func insert(_ plan: RestPlan, for key: CacheKey) {
        let bytes = plan.bytes
        if bytes <= Self.planBytesMax { insert(plan, bytes: bytes, for: key) }
    }
}

extension CacheKey {
    /// What is longer is planned each time: it hardly comes twice, and the memory is bounded.
    private static let bytesMax = 2_048
    private static let negotiating = [
        "accept", "accept-profile", "prefer", "range", "content-profile", "content-type",
    ]

    /// What a plan depends on: the method, the path, the shape of the query, the headers that
    /// negotiate, and the names of a function's arguments. Nil for writes, and for calls whose body
    /// is no object.
    init?(planOf message: RestMessage, _ shape: QueryShape) {
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
        self.init(bytes)
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

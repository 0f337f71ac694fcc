// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import PostgresClient
import Telemetry

/// Reads that go to the server as one transaction, in the order in which they came.
///
/// Used on its loop's thread only.
final class ReadGroup {
    /// Results; nil when the read has to be run by itself.
    typealias Outcome = Result<[QueryResult]?, PostgresFailure>

    @safe final class Member {
        let transaction: Transaction
        let context: RequestContext
        /// The layer that its trace came from.
        let previous: Layer
        let continuation: UnsafeContinuation<Outcome, Never>?

        init(
            _ transaction: Transaction,
            _ context: RequestContext,
            from previous: Layer,
            _ continuation: UnsafeContinuation<Outcome, Never>? = nil
        ) {
            self.transaction = transaction
            self.context = context
            self.previous = previous
            unsafe self.continuation = continuation
        }
    }

    private static let membersMax = 16

    private(set) var members: [Member]
    /// Nanoseconds.
    private var expected: UInt64

    init(_ transaction: Transaction, _ context: RequestContext, from previous: Layer) {
        members = unsafe [Member(transaction, context, from: previous)]
        expected = transaction.sharing?.usual ?? 0
    }

    func takes(_ transaction: Transaction) -> Bool {
        members.count < Self.membersMax && expected < Sharing.briefMax
            && settings == transaction.settings
    }

    var settings: LocalSettings { members[0].transaction.settings }

    func join(
        _ transaction: Transaction,
        _ context: RequestContext,
        from previous: Layer,
        _ continuation: UnsafeContinuation<Outcome, Never>
    ) {
        unsafe members.append(Member(transaction, context, from: previous, continuation))
        expected += transaction.sharing?.usual ?? 0
    }
}

/// The groups of one loop.
///
/// A group is *open* (others may join), then *under way*. While enough of the same settings are
/// under way, the next one stays open: the busier the server, the larger the groups.
///
/// `@unchecked Sendable`: used on its loop's thread only.
@safe final class ReadGroups: @unchecked Sendable {
    /// One that the server works on, and one that it finds there when it is done.
    private static let underWayMax = 2

    private let loop: EventLoop
    private var open: [ReadGroup] = []
    private var underWay: [ReadGroup] = []
    private var waiting: [(group: ReadGroup, continuation: UnsafeContinuation<Void, Never>)] =
        unsafe []

    init(on loop: EventLoop) { self.loop = loop }

    /// The group that this read may join.
    func group(for transaction: Transaction) -> ReadGroup? {
        open.first { $0.takes(transaction) }
    }

    func begin(
        _ transaction: Transaction,
        _ context: RequestContext,
        from previous: Layer
    ) -> ReadGroup {
        let group = ReadGroup(transaction, context, from: previous)
        open.append(group)
        return group
    }

    /// Lets others join as long as that costs nothing, or next to nothing.
    func gather(_ group: ReadGroup, isMomentary: Bool) async {
        await loop.rest()
        if isMomentary, underWay.count(where: { $0.settings == group.settings }) >= Self.underWayMax
        {
            // Those under way may have met something that is not brief after all.
            let late = loop.schedule(at: uptime() &+ Sharing.briefMax) { [self] in
                resume { $0 === group }
            }
            unsafe await withUnsafeContinuation { unsafe waiting.append((group, $0)) }
            late.cancel()
        }
        underWay.append(group)
    }

    func close(_ group: ReadGroup) { open.removeAll { $0 === group } }

    func ended(_ group: ReadGroup) {
        underWay.removeAll { $0 === group }
        resume { $0.settings == group.settings }
    }

    /// Lets the first waiting group go of which that is so.
    private func resume(where isNext: (ReadGroup) -> Bool) {
        guard let index = unsafe waiting.firstIndex(where: { unsafe isNext($0.group) }) else {
            return
        }
        unsafe waiting.remove(at: index).continuation.resume()
    }
}

// SPDX-License-Identifier: Apache-2.0
import Telemetry
import Testing

@testable import Endpoints

private let now = 1_700_000_000

extension TokenCache.Finding {
    fileprivate var value: Value? {
        if case .hit(let value) = self { return value }
        return nil
    }
}

@Suite struct TokenCacheTests {
    private func token(_ number: Int) -> ArraySlice<UInt8> { Array("token \(number)".utf8)[...] }

    /// What an insertion says of others: why they went.
    private func evictions(_ events: [CacheEvent]) -> [CacheEvent.Eviction] {
        events.compactMap { event in
            if case .evicted(let reason, _, _) = event { return reason }
            return nil
        }
    }

    @Test func `what was kept is found again until it expires`() {
        var cache = TokenCache<Int>(entriesMax: 2)
        #expect(cache.find(token(0), now: now).value == nil)
        _ = cache.insert(7, bytes: 5, expiry: now + 30, for: token(0), now: now)
        #expect(cache.find(token(0), now: now + 30).value == 7)
        #expect(cache.bytes == 5 + token(0).count)
        guard case .stale(let bytes) = cache.find(token(0), now: now + 31) else {
            Issue.record("an expired token is stale")
            return
        }
        #expect(bytes == 5 + token(0).count)
        #expect(cache.count == 0 && cache.bytes == 0)
        guard case .miss = cache.find(token(0), now: now + 31) else {
            Issue.record("and is gone then")
            return
        }
    }

    @Test func `when full, what was not used makes room`() {
        var cache = TokenCache<Int>(entriesMax: 2)
        _ = cache.insert(0, expiry: nil, for: token(0), now: now)
        _ = cache.insert(1, expiry: nil, for: token(1), now: now)
        #expect(cache.find(token(0), now: now).value == 0)
        let events = cache.insert(2, expiry: nil, for: token(2), now: now)
        #expect(evictions(events) == [.capacity])
        #expect(cache.find(token(0), now: now).value == 0)
        #expect(cache.find(token(1), now: now).value == nil)
        #expect(cache.find(token(2), now: now).value == 2)
    }

    @Test func `when full, what has expired makes room, used or not`() {
        var cache = TokenCache<Int>(entriesMax: 2)
        _ = cache.insert(0, expiry: now + 10, for: token(0), now: now)
        _ = cache.insert(1, expiry: nil, for: token(1), now: now)
        for number in 0...1 { #expect(cache.find(token(number), now: now).value == number) }
        let events = cache.insert(2, expiry: nil, for: token(2), now: now + 11)
        #expect(evictions(events) == [.expired])
        #expect(cache.find(token(1), now: now + 11).value == 1)
        #expect(cache.find(token(2), now: now + 11).value == 2)
    }

    @Test func `a token that is there already is kept once`() {
        var cache = TokenCache<Int>(entriesMax: 2)
        _ = cache.insert(0, expiry: nil, for: token(0), now: now)
        #expect(cache.insert(1, expiry: nil, for: token(0), now: now).isEmpty)
        #expect(cache.find(token(0), now: now).value == 0)
        #expect(cache.count == 1 && cache.bytes == token(0).count)
    }

    @Test func `a thousand tokens never take more than the maximum`() {
        var cache = TokenCache<Int>(entriesMax: 10)
        for number in 0..<1000 {
            _ = cache.insert(number, expiry: nil, for: token(number), now: now)
            if number % 3 == 0 { #expect(cache.find(token(number), now: now).value == number) }
            #expect(cache.count <= 10)
        }
    }

    @Test func `a token longer than is kept is not kept`() {
        var cache = TokenCache<Int>(entriesMax: 10)
        let long = [UInt8](repeating: 0x41, count: TokenCache<Int>.tokenBytesMax + 1)
        #expect(cache.insert(1, expiry: nil, for: long[...], now: now).isEmpty)
        #expect(cache.find(long[...], now: now).value == nil)
    }

    @Test func `with no room allowed nothing is kept`() {
        var cache = TokenCache<Int>(entriesMax: 0)
        #expect(cache.insert(0, expiry: nil, for: token(0), now: now).isEmpty)
        #expect(cache.find(token(0), now: now).value == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Endpoints

private let now = 1_700_000_000

@Suite struct TokenCacheTests {
    private func token(_ number: Int) -> ArraySlice<UInt8> { Array("token \(number)".utf8)[...] }

    @Test func `what was kept is found again until it expires`() {
        var cache = TokenCache<Int>(entriesMax: 2)
        #expect(cache.find(token(0), now: now) == nil)
        cache.insert(7, expiry: now + 30, for: token(0))
        #expect(cache.find(token(0), now: now + 30) == 7)
        #expect(cache.find(token(0), now: now + 31) == nil)
        #expect(cache.count == 0)
    }

    @Test func `when full, what was not used makes room`() {
        var cache = TokenCache<Int>(entriesMax: 2)
        cache.insert(0, expiry: nil, for: token(0))
        cache.insert(1, expiry: nil, for: token(1))
        #expect(cache.find(token(0), now: now) == 0)
        cache.insert(2, expiry: nil, for: token(2))
        #expect(cache.find(token(0), now: now) == 0)
        #expect(cache.find(token(1), now: now) == nil)
        #expect(cache.find(token(2), now: now) == 2)
        #expect(cache.evictions == 1)
    }

    @Test func `a thousand tokens never take more than the maximum`() {
        var cache = TokenCache<Int>(entriesMax: 10)
        for number in 0..<1000 {
            cache.insert(number, expiry: nil, for: token(number))
            if number % 3 == 0 { #expect(cache.find(token(number), now: now) == number) }
            #expect(cache.count <= 10)
        }
    }

    @Test func `a token longer than is kept is not kept`() {
        var cache = TokenCache<Int>(entriesMax: 10)
        let long = [UInt8](repeating: 0x41, count: TokenCache<Int>.tokenBytesMax + 1)
        cache.insert(1, expiry: nil, for: long[...])
        #expect(cache.find(long[...], now: now) == nil)
    }

    @Test func `with no room allowed nothing is kept`() {
        var cache = TokenCache<Int>(entriesMax: 0)
        cache.insert(0, expiry: nil, for: token(0))
        #expect(cache.find(token(0), now: now) == nil)
    }
}

// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import Testing

@testable import Rest

struct RestPlacesTests {
    @Test func `long lists of one loop leave the places of another`() async throws {
        let group = try EventLoopGroup(count: 2)
        group.start(includingFirst: true) { _ in }
        defer { group.stop() }
        let places = RestPlaces(aLoop: 2)
        func take(on loop: EventLoop) async -> RestPlaces.Place? {
            await Task(executorPreference: loop) { try? places.take() }.value
        }
        var held = [await take(on: group.loops[0]), await take(on: group.loops[0])]
        #expect(held.allSatisfy { $0 != nil })
        #expect(await take(on: group.loops[0]) == nil)
        let other = await take(on: group.loops[1])
        #expect(other != nil)
        // Given back from anywhere, a place is free where it was taken.
        held.removeLast()
        #expect(await take(on: group.loops[0]) != nil)
        withExtendedLifetime((held, other)) {}
    }
}

// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import Synchronization

/// How many long lists may be on their way at once on each loop. Each holds one of the loop's
/// sessions for as long as its client takes to read, and others want one too.
package final class RestPlaces: Sendable {
    private let placesALoop: Int
    private let taken = Mutex<[Int: Int]>([:])

    package init(aLoop count: Int) { placesALoop = max(1, count) }

    /// Taken for as long as it is held.
    final class Place: Sendable {
        private let places: RestPlaces
        private let loop: Int

        fileprivate init(_ places: RestPlaces, _ loop: Int) {
            self.places = places
            self.loop = loop
        }

        deinit { places.taken.withLock { [loop] in $0[loop, default: 1] -= 1 } }
    }

    func take() throws(Problem) -> Place {
        let loop = EventLoop.current?.index ?? 0
        let isFree = taken.withLock { taken in
            guard taken[loop, default: 0] < placesALoop else { return false }
            taken[loop, default: 0] += 1
            return true
        }
        guard isFree else { throw .tooManyLists }
        return Place(self, loop)
    }
}

extension Problem {
    static let tooManyLists = Problem(
        .overloaded,
        code: "53300",
        "Too many long lists are being read at once",
        hint: "Try again, or ask for a part of the list with limit and offset.",
        retryAfter: 1
    )
}

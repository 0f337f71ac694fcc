// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import Synchronization

/// How many long lists may be on their way at once. Each holds a session for as long as its client
/// takes to read, and others want one too.
package final class RestPlaces: Sendable {
    private let free: Mutex<Int>

    package init(_ count: Int) { free = Mutex(max(1, count)) }

    /// Taken for as long as it is held.
    final class Place: Sendable {
        private let places: RestPlaces

        fileprivate init(_ places: RestPlaces) { self.places = places }

        deinit { places.free.withLock { $0 += 1 } }
    }

    func take() throws(Problem) -> Place {
        let isTaken = free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
        guard isTaken else { throw .tooManyLists }
        return Place(self)
    }
}

extension Problem {
    fileprivate static let tooManyLists = Problem(
        .overloaded,
        code: "53300",
        "Too many long lists are being read at once",
        hint: "Try again, or ask for a part of the list with limit and offset.",
        retryAfter: 1
    )
}

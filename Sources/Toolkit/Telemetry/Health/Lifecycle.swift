// SPDX-License-Identifier: Apache-2.0

/// Where the process is in its life. A value: facts go in, what changed comes out.
package struct Lifecycle: Equatable, Sendable {
    package enum State: String, EventLabel {
        /// Nothing is served yet. Left by `started`, or by `stopRequested`.
        case starting
        /// All readiness checks pass. Left when one fails, or by `stopRequested`.
        case ready
        /// A readiness check fails: alive, but no place for traffic. Left when all pass.
        case degraded
        /// Told to stop: finishes what it has begun. Left by `stopped` only.
        case draining
        /// Nothing is left to do. Final.
        case stopped
    }

    package enum Fact: Equatable, Sendable {
        case started
        case checked(allPass: Bool)
        case stopRequested
        case stopped
    }

    package private(set) var state = State.starting
    private var hasStarted = false
    private var allPass = true

    package init() {}

    package var isReady: Bool { state == .ready }

    /// Returns the states left and entered, when it was a change.
    package mutating func learn(_ fact: Fact) -> (from: State, to: State)? {
        switch fact {
        case .started: hasStarted = true
        case .checked(let allPass): self.allPass = allPass
        case .stopRequested, .stopped: break
        }
        let next = next(after: fact)
        guard next != state else { return nil }
        defer { state = next }
        return (state, next)
    }

    private func next(after fact: Fact) -> State {
        switch (state, fact) {
        case (.stopped, _), (_, .stopped): .stopped
        case (.draining, _), (_, .stopRequested): .draining
        case (_, .started), (_, .checked):
            hasStarted ? (allPass ? .ready : .degraded) : .starting
        }
    }
}

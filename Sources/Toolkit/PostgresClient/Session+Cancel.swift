// SPDX-License-Identifier: Apache-2.0
import CLibpq
import EventLoop

/// What a session has asked to be cancelled.
@safe struct Cancel {
    /// The server has not taken it yet.
    var request: CancelRequest?
    /// Asks once more: a request that comes before the statement does is lost.
    var again: Timer?
    var settled: UnsafeContinuation<Void, Never>?

    /// Nobody waits for it any more.
    mutating func giveUp() {
        request?.withdraw()
        again?.cancel()
        again = nil
        unsafe settled.take()?.resume()
    }
}

extension Session {
    /// How long a cancelled statement may take to end, and a request to cancel to be taken, before
    /// the connection is given up.
    static let cancelPatience: UInt64 = 5_000_000_000
    private static let cancelPause: UInt64 = 1_000_000_000
    private static let cancelThreads = BlockingPool(name: "cancel", width: 2, waitingMax: 1_024)

    /// Asks the server, over a connection of its own, to stop what it is doing for this one; and
    /// asks again until it has answered.
    func cancelStatement() {
        guard cancel.request == nil, let pointer = unsafe PQgetCancel(connection) else { return }
        let request = unsafe CancelRequest(adopting: pointer)
        cancel.again?.cancel()
        unsafe cancel = Cancel(request: request)
        // A server that takes no request must not keep sessions that were given up because of it.
        Task(executorPreference: loop) { [weak self] in
            try? await Self.cancelThreads.run { request.send() }
            self?.cancelTaken()
        }
    }

    private func cancelTaken() {
        cancel.request = nil
        if let settled = unsafe cancel.settled.take() { return unsafe settled.resume() }
        guard isUsable else { return }
        cancel.again = loop.schedule(at: uptime() &+ Self.cancelPause) { [weak self] in
            self?.cancelStatement()
        }
    }

    /// Waits until the server has taken a request to cancel: later, it would hit whoever has the
    /// session next (libpq §34.7). When it does not, nobody is to have it.
    func settleCancel() async {
        if let again = cancel.again.take() { again.cancel() }
        guard cancel.request != nil else { return }
        let late = loop.schedule(at: uptime() &+ Self.cancelPatience) { [self] in close() }
        unsafe await withUnsafeContinuation { unsafe cancel.settled = $0 }
        late.cancel()
    }
}

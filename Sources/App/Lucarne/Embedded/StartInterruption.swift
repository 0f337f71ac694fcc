// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Dispatch
internal import Glibc
internal import Synchronization

/// A process that is told to stop while it starts, where waiting blocks: what it waits for is
/// ended, again and again, until the start is over.
package final class StartInterruption: Sendable {
    private struct State {
        var isRequested = false
        var isOver = false
        /// Makes the start go on, or fail.
        var end: (@Sendable () -> Void)?
    }

    private static let toldToStop = StartFailure("told to stop while starting")
    private static let endSeconds = 5
    private let state = Mutex(State())

    /// Interrupted by `request` alone.
    package init() {}

    /// Takes these signals, which all threads block, until the start is over.
    package init(by numbers: [Int32]) {
        DispatchQueue(label: "start").async { self.watch(numbers) }
    }

    package var isRequested: Bool { state.withLock(\.isRequested) }

    /// What from now on ends what is waited for; it is called from another thread.
    func ends(_ end: (@Sendable () -> Void)?) { state.withLock { $0.end = end } }

    /// Waits for what blocks until it is done, or the process is told to stop. `end` makes it fail,
    /// or blocks as well where nobody answers, and has `endSeconds` for that.
    func wait<Value: ~Copyable & Sendable>(
        endedBy end: (@Sendable () -> Void)? = nil,
        for body: @escaping @Sendable () throws(StartFailure) -> Value
    ) throws(StartFailure) -> Value {
        let result = LateResult<Value>()
        let isOver = DispatchSemaphore(value: 0)
        let isDone = DispatchSemaphore(value: 0)
        let former = state.withLock(\.end)
        ends {
            isOver.signal()
            end?()
        }
        defer { ends(former) }
        // Who asked before this was there to be called is seen here.
        try check()
        DispatchQueue.global().async {
            result.fill(from: body)
            isDone.signal()
            isOver.signal()
        }
        isOver.wait()
        if end != nil { _ = isDone.wait(timeout: .now() + .seconds(Self.endSeconds)) }
        guard let value = try result.taken() else { throw Self.toldToStop }
        return value
    }

    func check() throws(StartFailure) {
        if isRequested { throw Self.toldToStop }
    }

    /// From here on signals are somebody else's.
    package func finish() { state.withLock { $0.isOver = true } }

    /// Ends what is waited for, unless the start is over.
    func request() {
        let isFirst = state.withLock { state in
            guard !state.isOver, !state.isRequested else { return false }
            state.isRequested = true
            return true
        }
        if isFirst { DispatchQueue(label: "start").async { self.insist() } }
    }

    private func insist() {
        while true {
            let (isOver, end) = state.withLock { ($0.isOver, $0.end) }
            guard !isOver else { return }
            end?()
            usleep(100_000)
        }
    }

    private func watch(_ numbers: [Int32]) {
        var mask = sigset_t()
        _ = unsafe sigemptyset(&mask)
        for number in numbers { _ = unsafe sigaddset(&mask, number) }
        while !state.withLock(\.isOver) {
            var patience = timespec(tv_sec: 0, tv_nsec: 100_000_000)
            guard unsafe sigtimedwait(&mask, nil, &patience) < 0 else { break }
        }
        request()
    }
}

/// What may come when nobody waits for it any more.
private final class LateResult<Value: ~Copyable & Sendable>: Sendable {
    private let result = Mutex<Result<Value, StartFailure>?>(nil)

    func fill(from body: () throws(StartFailure) -> Value) {
        var filled: Result<Value, StartFailure>?
        do throws(StartFailure) { filled = .success(try body()) } catch { filled = .failure(error) }
        result.withLock { $0 = filled.take() }
    }

    /// Nil when it is not there yet.
    func taken() throws(StartFailure) -> Value? {
        guard let result = result.withLock({ $0.take() }) else { return nil }
        return try result.get()
    }
}

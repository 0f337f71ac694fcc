// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A thread of its own, for what may block for long.
///
/// No request waits for what it does, so it keeps no request waiting where processors are scarce:
/// waking up, it takes nobody's processor away, and its share of one is a third of a loop's.
enum BackgroundThread {
    /// What the log's do for a request is a thirtieth of what a loop does.
    private static let niceness: Int32 = 5

    private final class Work: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            _ = unsafe name_this_thread(name)
            blockWriteSignals()
            give_way(BackgroundThread.niceness)
            body()
        }

        /// Once the reader of a pipe is gone, or a file has reached its limit, `write` shall say so
        /// and not kill the process.
        private func blockWriteSignals() {
            var signals = sigset_t()
            unsafe sigemptyset(&signals)
            unsafe sigaddset(&signals, SIGPIPE)
            unsafe sigaddset(&signals, SIGXFSZ)
            _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        }
    }

    /// False when the system has no thread left. What `body` captures lives as long as it runs.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Work(name, body)).toOpaque()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
                return nil
            },
            context
        )
        guard status == 0 else {
            unsafe Unmanaged<Work>.fromOpaque(context).release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

/// Wakes one sleeping thread, from any other.
final class WakeSignal: Sendable {
    private let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    deinit { _ = Glibc.close(descriptor) }

    func raise() { _ = eventfd_write(descriptor, 1) }

    /// Sleeps until it is raised, or so long; says whether it was.
    @discardableResult
    func wait(milliseconds: Int32 = -1) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let status = unsafe poll(&request, 1, milliseconds)
            if status < 0, errno == EINTR { continue }
            guard status > 0 else { return false }
            var count: eventfd_t = 0
            _ = unsafe eventfd_read(descriptor, &count)
            return true
        }
    }
}

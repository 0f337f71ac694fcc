// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Signals as values, through signalfd(2): no code of ours ever runs in a signal context.
///
/// `@unchecked Sendable`: read on its loop's thread only.
@safe package final class Signals: @unchecked Sendable {
    private let registration: Registration
    private let descriptor: Int32

    /// Blocks the signals for this thread and all it starts; call it before any thread is.
    /// SIGPIPE is ignored: a write to a peer that left is an error, not the end.
    package static func block(_ numbers: [Int32]) {
        var mask = set(of: numbers)
        _ = unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
        _ = signal(SIGPIPE, SIG_IGN)
    }

    package init(_ numbers: [Int32], on loop: EventLoop) throws(SocketError) {
        var mask = Self.set(of: numbers)
        let flags = Int32(SFD_CLOEXEC | SFD_NONBLOCK)
        descriptor = unsafe signalfd(-1, &mask, flags)
        guard descriptor >= 0 else { throw .system(errno: errno, call: "signalfd") }
        registration = try loop.register(descriptor)
    }

    deinit { _ = Glibc.close(descriptor) }

    /// The next signal's number; nil after `close()`.
    package func next() async -> Int32? {
        while await registration.wait(.read, deadline: .max) == .ready {
            var signal = signalfd_siginfo()
            let count = unsafe read(descriptor, &signal, MemoryLayout<signalfd_siginfo>.size)
            if count > 0 { return Int32(signal.ssi_signo) }
            registration.isReadable = false
        }
        return nil
    }

    package func close() { registration.cancel() }

    private static func set(of numbers: [Int32]) -> sigset_t {
        var mask = sigset_t()
        _ = unsafe sigemptyset(&mask)
        for number in numbers { _ = unsafe sigaddset(&mask, number) }
        return mask
    }
}

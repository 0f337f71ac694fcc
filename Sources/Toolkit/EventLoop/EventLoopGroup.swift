// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// The process's loops, one a core.
package struct EventLoopGroup: Sendable {
    package let loops: [EventLoop]

    package init(count: Int) throws(SocketError) {
        var loops: [EventLoop] = []
        for index in 0..<max(1, count) { loops.append(try EventLoop(index: index)) }
        self.loops = loops
    }

    /// Cores that this process may run on (sched_getaffinity(2), so cgroup cpusets count).
    package static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Starts a thread for each loop but the first, which the caller's `run()` becomes.
    /// `bind` runs first on each loop's thread.
    package func start(includingFirst: Bool = false, bind: @escaping @Sendable (Int) -> Void) {
        for loop in includingFirst ? loops[...] : loops.dropFirst() {
            Self.startThread(named: "loop-\(loop.index)") {
                bind(loop.index)
                loop.run()
            }
        }
        if !includingFirst { bind(0) }
    }

    package func stop() {
        for loop in loops { loop.stop() }
    }

    /// A detached thread: loops end with the process.
    static func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let name: String
            let body: @Sendable () -> Void

            init(_ name: String, _ body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Box(name, body)).toOpaque()
        let failure = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let box = unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue()
                // Its name in `top -H` and in core files (prctl(2)).
                _ = unsafe name_this_thread(box.name)
                box.body()
                return nil
            },
            box
        )
        precondition(failure == 0, "a thread could not be started")
        pthread_detach(thread)
    }
}

// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// One thread that waits for readiness (epoll) and runs the tasks that prefer it.
///
/// A task started with `executorPreference: loop` stays on the loop's thread, so what the loop
/// owns (sockets, sessions, pools) needs no lock: it is touched from one thread only.
///
/// `@unchecked Sendable`: everything but `inbox` and the atomics belongs to the loop's thread.
@safe package final class EventLoop: TaskExecutor, @unchecked Sendable {
    package let index: Int
    /// Told after each turn how long it ran (nanoseconds).
    package var observe: (@Sendable (_ busy: UInt64) -> Void)?
    /// Told of each beat how late it came (nanoseconds), whatever else there is to do. A loop that
    /// was blocked tells of every beat that it missed: or a second's standstill would be one
    /// observation among ten good ones.
    package var observeBeat: (@Sendable (_ late: UInt64) -> Void)?
    private var turnEnds: [() -> Void] = []

    private let epoll: Int32
    private let wakeup: Int32
    private let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 128)
    private let inbox = Mutex<[UnownedJob]>([])
    private let stopping = Atomic<Bool>(false)

    private var ready: [UnownedJob] = []
    private var running: [UnownedJob] = []
    private var resting: [UnsafeContinuation<Void, Never>] = unsafe []
    private var yielding: [UnsafeContinuation<Void, Never>] = unsafe []
    private var timers = TimerHeap()
    private var registrations: [Registration?] = []
    private var freeSlots: [Int] = []
    private var sweepAt: UInt64 = .max
    private var beatAt = UInt64.max
    /// When the kernel was asked to come back at the latest; 0: at once, or whenever there is
    /// something.
    private var wakeAt: UInt64 = 0
    private var generation: UInt64 = 0

    /// How many jobs a turn runs before it looks at the sockets again.
    private static let jobsPerTurnMax = 2_048
    /// Socket deadlines are looked at no more often than this (nanoseconds).
    private static let sweepInterval: UInt64 = 50_000_000
    private static let beatInterval: UInt64 = 100_000_000

    package init(index: Int) throws(SocketError) {
        self.index = index
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(errno: errno, call: "epoll_create1") }
        wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeup >= 0 else { throw .system(errno: errno, call: "eventfd") }
        var event = unsafe epoll_event(
            events: EPOLLIN.rawValue | EPOLLET.rawValue,
            data: unsafe epoll_data_t(u64: .max)
        )
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event) == 0 else {
            throw .system(errno: errno, call: "epoll_ctl")
        }
    }

    deinit {
        unsafe events.deallocate()
        _ = Glibc.close(epoll)
        _ = Glibc.close(wakeup)
    }

    /// The loop whose thread this is.
    package static var current: EventLoop? { LoopThread.loop }
    package var isCurrent: Bool { EventLoop.current === self }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.append(job)
            return
        }
        let wasEmpty = inbox.withLock {
            $0.append(job)
            return $0.count == 1
        }
        if wasEmpty { wake() }
    }

    /// Runs until `stop()`; the calling thread is the loop's from here on.
    package func run() {
        LoopThread.bind(self)
        if observeBeat != nil { beatAt = uptime() + Self.beatInterval }
        while !stopping.load(ordering: .relaxed) { turn() }
        LoopThread.bind(nil)
    }

    package func stop() {
        stopping.store(true, ordering: .relaxed)
        wake()
    }

    private func wake() { _ = eventfd_write(wakeup, 1) }

    private func turn() {
        let patience = patienceMilliseconds()
        let count = unsafe epoll_wait(epoll, events.baseAddress, Int32(events.count), patience)
        let started = uptime()
        for index in 0..<max(0, Int(count)) { unsafe deliver(events[index]) }
        beat(now: started)
        fireTimers(now: started)
        resumeYielding()
        runJobs()
        // After the jobs: whoever was woken by a byte and waits for the next has a deadline too.
        if started >= sweepAt { sweep(now: started) }
        for end in turnEnds { end() }
        observe?(uptime() - started)
    }

    private func beat(now: UInt64) {
        while beatAt <= now {
            // The kernel waits whole milliseconds: what that adds is nobody's delay.
            observeBeat?(now - min(now, max(beatAt, wakeAt)))
            beatAt += Self.beatInterval
        }
    }

    private func patienceMilliseconds() -> Int32 {
        wakeAt = 0
        guard ready.isEmpty, unsafe yielding.isEmpty else { return 0 }
        let next = min(timers.earliest, sweepAt, beatAt)
        guard next != .max else { return -1 }
        let now = uptime()
        guard next > now else { return 0 }
        let milliseconds = min((next - now + 999_999) / 1_000_000, 60_000)
        wakeAt = now + milliseconds * 1_000_000
        return Int32(milliseconds)
    }

    private func deliver(_ event: epoll_event) {
        let key = unsafe event.data.u64
        guard key != .max else {
            var count: eventfd_t = 0
            _ = unsafe eventfd_read(wakeup, &count)
            return
        }
        let slot = Int(key & 0xFFFF_FFFF)
        // The slot may have been given to another socket earlier in this very batch.
        guard slot < registrations.count, let registration = registrations[slot],
            registration.key == key
        else { return }
        unsafe registration.deliver(event.events)
    }

    private func runJobs() {
        var budget = Self.jobsPerTurnMax
        repeat {
            inbox.withLock {
                if !$0.isEmpty {
                    ready.append(contentsOf: $0)
                    $0.removeAll(keepingCapacity: true)
                }
            }
            swap(&ready, &running)
            budget -= running.count
            let executor = unsafe asUnownedTaskExecutor()
            for job in running { unsafe job.runSynchronously(on: executor) }
            running.removeAll(keepingCapacity: true)
            if ready.isEmpty { resumeResting() }
        } while !ready.isEmpty && budget > 0
    }

    private func resumeResting() {
        guard unsafe !resting.isEmpty else { return }
        for index in unsafe resting.indices { unsafe resting[index].resume() }
        unsafe resting.removeAll(keepingCapacity: true)
    }

    /// Comes back once every task that can go on has had its turn: what they have to ask for is
    /// known then, and can be asked for together. On the loop's thread.
    package func rest() async {
        unsafe await withUnsafeContinuation { unsafe resting.append($0) }
    }

    private func resumeYielding() {
        guard unsafe !yielding.isEmpty else { return }
        let all = unsafe yielding
        unsafe yielding = []
        for index in unsafe all.indices { unsafe all[index].resume() }
    }

    /// Comes back in the loop's next turn, when whoever waits for a socket or a time has been looked
    /// at. `Task.yield` does not do that: it goes on in the same turn. On the loop's thread.
    package func nextTurn() async {
        unsafe await withUnsafeContinuation { unsafe yielding.append($0) }
    }
}

extension EventLoop {
    /// Calls `body` at the end of each turn, when what could run in it has run, for as long as the loop
    /// lives.
    package func atTurnEnds(_ body: @escaping @Sendable () -> Void) {
        perform { self.turnEnds.append(body) }
    }

    /// Starts watching a descriptor, edge-triggered, in both directions.
    package func register(_ descriptor: Int32) throws(SocketError) -> Registration {
        let slot = freeSlots.popLast() ?? registrations.count
        if slot == registrations.count { registrations.append(nil) }
        let registration = Registration(descriptor: descriptor, loop: self, slot: slot)
        let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue
        var event = unsafe epoll_event(
            events: interest | EPOLLET.rawValue,
            data: unsafe epoll_data_t(u64: registration.key)
        )
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            freeSlots.append(slot)
            throw .system(errno: errno, call: "epoll_ctl")
        }
        registrations[slot] = registration
        return registration
    }

    /// Tells a slot's tenants apart, so that a late event finds nobody.
    func nextGeneration() -> UInt64 {
        generation = (generation + 1) & 0x7FFF_FFFF
        return generation
    }

    func deregister(_ registration: Registration) {
        guard registrations[registration.slot] === registration else { return }
        registrations[registration.slot] = nil
        freeSlots.append(registration.slot)
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, registration.descriptor, nil)
    }

    /// Makes sure that the deadline is looked at when it has passed.
    func watch(deadline: UInt64) {
        guard deadline < sweepAt else { return }
        sweepAt = min(sweepAt, max(deadline, uptime() + Self.sweepInterval))
    }

    // Deadlines change with each request and nearly never pass: instead of a heap entry for
    // each, one pass over the sockets when the earliest known deadline may be due.
    private func sweep(now: UInt64) {
        var earliest = UInt64.max
        for case let registration? in registrations {
            earliest = min(earliest, registration.expire(now: now))
        }
        sweepAt = earliest == .max ? .max : max(earliest, now + Self.sweepInterval)
    }
}

extension EventLoop {
    /// Waits on this loop. Returns early, with an error, when the task is cancelled.
    package func sleep(nanoseconds: UInt64) async throws(CancellationError) {
        try await sleep(until: uptime() &+ nanoseconds)
    }

    package func sleep(until due: UInt64) async throws(CancellationError) {
        let timer = Timer(due: due)
        await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                perform {
                    guard !timer.isCancelled.load(ordering: .relaxed) else {
                        return unsafe continuation.resume()
                    }
                    unsafe timer.continuation = continuation
                    self.timers.insert(timer)
                }
            }
        } onCancel: {
            timer.isCancelled.store(true, ordering: .relaxed)
            self.perform { timer.fire() }
        }
        if Task.isCancelled { throw CancellationError() }
    }

    /// Calls `body` on the loop at `due` (uptime nanoseconds) unless the timer is cancelled.
    package func schedule(at due: UInt64, _ body: @escaping () -> Void) -> Timer {
        assert(isCurrent, "timers are made on their loop")
        let timer = Timer(due: due)
        timer.body = body
        timers.insert(timer)
        return timer
    }

    private func fireTimers(now: UInt64) {
        while let timer = timers.popDue(now: now) { timer.fire() }
    }

    /// Runs `body` on the loop's thread: at once when called there.
    package func perform(_ body: @escaping @Sendable () -> Void) {
        if isCurrent { return body() }
        Task(executorPreference: self) { body() }
    }
}

/// Which loop a thread is. Swift has no thread-local variables; POSIX has.
@safe private enum LoopThread {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        _ = unsafe pthread_key_create(&key, nil)
        return key
    }()

    static var loop: EventLoop? {
        guard let pointer = unsafe pthread_getspecific(key) else { return nil }
        return unsafe Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// The loop outlives its binding: `run()` holds it.
    static func bind(_ loop: EventLoop?) {
        let pointer = unsafe loop.map { unsafe Unmanaged.passUnretained($0).toOpaque() }
        _ = unsafe pthread_setspecific(key, pointer)
    }
}

/// Nanoseconds of the machine's uptime: one vDSO call, no `Duration` arithmetic.
package func uptime() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

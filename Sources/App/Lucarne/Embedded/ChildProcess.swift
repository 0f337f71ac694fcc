// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Who a program runs as.
struct ProgramUser: Equatable {
    let name: String
    let uid: uid_t
    let gid: gid_t

    /// PostgreSQL refuses root. Anybody else runs it as themselves: nil.
    static func forPostgres() throws(StartFailure) -> ProgramUser? {
        guard geteuid() == 0 else { return nil }
        for name in ["postgres", "nobody"] {
            if let entry = unsafe getpwnam(name) {
                return unsafe ProgramUser(
                    name: name,
                    uid: entry.pointee.pw_uid,
                    gid: entry.pointee.pw_gid
                )
            }
        }
        throw StartFailure("PostgreSQL does not run as root, and there is no user postgres here")
    }
}

/// A program we started: its output, line by line, and how it ended.
///
/// It is sent SIGINT (for PostgreSQL a fast shutdown) when the thread that started it ends, so
/// whoever starts one stays until it is gone.
struct ChildProcess: ~Copyable {
    let pid: pid_t
    private let output: Int32

    init(
        _ path: String,
        _ arguments: [String],
        as user: ProgramUser?
    ) throws(StartFailure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else {
            throw StartFailure("cannot start \(path): \(Self.reason(errno))")
        }
        let words = unsafe Self.copies(of: [path] + arguments)
        let environment = unsafe Self.copies(of: ["PATH=/usr/bin:/bin", "LC_ALL=C"])
        let child = unsafe spawn_supervised(
            path,
            words,
            environment,
            user?.uid ?? uid_t.max,
            user?.gid ?? gid_t.max,
            ends[1],
            SIGINT
        )
        let failure = errno
        unsafe (words + environment).forEach { unsafe free($0) }
        close(ends[1])
        guard child > 0 else {
            close(ends[0])
            throw StartFailure("cannot start \(path): \(Self.reason(failure))")
        }
        pid = child
        output = ends[0]
    }

    /// C strings with a NULL behind the last, as execve(2) wants them; the caller frees each.
    private static func copies(of texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe []
        for text in texts { unsafe pointers.append(strdup(text)) }
        unsafe pointers.append(nil)
        return unsafe pointers
    }

    deinit { close(output) }

    /// Calls `line` for each line until nobody holds the other end: the program, and what it
    /// started in turn, is gone.
    func readLines(_ line: (String) -> Void) {
        var pending: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(output, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            pending += chunk[..<count]
            while let end = pending.firstIndex(of: 0x0A) {
                line(String(decoding: pending[..<end], as: UTF8.self))
                pending.removeSubrange(...end)
            }
            // Nobody ends a line for us: a limit keeps what we hold small.
            if pending.count > 64 << 10 { pending.removeAll() }
        }
        if !pending.isEmpty { line(String(decoding: pending, as: UTF8.self)) }
    }

    /// Waits for its end; the exit code, or -1 when a signal ended it.
    func wait() -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return exit_status(status)
    }

    private static func reason(_ number: Int32) -> String {
        unsafe String(cString: strerror(number))
    }
}

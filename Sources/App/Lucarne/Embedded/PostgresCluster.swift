// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// The files of an embedded PostgreSQL: where they are, whose they are, and that nobody else is
/// using them. Holding one is holding its lock.
struct PostgresCluster: ~Copyable {
    let directory: String
    let socketDirectory: String
    let user: ProgramUser?
    let binaries: PostgresBinaries
    private let lock: Int32

    init(dataDirectory: String, binaries configured: String?) throws(StartFailure) {
        let user = try ProgramUser.forPostgres()
        let cluster = dataDirectory + "/postgres"
        let sockets = Self.socketDirectory(for: dataDirectory)
        try Self.make(dataDirectory)
        try Self.checkReachable(dataDirectory, by: user)
        let binaries = try PostgresBinaries.find(
            configured: configured,
            clusterVersion: try? Files.readText(cluster + "/PG_VERSION").trimmed,
            path: SettingEnvironment.current()["PATH"] ?? ""
        )
        try Self.makePrivate(sockets, owner: user)
        lock = try Self.takeLock(dataDirectory)
        directory = cluster
        socketDirectory = sockets
        self.user = user
        self.binaries = binaries
    }

    deinit { close(lock) }

    /// A socket's path has at most 107 bytes (unix(7)), and PostgreSQL's name in it takes 18.
    static func socketDirectory(for dataDirectory: String) -> String {
        let path = dataDirectory + "/socket"
        guard path.utf8.count > 88 else { return path }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in dataDirectory.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return "/tmp/lucarne-" + String(hash, radix: 16)
    }

    private static func make(_ dataDirectory: String) throws(StartFailure) {
        do throws(FileFailure) {
            try Files.makeDirectory(dataDirectory, mode: 0o755)
        } catch {
            throw StartFailure("data-directory: cannot make \(error)")
        }
        guard Files.isWritable(dataDirectory) else {
            throw StartFailure("data-directory: \(dataDirectory) is not writable")
        }
    }

    /// Running as root, every directory above must let the other user through.
    private static func checkReachable(
        _ dataDirectory: String,
        by user: ProgramUser?
    ) throws(StartFailure) {
        guard let user else { return }
        var path = Files.absolute(dataDirectory)
        while !path.isEmpty {
            var status = stat()
            let mode: mode_t = unsafe stat(path, &status) == 0 ? status.st_mode : 0o111
            guard mode & 0o001 != 0 || status.st_uid == user.uid else {
                throw StartFailure(
                    "data-directory: \(path) is closed to the user \(user.name), whom PostgreSQL "
                        + "runs as; choose another --data-directory, or: chmod o+x \(path)"
                )
            }
            path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        }
    }

    private static func takeLock(_ dataDirectory: String) throws(StartFailure) -> Int32 {
        let path = dataDirectory + "/lock"
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartFailure(
                "data-directory: cannot open \(FileFailure(path: path, errno: errno))"
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            let owner = (try? Files.readText(path).trimmed) ?? "another process"
            throw StartFailure("data-directory: \(dataDirectory) is in use by process \(owner)")
        }
        let text = Array("\(getpid())\n".utf8)
        _ = ftruncate(descriptor, 0)
        _ = unsafe write(descriptor, text, text.count)
        return descriptor
    }

    /// A directory that only its owner may enter: on the socket, that is all the authentication.
    static func makePrivate(_ path: String, owner: ProgramUser?) throws(StartFailure) {
        do throws(FileFailure) {
            try Files.makeDirectory(path, mode: 0o700)
        } catch {
            throw StartFailure("data-directory: cannot make \(error)")
        }
        if let owner, unsafe lchown(path, owner.uid, owner.gid) != 0 {
            throw StartFailure(
                "data-directory: cannot own \(FileFailure(path: path, errno: errno))"
            )
        }
        var status = stat()
        let expected = owner?.uid ?? geteuid()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == expected, unsafe chmod(path, 0o700) == 0
        else { throw StartFailure("data-directory: \(path) belongs to somebody else") }
    }
}

extension PostgresCluster {
    var isInitialised: Bool { Files.exists(directory + "/PG_VERSION") }

    /// Makes the cluster beside its place and then moves it there: an attempt that was cut off
    /// leaves nothing that looks finished.
    borrowing func initialise(
        _ interruption: StartInterruption = StartInterruption()
    ) throws(StartFailure) {
        let attempt = directory + ".new"
        Self.removeTree(attempt)
        try Self.makePrivate(attempt, owner: user)
        let process = try ChildProcess(
            binaries.initdb,
            [
                "--pgdata", attempt, "--username", "postgres", "--auth-local", "trust",
                "--auth-host", "reject", "--encoding", "UTF8", "--locale", "C.UTF-8",
                "--no-instructions",
            ],
            as: user
        )
        // It and what it started are a process group of their own.
        let group = process.pid
        interruption.ends { kill(-group, SIGINT) }
        defer { interruption.ends(nil) }
        var last = ""
        process.readLines { if !$0.trimmed.isEmpty { last = $0 } }
        guard process.wait() == 0 else { throw StartFailure("initdb failed: \(last)") }
        do throws(FileFailure) {
            let version = Int(try Files.readText(attempt + "/PG_VERSION").trimmed) ?? 0
            let settings = Self.settings + (version >= 14 ? Self.quickRecovery : "")
            try Files.append(attempt + "/postgresql.conf", Array(settings.utf8))
        } catch {
            throw StartFailure("data-directory: cannot write \(error)")
        }
        guard unsafe rename(attempt, directory) == 0 else {
            throw StartFailure("cannot finish \(FileFailure(path: directory, errno: errno))")
        }
    }

    /// What we want otherwise than PostgreSQL's defaults; its owner may change it afterwards.
    private static let settings = """

        # Lucarne's defaults: change them as you like.
        wal_level = logical
        max_wal_senders = 10
        max_replication_slots = 10
        max_connections = 200
        timezone = 'UTC'
        log_timezone = 'UTC'
        log_checkpoints = off

        """

    /// After a crash one syncfs(2) instead of opening every file (§20.12): seconds less until it
    /// serves again.
    private static let quickRecovery = "recovery_init_sync_method = syncfs\n"

    /// Ends a server that outlived the process which started it, and removes what a crash leaves.
    /// We hold the lock, so nobody who matters is using them.
    borrowing func clearLeftovers() {
        let pidFile = directory + "/postmaster.pid"
        if let text = try? Files.readText(pidFile), let line = text.split(separator: "\n").first,
            let pid = pid_t(line.trimmed)
        {
            if Self.isPostgres(pid, in: directory) { Self.end(pid) }
            // The kernel may have given the number to somebody else since: PostgreSQL would
            // believe that it is running.
            Files.remove(pidFile)
        }
        Files.remove(socketDirectory + "/.s.PGSQL.5432")
        Files.remove(socketDirectory + "/.s.PGSQL.5432.lock")
    }

    private static func isPostgres(_ pid: pid_t, in directory: String) -> Bool {
        guard let words = try? Files.readText("/proc/\(pid)/cmdline") else { return false }
        return words.contains("postgres") && words.contains(directory)
    }

    private static func end(_ pid: pid_t) {
        for (number, tenths) in [(SIGINT, 100), (SIGQUIT, 50), (SIGKILL, 20)] {
            kill(pid, number)
            for _ in 0..<tenths {
                if kill(pid, 0) != 0 { return }
                usleep(100_000)
            }
        }
    }

    private static func removeTree(_ path: String) {
        for name in (try? Files.list(path)) ?? [] {
            let child = path + "/" + name
            Files.remove(child)
            if Files.exists(child) { removeTree(child) }
        }
        _ = unsafe rmdir(path)
    }

    /// How the server is started: on its socket alone.
    var serverArguments: [String] {
        [
            "-D", directory, "-k", socketDirectory, "-p", "5432", "-h", "",
            "-c", "unix_socket_permissions=0700", "-c", "logging_collector=off",
            "-c", "log_destination=stderr", "-c", "log_line_prefix=",
        ]
    }
}

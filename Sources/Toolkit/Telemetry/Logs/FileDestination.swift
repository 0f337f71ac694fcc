// SPDX-License-Identifier: Apache-2.0
import CLinux
import Compression
import Glibc
import Synchronization

/// When a file is full, and what becomes of it then.
package struct LogRotation: Sendable, Equatable {
    /// At most so large; a record is never split between two files.
    package var bytesMax = 64 << 20
    /// At most so old; 0: however old.
    package var seconds = 0
    /// So many older files are kept: `<path>.1` is the latest.
    package var keep = 7
    package var compresses = true

    package init(bytesMax: Int = 64 << 20, seconds: Int = 0, keep: Int = 7, compresses: Bool = true)
    {
        self.bytesMax = bytesMax
        self.seconds = seconds
        self.keep = keep
        self.compresses = compresses
    }
}

/// A file that is appended to and, when it is full or old, renamed to `<path>.1` (and made
/// `<path>.1.gz`), the older ones moving up. What somebody else moves away or deletes is begun anew.
/// A record is in it as a whole or not at all.
struct FileDestination: ByteDestination {
    let name = "file"
    let path: String
    let rotation: LogRotation
    private let open = OpenFile()

    private struct State: Sendable {
        var descriptor: Int32 = -1
        var device: dev_t = 0
        var inode: ino_t = 0
        var size = 0
        /// The second in which its first record was written, by the wall's clock.
        var begunAt: UInt64 = 0
    }

    private final class OpenFile: Sendable {
        let state = Mutex(State())

        deinit {
            state.withLock { if $0.descriptor >= 0 { _ = Glibc.close($0.descriptor) } }
        }
    }

    init(path: String, rotation: LogRotation) {
        self.path = path
        self.rotation = rotation
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        open.state.withLock { file in
            var written = 0
            while written < bytes.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                let length = unsafe makeRoom(in: &file, for: rest)
                let part = unsafe UnsafeRawBufferPointer(rebasing: rest[..<length])
                let taken = unsafe append(part, to: &file)
                written += taken
                guard length > 0, taken == length else { break }
            }
            return written
        }
    }

    /// Sees to it that there is a file that takes more; says how much of it.
    private func makeRoom(in file: inout State, for records: UnsafeRawBufferPointer) -> Int {
        if file.descriptor >= 0, !isInPlace(file) { close(&file) }
        if file.descriptor < 0 { reopen(&file) }
        if file.descriptor >= 0, file.size > 0,
            unsafe isOld(file) || fitting(records, in: file) == 0
        {
            rotate(&file)
            reopen(&file)
        }
        guard file.descriptor >= 0 else { return 0 }
        let fitting = unsafe fitting(records, in: file)
        guard fitting == 0 else { return fitting }
        // It could not be renamed: better too large than without these records, and than to try that
        // again for each of them.
        guard file.size == 0 else { return records.count }
        // Larger than a file may be, it has one of its own.
        let end = unsafe records.firstIndex(of: UInt8(ascii: "\n"))
        return end.map { $0 + 1 } ?? records.count
    }

    /// So many bytes of whole records.
    private func fitting(_ records: UnsafeRawBufferPointer, in file: State) -> Int {
        let room = max(0, max(rotation.bytesMax, LogRecord.bytesMax) - file.size)
        guard records.count > room else { return records.count }
        let end = unsafe records[..<room].lastIndex(of: UInt8(ascii: "\n"))
        return end.map { $0 + 1 } ?? 0
    }

    private func append(_ records: UnsafeRawBufferPointer, to file: inout State) -> Int {
        guard file.descriptor >= 0 else { return 0 }
        let written = unsafe DescriptorDestination.write(records, to: file.descriptor)
        file.size += written
        guard written < records.count else { return written }
        // The disk is full: try again with the next batch.
        let newline = unsafe records[..<written].lastIndex(of: UInt8(ascii: "\n"))
        let whole = newline.map { $0 + 1 } ?? 0
        takeBack(written - whole, from: file.descriptor)
        close(&file)
        return whole
    }

    /// Whether the path still leads to the file.
    private func isInPlace(_ file: State) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_ino == file.inode
            && status.st_dev == file.device
    }

    /// Removes the beginning of a record, unless somebody else has written behind it.
    private func takeBack(_ byteCount: Int, from descriptor: Int32) {
        var status = stat()
        let end = lseek(descriptor, 0, SEEK_CUR)
        guard byteCount > 0, unsafe fstat(descriptor, &status) == 0, status.st_size == end else {
            return
        }
        _ = ftruncate(descriptor, end - off_t(byteCount))
    }

    func close() { open.state.withLock { close(&$0) } }

    private func isOld(_ file: State) -> Bool {
        guard rotation.seconds > 0 else { return false }
        // Periods begin at multiples of their length: each day, each hour. So a restart does not
        // put the change of files off.
        let period = UInt64(rotation.seconds)
        return wallNanoseconds() / 1_000_000_000 / period != file.begunAt / period
    }

    private func reopen(_ file: inout State) {
        file.descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard file.descriptor >= 0 else { return }
        var status = stat()
        let isKnown = unsafe fstat(file.descriptor, &status) == 0
        (file.device, file.inode) = (status.st_dev, status.st_ino)
        file.size = isKnown ? Int(status.st_size) : 0
        let now = wallNanoseconds() / 1_000_000_000
        file.begunAt = file.size > 0 ? UInt64(status.st_mtim.tv_sec) : now
        if endsTorn(file.size) { endLine(of: &file) }
    }

    /// Whether whoever wrote last could not finish, nor take back what it had begun.
    private func endsTorn(_ size: Int) -> Bool {
        guard size > 0 else { return false }
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { _ = Glibc.close(descriptor) }
        var last = UInt8(ascii: "\n")
        return unsafe pread(descriptor, &last, 1, off_t(size - 1)) == 1
            && last != UInt8(ascii: "\n")
    }

    private func endLine(of file: inout State) {
        let newline = [UInt8(ascii: "\n")]
        file.size += unsafe newline.withUnsafeBytes {
            unsafe DescriptorDestination.write($0, to: file.descriptor)
        }
        if endsTorn(file.size) { close(&file) }
    }

    private func rotate(_ file: inout State) {
        close(&file)
        guard rotation.keep > 0 else {
            _ = unsafe unlink(path)
            return
        }
        for suffix in ["", ".gz"] {
            _ = unsafe unlink("\(path).\(rotation.keep)\(suffix)")
            for number in stride(from: rotation.keep - 1, to: 0, by: -1) {
                _ = unsafe rename("\(path).\(number)\(suffix)", "\(path).\(number + 1)\(suffix)")
            }
        }
        _ = unsafe rename(path, "\(path).1")
        if rotation.compresses { Self.compress("\(path).1") }
    }

    /// Replaces the file by one in gzip's format; leaves it as it is when that fails.
    private static func compress(_ path: String) {
        let source = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { return }
        defer { _ = Glibc.close(source) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
        let target = unsafe Glibc.open("\(path).part", flags, 0o640)
        guard target >= 0 else { return }
        let isComplete = copy(source, to: target)
        _ = Glibc.close(target)
        if isComplete, unsafe rename("\(path).part", "\(path).gz") == 0 {
            _ = unsafe unlink(path)
        } else {
            _ = unsafe unlink("\(path).part")
        }
    }

    private static func copy(_ source: Int32, to target: Int32) -> Bool {
        let compressor = GzipCompressor()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = unsafe Glibc.read(source, &buffer, buffer.count)
            guard count >= 0 else { return false }
            var made: [UInt8] = []
            compressor.append(
                Array(buffer[..<count]),
                flush: count == 0 ? .finish : .none,
                to: &made
            )
            let written = unsafe made.withUnsafeBytes {
                unsafe DescriptorDestination.write($0, to: target)
            }
            guard written == made.count else { return false }
            if count == 0 { return true }
        }
    }

    private func close(_ file: inout State) {
        if file.descriptor >= 0 { _ = Glibc.close(file.descriptor) }
        file = State()
    }
}

// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// A file that is appended to and, at its maximum size, renamed to `<path>.1`, the older ones
/// moving up. A record is never split between two files.
struct FileDestination: LogDestination {
    let name = "file"
    let path: String
    let bytesMax: Int
    let keep: Int
    private let open: OpenFile

    private final class OpenFile: Sendable {
        let state = Mutex<(descriptor: Int32, size: Int)>((-1, 0))

        deinit {
            state.withLock { if $0.descriptor >= 0 { _ = Glibc.close($0.descriptor) } }
        }
    }

    init(path: String, bytesMax: Int, keep: Int) {
        self.path = path
        self.bytesMax = max(bytesMax, LogRecord.bytesMax)
        self.keep = keep
        open = OpenFile()
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        open.state.withLock { file in
            if file.descriptor >= 0, file.size > 0, file.size + bytes.count > bytesMax {
                rotate(&file)
            }
            if file.descriptor < 0 { reopen(&file) }
            guard file.descriptor >= 0 else { return 0 }
            let written = unsafe DescriptorDestination.write(bytes, to: file.descriptor)
            file.size += written
            // Deleted, or the disk is full: try a fresh file with the next batch.
            if written < bytes.count { close(&file) }
            return written
        }
    }

    private func reopen(_ file: inout (descriptor: Int32, size: Int)) {
        file.descriptor = unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        guard file.descriptor >= 0 else { return }
        var status = stat()
        file.size = unsafe fstat(file.descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    private func rotate(_ file: inout (descriptor: Int32, size: Int)) {
        close(&file)
        guard keep > 0 else {
            _ = unsafe unlink(path)
            return
        }
        for number in stride(from: keep - 1, to: 0, by: -1) {
            _ = unsafe rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        _ = unsafe rename(path, "\(path).1")
    }

    private func close(_ file: inout (descriptor: Int32, size: Int)) {
        if file.descriptor >= 0 { _ = Glibc.close(file.descriptor) }
        file = (-1, 0)
    }
}

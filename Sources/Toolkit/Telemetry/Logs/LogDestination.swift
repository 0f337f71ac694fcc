// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Where a sink's bytes end. Used by the sink's thread only.
protocol LogDestination: Sendable {
    var name: String { get }
    /// How many of the bytes were taken; fewer than given means that it failed.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int
}

/// A descriptor that is written to as it is: standard output, a pipe.
struct DescriptorDestination: LogDestination {
    let name: String
    let descriptor: Int32

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe Self.write(bytes, to: descriptor)
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        var written = 0
        while written < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                written += count
            } else if count < 0, errno == EAGAIN {
                // A terminal shared with another process may be non-blocking.
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&request, 1, 1_000)
            } else if count < 0, errno != EINTR {
                break
            }
        }
        return written
    }
}

/// A consumer inside the process.
struct CustomDestination: LogDestination {
    let name: String
    let take: @Sendable ([UInt8]) -> Bool

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe take(Array(bytes)) ? bytes.count : 0
    }
}

// SPDX-License-Identifier: Apache-2.0
import Glibc

@testable import Lucarne

/// A data directory that goes when the test does.
final class Scratch: Sendable {
    let path = "/tmp/lucarne-setup-\(UInt64.random(in: 0 ... .max))"

    init() { _ = unsafe mkdir(path, 0o755) }

    deinit {
        let words = ["/bin/rm", "-rf", path]
        if let process = try? ChildProcess("/bin/rm", Array(words.dropFirst()), as: nil) {
            process.readLines { _ in }
            _ = process.wait()
        }
    }
}

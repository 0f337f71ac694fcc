// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// What a command says to the person who typed it. Servers log; commands write here.
package enum Terminal {
    package static func write(_ text: String) { put(text, on: STDOUT_FILENO) }
    package static func writeLine(_ text: String) { put(text + "\n", on: STDOUT_FILENO) }

    /// The one line that names what went wrong.
    package static func complain(_ text: String) {
        put("lucarne: \(text)\n", on: STDERR_FILENO)
    }

    private static func put(_ text: String, on descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            // A closed pipe is the reader's choice, not an error of ours.
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

/// Exit codes, as `lucarne help` documents them.
package enum ExitCode {
    package static let success: Int32 = 0
    /// The command ran and the answer is no.
    package static let failure: Int32 = 1
    /// The command line or the configuration is wrong.
    package static let usage: Int32 = 2
}

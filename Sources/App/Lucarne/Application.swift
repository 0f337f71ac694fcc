// SPDX-License-Identifier: Apache-2.0

/// The composition root: what `lucarne serve` starts, and stops again.
package enum Application {
    /// Serves until a signal ends it; the result is the process's exit code.
    package static func serve(_ configuration: Configuration) -> Int32 {
        Terminal.complain("this build cannot serve yet")
        return ExitCode.failure
    }
}

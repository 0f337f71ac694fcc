// SPDX-License-Identifier: Apache-2.0
import Glibc
import Lucarne

@main
struct Main {
    static func main() {
        let code = Commands.run(Array(CommandLine.arguments.dropFirst()))
        // Nothing waits for threads that are inside of libpq or a resolver: what libraries clean up
        // at exit(3) would be gone under them.
        _exit(code)
    }
}

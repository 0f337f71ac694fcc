// SPDX-License-Identifier: Apache-2.0
import Glibc
import Lucarne

@main
struct Main {
    static func main() {
        exit(Commands.run(Array(CommandLine.arguments.dropFirst())))
    }
}

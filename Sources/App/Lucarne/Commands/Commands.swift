// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

/// What `lucarne` does when it is called: one command line in, one exit code out.
package enum Commands {
    package static func run(_ arguments: [String]) -> Int32 {
        do throws(ConfigurationFailure) {
            return try run(Invocation(parsing: arguments))
        } catch {
            Terminal.complain("\(error)")
            return ExitCode.usage
        }
    }

    private static func run(_ invocation: Invocation) throws(ConfigurationFailure) -> Int32 {
        switch invocation.command {
        case .help:
            Terminal.write(Help.text)
            return ExitCode.success
        case .version:
            Terminal.writeLine("lucarne \(Version.current)")
            return ExitCode.success
        case .config:
            let configuration = try Configuration.load(invocation, generatingSecrets: false)
            let isJSON = invocation.options["json"] != nil
            Terminal.write(isJSON ? configuration.reportJSON + "\n" : configuration.reportText)
            return ExitCode.success
        case .token:
            let configuration = try Configuration.load(invocation)
            let token = try TokenCommand.token(
                invocation.options,
                secret: configuration.tokens.secret,
                now: TokenCommand.clock
            )
            Terminal.writeLine(token)
            return ExitCode.success
        case .serve:
            Application.heedSignals()
            let started = uptimeNanoseconds()
            return Application.serve(try Configuration.load(invocation), startedAt: started) {
                () throws(ConfigurationFailure) in try Configuration.load(invocation)
            }
        case .migrate:
            let configuration = try Configuration.load(invocation, generatingSecrets: false)
            let isCheck = invocation.options["check"] != nil
            return MigrateCommand.run(configuration, isCheck: isCheck)
        case .doctor:
            return Doctor.run(try Configuration.load(invocation, generatingSecrets: false))
        case .healthcheck:
            let configuration = try Configuration.load(invocation, generatingSecrets: false)
            return try HealthCheckCommand.run(configuration, invocation.options)
        case .telemetry:
            return try TelemetryCommand.run(invocation)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// Reads the configuration from where it was read first.
package typealias ConfigurationReading =
    @Sendable () throws(ConfigurationFailure) -> Configuration

extension Configuration {
    /// Where the command reads from, so that a test can say something else.
    package struct Surroundings: Sendable {
        package var variables: [String: String]
        /// A file's text; nil when there is none.
        package var readFile: @Sendable (String) throws(ConfigurationFailure) -> String?

        package init(
            variables: [String: String],
            readFile: @escaping @Sendable (String) throws(ConfigurationFailure) -> String?
        ) {
            self.variables = variables
            self.readFile = readFile
        }

        package static var process: Surroundings {
            Surroundings(variables: SettingEnvironment.current()) {
                path throws(ConfigurationFailure) in
                do throws(FileFailure) {
                    return try Files.readText(path)
                } catch {
                    if error.isMissing { return nil }
                    throw ConfigurationFailure("cannot read \(error)")
                }
            }
        }
    }

    /// Flags, environment, PostgREST's variables, the file that was named, `.env.<environment>`, `.env`, defaults.
    ///
    /// `generatingSecrets` lets development make the secret it lacks; a command that only looks
    /// does without.
    package static func load(
        _ invocation: Invocation,
        from surroundings: Surroundings = .process,
        generatingSecrets: Bool = true
    ) throws(ConfigurationFailure) -> Configuration {
        var (values, isLikePostgREST) = try settings(invocation, surroundings)
        if !isLikePostgREST { try generateSecret(&values, mayCreate: generatingSecrets) }
        return try Configuration(reading: values)
    }

    /// Only what is promised: a command that does not serve needs nothing else to be right.
    package static func objectives(
        _ invocation: Invocation,
        from surroundings: Surroundings = .process
    ) throws(ConfigurationFailure) -> [ServiceObjective] {
        try objectives(in: settings(invocation, surroundings).values)
    }

    private static func settings(
        _ invocation: Invocation,
        _ surroundings: Surroundings
    ) throws(ConfigurationFailure) -> (values: SettingValues, isLikePostgREST: Bool) {
        var values = SettingValues()
        for (key, text) in invocation.flags { values.set(key, text, from: .flag) }
        values.fill(from: try SettingEnvironment.read(surroundings.variables))
        let configFile =
            invocation.configFile
            ?? surroundings.variables[SettingEnvironment.configFileVariable]
        let variables = surroundings.variables
        let isLikePostgREST =
            configFile != nil || variables.keys.contains(where: PostgRESTSettings.isVariable)
        if isLikePostgREST {
            var settings = PostgRESTSettings()
            if let configFile { try settings.read(configFile, surroundings) }
            settings.read(variables)
            values.fill(from: try settings.values())
        }
        try fillFromEnvironmentFiles(&values, surroundings)
        values.fillDefaults(likePostgREST: isLikePostgREST)
        return (values, isLikePostgREST)
    }

    private static func fillFromEnvironmentFiles(
        _ values: inout SettingValues,
        _ surroundings: Surroundings
    ) throws(ConfigurationFailure) {
        var common = SettingValues()
        if let text = try surroundings.readFile(".env") {
            common = try SettingFile.parseEnvironment(text, path: ".env")
        }
        let environment =
            values.text(.environment) ?? common.text(.environment)
            ?? DeploymentEnvironment.development.rawValue
        // What is no environment's name is refused later; it must not become a file's name.
        if DeploymentEnvironment(rawValue: environment) != nil {
            let path = ".env." + environment
            if let text = try surroundings.readFile(path) {
                values.fill(from: try SettingFile.parseEnvironment(text, path: path))
            }
        }
        values.fill(from: common)
    }

    private static func generateSecret(
        _ values: inout SettingValues,
        mayCreate: Bool
    ) throws(ConfigurationFailure) {
        guard values.text(.jwtSecret) == nil,
            values.text(.environment) == DeploymentEnvironment.development.rawValue,
            let directory = values.text(.dataDirectory)
        else { return }
        let path = SigningSecret.path(in: directory)
        guard mayCreate || Files.exists(path) else { return }
        let secret = try SigningSecret.generated(in: directory)
        values.set(.jwtSecret, secret, from: .generated(path))
        values.set(.jwtSecretIsBase64, "off", from: .standard)
    }
}

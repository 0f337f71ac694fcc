// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The process's environment, and which of its variables are ours.
package enum SettingEnvironment {
    package static func current() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let line = unsafe String(cString: text)
            if let equals = line.firstIndex(of: "=") {
                variables[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
            unsafe entry += 1
        }
        return variables
    }

    static func read(_ variables: [String: String]) throws(ConfigurationFailure) -> SettingValues {
        var values = SettingValues()
        for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
            try take(name, value, from: .variable(name), into: &values)
        }
        return values
    }

    /// A variable that starts like ours and is none of ours is a typing mistake.
    static func take(
        _ name: String,
        _ value: String,
        from source: SettingSource,
        into values: inout SettingValues
    ) throws(ConfigurationFailure) {
        if let key = keys[name] { return values.set(key, value, from: source) }
        if name.hasPrefix(appPrefix) {
            let setting = "app.settings." + name.dropFirst(appPrefix.count).lowercased()
            return values.setApp(setting, value, from: source)
        }
        guard name.hasPrefix("LUCARNE_"), name != configFileVariable else { return }
        throw ConfigurationFailure(
            "unknown variable \(name) (from \(source))"
                + Suggestion.didYouMean(name, among: Array(keys.keys))
        )
    }

    static let configFileVariable = "LUCARNE_CONFIG_FILE"
    private static let appPrefix = "LUCARNE_REST_APP_SETTINGS_"
    private static let keys = Dictionary(
        uniqueKeysWithValues: SettingKey.allCases.map { ($0.variable, $0) }
    )
}

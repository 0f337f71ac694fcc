// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The configuration in effect: a process may take other settings while it serves.
final class CurrentConfiguration: Sendable {
    private let current: Mutex<Configuration>

    init(_ configuration: Configuration) { current = Mutex(configuration) }

    var value: Configuration {
        get { current.withLock(\.self) }
        set { current.withLock { $0 = newValue } }
    }
}

extension Configuration {
    /// The same with those settings of the other that may change while a process serves.
    func taking(_ other: Configuration) throws(ConfigurationFailure) -> Configuration {
        var changed = values
        changed.replace(with: other.values) { $0.isRereadable }
        return try Configuration(reading: changed)
    }
}

extension SettingKey {
    /// How REST answers, but for what the process is bound to from its start.
    var isRereadable: Bool {
        switch self {
        case .restPath, .restChannel, .restChannelEnabled, .restPreparedStatements: false
        default: rawValue.hasPrefix("rest-") || rawValue.hasPrefix("jwt-")
        }
    }
}

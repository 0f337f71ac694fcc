// SPDX-License-Identifier: Apache-2.0

/// Takes records from any thread and writes them from its own. (Stage one: takes them.)
package final class LogPipeline: Sendable {
    package init(_ configuration: LogConfiguration, identity: ServiceIdentity) {}

    package func isEnabled(_ level: LogLevel, _ module: LogModule) -> Bool { false }

    package func write(
        _ level: LogLevel,
        _ module: LogModule,
        _ message: StaticString,
        event: StaticString? = nil,
        trace: RequestTrace? = nil,
        _ fields: (inout LogRecord) -> Void = { _ in }
    ) {}

    /// Writes what is queued; nothing is accepted afterwards.
    package func close() {}
}

/// A record being written: fields are appended in the order they are given.
package struct LogRecord: ~Copyable {
    package mutating func field(_ key: StaticString, _ value: String) {}
    package mutating func field(_ key: StaticString, _ value: Int) {}
    package mutating func field(_ key: StaticString, _ value: Bool) {}
    /// Milliseconds with three decimals, from nanoseconds.
    package mutating func field(_ key: StaticString, milliseconds nanoseconds: UInt64) {}
}

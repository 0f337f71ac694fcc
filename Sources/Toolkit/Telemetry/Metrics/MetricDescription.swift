// SPDX-License-Identifier: Apache-2.0

/// What a family of series is: its declaration in code is the catalogue.
package struct MetricDescription: Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram, info }

    /// The suffix of the name, and the scale of the integers behind it.
    package enum Unit: String, Sendable {
        case none = ""
        case seconds
        case bytes
        case ratio

        /// Kept in billionths: nanoseconds for seconds.
        var isFractional: Bool { self == .seconds || self == .ratio }
    }

    package enum Stability: String, Sendable { case alpha, stable }

    package var name: String
    package var kind: Kind
    package var unit: Unit
    package var labels: [MetricLabel]
    package var help: String
    /// Upper bounds as exposed: seconds, bytes or a plain number.
    package var buckets: [Double] = []
    package var hasExemplars = false
    /// Prometheus' native histogram beside the classic one. A Prometheus that scrapes native ones
    /// drops the classic buckets of such a family, so every query of it has to ask for both.
    package var isNative = false
    package var layer: String = ""
    package var stability = Stability.stable

    /// Bounds in the integer unit: nanoseconds for seconds.
    var integerBuckets: [UInt64] {
        let scale: Double = unit.isFractional ? 1e9 : 1
        return buckets.map { UInt64(($0 * scale).rounded()) }
    }

    /// Lines one series takes in the text format: what the ceiling counts.
    var linesPerSeries: Int { kind == .histogram ? buckets.count + 3 : 1 }
}

/// A label's name, and its values where they are known when the program compiles.
package struct MetricLabel: Sendable, ExpressibleByStringLiteral {
    package var name: String
    /// None: values appear at run time, below the ceiling.
    package var values: [String]?
    /// The values are what the configuration says, and another one has others.
    package var isConfigured = false

    package init(_ name: String, _ values: [String], isConfigured: Bool = false) {
        self.name = name
        self.values = values
        self.isConfigured = isConfigured
    }

    package init<Label: EventLabel>(_ name: String, _: Label.Type) {
        self.init(name, Label.allCases.map(\.rawValue))
    }

    package init(stringLiteral name: String) { self.name = name }
}

/// The buckets families share.
enum Buckets {
    /// OpenTelemetry's advice for HTTP, and three finer ones: a row by key takes less than 5 ms.
    static let http: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5,
        7.5, 10,
    ]
    static let database: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10,
    ]
    static let inside: [Double] = [
        1e-05, 2.5e-05, 5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1,
        0.5, 1,
    ]
    static let bytes: [Double] = [
        256, 1024, 4096, 16384, 65536, 262_144, 1_048_576, 4_194_304, 16_777_216,
    ]
    static let rows: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]
    static let statements: [Double] = [0, 1, 2, 3, 5, 10, 20, 50, 100]
}

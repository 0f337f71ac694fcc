// SPDX-License-Identifier: Apache-2.0

/// Writes the registry as text: Prometheus 0.0.4, OpenMetrics 1.0 or 2.0.
package struct Exposition {
    private let format: ExpositionFormat
    /// Only traces that can still be opened are pointed at.
    private let isOpenable: (Exemplar) -> Bool
    var bytes: [UInt8] = []

    package static func render(
        _ registry: MetricRegistry,
        as format: ExpositionFormat,
        capacity: Int = 65_536,
        isOpenable: (Exemplar) -> Bool = { _ in true }
    ) -> [UInt8] {
        registry.runRefreshers()
        var rest = Rest(registry)
        return render(&rest, as: format, capacity: capacity, isOpenable)
    }

    /// What is still to be written.
    struct Rest: Sendable {
        fileprivate var families: ArraySlice<MetricFamily>
        /// Of the first family, once it has begun.
        fileprivate var series: ArraySlice<Series>?

        init(_ registry: MetricRegistry) { families = registry.families[...] }

        var isEmpty: Bool { families.isEmpty }
    }

    /// Writes of the rest what comes next, until that is about so many bytes. In protobuf a family
    /// is one message, and so in one piece.
    static func render(
        _ rest: inout Rest,
        as format: ExpositionFormat,
        about bytesWanted: Int = .max,
        capacity: Int,
        _ isOpenable: (Exemplar) -> Bool
    ) -> [UInt8] {
        withoutActuallyEscaping(isOpenable) { isOpenable in
            guard format != .protobuf else {
                var exposition = ProtobufExposition(capacity: capacity, isOpenable: isOpenable)
                while exposition.byteCount < bytesWanted, let family = rest.families.popFirst() {
                    exposition.append(family)
                }
                return exposition.bytes
            }
            var exposition = Exposition(format: format, isOpenable: isOpenable)
            exposition.bytes.reserveCapacity(capacity)
            while exposition.bytes.count < bytesWanted, !rest.isEmpty {
                exposition.append(&rest, until: bytesWanted)
            }
            if rest.isEmpty, format != .text { exposition.append("# EOF\n") }
            return exposition.bytes
        }
    }

    private mutating func append(_ rest: inout Rest, until bytesWanted: Int) {
        guard let family = rest.families.first else { return }
        let names = Names(family.description, format: format)
        var series = rest.series ?? family.series[...]
        if rest.series == nil, !series.isEmpty { appendHead(family.description, names) }
        while bytes.count < bytesWanted, let next = series.popFirst() {
            append(next, of: family, names)
        }
        rest.series = series
        guard series.isEmpty else { return }
        rest.series = nil
        rest.families.removeFirst()
    }

    private mutating func append(_ series: Series, of family: MetricFamily, _ names: Names) {
        switch family.description.kind {
        case .counter:
            let value = series.cell.sum()
            appendSample(names.sample, series.labels) { $0.appendValue(value, family) }
        case .gauge:
            let value = Int64(bitPattern: series.cell.sum())
            appendSample(names.sample, series.labels) { $0.appendSigned(value, family) }
        case .info:
            appendSample(names.sample, series.labels) { $0.append("1") }
        case .histogram:
            guard let layout = family.layout else { return }
            let reading = HistogramReading(series, layout)
            if format == .openmetrics2 {
                append(reading, series, of: family, composite: names.sample)
            } else {
                append(reading, series, of: family, names)
            }
        }
    }

    private mutating func appendHead(_ description: MetricDescription, _ names: Names) {
        // OpenMetrics: TYPE, UNIT, HELP; one of each.
        let isOpenMetrics = format != .text
        if !isOpenMetrics { appendHelp(description, names) }
        append("# TYPE ")
        bytes.append(contentsOf: names.family)
        bytes.append(UInt8(ascii: " "))
        let isInfo = description.kind == .info && !isOpenMetrics
        append(isInfo ? "gauge" : description.kind.rawValue)
        bytes.append(UInt8(ascii: "\n"))
        guard isOpenMetrics else { return }
        if description.unit != .none {
            append("# UNIT ")
            bytes.append(contentsOf: names.family)
            append(" " + description.unit.rawValue + "\n")
        }
        appendHelp(description, names)
    }

    private mutating func appendHelp(_ description: MetricDescription, _ names: Names) {
        append("# HELP ")
        bytes.append(contentsOf: names.family)
        bytes.append(UInt8(ascii: " "))
        // OpenMetrics escapes quotes in HELP as well; none of ours has any.
        Self.appendEscaped(description.help, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func appendSample(
        _ name: [UInt8],
        _ labels: [UInt8],
        _ value: (inout Exposition) -> Void
    ) {
        bytes.append(contentsOf: name)
        if !labels.isEmpty {
            bytes.append(UInt8(ascii: "{"))
            bytes.append(contentsOf: labels)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: " "))
        value(&self)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func append(
        _ reading: HistogramReading,
        _ series: Series,
        of family: MetricFamily,
        _ names: Names
    ) {
        var head = names.bucket
        head.append(UInt8(ascii: "{"))
        head.append(contentsOf: series.labels)
        if !series.labels.isEmpty { head.append(UInt8(ascii: ",")) }
        head.append(contentsOf: Self.lessOrEqual)
        let exemplars = format == .openmetrics ? reading.exemplars : nil
        let bounds = family.boundTexts
        var count: UInt64 = 0
        for position in 0...bounds.count {
            count &+= reading.buckets[position]
            bytes.append(contentsOf: head)
            bytes.append(contentsOf: position < bounds.count ? bounds[position] : Self.infinity)
            bytes.append(contentsOf: Self.endOfLabels)
            Self.append(count, to: &bytes)
            if let exemplar = exemplars?[position], isOpenable(exemplar) {
                append(exemplar, family)
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        appendSample(names.sum, series.labels) { $0.appendValue(reading.sum, family) }
        appendSample(names.count, series.labels) { Self.append(count, to: &$0.bytes) }
    }

    /// One value for the whole histogram, both kinds of buckets in it (OpenMetrics 2.0,
    /// "CompositeValue").
    private mutating func append(
        _ reading: HistogramReading,
        _ series: Series,
        of family: MetricFamily,
        composite name: [UInt8]
    ) {
        appendSample(name, series.labels) { exposition in
            exposition.append("{count:\(reading.count),sum:")
            exposition.appendValue(reading.sum, family)
            if let native = reading.native { exposition.append(native) }
            exposition.append(",bucket:[")
            var count: UInt64 = 0
            for (position, bound) in (family.boundTexts + [Self.infinity]).enumerated() {
                count &+= reading.buckets[position]
                if position > 0 { exposition.bytes.append(UInt8(ascii: ",")) }
                exposition.bytes.append(contentsOf: bound)
                exposition.bytes.append(UInt8(ascii: ":"))
                Self.append(count, to: &exposition.bytes)
            }
            exposition.append("]}")
            for case let exemplar? in reading.exemplars ?? []
            where exposition.isOpenable(exemplar) {
                exposition.append(exemplar, family)
            }
        }
    }

    private mutating func append(_ native: NativeReading) {
        append(",schema:\(native.schema),zero_threshold:\(NativeBuckets.zeroThreshold)")
        append(",zero_count:\(native.zeroCount)")
        guard !native.runs.isEmpty else { return }
        let runs = native.runs.map { "\($0.offset):\($0.length)" }.joined(separator: ",")
        let counts = native.counts.map(String.init).joined(separator: ",")
        append(",positive_spans:[\(runs)],positive_buckets:[\(counts)]")
    }

    private mutating func append(_ exemplar: Exemplar, _ family: MetricFamily) {
        append(" # {trace_id=\"")
        bytes.append(contentsOf: exemplar.traceID)
        append("\"} ")
        appendValue(exemplar.value, family)
        bytes.append(UInt8(ascii: " "))
        Self.appendSeconds(exemplar.wallMilliseconds * 1_000_000, to: &bytes)
    }

    private mutating func appendValue(_ value: UInt64, _ family: MetricFamily) {
        if family.description.unit.isFractional {
            Self.appendSeconds(value, to: &bytes)
        } else {
            Self.append(value, to: &bytes)
        }
    }

    private mutating func appendSigned(_ value: Int64, _ family: MetricFamily) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        appendValue(value.magnitude, family)
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private static let lessOrEqual = Array("le=\"".utf8)
    private static let infinity = Array("+Inf".utf8)
    private static let endOfLabels = Array("\"} ".utf8)
}

/// A family's names in a format: in OpenMetrics 1.0 a counter's family has no `_total`.
private struct Names {
    var family: [UInt8]
    var sample: [UInt8]
    var bucket: [UInt8]
    var sum: [UInt8]
    var count: [UInt8]

    init(_ description: MetricDescription, format: ExpositionFormat) {
        var family = description.name
        if format == .openmetrics {
            if description.kind == .counter { family = String(family.dropLast("_total".count)) }
            if description.kind == .info { family = String(family.dropLast("_info".count)) }
        }
        self.family = Array(family.utf8)
        sample = Array(description.name.utf8)
        bucket = Array("\(description.name)_bucket".utf8)
        sum = Array("\(description.name)_sum".utf8)
        count = Array("\(description.name)_count".utf8)
    }
}

extension Exposition {
    static func labels(_ labels: [MetricLabel], _ values: [String]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (label, value) in zip(labels, values) {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: label.name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            appendEscaped(value, quotes: true, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        return bytes
    }

    private static func appendEscaped(
        _ text: String,
        quotes: Bool = false,
        to bytes: inout [UInt8]
    ) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\"#.utf8)
            case UInt8(ascii: "\n"): bytes.append(contentsOf: #"\n"#.utf8)
            case UInt8(ascii: "\"") where quotes: bytes.append(contentsOf: #"\""#.utf8)
            default: bytes.append(byte)
            }
        }
    }

    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        Decimal.append(value, to: &bytes)
    }

    /// Nanoseconds as seconds, exactly, without trailing zeros.
    static func appendSeconds(_ nanoseconds: UInt64, to bytes: inout [UInt8]) {
        let (whole, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        Decimal.append(whole, to: &bytes)
        guard fraction != 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var rest = fraction
        var divisor: UInt64 = 100_000_000
        while rest != 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }
}

/// Integers in decimal, without a `String` between.
enum Decimal {
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        if value < 10 { return bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var position = 20
        var rest = value
        while rest != 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            position -= 1
            digits[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        for index in position..<20 { bytes.append(digits[index]) }
    }
}

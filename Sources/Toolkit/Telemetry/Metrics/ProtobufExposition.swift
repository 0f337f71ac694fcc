// SPDX-License-Identifier: Apache-2.0

/// Writes the registry as `io.prometheus.client.MetricFamily` messages, each behind its length:
/// the only format in which Prometheus takes native histograms. The numbers are those of
/// `metrics.proto` in prometheus/client_model.
struct ProtobufExposition {
    private let isOpenable: (Exemplar) -> Bool
    private var output = ProtobufBytes()
    // Messages within messages are written apart first: their length comes before them.
    private var family = ProtobufBytes()
    private var metric = ProtobufBytes()
    private var value = ProtobufBytes()
    private var part = ProtobufBytes()

    init(capacity: Int, isOpenable: @escaping (Exemplar) -> Bool) {
        self.isOpenable = isOpenable
        output.reserve(capacity)
    }

    var bytes: [UInt8] { output.bytes }
    var byteCount: Int { output.bytes.count }

    mutating func append(_ source: MetricFamily) {
        let series = source.series
        guard !series.isEmpty else { return }
        let description = source.description
        family.clear()
        family.field(1, description.name)
        family.field(2, description.help)
        family.field(3, description.kind.protobufType)
        for series in series {
            metric.clear()
            for (label, value) in zip(description.labels, series.values) {
                appendLabel(label.name, value)
            }
            append(series, of: source)
            family.field(4, metric)
        }
        if description.unit != .none { family.field(5, description.unit.rawValue) }
        output.append(delimited: family.bytes)
    }

    private mutating func appendLabel(_ name: String, _ text: String) {
        part.clear()
        part.field(1, name)
        part.field(2, text)
        metric.field(1, part)
    }

    private mutating func append(_ series: Series, of family: MetricFamily) {
        value.clear()
        let unit = family.description.unit
        switch family.description.kind {
        case .counter:
            value.field(1, unit.value(series.cell.sum()))
            metric.field(3, value)
        case .gauge:
            value.field(1, unit.signedValue(Int64(bitPattern: series.cell.sum())))
            metric.field(2, value)
        case .info:
            value.field(1, 1.0)
            metric.field(2, value)
        case .histogram:
            guard let layout = family.layout else { return }
            append(HistogramReading(series, layout), family.description)
            metric.field(7, value)
        }
    }

    private mutating func append(
        _ reading: HistogramReading,
        _ description: MetricDescription
    ) {
        value.field(1, reading.count)
        value.field(2, description.unit.value(reading.sum))
        let exemplars = reading.exemplars
        let bounds = description.buckets
        var count: UInt64 = 0
        for position in reading.buckets.indices {
            count &+= reading.buckets[position]
            let isLast = position == bounds.count
            let bound = isLast ? .infinity : bounds[position]
            guard let exemplar = exemplars?[position], isOpenable(exemplar) else {
                value.field(3, first: count, second: bound)
                continue
            }
            part.clear()
            part.field(1, count)
            part.field(2, bound)
            part.field(3, message(exemplar, description.unit))
            value.field(3, part)
        }
        if let native = reading.native { append(native) }
    }

    private mutating func append(_ native: NativeReading) {
        value.field(5, zigzag: native.schema)
        value.field(6, NativeBuckets.zeroThreshold)
        value.field(7, native.zeroCount)
        for run in native.runs {
            part.clear()
            part.field(1, zigzag: run.offset)
            part.field(2, UInt64(run.length))
            value.field(12, part)
        }
        var previous = 0
        for count in native.counts {
            value.field(13, zigzag: Int(count) - previous)
            previous = Int(count)
        }
    }

    private func message(
        _ exemplar: Exemplar,
        _ unit: MetricDescription.Unit
    ) -> ProtobufBytes {
        var label = ProtobufBytes()
        label.field(1, "trace_id")
        label.field(2, exemplar.traceID)
        var timestamp = ProtobufBytes()
        let (seconds, milliseconds) = exemplar.wallMilliseconds.quotientAndRemainder(
            dividingBy: 1_000
        )
        timestamp.field(1, seconds)
        timestamp.field(2, milliseconds * 1_000_000)
        var message = ProtobufBytes()
        message.field(1, label)
        message.field(2, unit.value(exemplar.value))
        message.field(3, timestamp)
        return message
    }
}

extension MetricDescription.Kind {
    fileprivate var protobufType: UInt64 {
        switch self {
        case .counter: 0
        // There is no type for what only informs.
        case .gauge, .info: 1
        case .histogram: 4
        }
    }
}

extension MetricDescription.Unit {
    /// Dividing rounds once, as reading the decimal text does: all formats give the same number.
    fileprivate func value(_ integer: UInt64) -> Double {
        isFractional ? Double(integer) / 1e9 : Double(integer)
    }

    fileprivate func signedValue(_ integer: Int64) -> Double {
        let value = value(integer.magnitude)
        return integer < 0 ? -value : value
    }
}

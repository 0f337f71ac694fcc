// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Testing

@testable import Telemetry

/// Each format, read back into the same shape: a name with its labels, and a number.
struct FormatAgreementTests {
    @Test func `all formats say the same of the same moment`() {
        let text = Samples(text: render(sampleRegistry(), .text))
        #expect(text.values.count > 10)
        #expect(Samples(text: render(sampleRegistry(), .openmetrics)).values == text.values)
        let composite = Samples(composite: render(sampleRegistry(), .openmetrics2))
        #expect(composite.values == text.values)
        let protobuf = Samples(protobuf: Exposition.render(sampleRegistry(), as: .protobuf))
        #expect(protobuf.values == text.values)
        #expect(protobuf.natives == composite.natives)
        #expect(protobuf.natives.keys.sorted() == ["app_native_seconds{kind=\"x\"}"])
    }

    @Test func `what the process tells of itself agrees as well`() {
        let telemetry = Telemetry()
        let route = RouteTelemetry(template: "/a/{b}", registry: telemetry.registry)
        for number in 1...500 {
            let start = uptimeNanoseconds() - UInt64(number * number * 3_000)
            let trace = RequestTrace(startedAt: start, context: .restarted(), method: .get)
            trace.route = route
            telemetry.requestStarted(trace)
            telemetry.requestEnded(trace, RequestSummary(status: number % 50 == 0 ? 500 : 200))
        }
        // One rendering for all, since rendering is itself measured.
        telemetry.registry.runRefreshers()
        let families = telemetry.registry
        var texts: [ExpositionFormat: Samples] = [:]
        texts[.text] = Samples(text: render(families, .text))
        texts[.openmetrics] = Samples(text: render(families, .openmetrics))
        texts[.openmetrics2] = Samples(composite: render(families, .openmetrics2))
        texts[.protobuf] = Samples(protobuf: Exposition.render(families, as: .protobuf))
        let moving = { (name: String) in
            ["process_", "lucarne_malloc", "lucarne_cgroup", "lucarne_pressure", "lucarne_cpu"]
                .contains { name.hasPrefix($0) }
        }
        let expected = (texts[.text]?.values ?? [:]).filter { !moving($0.key) }
        #expect(expected.count > 500)
        for (format, samples) in texts {
            let values = samples.values.filter { !moving($0.key) }
            for (name, value) in expected where values[name] != value {
                Issue.record("\(format): \(name) \(String(describing: values[name])) ≠ \(value)")
            }
            #expect(values.count == expected.count, "\(format)")
        }
        #expect(texts[.protobuf]?.natives == texts[.openmetrics2]?.natives)
        let key = texts[.protobuf]?.natives.keys.first {
            $0.contains(#""/a/{b}",http_response_status_code="200""#)
        }
        let native = key.flatMap { texts[.protobuf]?.natives[$0] }
        #expect(native?.counts.reduce(0, +) == 490)
    }

    /// A family with native buckets leaves as those alone; all else as in a scrape.
    @Test func `what is sent as OTLP says the same as a scrape`() throws {
        let registry = sampleRegistry()
        _ = registry.counter("app_nothing_total", "Nothing yet.", labels: ["kind"], layer: "t")
        let (document, _) = try #require(
            MetricsExport.document(registry, ServiceIdentity(), startedAt: 1, now: 2) { _ in true }
        )
        let sent = Samples(otlp: document)
        #expect(!document.compactText.contains("null"))
        let scraped = Samples(protobuf: Exposition.render(registry, as: .protobuf))
        let classic = scraped.values.filter { !$0.key.hasPrefix("app_native_seconds_bucket") }
        #expect(sent.values == classic)
        #expect(sent.exemplars == scraped.exemplars)
        let key = "app_native_seconds{kind=\"x\"}"
        let (own, other) = (try #require(sent.natives[key]), try #require(scraped.natives[key]))
        #expect(own.schema == other.schema && own.zeroCount == other.zeroCount)
        #expect(own.zeroThreshold == other.zeroThreshold)
        #expect(own.occupied == other.occupied)
    }

    @Test func `exemplars have their trace, value and time in every format that has them`() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        for format in [ExpositionFormat.openmetrics, .openmetrics2] {
            #expect(
                render(sampleRegistry(), format).contains(
                    #" # {trace_id="\#(trace)"} 0.25 1700000000.123"#
                ),
                "\(format)"
            )
        }
        let bytes = Exposition.render(sampleRegistry(), as: .protobuf)
        #expect(
            Samples(protobuf: bytes).exemplars == [
                Samples.SeenExemplar(trace: trace, value: 0.25, seconds: 1_700_000_000.123)
            ]
        )
    }
}

/// What a scrape said.
private struct Samples {
    struct Native: Equatable {
        var schema = 0
        var zeroThreshold = 0.0
        var zeroCount: UInt64 = 0
        var spans: [[Int]] = []
        var counts: [Int] = []

        /// Counts by the index that Prometheus gives their bucket, but for empty ones.
        var occupied: [Int: Int] {
            var index = 0
            var rest = counts[...]
            var found: [Int: Int] = [:]
            for span in spans {
                index += span[0]
                for count in rest.prefix(span[1]) {
                    if count > 0 { found[index] = count }
                    index += 1
                }
                rest = rest.dropFirst(span[1])
            }
            return found
        }
    }

    struct SeenExemplar: Equatable {
        var trace: String
        var value: Double
        var seconds: Double
    }

    var values: [String: Double] = [:]
    var natives: [String: Native] = [:]
    var exemplars: [SeenExemplar] = []

    init(text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let (series, rest) = Self.split(line)
            values[series] = rest.split(separator: " ").first.flatMap { Double($0) }
        }
    }

    init(composite text: String) {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let (series, rest) = Self.split(line)
            guard rest.hasPrefix("{"), let end = rest.firstIndex(of: "}") else {
                values[series] = rest.split(separator: " ").first.flatMap { Double($0) }
                continue
            }
            read(rest[rest.index(after: rest.startIndex)..<end], of: series)
        }
    }

    private mutating func read(_ composite: Substring, of series: String) {
        var fields: [Substring: Substring] = [:]
        var rest = composite
        while let colon = rest.firstIndex(of: ":") {
            let name = rest[..<colon]
            rest = rest[rest.index(after: colon)...]
            let isList = rest.hasPrefix("[")
            let end = rest.firstIndex(of: isList ? "]" : ",") ?? rest.endIndex
            fields[name] = isList ? rest[..<end].dropFirst() : rest[..<end]
            rest = rest[end...].drop { $0 == "]" || $0 == "," }
        }
        let pairs = { (text: Substring?) in
            (text ?? "").split(separator: ",").map { $0.split(separator: ":") }
        }
        histogram(
            series,
            count: Double(fields["count"] ?? "") ?? -1,
            sum: Double(fields["sum"] ?? "") ?? -1,
            buckets: pairs(fields["bucket"]).map { ("\($0[0])", Double($0[1]) ?? -1) }
        )
        guard let schema = fields["schema"].flatMap({ Int($0) }) else { return }
        natives[series] = Native(
            schema: schema,
            zeroThreshold: Double(fields["zero_threshold"] ?? "") ?? -1,
            zeroCount: UInt64(fields["zero_count"] ?? "") ?? .max,
            spans: pairs(fields["positive_spans"]).map { $0.map { Int($0) ?? -1 } },
            counts: (fields["positive_buckets"] ?? "").split(separator: ",").map { Int($0) ?? -1 }
        )
    }

    private mutating func histogram(
        _ series: String,
        count: Double,
        sum: Double,
        buckets: [(bound: String, count: Double)]
    ) {
        let name = series.prefix { $0 != "{" }
        let labels = series.dropFirst(name.count).dropFirst().dropLast()
        let braced = labels.isEmpty ? "" : "{\(labels)}"
        values["\(name)_count\(braced)"] = count
        values["\(name)_sum\(braced)"] = sum
        for (bound, count) in buckets {
            let separator = labels.isEmpty ? "" : ","
            values["\(name)_bucket{\(labels)\(separator)le=\"\(bound)\"}"] = count
        }
    }

    /// The series, and what follows the space after it.
    private static func split(_ line: Substring) -> (String, Substring) {
        var isQuoted = false
        var isEscaped = false
        for index in line.indices {
            switch line[index] {
            case "\\" where isQuoted && !isEscaped:
                isEscaped = true
                continue
            case "\"" where !isEscaped: isQuoted.toggle()
            case " " where !isQuoted:
                return (String(line[..<index]), line[line.index(after: index)...])
            default: break
            }
            isEscaped = false
        }
        return (String(line), "")
    }
}

extension Samples {
    init(otlp document: JSONValue) {
        let metrics = document["resourceMetrics"]?[0]?["scopeMetrics"]?[0]?["metrics"]?.array ?? []
        for metric in metrics {
            let name = metric["name"]?.string ?? ""
            for kind in ["sum", "gauge", "histogram", "exponentialHistogram"] {
                for point in metric[kind]?["dataPoints"]?.array ?? [] { read(point, of: name) }
            }
        }
    }

    private mutating func read(_ point: JSONValue, of name: String) {
        let labels = (point["attributes"]?.array ?? []).map { attribute in
            let value = attribute["value"]?["stringValue"]?.string ?? ""
            let escaped = value.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
                .replacing("\"", with: "\\\"")
            return "\(attribute["key"]?.string ?? "")=\"\(escaped)\""
        }.joined(separator: ",")
        let series = labels.isEmpty ? name : "\(name){\(labels)}"
        if let value = point["asInt"]?.string ?? point["asDouble"]?.compactText {
            values[series] = Double(value)
        }
        guard let count = point["count"]?.string.flatMap({ Double($0) }) else { return }
        let bounds = (point["explicitBounds"]?.array ?? []).compactMap { Double($0.compactText) }
        var sum = 0.0
        let buckets = (point["bucketCounts"]?.array ?? []).enumerated().map { position, count in
            sum += Double(count.string ?? "") ?? -1
            return (position < bounds.count ? "\(bounds[position])" : "+Inf", sum)
        }
        histogram(
            series,
            count: count,
            sum: Double(point["sum"]?.compactText ?? "") ?? -1,
            buckets: buckets.map { (bound: $0.0, count: $0.1) }
        )
        for exemplar in point["exemplars"]?.array ?? [] {
            exemplars.append(
                SeenExemplar(
                    trace: exemplar["traceId"]?.string ?? "",
                    value: Double(exemplar["asDouble"]?.compactText ?? "") ?? -1,
                    seconds: (Double(exemplar["timeUnixNano"]?.string ?? "") ?? -1) / 1e6 / 1e3
                )
            )
        }
        guard let scale = point["scale"]?.int else { return }
        let counts = point["positive"]?["bucketCounts"]?.array ?? []
        natives[series] = Native(
            schema: scale,
            zeroThreshold: Double(point["zeroThreshold"]?.compactText ?? "") ?? -1,
            zeroCount: UInt64(point["zeroCount"]?.string ?? "") ?? .max,
            // OTLP counts buckets from their lower bounds.
            spans: [[(point["positive"]?["offset"]?.int ?? 0) + 1, counts.count]],
            counts: counts.map { Int($0.string ?? "") ?? -1 }
        )
    }

    init(protobuf bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = Int(ProtobufFields.varint(&rest))
            let family = ProtobufFields(rest.prefix(length))
            rest = rest.dropFirst(length)
            let name = family.text(1)
            let unitMatches = family.text(5).isEmpty || name.contains(family.text(5))
            precondition(!family.text(2).isEmpty && unitMatches)
            for metric in family.messages(4) { read(metric, of: name) }
        }
    }

    private mutating func read(_ metric: ProtobufFields, of name: String) {
        let labels = metric.messages(1).map { label in
            let value = label.text(2).replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
                .replacing("\"", with: "\\\"")
            return "\(label.text(1))=\"\(value)\""
        }.joined(separator: ",")
        let series = labels.isEmpty ? name : "\(name){\(labels)}"
        if let value = (metric.messages(2) + metric.messages(3)).first {
            values[series] = value.double(1)
        }
        guard let value = metric.messages(7).first else { return }
        histogram(
            series,
            count: Double(value.integers(1).first ?? 0),
            sum: value.double(2),
            buckets: value.messages(3).map { bucket in
                let bound = bucket.double(2)
                return (bound == .infinity ? "+Inf" : "\(bound)", Double(bucket.integers(1)[0]))
            }
        )
        for exemplar in value.messages(3).flatMap({ $0.messages(3) }) {
            let time = exemplar.messages(3)[0]
            exemplars.append(
                SeenExemplar(
                    trace: exemplar.messages(1)[0].text(2),
                    value: exemplar.double(2),
                    seconds: Double(time.integers(1)[0]) + Double(time.integers(2)[0]) / 1e9
                )
            )
        }
        guard !value.integers(5).isEmpty else { return }
        var count = 0
        natives[series] = Native(
            schema: ProtobufFields.unzigzag(value.integers(5)[0]),
            zeroThreshold: value.double(6),
            zeroCount: value.integers(7)[0],
            spans: value.messages(12).map {
                [ProtobufFields.unzigzag($0.integers(1)[0]), Int($0.integers(2)[0])]
            },
            counts: value.integers(13).map {
                count += ProtobufFields.unzigzag($0)
                return count
            }
        )
    }
}

/// A message taken apart.
private struct ProtobufFields {
    private var integers: [UInt64: [UInt64]] = [:]
    private var contents: [UInt64: [ArraySlice<UInt8>]] = [:]

    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let key = Self.varint(&rest)
            switch key & 7 {
            case 0: integers[key >> 3, default: []].append(Self.varint(&rest))
            case 1:
                let bits = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                integers[key >> 3, default: []].append(bits)
                rest = rest.dropFirst(8)
            default:
                let length = Int(Self.varint(&rest))
                contents[key >> 3, default: []].append(rest.prefix(length))
                rest = rest.dropFirst(length)
            }
        }
    }

    static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst() {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        return value
    }

    static func unzigzag(_ value: UInt64) -> Int {
        Int(bitPattern: UInt(value >> 1)) ^ -Int(value & 1)
    }

    func integers(_ number: UInt64) -> [UInt64] { integers[number] ?? [] }
    func double(_ number: UInt64) -> Double { Double(bitPattern: integers(number).first ?? 0) }
    func messages(_ number: UInt64) -> [ProtobufFields] {
        (contents[number] ?? []).map(ProtobufFields.init)
    }
    func text(_ number: UInt64) -> String {
        String(decoding: contents[number]?.first ?? [], as: UTF8.self)
    }
}

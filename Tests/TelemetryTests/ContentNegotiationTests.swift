// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

/// What Prometheus 2.42 sends with `--enable-feature=native-histograms`.
private let prometheus242 =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    + "application/openmetrics-text;version=1.0.0;q=0.8,"
    + "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

private let text = "text/plain; version=0.0.4; charset=utf-8"
private let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
private let protobuf =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

struct ContentNegotiationTests {
    @Test(
        arguments: [
            (nil, .text, text),
            ("", .text, text),
            ("*/*", .text, text),
            ("application/openmetrics-text", .openmetrics, openmetrics),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                    + "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                .openmetrics, openmetrics
            ),
            (
                "text/plain;version=0.0.4;q=0.6, application/openmetrics-text;version=1.0.0;q=0.4",
                .text, text
            ),
            ("application/openmetrics-text; version=9.0.0, text/plain;q=0.2", .text, text),
            ("application/openmetrics-text; version=\"1.0.0\"", .openmetrics, openmetrics),
            (
                "application/openmetrics-text;version=\"1.\\0.0\";q=\"0.5\"", .openmetrics,
                openmetrics
            ),
            ("application/openmetrics-text;x=\",;\\\"\";version=9,text/plain", .text, text),
            ("x/y;a=\"b,application/openmetrics-text", .text, text),
            ("application/openmetrics-text;q=0, */*;q=0.1", .text, text),
            ("application/json;;;,q=", .text, text),
            ("application/openmetrics-text;q=nan", .text, text),
            (prometheus242, .protobuf, protobuf),
            ("text/plain, application/vnd.google.protobuf;encoding=delimited", .text, text),
            (
                "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0",
                .openmetrics, openmetrics
            ),
            (
                "application/openmetrics-text;version=2.0.0;q=0.9,"
                    + "application/openmetrics-text;version=1.0.0;q=0.8",
                .openmetrics2, "application/openmetrics-text; version=2.0.0; charset=utf-8"
            ),
            (
                "application/openmetrics-text;version=0.0.1", .openmetrics,
                "application/openmetrics-text; version=0.0.1; charset=utf-8"
            ),
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8,text/plain;version=0.0.4", .text,
                "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=underscores", .openmetrics,
                openmetrics + "; escaping=underscores"
            ),
            (
                "application/openmetrics-text;version=1.0.0;escaping=\r\nX-Evil: 1", .openmetrics,
                openmetrics
            ),
        ] as [(String?, ExpositionFormat, String)]
    )
    func `the format is the best of what both speak`(
        _ accept: String?,
        _ format: ExpositionFormat,
        _ contentType: String
    ) {
        let offer = ExpositionOffer.negotiated(accept)
        #expect(offer == ExpositionOffer(format: format, contentType: contentType))
    }
}

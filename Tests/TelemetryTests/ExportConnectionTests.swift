// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

struct ExportConnectionTests {
    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(
        arguments: [
            ("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"),
            ("\(chunked)0\r\n", "Trailer: x\r\n"),
            (chunked, "1;\(String(repeating: "x", count: 60_000))\r\nx\r\n"),
        ]
    )
    func `whoever answers without end is left`(_ start: String, _ rest: String) throws {
        let receiver = try HTTPReceiver(endless: rest) { number, _ in
            number == 0 ? HTTPReceiver.accepted : start
        }
        defer { receiver.stop() }
        var connection = ExportConnection(
            try #require(receiver.endpoint),
            timeoutMilliseconds: 1_000
        )
        // Once there is a connection, only the answer can be late.
        #expect(try connection.post([], isCompressed: false).status == 200)
        #expect(throws: ExportConnection.Failure.timedOut) {
            try connection.post([], isCompressed: false)
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

struct NetworkTotalsTests {
    private func text(_ interfaces: (name: String, received: Int, sent: Int)...) -> String {
        let head = ["Inter-| Receive | Transmit", " face |bytes packets |bytes packets"]
        let lines = interfaces.map { name, received, sent in
            "\(name):\(received) 2 0 0 0 0 0 0   \(sent) 2 0 0 0"
        }
        return (head + lines).joined(separator: "\n")
    }

    @Test func `what an interface carried is not forgotten when it leaves`() {
        var totals = NetworkTotals()
        func read(_ text: String) -> [UInt64] {
            totals.read(text)
            return [totals.received, totals.sent]
        }
        #expect(read(text(("    lo", 1_000, 1_000), ("veth1", 500, 70))) == [1_500, 1_070])
        #expect(read(text(("    lo", 1_001, 1_002))) == [1_501, 1_072])
        // Of the same name, but another.
        #expect(read(text(("    lo", 1_001, 1_002), (" veth1", 9, 5))) == [1_510, 1_077])
        // Made anew between two looks.
        #expect(read(text(("    lo", 1_001, 1_002), (" veth1", 4, 6))) == [1_514, 1_078])
    }

    @Test func `nothing is read where nothing is to be read`() {
        var totals = NetworkTotals()
        totals.read("")
        totals.read("a\nb\nc: 1 2\nd")
        #expect(totals.received == 0 && totals.sent == 0)
    }
}

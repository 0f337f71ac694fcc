// SPDX-License-Identifier: Apache-2.0
import Glibc
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

    @Test func `an address that does not answer leaves time for the next`() throws {
        // One waits to be accepted; the kernel leaves whoever comes after it without an answer.
        let (silent, port) = try HTTPReceiver.listen(backlog: 0)
        let receiver = try HTTPReceiver()
        defer {
            close(silent)
            receiver.stop()
        }
        let (first, second) = try unsafe (addresses(port), addresses(receiver.port))
        defer {
            unsafe freeaddrinfo(first)
            unsafe freeaddrinfo(second)
        }
        let waiting = try unsafe ExportConnection.connect(toOneOf: first, .max)
        defer { close(waiting) }
        unsafe first.pointee.ai_next = second
        defer { unsafe first.pointee.ai_next = nil }
        // The machine may stand still for a whole share.
        let connected = (0..<5).lazy.compactMap { _ in
            try? unsafe ExportConnection.connect(
                toOneOf: first,
                uptimeNanoseconds() + 1_000_000_000
            )
        }.first
        close(try #require(connected))
    }

    private func addresses(_ port: UInt16) throws -> UnsafeMutablePointer<addrinfo> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        try #require(unsafe getaddrinfo("127.0.0.1", "\(port)", &hints, &list) == 0)
        return try unsafe #require(list)
    }
}

// SPDX-License-Identifier: Apache-2.0
import Compression
import Glibc
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

/// What collectors do: takes requests on a port of its own and answers each as the test wants.
final class HTTPReceiver: Sendable {
    struct Request: Sendable {
        var path: String
        var head: String
        /// Decompressed.
        var body: [UInt8]

        var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    }

    /// A whole answer, or nothing: the connection is closed.
    typealias Script = @Sendable (_ number: Int, Request) -> String?

    let port: UInt16
    private let listener: Int32
    private let script: Script
    /// Follows every answer but the first, until nobody takes it.
    private let endless: String?
    private let taken = Mutex<[Request]>([])
    private let isStopped = Atomic<Bool>(false)

    static let accepted = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    init(endless: String? = nil, _ script: @escaping Script = { _, _ in accepted }) throws {
        self.script = script
        self.endless = endless
        (listener, port) = try Self.listen(backlog: 16)
        OwnThread.start { [self] in serve() }
    }

    static func listen(backlog: Int32) throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard unsafe bind(descriptor, address, size) == 0,
                    Glibc.listen(descriptor, backlog) == 0
                else { return Int32(-1) }
                return unsafe getsockname(descriptor, address, &size)
            }
        }
        try #require(status == 0)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    var endpoint: ExportEndpoint? { ExportEndpoint("http://127.0.0.1:\(port)") }
    var requests: [Request] { taken.withLock { $0 } }

    func stop() {
        isStopped.store(true, ordering: .relaxed)
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0, !isStopped.load(ordering: .relaxed) else { break }
            OwnThread.start { [self] in
                while answer(connection) {}
                close(connection)
            }
        }
        close(listener)
    }

    private func answer(_ connection: Int32) -> Bool {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while !bytes.contains(end) { guard read(connection, into: &bytes) else { return false } }
        guard let gap = bytes.firstRange(of: end) else { return false }
        let head = String(decoding: bytes[..<gap.lowerBound], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let length =
            lines.first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst("Content-Length: ".count)) } ?? 0
        while bytes.count < gap.upperBound + length {
            guard read(connection, into: &bytes) else { return false }
        }
        var body = Array(bytes[gap.upperBound...])
        if head.contains("Content-Encoding: gzip") {
            body = (try? GzipDecompressor.decompress(body, bytesMax: 1 << 26)) ?? []
        }
        let path = String(lines[0].split(separator: " ")[1])
        let request = Request(path: path, head: head, body: body)
        let number = taken.withLock { taken in
            taken.append(request)
            return taken.count - 1
        }
        guard let answer = script(number, request), send(answer, to: connection) else {
            return false
        }
        guard number > 0, let endless else { return true }
        let many = String(repeating: endless, count: max(1, 65_536 / endless.utf8.count))
        let deadline = uptimeNanoseconds() + 20_000_000_000
        while uptimeNanoseconds() < deadline, send(many, to: connection) {}
        return false
    }

    private func send(_ text: String, to connection: Int32) -> Bool {
        let sent = unsafe Array(text.utf8).withUnsafeBytes {
            unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        return sent == text.utf8.count
    }

    private func read(_ connection: Int32, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(connection, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        bytes.append(contentsOf: buffer[..<count])
        return true
    }
}

/// Waits for what other threads bring about; false when they do not.
func comesTrue(within seconds: UInt64 = 20, _ condition: () -> Bool) -> Bool {
    let deadline = uptimeNanoseconds() + seconds * 1_000_000_000
    while !condition() {
        if uptimeNanoseconds() > deadline { return false }
        usleep(2_000)
    }
    return true
}

/// The rules that OTLP's JSON is most often broken by: ids in hexadecimal, 64-bit integers as
/// strings, enums as integers, no names with underscores.
func brokenOTLPRules(_ value: JSONValue, at path: String = "") -> [String] {
    switch value {
    case .array(let elements): return elements.flatMap { brokenOTLPRules($0, at: path) }
    case .object(let members):
        return members.flatMap { name, value -> [String] in
            let place = "\(path).\(name)"
            var broken = brokenOTLPRules(value, at: place)
            if name.contains("_") { broken.append("\(place): underscore") }
            switch name {
            case "traceId", "spanId", "parentSpanId":
                let digits = name == "traceId" ? 32 : 16
                let text = value.string ?? ""
                if text.count != digits || !text.allSatisfy(\.isHexDigit) {
                    broken.append("\(place): \(value)")
                }
            case "timeUnixNano", "observedTimeUnixNano", "startTimeUnixNano", "endTimeUnixNano",
                "intValue":
                if value.string.flatMap({ Int64($0) }) == nil {
                    broken.append("\(place): \(value)")
                }
            case "kind", "code", "severityNumber":
                if value.int == nil { broken.append("\(place): \(value)") }
            default: break
            }
            return broken
        }
    default: return []
    }
}

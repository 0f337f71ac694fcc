// SPDX-License-Identifier: Apache-2.0
internal import EventLoop
internal import Glibc

/// `lucarne healthcheck`: one GET of /readyz or /livez, for containers that have no other client.
enum HealthCheckCommand {
    static func run(
        _ configuration: Configuration,
        _ options: [String: String]
    ) throws(ConfigurationFailure) -> Int32 {
        let timeout = options["timeout"] ?? "2s"
        let digits = timeout.hasSuffix("s") ? String(timeout.dropLast()) : timeout
        guard let seconds = Int(digits), 1...3600 ~= seconds else {
            throw ConfigurationFailure("--timeout: '\(timeout)' is not a number of seconds")
        }
        let address = configuration.operationsAddress ?? configuration.address
        let isLive = options["live"] != nil
        let (state, path) = isLive ? ("live", "/livez") : ("ready", "/readyz")
        let status = status(of: path, at: address, timeoutSeconds: seconds)
        if status == 200 { return ExitCode.success }
        Terminal.complain(
            "not \(state): \(address) " + (status.map { "answered \($0)" } ?? "did not answer")
        )
        return ExitCode.failure
    }

    /// Nil where nothing came of it in that time, however little comes at once.
    static func status(
        of path: String,
        at address: SocketAddress,
        timeoutSeconds: Int
    ) -> Int? {
        let end = ContinuousClock.now + .seconds(timeoutSeconds)
        let socket = AddressProbe.connect(to: address, timeoutSeconds: timeoutSeconds)
        guard let socket else { return nil }
        defer { close(socket) }
        let request = Array(
            "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8
        )
        guard unsafe write(socket, request, request.count) == request.count else { return nil }
        var answer = [UInt8](repeating: 0, count: 12)
        var filled = 0
        while filled < answer.count {
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else { return nil }
            AddressProbe.limit(SO_RCVTIMEO, of: socket, to: left)
            let room = answer.count - filled
            let count = unsafe answer.withUnsafeMutableBytes { buffer in
                unsafe read(socket, buffer.baseAddress?.advanced(by: filled), room)
            }
            guard count > 0 else { return nil }
            filled += count
        }
        let line = String(decoding: answer, as: UTF8.self)
        return line.hasPrefix("HTTP/1.1 ") ? Int(line.suffix(3)) : nil
    }
}

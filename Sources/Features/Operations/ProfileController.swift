// SPDX-License-Identifier: Apache-2.0
import Compression
import EventLoop
import HTTPServer
import Profiling

/// Where the processor time goes.
struct ProfileController: Sendable {
    /// Reading symbols takes longer than a loop may be kept.
    private let thread = BlockingPool(name: "profile", width: 1, waitingMax: 1)

    private static let secondsMax = 60

    private enum Format: String, CaseIterable {
        /// A line for each stack, for flame graphs.
        case folded
        case pprof
    }

    /// `?seconds=5`, and `&format=pprof` for pprof.
    func record(_ request: Request) async throws(ParameterFailure) -> Response {
        let seconds = try request.number("seconds", in: 1...Self.secondsMax) ?? 5
        let format = try request.choice("format", Format.self) ?? .folded
        do throws(CPUProfile.Failure) {
            let profile = try await CPUProfile.record { await Self.wait(seconds, for: request) }
            let body = try? await thread.run {
                switch format {
                case .folded: Array(profile.folded.utf8)
                case .pprof: Self.gzip(profile.pprof)
                }
            }
            guard let body else {
                return Response(status: 503, problem: "a profile is being read already")
            }
            let type =
                format == .pprof ? "application/octet-stream" : "text/plain; charset=utf-8"
            var response = Response(status: 200, contentType: type, body)
            response.headers.set("X-Profile-Samples", "\(profile.sampleCount)")
            response.headers.set("X-Profile-Lost", "\(profile.lost)")
            return response
        } catch {
            switch error {
            case .busy: return Response(status: 409, problem: "a profile is being taken already")
            case .unsupported: return Response(status: 501, problem: "not on this machine")
            }
        }
    }

    /// A client that leaves does not keep the next one from its profile.
    private static func wait(_ seconds: Int, for request: Request) async {
        let pause = Task { try? await Task.sleep(for: .seconds(seconds)) }
        let number = request.cancellation.onCancel { pause.cancel() }
        _ = await pause.value
        request.cancellation.forget(number)
    }

    private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        GzipCompressor(level: 6).append(bytes, flush: .finish, to: &output)
        return output
    }
}

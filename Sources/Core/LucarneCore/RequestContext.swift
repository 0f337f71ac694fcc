// SPDX-License-Identifier: Apache-2.0
package import EventLoop
package import Telemetry

/// Everything one request carries down through the layers, and nothing it brings back up.
package struct RequestContext: Traceable {
    package var identity: Identity
    /// Uptime nanoseconds after which nobody waits for the answer; `.max` for never.
    package var deadline: UInt64
    package let trace: RequestTrace
    /// Says when the caller has left.
    package let cancellation: Cancellation?

    package init(
        identity: Identity,
        deadline: UInt64 = .max,
        trace: RequestTrace,
        cancellation: Cancellation? = nil
    ) {
        self.identity = identity
        self.deadline = deadline
        self.trace = trace
        self.cancellation = cancellation
    }
}

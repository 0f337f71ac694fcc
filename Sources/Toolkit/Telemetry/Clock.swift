// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Nanoseconds of the machine's uptime: one vDSO call, no `Duration` arithmetic.
package func uptimeNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

extension Duration {
    /// For that clock.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(0, seconds)) * 1_000_000_000 + UInt64(max(0, attoseconds)) / 1_000_000_000
    }
}

/// Nanoseconds since 1970: what logs, exemplars and exported spans are stamped with.
package func wallNanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// What has to be added to an uptime to get a wall time, as of now. Of some attempts, the one that
/// the thread was least interrupted in.
func wallOffsetNanoseconds() -> UInt64 {
    var (offset, least) = (UInt64(0), UInt64.max)
    for _ in 0..<3 where least > 1_000 {
        let before = uptimeNanoseconds()
        let wall = wallNanoseconds()
        let took = uptimeNanoseconds() &- before
        if took < least { (offset, least) = (wall &- before &- took / 2, took) }
    }
    return offset
}

// SPDX-License-Identifier: Apache-2.0

/// The ring as a place where records end.
struct RingDestination: LogDestination {
    let name = "ring"
    let ring: LogRing

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let now = wallNanoseconds()
        var entries: [LogEntry] = []
        var start = 0
        while start < bytes.count,
            let end = unsafe UnsafeRawBufferPointer(rebasing: bytes[start...])
                .firstIndex(of: UInt8(ascii: "\n"))
        {
            let line = unsafe Array(bytes[start..<start + end])
            entries.append(LogEntry(wallNanoseconds: now, line: line))
            start += end + 1
        }
        ring.append(entries)
        return bytes.count
    }
}

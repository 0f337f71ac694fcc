// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The parameters of all statements of an exchange, as libpq wants them: parallel arrays of
/// pointers, lengths, formats. One buffer a session, reused: nothing is allocated once it has
/// grown.
@safe struct ArgumentBuffer {
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var values = unsafe [UnsafePointer<CChar>?]()

    typealias Pointers = (
        Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
    ) -> Int32

    /// Room above this is given back after a large parameter.
    private static let bytesKept = 1 << 16

    /// Text parameters are C strings to libpq, so a NUL would cut them short: refused, in the
    /// server's own words, before anything is sent.
    mutating func load(_ queries: [Query]) throws(PostgresFailure) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.bytesKept)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        for query in queries {
            for parameter in query.parameters { try load(parameter) }
        }
    }

    private mutating func load(_ parameter: Query.Parameter) throws(PostgresFailure) {
        let start = bytes.count
        switch parameter {
        case .null:
            append(offset: -1, length: 0, format: 0)
            return
        case .text(let text): bytes.append(contentsOf: text.utf8)
        case .bytes(let text): bytes.append(contentsOf: text)
        case .binary(let value):
            bytes.append(contentsOf: value)
            append(offset: start, length: value.count, format: 1)
            return
        }
        guard !hasNUL(from: start) else {
            throw .server(
                ServerError(
                    sqlState: "22021",
                    message: "invalid byte sequence for encoding \"UTF8\": 0x00"
                )
            )
        }
        append(offset: start, length: bytes.count - start, format: 0)
        bytes.append(0)
    }

    private func hasNUL(from start: Int) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            let tail = unsafe UnsafeRawBufferPointer(rebasing: buffer[start...])
            guard let base = tail.baseAddress else { return false }
            return unsafe memchr(base, 0, tail.count) != nil
        }
    }

    private mutating func append(offset: Int, length: Int, format: Int32) {
        offsets.append(offset)
        lengths.append(Int32(truncatingIfNeeded: length))
        formats.append(format)
    }

    /// Calls `body` with one statement's share: `count` parameters from the `first` on.
    mutating func withPointers(from first: Int, count: Int, _ body: Pointers) -> Int32 {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe values.removeAll(keepingCapacity: true)
            for index in first..<first + count {
                let offset = offsets[index]
                let start = unsafe buffer.baseAddress.flatMap { base in
                    offset < 0 ? nil : unsafe UnsafeRawPointer(base + offset)
                }
                unsafe values.append(start?.assumingMemoryBound(to: CChar.self))
            }
            return unsafe values.withUnsafeBufferPointer { values in
                unsafe lengths.withUnsafeBufferPointer { lengths in
                    unsafe formats.withUnsafeBufferPointer { formats in
                        unsafe body(
                            Int32(count),
                            values.baseAddress,
                            lengths.baseAddress.map { unsafe $0 + first },
                            formats.baseAddress.map { unsafe $0 + first }
                        )
                    }
                }
            }
        }
    }
}

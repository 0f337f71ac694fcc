// SPDX-License-Identifier: Apache-2.0

/// A statement's parameters as libpq wants them: parallel arrays of pointers, lengths, formats.
/// One buffer a session, reused: nothing is allocated once it has grown.
@safe struct ArgumentBuffer {
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []
    private var values = unsafe [UnsafePointer<CChar>?]()

    typealias Pointers = (
        Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
    ) -> Int32

    mutating func load(_ parameters: [Query.Parameter]) {
        bytes.removeAll(keepingCapacity: bytes.capacity < 1 << 16)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        for parameter in parameters {
            let start = bytes.count
            switch parameter {
            case .null:
                append(offset: -1, length: 0, format: 0)
                continue
            case .text(let text): bytes.append(contentsOf: text.utf8)
            case .bytes(let text): bytes.append(contentsOf: text)
            case .binary(let value):
                bytes.append(contentsOf: value)
                append(offset: start, length: value.count, format: 1)
                bytes.append(0)
                continue
            }
            append(offset: start, length: bytes.count - start, format: 0)
            bytes.append(0)
        }
    }

    private mutating func append(offset: Int, length: Int, format: Int32) {
        offsets.append(offset)
        lengths.append(Int32(truncatingIfNeeded: length))
        formats.append(format)
    }

    mutating func withPointers(_ body: Pointers) -> Int32 {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe values.removeAll(keepingCapacity: true)
            for offset in offsets {
                let start = unsafe buffer.baseAddress.flatMap { base in
                    offset < 0 ? nil : unsafe UnsafeRawPointer(base + offset)
                }
                unsafe values.append(start?.assumingMemoryBound(to: CChar.self))
            }
            return unsafe values.withUnsafeBufferPointer { values in
                unsafe lengths.withUnsafeBufferPointer { lengths in
                    unsafe formats.withUnsafeBufferPointer { formats in
                        unsafe body(
                            Int32(offsets.count),
                            values.baseAddress,
                            lengths.baseAddress,
                            formats.baseAddress
                        )
                    }
                }
            }
        }
    }
}

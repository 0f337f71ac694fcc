// SPDX-License-Identifier: Apache-2.0

/// One statement's parameters as libpq wants them: parallel arrays of pointers and lengths. One
/// buffer a session, reused: nothing is allocated once it has grown.
@safe struct ArgumentBuffer {
    private var values = unsafe [UnsafePointer<CChar>?]()
    private var lengths: [Int32] = []

    typealias Pointers = (
        Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?
    ) -> Int32

    mutating func withPointers(to parameters: Parameters, _ body: Pointers) -> Int32 {
        unsafe parameters.bytes.withUnsafeBufferPointer { buffer in
            unsafe values.removeAll(keepingCapacity: true)
            lengths.removeAll(keepingCapacity: true)
            for entry in parameters.entries {
                let start = unsafe buffer.baseAddress.flatMap { base in
                    entry.offset < 0
                        ? nil : unsafe UnsafeRawPointer(base + Int(entry.offset))
                }
                unsafe values.append(start?.assumingMemoryBound(to: CChar.self))
                lengths.append(entry.length)
            }
            return unsafe values.withUnsafeBufferPointer { values in
                unsafe lengths.withUnsafeBufferPointer { lengths in
                    unsafe body(Int32(values.count), values.baseAddress, lengths.baseAddress)
                }
            }
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
import Compression
import Testing

struct GzipTests {
    private func compress(_ bytes: [UInt8], with compressor: GzipCompressor) -> [UInt8] {
        var output: [UInt8] = []
        compressor.append(bytes, flush: .finish, to: &output)
        return output
    }

    @Test(arguments: [0, 1, 1_000, 16_384, 70_000, 1_000_000])
    func `what was compressed comes back`(count: Int) throws {
        var random = SystemRandomNumberGenerator()
        for bytes in [
            [UInt8](repeating: 7, count: count),
            (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) },
        ] {
            let compressed = compress(bytes, with: GzipCompressor())
            #expect(try GzipDecompressor.decompress(compressed, bytesMax: count) == bytes)
        }
    }

    @Test func `a reset compressor begins a stream of its own`() throws {
        let compressor = GzipCompressor()
        let first = compress([1, 2, 3], with: compressor)
        compressor.reset()
        #expect(compress([1, 2, 3], with: compressor) == first)
    }

    @Test func `flushed bytes can be read before the stream ends`() throws {
        let compressor = GzipCompressor()
        let decompressor = GzipDecompressor(bytesMax: 100)
        var seen: [UInt8] = []
        for word in ["one ", "two ", "three"] {
            var piece: [UInt8] = []
            compressor.append(Array(word.utf8), flush: .sync, to: &piece)
            try decompressor.append(piece, to: &seen)
        }
        #expect(String(decoding: seen, as: UTF8.self) == "one two three")
        #expect(!decompressor.isDone)
    }

    @Test func `a stream may arrive byte by byte`() throws {
        let bytes = Array("hello, hello, hello".utf8)
        let decompressor = GzipDecompressor(bytesMax: 100)
        var output: [UInt8] = []
        for byte in compress(bytes, with: GzipCompressor()) {
            try decompressor.append([byte], to: &output)
        }
        #expect(output == bytes)
        #expect(decompressor.isDone)
    }

    @Test func `small input that claims to be large is cut off`() {
        let bomb = compress([UInt8](repeating: 0, count: 1_000_000), with: GzipCompressor())
        #expect(throws: GzipDecompressor.Malformed.tooLarge) {
            try GzipDecompressor.decompress(bomb, bytesMax: 1_000)
        }
    }

    @Test func `what is not gzip, or not all of it, is refused`() {
        let whole = compress([1, 2, 3], with: GzipCompressor())
        #expect(throws: GzipDecompressor.Malformed.truncated) {
            try GzipDecompressor.decompress(Array(whole.dropLast()), bytesMax: 10)
        }
        #expect(throws: GzipDecompressor.Malformed.content) {
            try GzipDecompressor.decompress([1, 2, 3], bytesMax: 10)
        }
        #expect(throws: GzipDecompressor.Malformed.content) {
            try GzipDecompressor.decompress(whole + [0], bytesMax: 10)
        }
    }
}

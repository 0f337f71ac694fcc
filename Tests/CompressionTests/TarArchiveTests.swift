// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Compression

struct TarArchiveTests {
    @Test func `tar reads what was written`() throws {
        let directory = NSTemporaryDirectory() + "lucarne-tar-\(UInt64.random(in: 0 ... .max))"
        let files = FileManager.default
        try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: directory) }
        var archive = TarArchive(madeAt: 1_700_000_000)
        // Empty, a block exactly, one byte more, and bytes that are no text.
        let contents: [(String, [UInt8])] = [
            ("a/empty", []), ("a/block", Array(repeating: 65, count: 512)),
            ("a/more", Array(repeating: 66, count: 513)), ("b", [0, 255, 10, 0]),
            (String(repeating: "n", count: 100), [1]),
        ]
        for (name, bytes) in contents { try archive.append(bytes, named: name) }
        #expect(throws: TarArchive.NameTooLong.self) {
            try archive.append([], named: String(repeating: "n", count: 101))
        }
        let path = directory + "/archive.tar.gz"
        try Data(archive.finishGzip()).write(to: URL(filePath: path))
        let tar = Process()
        tar.executableURL = URL(filePath: "/usr/bin/env")
        tar.arguments = ["tar", "-xzf", path, "-C", directory]
        try tar.run()
        tar.waitUntilExit()
        #expect(tar.terminationStatus == 0)
        for (name, bytes) in contents {
            #expect(files.contents(atPath: directory + "/" + name).map(Array.init) == bytes)
        }
        let attributes = try files.attributesOfItem(atPath: directory + "/b")
        #expect(
            attributes[.modificationDate] as? Date == Date(timeIntervalSince1970: 1_700_000_000)
        )
    }
}

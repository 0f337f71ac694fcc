// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// Why a file could not be used, with the system's reason.
struct FileFailure: Error, Equatable, CustomStringConvertible {
    let path: String
    let errno: Int32

    var isMissing: Bool { errno == ENOENT }
    var description: String { "\(path): \(unsafe String(cString: strerror(errno)))" }
}

/// The few things we do with files at start, when blocking is no matter.
enum Files {
    static func read(_ path: String) throws(FileFailure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path: path, errno: errno) }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw FileFailure(path: path, errno: errno) }
            if count == 0 { return contents }
            contents += chunk[..<count]
        }
    }

    static func readText(_ path: String) throws(FileFailure) -> String {
        String(decoding: try read(path), as: UTF8.self)
    }

    /// Refuses to replace what is there already. The file has all of its contents, or is not there.
    static func create(_ path: String, _ contents: [UInt8], mode: mode_t) throws(FileFailure) {
        let draft = "\(path).\(UInt64.random(in: 0 ... .max))"
        defer { remove(draft) }
        try write(draft, contents, mode: mode)
        guard unsafe link(draft, path) == 0 else { throw FileFailure(path: path, errno: errno) }
    }

    private static func write(
        _ path: String,
        _ contents: [UInt8],
        mode: mode_t
    ) throws(FileFailure) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileFailure(path: path, errno: errno) }
        defer { close(descriptor) }
        let written = unsafe Glibc.write(descriptor, contents, contents.count)
        guard written == contents.count, fsync(descriptor) == 0 else {
            throw FileFailure(path: path, errno: errno)
        }
    }

    static func append(_ path: String, _ contents: [UInt8]) throws(FileFailure) {
        let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(path: path, errno: errno) }
        defer { close(descriptor) }
        let written = unsafe Glibc.write(descriptor, contents, contents.count)
        guard written == contents.count, fsync(descriptor) == 0 else {
            throw FileFailure(path: path, errno: errno)
        }
    }

    /// Makes the directory and what is missing above it.
    static func makeDirectory(_ path: String, mode: mode_t) throws(FileFailure) {
        if unsafe mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileFailure(path: path, errno: errno)
        }
        try makeDirectory(String(path[..<slash]), mode: 0o755)
        guard unsafe mkdir(path, mode) == 0 || errno == EEXIST else {
            throw FileFailure(path: path, errno: errno)
        }
    }

    /// The names in a directory, sorted.
    static func list(_ path: String) throws(FileFailure) -> [String] {
        guard let directory = unsafe opendir(path) else {
            throw FileFailure(path: path, errno: errno)
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
    static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }
    static func isWritable(_ path: String) -> Bool { unsafe access(path, W_OK) == 0 }

    static func remove(_ path: String) { _ = unsafe unlink(path) }

    /// From the root, links resolved; a path that does not exist yet is joined to where we are.
    static func absolute(_ path: String) -> String {
        if let resolved = unsafe realpath(path, nil) {
            defer { unsafe free(resolved) }
            return unsafe String(cString: resolved)
        }
        if path.hasPrefix("/") { return path }
        guard let here = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(here) }
        return unsafe String(cString: here) + "/" + path
    }
}

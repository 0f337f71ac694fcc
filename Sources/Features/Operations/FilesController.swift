// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding

/// Where dashboards and alerts may be, and how one is read.
package struct ShippedFiles: Sendable {
    package typealias Read = @Sendable (_ path: String) -> [UInt8]?
    package typealias List = @Sendable (_ directory: String) -> [String]

    private let directories: [String]
    private let read: Read
    private let list: List

    /// The first of the directories that has what is looked for counts.
    package init(
        directories: [String],
        read: @escaping Read = { _ in nil },
        list: @escaping List = { _ in [] }
    ) {
        self.directories = directories
        self.read = read
        self.list = list
    }

    func bytes(_ name: String) -> [UInt8]? {
        directories.lazy.compactMap { read("\($0)/\(name)") }.first
    }

    func names(in directory: String) -> [String] {
        let found = directories.lazy.map { list("\($0)/\(directory)") }.first { !$0.isEmpty }
        return (found ?? []).sorted()
    }
}

/// The dashboards and the alerts for these very metrics.
struct FilesController: Sendable {
    let files: ShippedFiles

    func list() -> Response {
        let names = files.names(in: "dashboards").filter(Self.isDashboard)
        return Response(
            .object([("dashboards", .array(names.map { .string("/dashboards/\($0)") }))])
        )
    }

    func dashboard(_ request: Request) -> Response {
        let name = request.pathParameter("name")
        guard Self.isDashboard(name), let bytes = files.bytes("dashboards/\(name)") else {
            return Response(status: 404, problem: "no such dashboard")
        }
        return Response(status: 200, contentType: "application/json", bytes)
    }

    func alerts() -> Response {
        guard let bytes = files.bytes("prometheus/rules/alerts.yml") else {
            return Response(status: 404, problem: "the alerts were not shipped with this program")
        }
        return Response(status: 200, contentType: "application/yaml", bytes)
    }

    /// Nothing that could be a way to another folder.
    private static func isDashboard(_ name: String) -> Bool {
        guard name.hasSuffix(".json"), name.utf8.count <= 80 else { return false }
        return name.dropLast(5).utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

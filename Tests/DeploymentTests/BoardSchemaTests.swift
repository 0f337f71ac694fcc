// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// The boards, held against the types that Grafana generates from its own schema.
@Suite struct BoardSchemaTests {
    private static let boards = Repository.files(in: "dashboards").map {
        "\(Repository.root)/\($0)"
    }

    @Test func `Grafana knows each field of each board, and its value`() throws {
        try #require(Self.boards.count >= 9)
        let run = try Self.look(at: Self.boards)
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    @Test(
        arguments: [
            (#""type": "timeseries""#, #""type": "time series""#, "is no panel"),
            (#""unit": "reqps""#, #""unit": 1"#, "defaults.unit is 1, not str"),
            (#""legendFormat":"#, #""legend":"#, "legend is not known"),
            (#""graphTooltip": 1"#, #""graphTooltip": 3"#, "graph_tooltip is 3"),
            (#""uid": "$datasource""#, #""id": "$datasource""#, "datasource.id is not known"),
        ]
    )
    func `a mistake in a board is found`(right: String, wrong: String, finding: String) throws {
        let board = try Repository.text(of: "dashboards/lucarne-overview.json")
        let mistaken = board.replacingOccurrences(of: right, with: wrong)
        try #require(board != mistaken)
        let file = FileManager.default.temporaryDirectory
            .appending(path: "lucarne-board-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try mistaken.write(to: file, atomically: true, encoding: .utf8)
        let run = try Self.look(at: [file.path])
        #expect(run.status != 0 && (run.output + run.errors).contains(finding), "\(run)")
    }

    private static func look(at files: [String]) throws -> Command {
        let script = "\(Repository.root)/Tests/Clients/boards.py"
        return try Command.run(Repository.python, [script] + files)
    }
}

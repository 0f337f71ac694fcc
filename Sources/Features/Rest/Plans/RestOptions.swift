// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore
import QueryPlanner

/// What can be done with something, answered from the catalog alone.
enum RestOptions {
    static func reply(allowing methods: [String]) -> RestReply {
        RestReply(
            status: 200,
            headers: [
                "Access-Control-Allow-Origin": "*",
                "Allow": methods.joined(separator: ","),
            ]
        )
    }

    static let schemaMethods = ["OPTIONS", "GET", "HEAD"]

    static func methods(of table: Table) -> [String] {
        var methods = ["OPTIONS", "GET", "HEAD"]
        if table.isInsertable { methods.append("POST") }
        if table.isInsertable, table.isUpdatable, !table.primaryKey.isEmpty {
            methods.append("PUT")
        }
        if table.isUpdatable { methods.append("PATCH") }
        if table.isDeletable { methods.append("DELETE") }
        return methods
    }

    static func methods(of routine: Routine) -> [String] {
        routine.volatility == .volatile
            ? ["OPTIONS", "POST"] : ["OPTIONS", "GET", "HEAD", "POST"]
    }
}

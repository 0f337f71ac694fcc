// SPDX-License-Identifier: Apache-2.0

/// Where the machine keeps `initdb` and `postgres`.
struct PostgresBinaries: Equatable {
    let directory: String

    var initdb: String { directory + "/initdb" }
    var postgres: String { directory + "/postgres" }

    /// A directory that was configured; else that of the version which made the cluster; else PATH;
    /// else the newest that Debian's or Red Hat's packages installed.
    static func find(
        configured: String?,
        clusterVersion: String?,
        path: String
    ) throws(StartFailure) -> PostgresBinaries {
        if let configured {
            guard isComplete(configured) else {
                throw StartFailure("postgres-directory: no initdb and postgres in \(configured)")
            }
            return PostgresBinaries(directory: configured)
        }
        if let clusterVersion { return try made(by: clusterVersion, path: path) }
        let candidates = path.split(separator: ":").map(String.init) + installed.map(\.directory)
        guard let directory = candidates.first(where: isComplete) else {
            throw StartFailure(
                "initdb not found: install PostgreSQL (apt-get install postgresql), "
                    + "or set DATABASE_URL to a server that runs already"
            )
        }
        return PostgresBinaries(directory: directory)
    }

    /// A cluster can only be served by the major version that made it.
    private static func made(
        by version: String,
        path: String
    ) throws(StartFailure) -> PostgresBinaries {
        let installed = installed
        let packaged = installed.first { $0.version == version }?.directory
        if let packaged { return PostgresBinaries(directory: packaged) }
        // Of another version are those of the packages; of the rest nobody knows.
        let onPath = path.split(separator: ":").map(String.init).first { directory in
            isComplete(directory) && !installed.contains { $0.directory == directory }
        }
        if let onPath { return PostgresBinaries(directory: onPath) }
        throw StartFailure(
            "the data directory was made by PostgreSQL \(version), which is not installed: "
                + "apt-get install postgresql-\(version), or choose another --data-directory"
        )
    }

    private static func isComplete(_ directory: String) -> Bool {
        Files.isExecutable(directory + "/initdb") && Files.isExecutable(directory + "/postgres")
    }

    /// Newest first.
    private static var installed: [(version: String, directory: String)] {
        let debian = versions(in: "/usr/lib/postgresql", prefix: "")
        let redHat = versions(in: "/usr", prefix: "pgsql-")
        return (debian + redHat).filter { isComplete($0.directory) }
            .sorted { (Int($0.version) ?? 0) > (Int($1.version) ?? 0) }
    }

    private static func versions(
        in directory: String,
        prefix: String
    ) -> [(version: String, directory: String)] {
        let names = (try? Files.list(directory)) ?? []
        return names.filter { $0.hasPrefix(prefix) && Int($0.dropFirst(prefix.count)) != nil }
            .map { (String($0.dropFirst(prefix.count)), "\(directory)/\($0)/bin") }
    }
}

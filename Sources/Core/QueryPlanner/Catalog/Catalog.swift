// SPDX-License-Identifier: Apache-2.0

/// A function of the user that turns rows into bytes of a media type.
package struct MediaConverter: Sendable, Hashable {
    /// The aggregate, or the domain that a function already returns.
    package let function: QualifiedName
    /// The row type that the function takes (or the function that returns the domain); nil for
    /// `anyelement`.
    package let target: QualifiedName?
    /// What the response says it is: `*/*` answers as `application/octet-stream`.
    package let mediaType: MediaType

    package init(function: QualifiedName, target: QualifiedName?, mediaType: MediaType) {
        self.function = function
        self.target = target
        self.mediaType = mediaType
    }
}

/// What introspection found in the exposed schemas. Immutable: a reload makes a new one, and
/// requests in flight keep theirs. Every look-up is a hash look-up, whatever the number of tables.
package final class Catalog: Sendable {
    /// A cast from or to a domain, by which the user decides how a type looks in a request or a
    /// response.
    package struct Cast: Hashable, Sendable {
        package let source: String
        package let target: String

        package init(from source: String, to target: String) {
            self.source = source
            self.target = target
        }
    }

    package struct MediaKey: Hashable, Sendable {
        /// Nil is any relation.
        package let target: QualifiedName?
        package let mediaType: MediaType

        package init(_ target: QualifiedName?, _ mediaType: MediaType) {
            self.target = target
            self.mediaType = mediaType
        }
    }

    package let tables: [QualifiedName: Table]
    /// By source, each list in the order in which an ambiguity names its members. Computed
    /// relationships have replaced the detected ones of the same source and name.
    package let relationships: [QualifiedName: [Relationship]]
    /// By name, overloads with the fewest parameters first.
    package let routines: [QualifiedName: [Routine]]
    /// Function names, already quoted as `regproc` writes them.
    package let representations: [Cast: String]
    package let mediaConverters: [MediaKey: MediaConverter]
    package let timeZones: Set<String>
    /// In the order of the configuration; the first is the default.
    package let exposedSchemas: [String]
    /// By schema and sorted, for hints.
    let tableNames: [String: [String]]
    let routineNames: [String: [String]]
    /// The sources of relationships by the schema that these lead to, through hidden tables too.
    let sources: [String: Set<QualifiedName>]

    /// `relationships` are the detected ones, in both directions; `computedRelationships` override
    /// them. Members of schemas that are not exposed may be among them: they are dropped here.
    package init(
        exposedSchemas: [String],
        tables: [Table] = [],
        relationships: [Relationship] = [],
        computedRelationships: [Relationship] = [],
        routines: [Routine] = [],
        representations: [Cast: String] = [:],
        mediaConverters: [MediaKey: MediaConverter] = [:],
        timeZones: Set<String> = []
    ) {
        let exposed = Set(exposedSchemas)
        self.exposedSchemas = exposedSchemas
        self.tables = Dictionary(
            tables.lazy.filter { exposed.contains($0.name.schema) }.map { ($0.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
        let bySource = Self.overridden(relationships, by: computedRelationships)
            .filter { exposed.contains($0.key.schema) }
        sources = Self.sources(bySource)
        self.relationships = bySource.mapValues { list in
            list.filter { $0.isReachable(within: exposed) }
                .sorted(by: Relationship.isListed(_:before:))
        }
        self.routines = Dictionary(grouping: routines, by: \.name)
            .mapValues { $0.sorted(by: Routine.isListed(_:before:)) }
        tableNames = Self.names(self.tables.keys)
        routineNames = Self.names(self.routines.keys)
        self.representations = representations
        self.mediaConverters = mediaConverters
        self.timeZones = timeZones
    }

    package func table(_ name: QualifiedName) -> Table? { tables[name] }

    private static func sources(
        _ relationships: [QualifiedName: [Relationship]]
    ) -> [String: Set<QualifiedName>] {
        var sources: [String: Set<QualifiedName>] = [:]
        for (source, list) in relationships {
            for relationship in list {
                sources[relationship.target.schema, default: []].insert(source)
            }
        }
        return sources
    }

    private static func names(_ names: some Sequence<QualifiedName>) -> [String: [String]] {
        Dictionary(grouping: names, by: \.schema).mapValues { $0.map(\.name).sorted() }
    }

    /// A computed relationship hides every detected one from the same source to a relation of its
    /// name.
    private static func overridden(
        _ detected: [Relationship],
        by computed: [Relationship]
    ) -> [QualifiedName: [Relationship]] {
        struct Way: Hashable {
            let source: QualifiedName
            let name: QualifiedName
        }
        let ways = Dictionary(
            computed.compactMap { relationship in
                relationship.function.map {
                    (Way(source: relationship.source, name: $0), relationship)
                }
            },
            uniquingKeysWith: { _, last in last }
        )
        let left = detected.filter { ways[Way(source: $0.source, name: $0.target)] == nil }
        return Dictionary(grouping: left + Array(ways.values), by: \.source)
    }
}

extension Relationship {
    fileprivate func isReachable(within exposed: Set<String>) -> Bool {
        if case .manyToMany(let junction) = join, !exposed.contains(junction.table.schema) {
            return false
        }
        return exposed.contains(target.schema)
    }
}

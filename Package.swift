// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // Debug builds, and so all tests, check exclusive access; in release it costs a tenth.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// The commit, from who builds: SwiftPM would keep an old answer of its own. A new one compiles
/// again what is built with it, and nothing beneath.
let revision = (Context.environment["BUILD_REVISION"] ?? "").filter {
    $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0))
}
let revisionSettings: [SwiftSetting] =
    revision.isEmpty ? [] : [.unsafeFlags(["-Xcc", "-DLUCARNE_REVISION=\"\(revision)\""])]

/// A C library of the system, found by pkg-config, installed by apt.
func system(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
    .systemLibrary(
        name: name,
        path: "Sources/System/\(name)",
        pkgConfig: pkgConfig,
        providers: [.apt([apt])]
    )
}

/// A target that lives in `Sources/<group>/<name>`.
func target(
    _ group: String,
    _ name: String,
    on dependencies: [Target.Dependency],
    settings: [SwiftSetting] = []
) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Sources/\(group)/\(name)",
        swiftSettings: strict + settings
    )
}

func tests(_ name: String, on dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: dependencies,
        path: "Tests/\(name)Tests",
        swiftSettings: strict
    )
}

let package = Package(
    name: "lucarne",
    products: [.executable(name: "lucarne", targets: ["LucarneCLI"])],
    targets: [
        system("CLinux", apt: "libc6-dev"),
        system("CLibpq", pkgConfig: "libpq", apt: "libpq-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("COpenSSL", pkgConfig: "libcrypto", apt: "libpq-dev"),
        system("CCrypt", pkgConfig: "libcrypt", apt: "libcrypt-dev"),

        target("Toolkit", "JSONCoding", on: []),
        target("Toolkit", "Cryptography", on: ["COpenSSL", "JSONCoding"]),
        target("Toolkit", "Compression", on: ["CZlib"]),
        target("Toolkit", "Telemetry", on: ["CLinux", "JSONCoding", "Compression"]),
        target("Toolkit", "EventLoop", on: ["CLinux"]),
        target("Toolkit", "Profiling", on: ["CLinux", "Telemetry"]),
        target("Toolkit", "HTTPServer", on: ["CLinux", "EventLoop", "Telemetry", "Compression"]),
        target("Toolkit", "PostgresClient", on: ["CLinux", "CLibpq", "EventLoop", "Telemetry"]),

        target("Core", "LucarneCore", on: ["CLinux", "EventLoop", "Telemetry"]),
        target("Core", "QueryPlanner", on: ["JSONCoding"]),
        target(
            "Core",
            "Endpoints",
            on: ["CLinux", "LucarneCore", "HTTPServer", "Telemetry", "Cryptography", "JSONCoding"]
        ),
        target(
            "Core",
            "Persistence",
            on: ["LucarneCore", "PostgresClient", "EventLoop", "JSONCoding", "Telemetry"]
        ),

        target(
            "Features",
            "Rest",
            on: [
                "Endpoints", "Persistence", "QueryPlanner", "LucarneCore", "HTTPServer",
                "JSONCoding", "PostgresClient", "Cryptography", "Telemetry", "EventLoop",
                "CLinux",
            ]
        ),
        target(
            "Features",
            "Operations",
            on: [
                "Endpoints", "LucarneCore", "HTTPServer", "EventLoop", "JSONCoding", "Telemetry",
                "Compression", "Cryptography", "Profiling",
            ]
        ),
        target("Features", "Monitoring", on: ["JSONCoding", "Telemetry"]),

        target(
            "App",
            "Lucarne",
            on: [
                "Rest", "Operations", "Monitoring", "Endpoints", "Persistence", "LucarneCore",
                "QueryPlanner",
                "HTTPServer", "PostgresClient", "EventLoop", "Telemetry", "JSONCoding",
                "Cryptography", "CLinux",
            ],
            settings: revisionSettings
        ),
        .executableTarget(
            name: "LucarneCLI",
            dependencies: ["Lucarne"],
            path: "Sources/App/LucarneCLI",
            swiftSettings: strict
        ),

        .executableTarget(
            name: "telemetry-benchmark",
            dependencies: ["Telemetry"],
            path: "Benchmarks/Telemetry",
            swiftSettings: strict
        ),

        .target(name: "Support", path: "Tests/Support", swiftSettings: strict),
        tests("JSONCoding", on: ["JSONCoding"]),
        tests("Cryptography", on: ["Cryptography", "JSONCoding"]),
        tests("Telemetry", on: ["Telemetry", "JSONCoding", "Compression"]),
        tests("LucarneCore", on: ["LucarneCore", "Telemetry"]),
        tests("EventLoop", on: ["EventLoop"]),
        tests("PostgresClient", on: ["EventLoop", "PostgresClient", "Support", "Telemetry"]),
        tests("Compression", on: ["Compression"]),
        tests("Profiling", on: ["Profiling", "Support"]),
        tests("HTTPServer", on: ["HTTPServer", "EventLoop", "Telemetry", "Compression"]),
        tests(
            "Persistence",
            on: [
                "EventLoop", "LucarneCore", "Persistence", "PostgresClient", "Support", "Telemetry",
            ]
        ),
        tests(
            "Endpoints",
            on: [
                "Endpoints", "HTTPServer", "LucarneCore", "Telemetry", "Cryptography",
                "JSONCoding",
            ]
        ),
        .testTarget(
            name: "QueryPlannerTests",
            dependencies: ["QueryPlanner"],
            path: "Tests/QueryPlannerTests",
            exclude: ["Goldens"],
            swiftSettings: strict
        ),
        tests(
            "Rest",
            on: [
                "Rest", "QueryPlanner", "LucarneCore", "JSONCoding", "EventLoop", "PostgresClient",
                "Persistence", "Telemetry", "HTTPServer", "Endpoints", "Cryptography", "Support",
            ]
        ),
        tests("Monitoring", on: ["Monitoring", "JSONCoding", "Lucarne", "Support", "Telemetry"]),
        tests(
            "Operations",
            on: [
                "Operations", "Cryptography", "EventLoop", "HTTPServer", "JSONCoding", "Telemetry",
                "Compression",
            ]
        ),
        tests(
            "Lucarne",
            on: [
                "Lucarne", "Cryptography", "EventLoop", "JSONCoding", "QueryPlanner", "Rest",
                "Telemetry",
                "PostgresClient", "Support",
            ]
        ),
        tests(
            "Deployment",
            on: [
                "HTTPServer", "JSONCoding", "Lucarne", "Monitoring", "Operations", "Support",
                "Telemetry",
            ]
        ),
        tests("Acceptance", on: ["Support"]),
        tests("Tidy", on: []),
    ]
)

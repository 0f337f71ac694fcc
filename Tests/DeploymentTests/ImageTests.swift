// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// What can be said of the Dockerfile without building it; `make image-check` does.
@Suite struct ImageTests {
    @Test func `the image is built from all that the manifest names`() throws {
        let dockerfile = try Repository.text(of: "Dockerfile")
        let copied = dockerfile.matches(of: /\nCOPY ([A-Za-z\/]+) \.\//).map { String($0.1) }
        let named = try Repository.text(of: "Package.swift").matches(of: /path: "([^"]+)"/)
        #expect(named.count > 5)
        for path in named.map({ String($0.1) }) {
            #expect(copied.contains { path == $0 || path.hasPrefix($0 + "/") }, "\(path)")
        }
    }

    @Test func `it can be told the commit that it is built from`() throws {
        let dockerfile = try Repository.text(of: "Dockerfile")
        let argument = try #require(dockerfile.firstRange(of: "\nARG BUILD_REVISION\n"))
        let build = try #require(dockerfile.firstRange(of: "swift build -c release"))
        #expect(argument.upperBound <= build.lowerBound)
        let manifest = try Repository.text(of: "Package.swift")
        #expect(manifest.contains(#"environment["BUILD_REVISION"]"#))
    }

    @Test func `it says which ports it listens on, and how it is`() throws {
        let dockerfile = try Repository.text(of: "Dockerfile")
        let deployment = try Deployment()
        let ports = deployment.imageEnvironment.filter { $0.key.hasSuffix("ADDRESS") }.values
            .compactMap { $0.split(separator: ":").last.map(String.init) }
        #expect(dockerfile.contains("\nEXPOSE \(ports.sorted().joined(separator: " "))\n"))
        #expect(dockerfile.contains(#"CMD ["lucarne", "healthcheck"]"#))
        #expect(Int(deployment.imageUser).map { $0 > 0 } == true)
    }

    @Test(arguments: [".git", ".env", ".env.*", ".build", "lucarne-data"])
    func `secrets and what is large stay out of it`(pattern: String) throws {
        let ignored = try Repository.text(of: ".dockerignore").split(separator: "\n")
        #expect(ignored.contains { $0 == pattern })
    }
}

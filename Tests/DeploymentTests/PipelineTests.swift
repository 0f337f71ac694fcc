// SPDX-License-Identifier: Apache-2.0
import Support
import Testing

/// What the pipelines run, held against the time that they give it.
@Suite struct PipelineTests {
    @Test(arguments: [".github/workflows/ci.yml", ".gitlab-ci.yml"])
    func `a pipeline gives its steps the time that they may take`(file: String) throws {
        let steps = try Repository.text(of: ".ci/run").matches(of: #/within ([0-9]+)m /#)
        let pipeline = try Repository.text(of: file)
        let given = pipeline.firstMatch(of: /timeout(?:-minutes)?: ([0-9]+)/)
        let minutes = try #require(given.flatMap { Int($0.1) })
        // Beside them: the image, the checkout, the cache.
        let taken = steps.compactMap { Int($0.1) }.reduce(10, +)
        #expect(steps.count > 2 && taken <= minutes, "\(taken) of \(minutes)")
    }
}

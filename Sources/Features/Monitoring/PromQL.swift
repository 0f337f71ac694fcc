// SPDX-License-Identifier: Apache-2.0

/// Writes expressions over one choice of series and one range.
///
/// A Prometheus that ingests native histograms keeps none of their `_bucket`, `_sum` and `_count`
/// series, so each question about a histogram has two halves, joined by `or`: for each instance one
/// finds data. Counts, means and shares are joined before they are summed, and so are right for a fleet
/// of both kinds; a quantile cannot be, and is that of the classic ones while there are any.
struct PromQL: Sendable {
    var matchers: [String]
    var range: String

    /// The series that the board's variables choose.
    static let board = jobs.limited(to: #"instance=~"$instance""#)
    /// The same, where series of several instances became one.
    static let jobs = namespaces.limited(to: #"job=~"$job""#)
    static let namespaces = PromQL(
        matchers: [#"namespace=~"$namespace""#],
        range: "$__rate_interval"
    )

    private func limited(to matcher: String) -> PromQL {
        PromQL(matchers: matchers + [matcher], range: range)
    }

    func series(_ name: String, _ more: String...) -> String { selector(name, more) }

    func sum(_ name: String, by labels: String = "", _ more: String...) -> String {
        "sum\(Self.by(labels)) (\(selector(name, more)))"
    }

    func max(_ name: String, by labels: String = "", _ more: String...) -> String {
        "max\(Self.by(labels)) (\(selector(name, more)))"
    }

    func rate(_ counter: String, by labels: String = "", _ more: String...) -> String {
        rate(counter, by: labels, more)
    }

    func rate(_ counter: String, by labels: String, _ more: [String]) -> String {
        "sum\(Self.by(labels)) (\(rateOf(counter, more)))"
    }

    /// Where summing would count one thing several times.
    func maxRate(_ counter: String, by labels: String, _ more: String...) -> String {
        "max\(Self.by(labels)) (\(rateOf(counter, more)))"
    }

    func increase(_ counter: String, by labels: String = "", _ more: String...) -> String {
        "sum\(Self.by(labels)) (increase(\(selector(counter, more))[\(range)]))"
    }

    /// Observations per second.
    func observed(_ histogram: String, by labels: String = "", _ more: String...) -> String {
        observed(histogram, labels, more)
    }

    func quantile(
        _ quantile: String,
        _ histogram: String,
        by labels: String = "",
        _ more: String...
    ) -> String {
        let bounds = labels.isEmpty ? "le" : labels + ", le"
        let classic = "sum\(Self.by(bounds)) (\(rateOf(histogram + "_bucket", more)))"
        let native = "sum\(Self.by(labels)) (\(rateOf(histogram, more)))"
        return "histogram_quantile(\(quantile), \(classic))"
            + " or histogram_quantile(\(quantile), \(native))"
    }

    func mean(of histogram: String, by labels: String, _ more: String...) -> String {
        let sums = rateOf(histogram + "_sum", more)
        let native = "histogram_sum(\(rateOf(histogram, more)))"
        let all = observed(histogram, labels, more)
        return "sum\(Self.by(labels)) (\(sums) or \(native)) / (\(all) > 0)"
    }

    /// Observations per second that the matchers choose, 0 where there are none but others.
    func part(of histogram: String, by labels: String = "", _ more: String...) -> String {
        "\(observed(histogram, labels, more)) or 0 * \(observed(histogram, labels, []))"
    }

    /// Observations per second above a bound that is one of the buckets'; nothing where there are
    /// none at all.
    func above(_ bound: Double, of histogram: String, by labels: String) -> String {
        // OpenMetrics' canonical form: 1.0.
        let classic = rateOf(histogram + "_bucket", [#"le="\#(bound)""#])
        let native = rateOf(histogram, [])
        // Of no observations a fraction is not a number, and would make none of the sum.
        let within =
            "\(classic) or ignoring (le) (histogram_count(\(native)) > 0)"
            + " * histogram_fraction(0, \(bound.promQL), \(native))"
        return "(\(observed(histogram, labels, [])) > 0) - sum\(Self.by(labels)) (\(within))"
    }

    private func observed(_ histogram: String, _ labels: String, _ more: [String]) -> String {
        let counts = rateOf(histogram + "_count", more)
        return "sum\(Self.by(labels)) (\(counts) or histogram_count(\(rateOf(histogram, more))))"
    }

    private func rateOf(_ name: String, _ more: [String]) -> String {
        "rate(\(selector(name, more))[\(range)])"
    }

    private func selector(_ name: String, _ more: [String]) -> String {
        // In the order in which Prometheus prints them: a rule there is held against ours.
        let all = (matchers + more).sorted()
        return all.isEmpty ? name : "\(name){\(all.joined(separator: ","))}"
    }

    private static func by(_ labels: String) -> String {
        labels.isEmpty ? "" : " by (\(labels))"
    }
}

// SPDX-License-Identifier: Apache-2.0

/// The `Content-Range` of an answer (RFC 9110 §14.4), in rows.
struct ContentRange {
    private let lower: Int
    private let rows: Int
    private let total: Int?

    /// `rows` of them, from `offset` on.
    init(offset: Int, rows: Int, total: Int?) {
        lower = offset
        self.rows = rows
        self.total = total
    }

    /// Where rows have no position: `*/3`.
    init(total: Int?) {
        self.init(offset: 1, rows: 0, total: total)
    }

    var text: String {
        let range = total != 0 && rows > 0 ? "\(lower)-\(upper)" : "*"
        return range + "/" + (total.map(String.init) ?? "*")
    }

    /// A function that returns no set has its row wherever the request looks for one.
    private var upper: Int {
        let (sum, overflow) = lower.addingReportingOverflow(rows - 1)
        return overflow ? .max : sum
    }

    var status: Int {
        guard let total else { return 200 }
        if lower > total { return 416 }
        return rows < total ? 206 : 200
    }
}

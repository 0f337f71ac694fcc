// SPDX-License-Identifier: Apache-2.0

/// The `Content-Range` of an answer (RFC 9110 §14.4), in rows.
struct ContentRange {
    private let lower: Int
    private let upper: Int
    private let total: Int?

    /// `rows` of them, from `offset` on.
    init(offset: Int, rows: Int, total: Int?) {
        lower = offset
        upper = offset + rows - 1
        self.total = total
    }

    /// Where rows have no position: `*/3`.
    init(total: Int?) {
        self.init(offset: 1, rows: 0, total: total)
    }

    var text: String {
        let rows = total != 0 && lower <= upper ? "\(lower)-\(upper)" : "*"
        return rows + "/" + (total.map(String.init) ?? "*")
    }

    var status: Int {
        guard let total else { return 200 }
        if lower > total { return 416 }
        return upper - lower + 1 < total ? 206 : 200
    }
}

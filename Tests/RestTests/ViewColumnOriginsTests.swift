// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Rest

struct ViewColumnOriginsTests {
    private let rule = """
        ({QUERY :commandType 1 :cteList <> :rtable ({RTE :subquery {QUERY :targetList \
        ({TARGETENTRY :expr {VAR :varno 1} :resno 9 :resorigtbl 7 :resorigcol 7})}}) \
        :targetList ({TARGETENTRY :expr {VAR :varno 1} :resno 1 :resname we\\{ird\\ :resno\\ 4 \
        :ressortgroupref 0 :resorigtbl 16385 :resorigcol 2 :resjunk false} \
        {TARGETENTRY :expr {CONST :resno 5 :resorigtbl 3} :resno 2 :resname id \
        :resorigtbl 16385 :resorigcol 1 :resjunk false} \
        {TARGETENTRY :expr {CONST} :resno 3 :resname computed :resorigtbl 0 :resorigcol 0}) \
        :override 0 :returningList ({TARGETENTRY :resno 8 :resorigtbl 8 :resorigcol 8})})
        """

    @Test func `only the outermost target list says where columns come from`() {
        let origins = ViewColumnOrigins.read(rule)
        #expect(
            origins == [
                .init(column: 1, relation: 16385, relationColumn: 2),
                .init(column: 2, relation: 16385, relationColumn: 1),
            ]
        )
    }

    @Test func `text that is no rule names no columns`() {
        #expect(ViewColumnOrigins.read("").isEmpty)
        #expect(ViewColumnOrigins.read("({QUERY :targetList").isEmpty)
        #expect(ViewColumnOrigins.read("}}}} :targetList ({").isEmpty)
    }
}

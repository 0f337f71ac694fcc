// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Rest

struct JSONShapeTests {
    @Test(arguments: [
        (
            "{\"a\": 1, \"b\": {\"c\": [1, -2.5e+3, true]}}",
            JSONShape.Kind.object(keys: ["a", "b"])
        ),
        ("{}", .object(keys: [])),
        ("[]", .emptyArray),
        (" [ ] ", .emptyArray),
        ("[{\"a\":1},{\"a\":null}]", .objects(keys: ["a"])),
        ("[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", .objects(keys: ["a", "b"])),
        ("[{\"a\":1},{\"b\":1}]", .unevenArray),
        ("[{\"a\":1},{}]", .unevenArray),
        ("[{\"a\":1}, 3]", .unevenArray),
        ("[1]", .unevenArray),
        ("\"text\"", .scalar),
        ("null", .scalar),
        ("0", .scalar),
        ("{\"\\u00e9\\ud83d\\ude00\\n\": 1}", .object(keys: ["é😀\n"])),
    ])
    func `a document's outermost keys are known`(text: String, kind: JSONShape.Kind) {
        #expect(JSONShape(Array(text.utf8))?.kind == kind)
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "1.", "-",
        "1e", "tru", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "[] []", "{\"a\":1}}", "'a'", "\"", "+1",
    ])
    func `what is not one JSON document has no shape`(text: String) {
        #expect(JSONShape(Array(text.utf8)) == nil)
    }

    @Test func `bytes that are not UTF-8 are not JSON`() {
        #expect(JSONShape([0x22, 0xFF, 0x22]) == nil)
    }

    @Test func `nesting has a limit`() {
        let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        #expect(JSONShape(Array(deep.utf8)) == nil)
        let shallow = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(JSONShape(Array(shallow.utf8)) != nil)
    }
}

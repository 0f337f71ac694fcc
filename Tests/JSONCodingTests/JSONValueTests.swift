// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Testing

@Suite struct JSONValueTests {
    @Test(
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("false", false), ("0", 0),
            ("-0", JSONValue.number("-0")),
            ("1.10", JSONValue.number("1.10")), ("1E+400", JSONValue.number("1E+400")),
            ("\"\"", ""),
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9é""#, "éé"),
            (#""a\ud83d\ude00z""#, "a😀z"), (#""\u0000""#, "\0"), ("[]", []), ("[ ]", []),
            ("{}", [:]),
            ("[1,[2,{\"a\":[]}],\"x\"]", [1, [2, ["a": []]], "x"]),
            ("\t{\"a\" : 1 ,\n\"b\":null}\r\n", ["a": 1, "b": nil]),
        ] as [(String, JSONValue)]
    )
    func `a valid document becomes its value`(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text) == value)
        #expect(JSONValidator.isValid(Array(text.utf8)))
    }

    @Test(
        arguments: [
            ("", JSONError.Reason.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2),
            ("[", .unexpectedEnd, 1),
            ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3), ("[1,]", .unexpectedByte, 3),
            ("[,1]", .unexpectedByte, 1), ("{\"a\"}", .unexpectedByte, 4),
            ("{\"a\":}", .unexpectedByte, 5),
            ("{\"a\":1,}", .unexpectedByte, 7), ("{a:1}", .unexpectedByte, 1),
            ("{1:1}", .unexpectedByte, 1),
            ("[1}", .unexpectedByte, 2), ("{\"a\":1]", .unexpectedByte, 6),
            ("tru", .unexpectedEnd, 3),
            ("trUe", .unexpectedByte, 2), ("01", .malformedNumber, 1), ("-", .malformedNumber, 1),
            ("1.", .malformedNumber, 2), (".5", .unexpectedByte, 0), ("+1", .unexpectedByte, 0),
            ("1e", .malformedNumber, 2), ("1e+", .malformedNumber, 3), ("-01", .malformedNumber, 2),
            ("NaN", .unexpectedByte, 0), ("'a'", .unexpectedByte, 0), ("1 2", .trailingBytes, 2),
            ("[] []", .trailingBytes, 3), ("\"a", .unexpectedEnd, 2),
            ("\"\u{1}\"", .controlCharacter, 1),
            ("\"\n\"", .controlCharacter, 1), (#""\x""#, .malformedEscape, 1),
            (#""\u12g4""#, .malformedEscape, 1), (#""\ud800""#, .loneSurrogate, 1),
            (#""ab\udc00""#, .loneSurrogate, 3), (#""\ud800\u0041""#, .loneSurrogate, 1),
            ("\u{FEFF}1", .unexpectedByte, 0), ("/*x*/1", .unexpectedByte, 0),
        ] as [(String, JSONError.Reason, Int)]
    )
    func `what is not JSON is refused with the byte at fault`(
        text: String,
        reason: JSONError.Reason,
        offset: Int
    ) {
        #expect(throws: JSONError(reason, at: offset)) { try JSONValue(parsing: text) }
        #expect(throws: JSONError(reason, at: offset)) {
            try JSONValidator.validate(Array(text.utf8).span)
        }
    }

    @Test(
        arguments: [
            [0x80], [0xC3], [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFF],
        ] as [[UInt8]]
    )
    func `a string that is not UTF-8 is refused`(contents: [UInt8]) {
        let text = [0x22, 0x61] + contents + [0x22]
        #expect(throws: JSONError(.malformedUTF8, at: 2)) { try JSONValue(parsing: text) }
        #expect(throws: JSONError(.malformedUTF8, at: 2)) { try JSONValidator.validate(text.span) }
    }

    @Test func `depth is limited where the limit says, and ten thousand brackets are harmless`() {
        let nested = { (depth: Int) in
            Array(repeating: UInt8(0x5B), count: depth)
                + Array(repeating: UInt8(0x5D), count: depth)
        }
        #expect(throws: Never.self) { try JSONValue(parsing: nested(64)) }
        #expect(throws: JSONError(.tooDeep, at: 64)) { try JSONValue(parsing: nested(65)) }
        #expect(throws: JSONError(.tooDeep, at: 64)) { try JSONValidator.validate(nested(65).span) }
        #expect(throws: JSONError(.tooDeep, at: 64)) { try JSONValue(parsing: nested(10_000)) }
        #expect(throws: Never.self) {
            try JSONValidator.validate(nested(100_000).span, depthMax: 100_000)
        }
    }

    @Test func `every prefix of a document is refused by both passes alike`() throws {
        let text = Array(#"{"a":[1.5e3,"x\u00e9\n",{"b":null}],"c":true}"#.utf8)
        for length in 0..<text.count {
            let prefix = Array(text[..<length])
            #expect(!JSONValidator.isValid(prefix))
            #expect(throws: JSONError.self) { try JSONValue(parsing: prefix) }
        }
    }

    @Test func `duplicates keep their order, and a lookup finds the last`() throws {
        let value = try JSONValue(parsing: #"{"b":1,"a":2,"b":3}"#)
        #expect(value.members?.map(\.0) == ["b", "a", "b"])
        #expect(value["b"] == 3)
        #expect(value.compactText == #"{"b":1,"a":2,"b":3}"#)
    }

    @Test(arguments: [
        (#"{ "a" : [ 1.10 , "\u00e9\/" ] , "b" : { } }"#, #"{"a":[1.10,"é/"],"b":{}}"#),
        (#""\u0000\u001f\u0008\"\\""#, #""\u0000\u001f\b\"\\""#),
        ("[true,false,null]", "[true,false,null]"),
    ])
    func `the compact form has no space and escapes only what it must`(
        text: String,
        compact: String
    ) throws {
        #expect(try JSONValue(parsing: text).compactText == compact)
    }

    @Test func `a whole number is an integer however it is written`() {
        #expect(JSONValue.number("1e3").int == 1000)
        #expect(JSONValue.number("1.5").int == nil)
        #expect(JSONValue.number("9007199254740993").int == 9_007_199_254_740_993)
    }

    @Test(arguments: [("{}", JSONValidator.Shape.object), (" [1]", .array), ("1", .scalar)])
    func `the validator tells what is at the top`(text: String, shape: JSONValidator.Shape) throws {
        #expect(try JSONValidator.validate(Array(text.utf8).span) == shape)
    }
}

@Suite struct JSONWriterTests {
    @Test func `a writer places the commas`() throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("a")
        writer.number(1)
        writer.key("b")
        writer.beginArray()
        writer.string("x\"y")
        writer.beginObject()
        writer.endObject()
        writer.number(Double.nan)
        writer.number(0.5)
        writer.endArray()
        writer.key("c")
        writer.bool(false)
        writer.key("d")
        writer.raw("[1]".utf8)
        writer.endObject()
        let text = String(decoding: writer.finish(), as: UTF8.self)
        #expect(text == #"{"a":1,"b":["x\"y",{},null,0.5],"c":false,"d":[1]}"#)
        #expect(throws: Never.self) { try JSONValue(parsing: text) }
    }

    @Test func `bytes that are not UTF-8 are replaced in a log line, never passed on`() {
        var bytes: [UInt8] = []
        appendJSONString(lossy: [0x61, 0xFF, 0x0A].span, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "\"a\u{FFFD}\\n\"")
    }
}

// SPDX-License-Identifier: Apache-2.0
@testable import HTTPServer

/// What came of some bytes: a request, a refusal, or neither yet.
enum Outcome: Equatable {
    case request(Parsed)
    case refused(Malformed)
    case unfinished
}

struct Parsed: Equatable {
    var method: String
    var path: String
    var query: String?
    var fields: [String]
    var body: String
    var keepsAlive: Bool
    var rest: Int
}

/// Feeds `pieces` one after the other, as a connection would.
func parse(_ pieces: [ArraySlice<UInt8>], limits: ServerLimits = ServerLimits()) -> Outcome {
    do throws(Malformed) {
        return try parseOrThrow(pieces, limits)
    } catch {
        return .refused(error)
    }
}

func parse(_ text: String, limits: ServerLimits = ServerLimits()) -> Outcome {
    parse([Array(text.utf8)[...]], limits: limits)
}

private func parseOrThrow(
    _ pieces: [ArraySlice<UInt8>],
    _ limits: ServerLimits
) throws(Malformed) -> Outcome {
    var parser = RequestParser(limits: limits)
    var bytes: [UInt8] = []
    var pieces = pieces[...]
    while let piece = pieces.popFirst() {
        bytes.append(contentsOf: piece)
        guard let head = try parser.parse(bytes.span) else { continue }
        for rest in pieces { bytes.append(contentsOf: rest) }
        return try finish(head, bytes, limits)
    }
    return .unfinished
}

private func finish(
    _ head: RequestHead,
    _ bytes: [UInt8],
    _ limits: ServerLimits
) throws(Malformed) -> Outcome {
    var rest = bytes[head.byteCount...]
    var body: [UInt8] = []
    switch head.framing {
    case .none: break
    case .length(let length):
        guard length <= limits.bodyBytesMax else { throw .bodyTooLarge }
        guard rest.count >= length else { return .unfinished }
        body = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
    case .chunked:
        var decoder = ChunkedDecoder(bodyBytesMax: limits.bodyBytesMax)
        let used = try decoder.decode(rest.span, into: &body)
        guard decoder.isDone else { return .unfinished }
        rest = rest.dropFirst(used)
    }
    let text = { (range: Range<Int>) in String(decoding: bytes[range], as: UTF8.self) }
    return .request(
        Parsed(
            method: head.method.text,
            path: text(head.path),
            query: head.query.map(text),
            fields: head.fields.map { "\(text($0.name))=\(text($0.value))" },
            body: String(decoding: body, as: UTF8.self),
            keepsAlive: head.keepsAlive,
            rest: rest.count
        )
    )
}

// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// Why bytes are no request that will be answered. Ambiguity is refused, never repaired: what two
/// parsers read differently is how requests are smuggled (RFC 9112 §11.2).
package enum Malformed: Error, CaseIterable, Sendable {
    case requestLine, method, target, targetTooLong, version, versionUnsupported
    case tunnelUnsupported
    case fieldName, fieldValue, fieldFolded, spaceBeforeColon, colonMissing
    case bareLineFeed, bareCarriageReturn
    case headTooLarge, tooManyFields
    case hostMissing, hostRepeated, hostInvalid, hostContradicted
    case lengthInvalid, lengthRepeated, lengthAndCoding
    case codingUnknown, codingMisplaced, codingInHTTP10
    case expectationUnknown
    case bodyTooLarge, chunkSize, chunkExtension, chunkEnd, trailerTooLarge

    package var status: Int {
        switch self {
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields, .trailerTooLarge: 431
        case .bodyTooLarge: 413
        case .expectationUnknown: 417
        case .tunnelUnsupported, .codingUnknown: 501
        case .versionUnsupported: 505
        case .requestLine, .method, .target, .version, .fieldName, .fieldValue, .fieldFolded,
            .spaceBeforeColon, .colonMissing, .bareLineFeed, .bareCarriageReturn, .hostMissing,
            .hostRepeated, .hostInvalid, .hostContradicted, .lengthInvalid, .lengthRepeated,
            .lengthAndCoding, .codingMisplaced, .codingInHTTP10, .chunkSize, .chunkExtension,
            .chunkEnd:
            400
        }
    }

    /// What metrics count it as.
    package var reason: ConnectionEvent.ParseErrorReason {
        switch self {
        case .requestLine, .method, .target, .version, .tunnelUnsupported: .badRequestLine
        case .targetTooLong: .targetTooLong
        case .versionUnsupported: .unsupportedVersion
        case .codingUnknown: .unsupportedEncoding
        case .headTooLarge, .tooManyFields, .trailerTooLarge: .headerTooLarge
        case .bodyTooLarge: .bodyTooLarge
        case .fieldName, .fieldValue, .colonMissing, .hostMissing, .hostInvalid,
            .expectationUnknown:
            .badHeader
        case .fieldFolded, .spaceBeforeColon, .bareLineFeed, .bareCarriageReturn, .hostRepeated,
            .hostContradicted, .lengthInvalid, .lengthRepeated, .lengthAndCoding,
            .codingMisplaced, .codingInHTTP10, .chunkSize, .chunkExtension, .chunkEnd:
            .smuggling
        }
    }

    /// For whoever wrote the client.
    package var explanation: String {
        switch self {
        case .requestLine: "the request line is not: method, space, target, space, version"
        case .method: "the method is not a token"
        case .target: "the target is not a path, an absolute URI, or *"
        case .targetTooLong: "the target is too long"
        case .version: "the version is not HTTP/1.1 or HTTP/1.0"
        case .versionUnsupported: "this server speaks HTTP/1.1 and HTTP/1.0"
        case .tunnelUnsupported: "this server is no proxy"
        case .fieldName: "a header field's name is not a token"
        case .fieldValue: "a header field's value holds a control character"
        case .fieldFolded: "a header field continues on a second line"
        case .spaceBeforeColon: "whitespace before a header field's colon"
        case .colonMissing: "a header line has no colon"
        case .bareLineFeed: "a line ends in LF without CR"
        case .bareCarriageReturn: "CR without LF"
        case .headTooLarge: "the header is too large"
        case .tooManyFields: "too many header fields"
        case .hostMissing: "HTTP/1.1 needs a Host header"
        case .hostRepeated: "more than one Host header"
        case .hostInvalid: "the Host header is not a host and a port"
        case .hostContradicted: "the target and the Host header name different hosts"
        case .lengthInvalid: "Content-Length is not a number"
        case .lengthRepeated: "more than one Content-Length"
        case .lengthAndCoding: "both Content-Length and Transfer-Encoding"
        case .codingUnknown: "a transfer coding other than chunked"
        case .codingMisplaced: "chunked is not the one and last transfer coding"
        case .codingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        case .expectationUnknown: "an expectation other than 100-continue"
        case .bodyTooLarge: "the body is too large"
        case .chunkSize: "a chunk's size is not hexadecimal"
        case .chunkExtension: "a chunk's extension is malformed or too long"
        case .chunkEnd: "a chunk does not end where it said"
        case .trailerTooLarge: "the trailer is too large"
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// The SHA-2 family, computed by libcrypto.
package enum Digest: Sendable, CaseIterable {
    case sha256, sha384, sha512

    package var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    var algorithm: OpaquePointer? {
        switch self {
        case .sha256: unsafe EVP_sha256()
        case .sha384: unsafe EVP_sha384()
        case .sha512: unsafe EVP_sha512()
        }
    }

    package func hash(_ message: Span<UInt8>) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        let done = unsafe message.withUnsafeBufferPointer { input in
            unsafe EVP_Digest(
                input.baseAddress,
                input.count,
                &output,
                nil,
                algorithm,
                nil
            )
        }
        // Hashing memory fails only when libcrypto cannot work at all.
        precondition(done == 1, "libcrypto cannot compute SHA-2")
        return output
    }

    package func hash(_ message: [UInt8]) -> [UInt8] { hash(message.span) }

    /// RFC 2104.
    package func authenticate(_ message: Span<UInt8>, key: [UInt8]) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: byteCount)
        let code = unsafe message.withUnsafeBufferPointer { input in
            unsafe HMAC(
                algorithm,
                key,
                Int32(key.count),
                input.baseAddress,
                input.count,
                &output,
                nil
            )
        }
        unsafe precondition(code != nil, "libcrypto cannot compute an HMAC")
        return output
    }

    package func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        authenticate(message.span, key: key)
    }
}

/// From the kernel's generator by way of libcrypto's.
package func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = unsafe RAND_bytes(&bytes, Int32(count))
    precondition(done == 1, "no randomness: refusing to make secrets without it")
    return bytes
}

/// Equality that takes as long for the first wrong byte as for the last.
package func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return unsafe left.withUnsafeBytes { left in
        unsafe right.withUnsafeBytes { right in
            unsafe CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0
        }
    }
}

extension Sequence<UInt8> {
    /// Lower-case hexadecimal, as checksums are written.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}

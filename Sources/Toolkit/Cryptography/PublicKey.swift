// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Owns one libcrypto public key.
///
/// A class, since key sets are arrays and arrays hold no noncopyable elements yet. Unchecked: the
/// key is never changed after `init`, and libcrypto counts references to it atomically.
@safe final class PublicKey: @unchecked Sendable {
    private let key: OpaquePointer

    init?(modulus: [UInt8], exponent: [UInt8]) {
        guard modulus.count >= 256,
            let key = unsafe KeyParameters.makeKey(
                type: "RSA",
                { parameters in
                    parameters.pushNumber("n", modulus)
                        && parameters.pushNumber("e", exponent)
                }
            )
        else { return nil }
        unsafe self.key = unsafe key
    }

    init?(curve: Curve, x: [UInt8], y: [UInt8]) {
        // SEC 1 §2.3.3: an uncompressed point is 4, x, y. RFC 7518 §6.2.1.2 fixes the lengths.
        guard x.count == curve.coordinateBytes, y.count == curve.coordinateBytes,
            let key = unsafe KeyParameters.makeKey(
                type: "EC",
                { parameters in
                    parameters.pushText("group", curve.groupName)
                        && parameters.pushBytes("pub", [4] + x + y)
                }
            )
        else { return nil }
        unsafe self.key = unsafe key
    }

    init?(curve: EdwardsCurve, x: [UInt8]) {
        guard x.count == curve.keyBytes,
            let key = unsafe EVP_PKEY_new_raw_public_key_ex(nil, curve.rawValue, nil, x, x.count)
        else { return nil }
        unsafe self.key = unsafe key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    func verifies(
        _ signature: [UInt8],
        of message: Span<UInt8>,
        by algorithm: SignatureAlgorithm
    ) -> Bool {
        switch algorithm.family {
        case .hmac: return false
        case .rsa, .edwards:
            return verify(signature, of: message, digest: algorithm.digest, pss: false)
        case .rsaPSS: return verify(signature, of: message, digest: algorithm.digest, pss: true)
        case .ecdsa:
            guard let sequence = derSequence(of: signature) else { return false }
            return verify(sequence, of: message, digest: algorithm.digest, pss: false)
        }
    }

    private func verify(
        _ signature: [UInt8],
        of message: Span<UInt8>,
        digest: Digest?,
        pss: Bool
    ) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        // A failed check leaves its reasons in the thread's queue; nobody reads them there.
        defer { ERR_clear_error() }
        var keyContext: OpaquePointer?
        guard
            unsafe EVP_DigestVerifyInit(context, &keyContext, digest?.algorithm, nil, key) == 1,
            unsafe !pss || usePSS(keyContext)
        else { return false }
        return unsafe message.withUnsafeBufferPointer { message in
            unsafe signature.withUnsafeBufferPointer { signature in
                unsafe EVP_DigestVerify(
                    context,
                    signature.baseAddress,
                    signature.count,
                    message.baseAddress,
                    message.count
                ) == 1
            }
        }
    }

    /// RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as it.
    private func usePSS(_ context: OpaquePointer?) -> Bool {
        unsafe EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1
    }

    /// JWS writes r and s side by side (RFC 7518 §3.4); libcrypto reads the DER of RFC 3279 §2.2.3.
    private func derSequence(of signature: [UInt8]) -> [UInt8]? {
        guard !signature.isEmpty, signature.count % 2 == 0 else { return nil }
        let half = signature.count / 2
        guard let pair = unsafe ECDSA_SIG_new() else { return nil }
        defer { unsafe ECDSA_SIG_free(pair) }
        let parts = unsafe signature.withUnsafeBufferPointer { bytes in
            unsafe (
                BN_bin2bn(bytes.baseAddress, Int32(half), nil),
                BN_bin2bn(bytes.baseAddress.map { unsafe $0 + half }, Int32(half), nil)
            )
        }
        guard unsafe ECDSA_SIG_set0(pair, parts.0, parts.1) == 1 else {
            unsafe BN_free(parts.0)
            unsafe BN_free(parts.1)
            return nil
        }
        var encoded: UnsafeMutablePointer<UInt8>?
        let length = unsafe i2d_ECDSA_SIG(pair, &encoded)
        guard length > 0 else { return nil }
        defer { unsafe CRYPTO_free(encoded, "", 0) }
        return unsafe Array(UnsafeBufferPointer(start: encoded, count: Int(length)))
    }
}

/// The list of named values that libcrypto makes a key from, and what has to live until it has.
@safe private struct KeyParameters: ~Copyable {
    private let builder: OpaquePointer
    private var numbers: [OpaquePointer] = unsafe []
    private var blobs: [UnsafeMutableBufferPointer<UInt8>] = unsafe []

    private init?() {
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { return nil }
        unsafe self.builder = unsafe builder
    }

    deinit {
        unsafe numbers.forEach { unsafe BN_free($0) }
        unsafe blobs.forEach { unsafe $0.deallocate() }
        unsafe OSSL_PARAM_BLD_free(builder)
    }

    static func makeKey(
        type: String,
        _ fill: (inout KeyParameters) -> Bool
    ) -> OpaquePointer? {
        defer { ERR_clear_error() }
        guard var parameters = KeyParameters(), fill(&parameters),
            let list = unsafe OSSL_PARAM_BLD_to_param(parameters.builder)
        else { return nil }
        defer { unsafe OSSL_PARAM_free(list) }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { return nil }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_fromdata_init(context) == 1,
            unsafe EVP_PKEY_fromdata(context, &key, evp_public_key_selection(), list) == 1
        else { return nil }
        return unsafe key
    }

    mutating func pushNumber(_ name: StaticString, _ bytes: [UInt8]) -> Bool {
        guard let number = unsafe BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
        unsafe numbers.append(number)
        return unsafe OSSL_PARAM_BLD_push_BN(builder, pointer(to: name), number) == 1
    }

    mutating func pushBytes(_ name: StaticString, _ bytes: [UInt8]) -> Bool {
        let blob = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = unsafe blob.initialize(from: bytes)
        unsafe blobs.append(blob)
        return unsafe OSSL_PARAM_BLD_push_octet_string(
            builder,
            pointer(to: name),
            blob.baseAddress,
            blob.count
        ) == 1
    }

    mutating func pushText(_ name: StaticString, _ text: String) -> Bool {
        // The builder keeps the pointer until the list is made: the text must outlive the call.
        let bytes = Array(text.utf8)
        let blob = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = unsafe blob.initialize(from: bytes)
        unsafe blobs.append(blob)
        return unsafe blob.withMemoryRebound(to: CChar.self) { text in
            unsafe OSSL_PARAM_BLD_push_utf8_string(
                builder,
                pointer(to: name),
                text.baseAddress,
                text.count
            ) == 1
        }
    }

    /// The builder keeps the name's address, so only text that lives for ever will do.
    private func pointer(to name: StaticString) -> UnsafePointer<CChar> {
        unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

// SPDX-License-Identifier: Apache-2.0

/// Tokens signed by the `openssl` command line with keys made for this file and then thrown away.
enum SignedTokens {
    /// All carry the claims `{"sub":"1234567890","role":"author"}`.
    static let all: [(algorithm: String, key: String, token: String)] = [
        ("RS256", rsaKey, rs256),
        ("PS256", rsaKey, ps256),
        ("RS384", rsaKey, rs384),
        ("PS384", rsaKey, ps384),
        ("RS512", rsaKey, rs512),
        ("PS512", rsaKey, ps512),
        ("ES256", ec256Key, es256),
        ("ES384", ec384Key, es384),
        ("ES512", ec512Key, es512),
        ("EdDSA", ed25519Key, ed25519),
    ]

    static let rsaKey = #"""
        {"kty":"RSA","n":"njHCi96FwlkTw68bLqPqak3wlXzg7i6NiPY3LW-3WBy8WKT4DCc9QSYd9p7c3F\#
        DQdfi7bBzWXu65CFODUxQlqQLP6AqjxjRlPXCcwd28zopN08H-SS-2CHx8RMU5QQQgJtYAZnHVCJT4yB\#
        7STSGRp_qNC6Z3YeNUcwZwQh0btJtfGUDLzv4-2VFE5-XIF97a79DOZ7pLYJfHX_sy1t9nw7TTq1NpSA\#
        K6akdu0DnCv8v_iiz6To-L_9wajbKxNytXVCuAOevnU75j0wdBh49HByZLbl2cQfxPlr6pLVNds-jjjc\#
        L8N4G2sG5jppxUBC6SWzy0nr0bJ-GOzCSNfplzLw","e":"AQAB"}
        """#

    static let ec256Key = #"""
        {"kty":"EC","crv":"P-256","x":"_1fcLOLxaaIQcpydltk2L4w6fOgOk7jR3SEkT93IR5s","y":\#
        "zwcbe2A7aAAPs2dAyuzQDy4WXM2O8sAJ6aUcx8reGlY"}
        """#

    static let ec384Key = #"""
        {"kty":"EC","crv":"P-384","x":"km-75nn-OFi44kot3xdAnM4iJZ2ChspAmUyUcIW1ELgQZLQDa\#
        DggyVNvLn09u1uL","y":"KIn6BBg1KmGAyFenzF4gLFAUC3gbYzreR4fo38p1HEHul7eruCV5BQ1Qaa\#
        xeSfpF"}
        """#

    static let ec512Key = #"""
        {"kty":"EC","crv":"P-521","x":"AQP3LuiqNRip7vhSEv7NyZg9ucKHcl-w79Gt4whaMVgtz-ljf\#
        xRgX-j5xqyuNm00kL5xBk8eMRE6I9wknitmzxWO","y":"AOd_7x7ZIXc1pPdZhhbeJ78gaSnC0iSw0u\#
        gaP4DiQ9ks2f__augZQTve3wukSgta8SP8dQD2W24Bx6hmfwgVfLFi"}
        """#

    static let rs256 = """
        eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.iR\
        4kPhmm8Hkgxt28WW7H5IcmKV82M2j4mumiGFAnw3dKvsKVabiFo_ubFfjGjCmpptApUJLeOgdFxKbA4fEBLlw0vM\
        pOvugcP6sM5_Ro1_tvMVCdcZvhLyHwB65pPD5lZVJ6LmqpzLeiPVLfwViHQ8byEkVt9XlhRB3qeSZ5zltJtwtcAI\
        3mjtsufDppVHtztjoJADWCAwlCrY3-zpWbNqOPTyd9LXlPuBTnjg4avm7cWkHWQN4ragDqo3V2IIerPqT7TZL3og\
        okqDRU6vXLVSTCqQYepy1fC0OBWu1LHnrxhURfIdGyi_BqKCbYJpRWH8XeO_qm-_iOM2o6Kpi7hg
        """

    static let ps256 = """
        eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.fO\
        BR9418w8xZfw68puAWwMPP_6pciAq_RPYGabcw7i6CG2kp8Pbvu2HuSGjbQtkIbMFuFsNlje6vvVC1zPBIqxpVnz\
        Zzl1nV1ub0vqaNmCzCigJhh6qag6dL4CP1zTjze29obDd6RhN0VEW1Qu5krEWP9b7aJK1C3d-I_DpJqGlvhNy6p6\
        djRq1fLJgOoGe-k72kja3F7mtTkE1Mm8ED4RGhCjkhFK_V8I2UqF1MKDQknjX4OGqnQxmdsM3_XKWgqu-bNoO44u\
        IM-SWHHbfbffSvbge8MBkLsYtZcbZIK9fwXq48olGAPfmaAbg0OsQMDCOFN2cqSkS7ee5xgs_qgg
        """

    static let rs384 = """
        eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.Pr\
        tpdDuYeOBCIa2gJxuHZCSEJGq3xocUe0LmT5fZbwHIpGfKVOCWAHRqrTcjo7q0cV2SdeSj6SvSndo0hfwySY2U6q\
        fduxL2a3diJOajAiFT_zCQsn3l9JDyzqU0Sy_o9B9-nZX6AEXJNI_H-esi1iNwOhZ3LEndrjpHI0I6CP7C18S3-R\
        mtJjq1vFZsaYhzmRQ-n1dXEArmxGNvCGcc2-UXVk4LYVt1KbeYqw-uvki9BDPIhahe50OgYH41K8ekogbFm9Gn08\
        6yW9lVuWMyMjbX7MAIg86IYg2gND8vtdvmz0XFWXdHMWem_B3VoGIeexrj_qWL-avN3DEov8VJlQ
        """

    static let ps384 = """
        eyJhbGciOiJQUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.i6\
        MitVHsvxHu66erv_1P5AnMraYD3PDMSZIeuGkurKgj5gXFHBfSzQSHZ9UMCVtxSQQ3Zpn1d5cmUNM_XXa5VlRfWS\
        _WZcVejCqXSecZbsSDswW2UF8_kvApkQHbXc1ZWQE0BGUAyOVmtEGhKpZZYG3Dx0kY0wF-Tx5lx82dw9wSh8ZvsN\
        Ms-_7d6p0fxuE4EWXZeThPgiQhnKhluaHXXui80k-5daldiURfqJujNYg_suOkmx9jeEYwVGqmWxny0gcASbJi41\
        xE3H1bsHEQdw9PkybOci2Jbm5m14sH-4GQ7u2K-8MaWB_3oObnbzhRScMwNQFXXwTrUMjE313MEQ
        """

    static let rs512 = """
        eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.O-\
        1hy7ap07YmelH1lboSXgjMAr0ootFgmEw91f0PTqXPgVuAUHhToOjsT8kS4L7vn5wfNYngWwjnZUR7ZRPA5i9z7P\
        WZXjL9BWQc0Hi99fXfWCG-bPeGiPV2RPF1Y3QGJ8sxchDM3vQjLbZOLo5y3gctFJvpEGHG51LHdtx8ISgZdTz52x\
        aWAOnz1Mm5_kVIvPj3doGNt1vCWlrRSnJjuUW6R15zTzLDoc4uDpeRRr7LrRxuLtvqdzdJ8RO1n6qWm2LgJeuS7a\
        BdLJ0ueV-2HF0EPHZhKi-VVgEPktmZzGYn3bmUnN8nUtZttn72izTnAXwUONIW1vLL4ElUfwp-rQ
        """

    static let ps512 = """
        eyJhbGciOiJQUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.jk\
        b7T0AlolHSc7pTBAcHsX4IKKRQv-6xdTcDHK177ZsTo4rubnE1LBRzM1gq4hxg2Vg1NAn7tsPVz1dGhbXZqzXRNY\
        UinxzlXk3tHS-uxOZ489lwOsIkNvK62qf0T318eEVjO4A_ik7vDXGQc9IPQj-IGDz-Ukd8CPGGT_HfXcpDH7ELom\
        T1xTv5g2-CwP4E1kBSBrz6BDjkS9LAjGaXAWw_kQ5VjpsEmXW1PQpt5ctPzgUCfANQOBTl94DJ169VvAfdy3-nZN\
        hqsSjrrG7obiZjRvis7qE1S-6l_m4yJt4EiBuydSyxRmNfJuIyU9g8qdXEFjGyY6QBQcNeoSjUNA
        """

    static let es256 = """
        eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.U5\
        MY_5M346wSSNMCD76_ydggDR0H74LA4B8dvTLXVKux1Cei9o4oim2vBXuM24V0VIdugCCPS2FFBbLBqNdBIg
        """

    static let es384 = """
        eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.14\
        PoxllsTEygVrp9syFDDU1hl4XkWKH8gScRnkJEjiXJ_V7egd3me94SxqrZNfH5gS7Y-Fq41gBIvTwx_Ygc8gptDz\
        Q-8sH_YLHA0MLZTK3vFe5pzQoME71AZKIkGxgj
        """

    static let es512 = """
        eyJhbGciOiJFUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.AO\
        LA3YXD6tN0K5Ahuh6825CileCRolvM60U8CIGKXa07O4i42TYRdxSxCfyOyiGnuBmjqiSBElF2sWaYxV1KIGnAAa\
        8c7eeCqIi3ANNQWuo9JFjdCVaZdm0AFT8cm7tS5vPTS-mnsggxTClFVd__PY8-HrcKU5SdHziHNHL0gvFc0Fyy
        """

    static let ed25519Key = #"""
        {"kty":"OKP","crv":"Ed25519","x":"f-xMTJrzlo1kJsU-bCwe5tAaeLRQWoNH3952N6K7PWc"}
        """#

    static let ed25519 = """
        eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.QC\
        Hmge74R_jmzyD7Aw6V5AN4Zz-GzbHm_144e4DUWsryjMGA3bBE4zg_YBPNEIXSjTfRh52cySNGiV7EKbfrAA
        """

    static let ed448Key = #"""
        {"kty":"OKP","crv":"Ed448","x":"53_vTZEEHXLLcT6mKiiHkQ9Yqc4kmYCM9Bc8wyZk_Unv-UD9\#
        G6Ht3y5f_RsESkX_iue-2v0Hv1UA"}
        """#

    static let ed448 = """
        eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwicm9sZSI6ImF1dGhvciJ9.Vx\
        hqpMIxUjdtDP0FsWeIAStFRSSNeJUINP5s6giTS-1DjOF6dMEw0cgsrKgD0ypaIn76Jf56RUMAY_6svhqgspCG09\
        _25YczdyMbUYCCLyXmsc-FEUds0zdOvZlvS7l6w-DpFi9kJxbgwhp96DMg6DMA
        """
}

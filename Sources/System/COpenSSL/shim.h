#pragma once
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

// What EVP_PKEY_fromdata reads; a macro of macros, which the importer cannot see.
static inline int evp_public_key_selection(void) { return EVP_PKEY_PUBLIC_KEY; }

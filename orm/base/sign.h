/* Keyed hashes (HMAC-SHA256) and random bytes.  The one home of libcrypto; knows nothing of what is signed. */
#ifndef QUERN_BASE_SIGN_H
#define QUERN_BASE_SIGN_H

#include "orm/base/str.h"

#define HMAC_BYTES 32

void hmac_sha256(struct str key, struct str text, unsigned char out[HMAC_BYTES]);
/* Takes as long whether they are equal or not. */
bool hmac_is_equal(const unsigned char *a, const unsigned char *b, size_t n);
/* From the system's generator. */
void random_bytes(unsigned char *out, size_t n);

#endif

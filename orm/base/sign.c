/* See sign.h.  https://www.rfc-editor.org/rfc/rfc2104 */
#include "orm/base/sign.h"

#include "orm/base/error.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

void hmac_sha256(struct str key, struct str text, unsigned char out[HMAC_BYTES])
{
	unsigned n = 0;

	if (HMAC(EVP_sha256(), key.p, (int)key.n, (const unsigned char *)text.p, text.n, out, &n) ==
	        NULL ||
	    n != HMAC_BYTES)
		BUG("HMAC-SHA256 cannot be had");
}

bool hmac_is_equal(const unsigned char *a, const unsigned char *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void random_bytes(unsigned char *out, size_t n)
{
	if (RAND_bytes(out, (int)n) != 1)
		BUG("no random bytes");
}

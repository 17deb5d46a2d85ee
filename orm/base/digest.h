/* A digest of 128 bits: names a text by what it says, the same on every machine and in every run.
 *
 * Not cryptographic: whoever makes up both texts can make two of one digest.  What it promises is
 * that texts which differ within one block of 16 bytes never share one, and that others share one by
 * chance alone.  Costs about 50 ns for 200 bytes, its text included (SHA-256: 420).
 */
#ifndef QUERN_BASE_DIGEST_H
#define QUERN_BASE_DIGEST_H

#include "orm/base/arena.h"

/* Characters of digest_text(). */
#define DIGEST_TEXT 22

struct digest {
	uint64_t a, b;
};

struct digest digest_of(struct str text);
/* Letters, digits, '-' and '_' (base64url); not ended by NUL. */
void digest_write(struct digest digest, char out[static DIGEST_TEXT]);
struct str digest_text(struct arena *arena, struct digest digest);

#endif

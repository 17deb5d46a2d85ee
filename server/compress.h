/* Content codings: which one a client takes, and bytes into it.
 *
 * Knows no replies and no sockets (http_compress.c puts the two together).  An encoder is used for one body and
 * then given back; a worker keeps a few, since making one costs more than a small body.
 */
#ifndef QUERN_SERVER_COMPRESS_H
#define QUERN_SERVER_COMPRESS_H

#include "orm/base/buf.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD, CODINGS };

/* What an Accept-Encoding field (p == NULL: none) asks for. */
struct coding_wish {
	enum coding coding; /* the one to be used, where the body is worth it */
	bool must;          /* identity is refused: to be used whatever the size */
	bool is_impossible; /* identity is refused, and so is all else that there is */
};
/* The highest q, zstd before gzip before identity where it is the same (RFC 9110, 12.5.3).  !has_codings: there is
 * identity alone. */
struct coding_wish coding_choose(struct str accept_encoding, bool has_codings);
/* "gzip"; "identity" is never sent. */
const char *coding_name(enum coding coding);

struct encoder;
/* {0}: none is kept. */
struct encoders {
	struct encoder *idle[CODINGS];
	unsigned nidle[CODINGS];
};

/* coding is not identity.  NULL without memory. */
struct encoder *encoder_take(struct encoders *encoders, enum coding coding);
/* Also in the middle of a body; NULL is nothing. */
void encoder_give(struct encoders *encoders, struct encoder *encoder);
void encoders_free(struct encoders *encoders);

enum encoder_until {
	ENCODER_MORE,  /* the encoder may keep some of it back */
	ENCODER_FLUSH, /* all that was given can be decoded */
	ENCODER_END,   /* and nothing will follow */
};
/* Adds to out what comes of `in`. */
void encoder_run(struct encoder *encoder, struct str in, enum encoder_until until, struct buf *out);

#endif

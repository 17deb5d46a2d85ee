/* gzip by zlib, zstd by libzstd; see compress.h.
 *
 * The levels were measured on rows as JSON (tests/server/bench_compress): 64 KiB cost 1.9 ms of CPU a megabyte with
 * gzip 1 (4.9 times shorter), 5.5 with gzip 6 (6.2 times), 0.9 with zstd 1 (8.0 times), 1.1 with zstd 3 (7.3 times).
 */
#include "server/compress.h"

#include "orm/base/error.h"
#include "server/accept.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_LEVEL 1
#define ZSTD_LEVEL 1
/* Rows repeat themselves at once: a window of 128 KiB finds nearly all of it, in a tenth of the memory. */
#define ZSTD_WINDOW_LOG 17
/* zlib: the largest window (15), as gzip (16). */
#define GZIP_WINDOW_BITS (15 + 16)
#define GZIP_MEMORY_LEVEL 8
#define KEEP_ENCODERS 4
/* Asked of the buffer at a time. */
#define OUT_BYTES ((size_t)16 << 10)

struct encoder {
	enum coding coding;
	struct encoder *next;
	z_stream gzip;
	ZSTD_CCtx *zstd;
};

/* ---- choosing ---- */

static const struct {
	struct str name;
	enum coding coding;
} names[] = {
	{STR_INIT("zstd"), CODING_ZSTD},
	{STR_INIT("gzip"), CODING_GZIP},
	{STR_INIT("x-gzip"), CODING_GZIP},
	{STR_INIT("identity"), CODING_IDENTITY},
};

const char *coding_name(enum coding coding)
{
	switch (coding) {
	case CODING_IDENTITY:
	case CODINGS:
		break;
	case CODING_GZIP:
		return "gzip";
	case CODING_ZSTD:
		return "zstd";
	}
	return "identity";
}

#define Q_UNSAID UINT32_MAX
#define Q_LEAST 1

static void note(struct str name, unsigned q, unsigned qs[static CODINGS])
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (str_eq_nocase(names[i].name, name))
			qs[names[i].coding] = q;
}

/* The q of each.  What is not named has the q of "*"; without one identity is taken when nothing else is, and
 * nothing else is taken. */
static void read_field(struct str field, unsigned qs[static CODINGS])
{
	unsigned others = Q_UNSAID;

	for (size_t i = 0; i < CODINGS; i++)
		qs[i] = Q_UNSAID;
	while (field.p != NULL) {
		struct str params = str_cut(&field, STR(","));
		struct str name = str_trim(str_cut(&params, STR(";")));

		if (str_is(name, "*"))
			others = accept_q(params);
		else
			note(name, accept_q(params), qs);
	}
	for (size_t i = 0; i < CODINGS; i++)
		if (qs[i] == Q_UNSAID)
			qs[i] = others != Q_UNSAID ? others : i == CODING_IDENTITY ? Q_LEAST : 0;
}

struct coding_wish coding_choose(struct str field, bool has_codings)
{
	struct coding_wish wish = {CODING_IDENTITY, false, false};
	unsigned qs[CODINGS];

	if (field.p == NULL || str_trim(field).n == 0)
		return wish;
	read_field(field, qs);
	if (has_codings && qs[CODING_GZIP] > 0 && qs[CODING_GZIP] >= qs[CODING_IDENTITY])
		wish.coding = CODING_GZIP;
	if (has_codings && qs[CODING_ZSTD] > 0 && qs[CODING_ZSTD] >= qs[CODING_IDENTITY] &&
	    qs[CODING_ZSTD] >= qs[CODING_GZIP])
		wish.coding = CODING_ZSTD;
	wish.must = qs[CODING_IDENTITY] == 0;
	wish.is_impossible = wish.must && wish.coding == CODING_IDENTITY;
	return wish;
}

/* ---- encoders ---- */

static bool set_up_gzip(struct encoder *encoder)
{
	return deflateInit2(&encoder->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
	                    Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool set_up_zstd(struct encoder *encoder)
{
	encoder->zstd = ZSTD_createCCtx();
	return encoder->zstd != NULL &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG));
}

static void encoder_free(struct encoder *encoder)
{
	if (encoder->coding == CODING_GZIP)
		deflateEnd(&encoder->gzip);
	ZSTD_freeCCtx(encoder->zstd);
	free(encoder);
}

static struct encoder *encoder_new(enum coding coding)
{
	struct encoder *encoder = calloc(1, sizeof *encoder);

	if (encoder == NULL)
		return NULL;
	encoder->coding = coding;
	if (coding == CODING_GZIP ? set_up_gzip(encoder) : set_up_zstd(encoder))
		return encoder;
	encoder_free(encoder);
	return NULL;
}

struct encoder *encoder_take(struct encoders *encoders, enum coding coding)
{
	struct encoder *encoder = encoders->idle[coding];

	ASSERT(coding == CODING_GZIP || coding == CODING_ZSTD);
	if (encoder == NULL)
		return encoder_new(coding);
	encoders->idle[coding] = encoder->next;
	encoders->nidle[coding]--;
	return encoder;
}

void encoder_give(struct encoders *encoders, struct encoder *encoder)
{
	if (encoder == NULL)
		return;
	if (encoders->nidle[encoder->coding] == KEEP_ENCODERS) {
		encoder_free(encoder);
		return;
	}
	if (encoder->coding == CODING_GZIP)
		deflateReset(&encoder->gzip);
	else
		ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only);
	encoder->next = encoders->idle[encoder->coding];
	encoders->idle[encoder->coding] = encoder;
	encoders->nidle[encoder->coding]++;
}

void encoders_free(struct encoders *encoders)
{
	for (size_t i = 0; i < CODINGS; i++) {
		while (encoders->idle[i] != NULL) {
			struct encoder *encoder = encoders->idle[i];

			encoders->idle[i] = encoder->next;
			encoder_free(encoder);
		}
	}
	*encoders = (struct encoders){0};
}

/* Until zlib leaves room in the output, it has more to say. */
static void run_gzip(struct encoder *encoder, struct str in, enum encoder_until until, struct buf *out)
{
	static const int flushes[] = {Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH};
	z_stream *gzip = &encoder->gzip;

	ASSERT(in.n <= UINT_MAX);
	gzip->next_in = (z_const Bytef *)(uintptr_t)in.p;
	gzip->avail_in = (uInt)in.n;
	do {
		int result;

		gzip->next_out = (Bytef *)buf_reserve(out, OUT_BYTES);
		gzip->avail_out = OUT_BYTES;
		result = deflate(gzip, flushes[until]);
		if (result == Z_STREAM_ERROR)
			BUG("zlib: %s", gzip->msg ? gzip->msg : "stream error");
		out->n += OUT_BYTES - gzip->avail_out;
	} while (gzip->avail_out == 0);
}

static void run_zstd(struct encoder *encoder, struct str in, enum encoder_until until, struct buf *out)
{
	static const ZSTD_EndDirective ends[] = {ZSTD_e_continue, ZSTD_e_flush, ZSTD_e_end};
	ZSTD_inBuffer input = {in.p, in.n, 0};
	size_t left;

	do {
		ZSTD_outBuffer output = {buf_reserve(out, OUT_BYTES), OUT_BYTES, 0};

		left = ZSTD_compressStream2(encoder->zstd, &output, &input, ends[until]);
		if (ZSTD_isError(left))
			BUG("libzstd: %s", ZSTD_getErrorName(left));
		out->n += output.pos;
	} while (until == ENCODER_MORE ? input.pos < input.size : left > 0);
}

void encoder_run(struct encoder *encoder, struct str in, enum encoder_until until, struct buf *out)
{
	if (encoder->coding == CODING_GZIP)
		run_gzip(encoder, in, until, out);
	else
		run_zstd(encoder, in, until, out);
}

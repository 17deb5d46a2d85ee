/* Which coding a client takes, and bodies through the encoders and back. */
#include "server/compress.h"

#include "orm/base/error.h"
#include "tests/support/suite.h"

#include <zlib.h>
#include <zstd.h>

static struct encoders encoders;
static struct buf body, coded, back;

static void setup(void)
{
	encoders = (struct encoders){0};
	body = coded = back = (struct buf){0};
}

static void teardown(void)
{
	encoders_free(&encoders);
	buf_release(&body);
	buf_release(&coded);
	buf_release(&back);
}

static void wishes(const char *field, enum coding coding, bool must, bool is_impossible)
{
	struct coding_wish wish = coding_choose(str_of(field), true);

	ck_assert_msg(wish.coding == coding, "\"%s\": %s", field, coding_name(wish.coding));
	ck_assert_msg(wish.must == must && wish.is_impossible == is_impossible, "\"%s\"", field);
}

START_TEST(the_highest_q_decides_and_then_our_order)
{
	struct coding_wish wish = coding_choose((struct str){0}, true);

	ck_assert(wish.coding == CODING_IDENTITY && !wish.must && !wish.is_impossible);
	wishes("", CODING_IDENTITY, false, false);
	wishes("gzip", CODING_GZIP, false, false);
	wishes("gzip, deflate, br, zstd", CODING_ZSTD, false, false);
	wishes("zstd;q=0.5, gzip;q=0.6", CODING_GZIP, false, false);
	wishes("gzip;q=0.5, identity", CODING_IDENTITY, false, false);
	wishes("*", CODING_ZSTD, false, false);
	wishes("*;q=0.5, zstd;q=0", CODING_GZIP, false, false);
	wishes(" ; , ,gzip", CODING_GZIP, false, false);
	wishes("br", CODING_IDENTITY, false, false);
}
END_TEST

START_TEST(identity_can_be_refused)
{
	wishes("identity;q=0, gzip", CODING_GZIP, true, false);
	wishes("*;q=0, zstd", CODING_ZSTD, true, false);
	wishes("identity;q=0", CODING_IDENTITY, true, true);
	wishes("*;q=0", CODING_IDENTITY, true, true);
	wishes("gzip;q=0, zstd;q=0", CODING_IDENTITY, false, false);
	wishes("*;q=0, identity", CODING_IDENTITY, false, false);
	ck_assert(coding_choose(STR("gzip, identity;q=0"), false).is_impossible);
	ck_assert(coding_choose(STR("gzip"), false).coding == CODING_IDENTITY);
}
END_TEST

/* Decodes all of `coded`; whether it was whole, and nothing behind it. */
static bool decode_gzip(void)
{
	z_stream stream = {.next_in = (Bytef *)coded.p, .avail_in = (uInt)coded.n};
	int result;

	ck_assert_int_eq(inflateInit2(&stream, 31), Z_OK);
	do {
		stream.next_out = (Bytef *)buf_reserve(&back, 65536);
		stream.avail_out = 65536;
		result = inflate(&stream, Z_NO_FLUSH);
		back.n += 65536 - stream.avail_out;
	} while (result == Z_OK && stream.avail_out == 0);
	bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;

	inflateEnd(&stream);
	return is_whole;
}

static bool decode_zstd(void)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = {coded.p, coded.n, 0};
	size_t left = 1;
	ZSTD_outBuffer out;

	do {
		out = (ZSTD_outBuffer){buf_reserve(&back, 65536), 65536, 0};
		left = ZSTD_decompressStream(context, &out, &in);
		ck_assert(!ZSTD_isError(left));
		back.n += out.pos;
	} while (left > 0 && (in.pos < in.size || out.pos == out.size));
	ZSTD_freeDCtx(context);
	return left == 0 && in.pos == in.size;
}

static bool decode(enum coding coding)
{
	buf_clear(&back);
	return coding == CODING_GZIP ? decode_gzip() : decode_zstd();
}

static void fill(size_t n, unsigned seed)
{
	buf_clear(&body);
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		/* Half of it noise, which no coding makes shorter. */
		buf_add_char(&body, i / 1000 % 2 ? (char)(seed >> 16) : (char)('a' + i % 7));
	}
}

START_TEST(bodies_of_any_length_come_back)
{
	static const size_t lengths[] = {0, 1, 2, 100, 16383, 16384, 16385, 65536, 300000};

	for (enum coding coding = CODING_GZIP; coding < CODINGS; coding++) {
		for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
			struct encoder *encoder = encoder_take(&encoders, coding);

			fill(lengths[i], (unsigned)i);
			buf_clear(&coded);
			encoder_run(encoder, buf_str(&body), ENCODER_END, &coded);
			encoder_give(&encoders, encoder);
			ck_assert(decode(coding));
			ck_assert(str_eq(buf_str(&back), buf_str(&body)));
		}
	}
}
END_TEST

START_TEST(what_was_flushed_can_be_decoded)
{
	for (enum coding coding = CODING_GZIP; coding < CODINGS; coding++) {
		struct encoder *encoder = encoder_take(&encoders, coding);

		buf_clear(&coded);
		fill(200000, 7);
		for (size_t at = 0; at < body.n; at += 40000) {
			encoder_run(encoder, str_sub(buf_str(&body), at, 40000), ENCODER_FLUSH, &coded);
			ck_assert(!decode(coding) || coding == CODING_ZSTD);
			ck_assert(str_eq(buf_str(&back), str_sub(buf_str(&body), 0, at + 40000)));
		}
		encoder_run(encoder, STR(""), ENCODER_END, &coded);
		encoder_give(&encoders, encoder);
		ck_assert(decode(coding));
		ck_assert(str_eq(buf_str(&back), buf_str(&body)));
	}
}
END_TEST

START_TEST(an_encoder_given_back_half_way_begins_anew)
{
	for (enum coding coding = CODING_GZIP; coding < CODINGS; coding++) {
		for (int round = 0; round < 3; round++) {
			struct encoder *encoder = encoder_take(&encoders, coding);

			fill(100000, 1);
			buf_clear(&coded);
			encoder_run(encoder, buf_str(&body), round == 1 ? ENCODER_FLUSH : ENCODER_MORE, &coded);
			encoder_give(&encoders, encoder);
			encoder = encoder_take(&encoders, coding);
			fill(5000, 2);
			buf_clear(&coded);
			encoder_run(encoder, buf_str(&body), ENCODER_END, &coded);
			encoder_give(&encoders, encoder);
			ck_assert(decode(coding));
			ck_assert(str_eq(buf_str(&back), buf_str(&body)));
		}
	}
}
END_TEST

START_TEST(few_are_kept)
{
	struct encoder *taken[20];

	for (size_t i = 0; i < 20; i++)
		taken[i] = encoder_take(&encoders, i % 2 ? CODING_GZIP : CODING_ZSTD);
	for (size_t i = 0; i < 20; i++)
		encoder_give(&encoders, taken[i]);
	encoder_give(&encoders, NULL);
	ck_assert_uint_le(encoders.nidle[CODING_GZIP], 4);
	ck_assert_uint_le(encoders.nidle[CODING_ZSTD], 4);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "server/compress");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, the_highest_q_decides_and_then_our_order);
	tcase_add_test(group, identity_can_be_refused);
	tcase_add_test(group, bodies_of_any_length_come_back);
	tcase_add_test(group, what_was_flushed_can_be_decoded);
	tcase_add_test(group, an_encoder_given_back_half_way_begins_anew);
	tcase_add_test(group, few_are_kept);
	return suite_main(suite);
}

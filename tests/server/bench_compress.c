/* What a megabyte of rows costs in each coding and level, in CPU time of this thread; and what counting a request costs.
 *
 *	ninja -C build tests/bench_compress && build/tests/bench_compress
 *
 * The levels of server/compress.c were chosen by it.
 */
#include "server/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_rows(struct buf *out, size_t n)
{
	BUF_LIT(out, "{\"results\":[");
	for (unsigned i = 1; out->n < n; i++)
		buf_printf(out,
		           "{\"id\":%u,\"sensor\":\"sensor-%u\",\"note\":\"as expected, run %u\",\"value\":\"%u.%03u\","
		           "\"is_valid\":%s,\"taken_at\":\"2026-0%u-%02uT%02u:%02u:%02uZ\"},",
		           i, i % 977, i, i * 7919 % 10000, i * 31 % 1000, i % 3 ? "true" : "false", 1 + i % 9, 1 + i % 28, i % 24,
		           i * 7 % 60, i * 13 % 60);
	out->n = n;
}

static size_t code_gzip(z_stream *stream, int level, struct str in, struct buf *out)
{
	if (!stream->state)
		deflateInit2(stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	deflateReset(stream);
	stream->next_in = (z_const Bytef *)(uintptr_t)in.p;
	stream->avail_in = (uInt)in.n;
	stream->next_out = (Bytef *)out->p;
	stream->avail_out = (uInt)out->cap;
	deflate(stream, Z_FINISH);
	return stream->total_out;
}

static size_t code_zstd(ZSTD_CCtx *context, int level, struct str in, struct buf *out)
{
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 17);
	return ZSTD_compress2(context, out->p, out->cap, in.p, in.n);
}

static void measure(struct str body, bool is_gzip, int level)
{
	size_t rounds = ((size_t)16 << 20) / body.n + 1, coded = 0;
	ZSTD_CCtx *context = ZSTD_createCCtx();
	z_stream stream = {0};
	struct buf out = {0};
	double began, best = 1e9;

	buf_reserve(&out, body.n + 65536);
	for (int attempt = 0; attempt < 3; attempt++) {
		began = cpu_seconds();
		for (size_t i = 0; i < rounds; i++)
			coded = is_gzip ? code_gzip(&stream, level, body, &out) : code_zstd(context, level, body, &out);
		began = cpu_seconds() - began;
		if (began < best)
			best = began;
	}
	printf("%s %d  %8zu bytes  %6.2f ms/MB  %5.2f times shorter\n", is_gzip ? "gzip" : "zstd", level, body.n,
	       best * 1e3 / ((double)(rounds * body.n) / 1e6), (double)body.n / (double)coded);
	deflateEnd(&stream);
	ZSTD_freeCCtx(context);
	buf_release(&out);
}

static void measure_counting(void)
{
	static const struct registry registry;
	static const struct settings settings;
	const struct request request = {.method = HTTP_GET, .route = 12};
	struct metrics_event event = {.request = &request, .status = 200, .bytes_out = 300};
	struct metrics_set set;
	double began;

	metrics_set_init(&set, 1, &registry, &settings);
	began = cpu_seconds();
	for (uint64_t i = 0; i < 20000000; i++) {
		event.ns = 100000 + (i & 65535);
		metrics_note(set.workers[0], &event);
	}
	printf("counting a request: %.1f ns\n", (cpu_seconds() - began) * 1e9 / 20000000);
	metrics_set_free(&set);
}

int main(void)
{
	static const size_t lengths[] = {2000, 64000, 5000000};

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct buf body = {0};

		make_rows(&body, lengths[i]);
		for (int level = 1; level <= 6; level++)
			measure(buf_str(&body), true, level);
		for (int level = 1; level <= 4; level++)
			measure(buf_str(&body), false, level);
		buf_release(&body);
	}
	measure_counting();
	return 0;
}

/* Cutting NDJSON into its lines; see ndjson.h.  A line that lies in one chunk is not copied. */
#include "orm/wire/ndjson.h"

void ndjson_init(struct ndjson *ndjson, size_t max_bytes)
{
	*ndjson = (struct ndjson){.max_bytes = max_bytes};
}

void ndjson_release(struct ndjson *ndjson)
{
	buf_release(&ndjson->kept);
}

static bool is_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	return true;
}

/* A whole line, in one piece. */
static enum ndjson_result give(struct ndjson *ndjson, struct str rest, struct str *line)
{
	ndjson->line++;
	if (ndjson->kept.n + rest.n > ndjson->max_bytes)
		return NDJSON_TOO_LONG;
	*line = rest;
	if (ndjson->kept.n) {
		buf_add(&ndjson->kept, rest);
		*line = buf_str(&ndjson->kept);
		ndjson->is_given = true;
	}
	return NDJSON_LINE;
}

static enum ndjson_result keep(struct ndjson *ndjson, struct str *chunk)
{
	if (ndjson->kept.n + chunk->n > ndjson->max_bytes) {
		ndjson->line++;
		return NDJSON_TOO_LONG;
	}
	buf_add(&ndjson->kept, *chunk);
	*chunk = (struct str){chunk->p + chunk->n, 0};
	return NDJSON_MORE;
}

static void forget(struct ndjson *ndjson)
{
	if (ndjson->is_given)
		buf_clear(&ndjson->kept);
	ndjson->is_given = false;
}

enum ndjson_result ndjson_next(struct ndjson *ndjson, struct str *chunk, struct str *line)
{
	enum ndjson_result result = NDJSON_LINE;

	do {
		forget(ndjson);
		if (!chunk->p && !ndjson->kept.n)
			return NDJSON_END;
		const char *end = chunk->p ? memchr(chunk->p, '\n', chunk->n) : NULL;

		if (chunk->p && !end)
			return keep(ndjson, chunk);
		struct str rest = chunk->p ? (struct str){chunk->p, (size_t)(end - chunk->p)} : STR("");

		result = give(ndjson, rest, line);
		if (chunk->p)
			*chunk = (struct str){end + 1, chunk->n - rest.n - 1};
	} while (result == NDJSON_LINE && is_blank(*line));
	return result;
}

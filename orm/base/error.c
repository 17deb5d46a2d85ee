/* Errors: the table of their titles and statuses, suggestions, and bug(). */
#include "orm/base/error.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *title;
	int status;
} kinds[ERROR_KINDS] = {
	[ERROR_NONE] = {"", 200},
	[ERROR_BAD_REQUEST] = {"BadRequest", 400},
	[ERROR_FIELD] = {"FieldError", 400},
	[ERROR_VALUE] = {"ValueError", 400},
	[ERROR_TYPE] = {"TypeError", 400},
	[ERROR_VALIDATION] = {"ValidationError", 422},
	[ERROR_PERMISSION] = {"PermissionDenied", 403},
	[ERROR_UNKNOWN_ADDRESS] = {"NotFound", 404},
	[ERROR_DOES_NOT_EXIST] = {"DoesNotExist", 404},
	[ERROR_METHOD] = {"MethodNotAllowed", 405},
	[ERROR_NOT_ACCEPTABLE] = {"NotAcceptable", 406},
	[ERROR_MULTIPLE] = {"MultipleObjectsReturned", 409},
	[ERROR_INTEGRITY] = {"IntegrityError", 409},
	[ERROR_PROTECTED] = {"ProtectedError", 409},
	[ERROR_RESTRICTED] = {"RestrictedError", 409},
	[ERROR_CONFLICT] = {"OperationalError", 409},
	[ERROR_LOCKED] = {"OperationalError", 409},
	[ERROR_PRECONDITION] = {"PreconditionFailed", 412},
	[ERROR_TOO_LARGE] = {"RequestTooLarge", 413},
	[ERROR_MEDIA_TYPE] = {"UnsupportedMediaType", 415},
	[ERROR_NOT_SUPPORTED] = {"NotSupportedError", 400},
	[ERROR_TRANSACTION] = {"TransactionManagementError", 400},
	[ERROR_INTERNAL] = {"InternalError", 500},
	[ERROR_UNAVAILABLE] = {"OperationalError", 503},
	[ERROR_TIMEOUT] = {"OperationalError", 504},
};

void error_init(struct error *error, struct arena *arena)
{
	*error = (struct error){.arena = arena};
}

/* The text with U+FFFD for every byte that is not UTF-8: words may quote what a client sent, or
 * cut it short. */
static struct str repair_utf8(struct arena *arena, struct str text)
{
	struct buf repaired = {0};
	while (text.n) {
		size_t good = str_utf8_prefix(text);
		buf_add(&repaired, str_sub(text, 0, good));
		if (good < text.n)
			BUF_LIT(&repaired, "\xEF\xBF\xBD");
		text = str_sub(text, good + 1, text.n);
	}
	struct str copy = arena_str(arena, buf_str(&repaired));
	buf_release(&repaired);
	return copy;
}

static void record(struct error *error, enum error_kind kind, const char *format, va_list args)
{
	struct str detail = arena_vprintf(error->arena, format, args);
	if (error->kind != ERROR_NONE)
		BUG("error set twice: %s, then %s", error_title(error->kind), error_title(kind));
	ASSERT(kind > ERROR_NONE && kind < ERROR_KINDS);
	error->kind = kind;
	error->detail = str_is_utf8(detail) ? detail : repair_utf8(error->arena, detail);
}

void error_record(struct error *error, enum error_kind kind, const struct pos *pos,
                  const char *format, ...)
{
	va_list args;
	va_start(args, format);
	record(error, kind, format, args);
	va_end(args);
	error->pos = pos;
	error->has_pos = true;
}

void error_record_nowhere(struct error *error, enum error_kind kind, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	record(error, kind, format, args);
	va_end(args);
}

bool error_is_set(const struct error *error)
{
	return error->kind != ERROR_NONE;
}

void error_clear(struct error *error)
{
	error_init(error, error->arena);
}

const char *error_title(enum error_kind kind)
{
	ASSERT(kind < ERROR_KINDS);
	return kinds[kind].title;
}

int error_status(enum error_kind kind)
{
	ASSERT(kind < ERROR_KINDS);
	return kinds[kind].status;
}

static size_t common_prefix(struct str a, struct str b)
{
	size_t n = 0;
	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	return n;
}

/* Of two that are as near: the longer one, since people leave letters out more often than they add some; then
 * the one that begins more alike, since they err late in a word. */
static bool is_likelier(struct str word, struct str a, struct str b)
{
	if (a.n != b.n)
		return a.n > b.n;
	return common_prefix(word, a) > common_prefix(word, b);
}

struct str suggest_nearest(struct str word, const struct str *candidates, size_t n)
{
	struct str nearest = {NULL, 0};
	size_t allowed = word.n / 3 ? word.n / 3 : 1;
	for (size_t i = 0; i < n; i++) {
		size_t least =
			word.n > candidates[i].n ? word.n - candidates[i].n : candidates[i].n - word.n;
		if (least > allowed)
			continue;
		unsigned distance = str_distance(word, candidates[i]);
		if (distance > allowed)
			continue;
		if (nearest.p && distance == allowed && !is_likelier(word, candidates[i], nearest))
			continue;
		nearest = candidates[i];
		allowed = distance;
	}
	return nearest;
}

static int by_bytes(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str suggest_choices(struct arena *arena, const struct str *candidates, size_t n)
{
	if (n == 0)
		return STR("");
	struct str *sorted = ARENA_ARRAY(arena, struct str, n);
	memcpy(sorted, candidates, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_bytes);
	struct buf text = {0};
	for (size_t i = 0; i < n; i++) {
		if (i)
			BUF_LIT(&text, ", ");
		buf_add(&text, sorted[i]);
	}
	struct str choices = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return choices;
}

/* Works without the heap: it is also how the process ends when memory has run out. */
void bug(const char *file, int line, const char *format, ...)
{
	char words[512];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	fprintf(stderr, "quern: %s:%d: %s\n", file, line, words);
	abort();
}

/* RegexValidator's engine; alone includes pcre2.h.
 *
 * Python and PCRE2 agree on all but small things: Python's \Z is PCRE2's \z, and \w,
 * \d and \s speak of Unicode.  A match that tries too long gives up.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "orm/write/regex.h"

#include "orm/base/buf.h"

#include <pcre2.h>

#define MATCH_LIMIT 200000

struct regex {
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *data;
};

static void free_regex(void *object)
{
	struct regex *regex = object;

	pcre2_match_data_free(regex->data);
	pcre2_match_context_free(regex->context);
	pcre2_code_free(regex->code);
}

static struct str translate(struct arena *arena, struct str pattern)
{
	struct buf out = {0};

	for (size_t i = 0; i < pattern.n; i++) {
		buf_add_char(&out, pattern.p[i]);
		if (pattern.p[i] != '\\' || i + 1 == pattern.n)
			continue;
		i++;
		buf_add_char(&out, pattern.p[i] == 'Z' ? 'z' : pattern.p[i]);
	}
	struct str text = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return text;
}

static uint32_t read_flags(struct str flags)
{
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;

	for (size_t i = 0; i < flags.n; i++) {
		if (flags.p[i] == 'i')
			options |= PCRE2_CASELESS;
		if (flags.p[i] == 'm')
			options |= PCRE2_MULTILINE;
		if (flags.p[i] == 's')
			options |= PCRE2_DOTALL;
		if (flags.p[i] == 'x')
			options |= PCRE2_EXTENDED;
	}
	return options;
}

struct regex *regex_compile(struct arena *arena, struct str pattern, struct str flags)
{
	struct str text = translate(arena, pattern);
	int code;
	PCRE2_SIZE offset;
	pcre2_code *compiled =
		pcre2_compile((PCRE2_SPTR)text.p, text.n, read_flags(flags), &code, &offset, NULL);

	if (!compiled)
		return NULL;
	struct regex *regex = ARENA_NEW(arena, struct regex);
	regex->code = compiled;
	regex->context = pcre2_match_context_create(NULL);
	regex->data = pcre2_match_data_create_from_pattern(compiled, NULL);
	if (regex->context)
		pcre2_set_match_limit(regex->context, MATCH_LIMIT);
	arena_defer(arena, free_regex, regex);
	return regex;
}

enum regex_answer regex_search(const struct regex *regex, struct str text)
{
	int found =
		pcre2_match(regex->code, (PCRE2_SPTR)text.p, text.n, 0, 0, regex->data, regex->context);

	if (found >= 0)
		return REGEX_FOUND;
	return found == PCRE2_ERROR_NOMATCH ? REGEX_NOT_FOUND : REGEX_GAVE_UP;
}

/* The Accept header: the most specific of its ranges that covers a type decides by its q, the highest q which type. */
#include "server/accept.h"

/* How well a range covers a type: 3 the type itself, 2 its main type, 1 all types, 0 not at all. */
static int range_rank(struct str range, struct str type)
{
	ptrdiff_t slash = str_find(range, STR("/"));

	if (str_eq_nocase(range, type))
		return 3;
	if (str_is(range, "*/*"))
		return 1;
	if (slash < 0 || !str_is(str_sub(range, (size_t)slash, range.n), "/*"))
		return 0;
	return str_eq_nocase(str_sub(range, 0, (size_t)slash + 1), str_sub(type, 0, (size_t)slash + 1))
	           ? 2
	           : 0;
}

/* 1000 is q=1; what is no number counts as 1. */
static unsigned read_q(struct str text)
{
	unsigned q = 0, place = 1000;

	for (size_t i = 0; i < text.n; i++) {
		if (i == 1 && text.p[i] == '.')
			continue;
		if (text.p[i] < '0' || text.p[i] > '9' || (i == 0 && text.p[i] > '1'))
			return 1000;
		q += (unsigned)(text.p[i] - '0') * place;
		place /= 10;
	}
	return text.n == 0 || q > 1000 ? 1000 : q;
}

unsigned accept_q(struct str params)
{
	while (params.p != NULL) {
		struct str value = str_trim(str_cut(&params, STR(";")));
		struct str name = str_cut(&value, STR("="));

		if (str_eq_nocase(str_trim(name), STR("q")) && value.p != NULL)
			return read_q(str_trim(value));
	}
	return 1000;
}

/* The q of the range that covers the type best, 0 where none does; *rank: how well. */
static unsigned quality(struct str accept, struct str type, int *rank)
{
	unsigned q = 0;

	*rank = 0;
	while (accept.p != NULL) {
		struct str params = str_cut(&accept, STR(","));
		struct str range = str_trim(str_cut(&params, STR(";")));
		int now = range_rank(range, type);

		if (now > *rank) {
			*rank = now;
			q = accept_q(params);
		}
	}
	return q;
}

bool accept_has(struct str accept, struct str type)
{
	int rank;

	return quality(accept, type, &rank) > 0;
}

/* In the order of our own preference. */
static const struct {
	enum answer_form form;
	struct str type;
	const char *content_type;
} forms[] = {
	{FORM_JSON, STR_INIT("application/json"), "application/json"},
	{FORM_NDJSON, STR_INIT("application/x-ndjson"), "application/x-ndjson"},
	{FORM_NDJSON, STR_INIT("application/ndjson"), "application/ndjson"},
	{FORM_NDJSON, STR_INIT("application/jsonl"), "application/jsonl"},
	{FORM_CSV, STR_INIT("text/csv"), "text/csv; charset=utf-8; header=present"},
};

#define FORMS (sizeof forms / sizeof forms[0])

/* A type that is named goes before one that a range covers with the same q. */
static size_t best_form(struct str accept)
{
	unsigned best_q = 0;
	int best_rank = 0;
	size_t best = FORMS;

	for (size_t i = 0; i < FORMS; i++) {
		int rank;
		unsigned q = quality(accept, forms[i].type, &rank);

		if (q == 0 || q < best_q || (q == best_q && rank <= best_rank))
			continue;
		best_q = q;
		best_rank = rank;
		best = i;
	}
	return best;
}

bool accept_rows(struct request *request)
{
	struct str accept = request->accept;
	size_t best;

	request->form = FORM_JSON;
	if (accept.p == NULL || str_trim(accept).n == 0 || str_is(accept, "*/*") || str_is(accept, "application/json"))
		return true;
	best = best_form(accept);
	if (best == FORMS)
		return error_set_nowhere(&request->error, ERROR_NOT_ACCEPTABLE,
		                         "The rows can be had as application/json, application/x-ndjson or "
		                         "text/csv; the Accept header takes none of them.");
	request->form = forms[best].form;
	request->reply.content_type = forms[best].content_type;
	return true;
}

bool accept_json(struct request *request)
{
	struct str accept = request->accept;

	if (request->form != FORM_UNJUDGED || accept.p == NULL || str_trim(accept).n == 0 || accept_has(accept, STR("application/json")))
		return true;
	return error_set_nowhere(
		&request->error, ERROR_NOT_ACCEPTABLE,
		"This answer can be had as application/json alone, and the Accept header does not "
		"take it.");
}

/* The Accept header: the most specific of its ranges that covers a type decides by its q. */
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

/* Whether the parameters say q=0 (also 0.0 …). */
static bool is_refused(struct str params)
{
	while (params.p != NULL) {
		struct str value = str_trim(str_cut(&params, STR(";")));
		struct str name = str_cut(&value, STR("="));

		if (!str_eq_nocase(str_trim(name), STR("q")) || value.p == NULL)
			continue;
		for (size_t i = 0; i < value.n; i++) {
			if (value.p[i] != '0' && value.p[i] != '.')
				return false;
		}
		return value.n > 0;
	}
	return false;
}

bool accept_has(struct str accept, struct str type)
{
	int best = 0;
	bool is_welcome = false;

	while (accept.p != NULL) {
		struct str params = str_cut(&accept, STR(","));
		struct str range = str_trim(str_cut(&params, STR(";")));
		int rank = range_rank(range, type);

		if (rank > best) {
			best = rank;
			is_welcome = !is_refused(params);
		}
	}
	return is_welcome;
}

bool accept_json(struct request *request)
{
	struct str accept = request->accept;

	if (accept.p == NULL || str_trim(accept).n == 0 || accept_has(accept, STR("application/json")))
		return true;
	return error_set_nowhere(
		&request->error, ERROR_NOT_ACCEPTABLE,
		"The answer can be had as application/json; the Accept header does not "
		"take it.");
}

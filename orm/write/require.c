/* How many rows a write must touch; see require.h. */
#include "orm/write/require.h"

static bool read_number(const struct value *value, int64_t *number, struct error *error)
{
	bool is_number = value->kind == VALUE_INT;

	if (is_number)
		*number = value->integer;
	else if (value->kind == VALUE_TEXT && value->is_loose)
		is_number = str_to_int(value->text, number);
	if (is_number && *number >= 0)
		return true;
	return error_set(error, ERROR_VALUE, value->pos,
	                 "'require' counts rows: a number from 0 on was expected.");
}

static bool read_members(const struct value *value, struct require *require, struct error *error)
{
	static const struct str names[] = {STR_INIT("rows"), STR_INIT("min"), STR_INIT("max")};
	bool has_rows = value_get(value, "rows") != NULL;

	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];
		int64_t number = 0;

		if (!str_is(member->key, "rows") && !str_is(member->key, "min") &&
		    !str_is(member->key, "max")) {
			error_set(error, ERROR_BAD_REQUEST, member->value.pos,
			          "'require' takes \"rows\", or \"min\" and \"max\", not '%.*s'.",
			          STR_ARG(member->key));
			error->suggestion = suggest_nearest(member->key, names, 3);
			return false;
		}
		if (!read_number(&member->value, &number, error))
			return false;
		if (!str_is(member->key, "max"))
			require->min = number;
		if (!str_is(member->key, "min"))
			require->max = number;
	}
	if (value->object.n == 0 || (has_rows && value->object.n > 1) ||
	    (require->max >= 0 && require->min > require->max))
		return error_set(
			error, ERROR_VALUE, value->pos,
			"'require' is {\"rows\": n}, or {\"min\": n, \"max\": m} with n not above m.");
	return true;
}

bool require_read(const struct value *value, struct require *require, struct error *error)
{
	*require = (struct require){.max = -1};
	if (value == NULL)
		return true;
	require->is_given = true;
	require->pos = value->pos;
	if (value->kind == VALUE_OBJECT)
		return read_members(value, require, error);
	if (value->kind != VALUE_TEXT || !value->is_loose)
		return error_set(
			error, ERROR_VALUE, value->pos,
			"'require' is an object, {\"rows\": 1} or {\"min\": 1, \"max\": 3}, not %s.",
			value_kind_name(value->kind));
	if (!read_number(value, &require->min, error))
		return false;
	require->max = require->min;
	return true;
}

static struct str rows_of(struct error *error, int64_t n)
{
	return n == 1 ? STR("one row was") : arena_printf(error->arena, "%lld rows were", (long long)n);
}

static struct str words_of(const struct require *require, struct error *error)
{
	if (require->min == require->max)
		return rows_of(error, require->min);
	if (require->max < 0)
		return arena_printf(error->arena, "at least %.*s", STR_ARG(rows_of(error, require->min)));
	if (require->min == 0)
		return arena_printf(error->arena, "at most %.*s", STR_ARG(rows_of(error, require->max)));
	return arena_printf(error->arena, "%lld to %.*s", (long long)require->min,
	                    STR_ARG(rows_of(error, require->max)));
}

bool require_holds(const struct require *require, uint64_t nrows, struct error *error)
{
	bool are_enough = nrows >= (uint64_t)require->min;
	bool are_too_many = require->max >= 0 && nrows > (uint64_t)require->max;

	if (!require->is_given || (are_enough && !are_too_many))
		return true;
	return error_set(error, ERROR_PRECONDITION, require->pos,
	                 "%.*s there and %.*s required; nothing was written.",
	                 STR_ARG(rows_of(error, (int64_t)nrows)), STR_ARG(words_of(require, error)));
}

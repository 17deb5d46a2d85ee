/* Query bodies (PROTOCOL section 3): the table of clause words, each row a word and how its value is read.
 *
 * Checks what can be seen without a model: shapes, words, and clauses that exclude each other in
 * one object.  To add a clause, add its row and what it fills in struct clause.
 */
#include "orm/query/decode_parts.h"

/* ---- clauses ---- */

static bool read_filter(struct decoder *d, const struct value *value, struct clause *clause)
{
	struct cond *cond = ARENA_NEW(d->arena, struct cond);

	clause->filter = cond;
	return read_cond(d, value, cond);
}

static bool read_exclude(struct decoder *d, const struct value *value, struct clause *clause)
{
	struct cond *cond = ARENA_NEW(d->arena, struct cond);

	clause->exclude = cond;
	return read_cond(d, value, cond);
}

static bool read_alias(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_named_exprs(d, value, &clause->alias, &clause->nalias);
}

static bool read_annotate(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_named_exprs(d, value, &clause->annotate, &clause->nannotate);
}

static bool read_group_by(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->has_group_by = true;
	return read_projection(d, value, &clause->group_by, &clause->ngroup_by);
}

static bool read_values_as(struct decoder *d, const struct value *value, enum projection_kind kind,
                           struct clause *clause)
{
	if (clause->projection != PROJECTION_NONE)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "\"values\" and \"values_list\" exclude each other");
	clause->projection = kind;
	if (value->kind != VALUE_BOOL)
		return read_projection(d, value, &clause->values, &clause->nvalues);
	clause->projects_all = true;
	return value->boolean || error_set(d->error, ERROR_VALUE, value->pos,
	                                   "expected an array of paths, or true for all columns");
}

static bool read_values(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_values_as(d, value, PROJECTION_VALUES, clause);
}

static bool read_values_list(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_values_as(d, value, PROJECTION_VALUES_LIST, clause);
}

static bool read_flat(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_bool(d, value, &clause->is_flat);
}

static bool read_only(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_paths(d, value, &clause->only, &clause->nonly);
}

static bool read_defer(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_paths(d, value, &clause->defer, &clause->ndefer);
}

static bool read_order_by(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->has_order_by = true;
	return read_order(d, value, &clause->order_by, &clause->norder_by);
}

static bool read_reverse(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_bool(d, value, &clause->is_reversed);
}

static bool read_distinct(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->has_distinct = true;
	clause->is_distinct = true;
	if (value->kind == VALUE_BOOL) {
		clause->is_distinct = value->boolean;
		return true;
	}
	if (value->kind != VALUE_LIST && !value->is_loose)
		return wrong_kind(d, value, "true or an array of paths");
	return read_paths(d, value, &clause->distinct_on, &clause->ndistinct_on);
}

static bool read_limit(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->has_limit = true;
	clause->limit_pos = value->pos;
	return read_natural(d, value, &clause->limit);
}

static bool read_offset(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->offset_pos = value->pos;
	return read_natural(d, value, &clause->offset);
}

static bool read_cursor(struct decoder *d, const struct value *value, enum cursor_kind kind,
                        struct clause *clause)
{
	if (clause->cursor != CURSOR_NONE)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "\"after\" and \"before\" exclude each other");
	clause->cursor = kind;
	clause->cursor_pos = value->pos;
	return value->kind == VALUE_NULL ||
	       read_text(d, value, "a cursor (a string) or null", &clause->cursor_text);
}

static bool read_after(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_cursor(d, value, CURSOR_AFTER, clause);
}

static bool read_before(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_cursor(d, value, CURSOR_BEFORE, clause);
}

static bool read_select_related(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->has_select_related = true;
	if (value->kind == VALUE_BOOL) {
		clause->selects_all_related = value->boolean;
		return true;
	}
	if (value->kind != VALUE_LIST && !value->is_loose)
		return wrong_kind(d, value, "an array of paths, true or false");
	return read_paths(d, value, &clause->select_related, &clause->nselect_related);
}

static bool read_prefetch_member(struct decoder *d, const struct member *member,
                                 struct prefetch *out)
{
	static const char *const members[] = {"path", "query", "to_attr", NULL};

	if (str_is(member->key, "path"))
		return read_path(d, &member->value, &out->path);
	if (str_is(member->key, "to_attr"))
		return read_text(d, &member->value, "a name", &out->to_attr);
	if (str_is(member->key, "query")) {
		struct query *query = ARENA_NEW(d->arena, struct query);

		out->query = query;
		return read_nested_query(d, &member->value, false, query);
	}
	return unknown_word(d, member, "a member of a prefetch", members, NULL);
}

static bool read_prefetch(struct decoder *d, const struct value *value, struct prefetch *out)
{
	out->pos = value->pos;
	if (value->kind == VALUE_TEXT)
		return read_path(d, value, &out->path);
	if (!read_object(d, value, "a path or {\"path\", \"query\", \"to_attr\"}"))
		return false;
	for (size_t i = 0; i < value->object.n; i++) {
		if (!read_prefetch_member(d, &value->object.members[i], out))
			return false;
	}
	if (out->path.n == 0)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos, "a prefetch needs \"path\"");
	return true;
}

static bool read_prefetch_related(struct decoder *d, const struct value *value,
                                  struct clause *clause)
{
	const struct value *items;
	struct prefetch *list;
	size_t n;

	clause->clears_prefetch = value->kind == VALUE_BOOL && !value->boolean;
	if (clause->clears_prefetch)
		return true;
	if (!read_list(d, value, "an array of paths, or false", &items, &n))
		return false;
	list = ARENA_ARRAY(d->arena, struct prefetch, n);
	for (size_t i = 0; i < n; i++) {
		if (!read_prefetch(d, &items[i], &list[i]))
			return false;
	}
	clause->prefetch_related = list;
	clause->nprefetch_related = n;
	clause->clears_prefetch = n == 0;
	return true;
}

static bool read_combined(struct decoder *d, const struct value *value, enum combinator_kind kind,
                          struct clause *clause)
{
	struct query *list;

	if (clause->combinator != COMBINATOR_NONE)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "one clause object combines once; use an array of clause objects");
	if (value->kind != VALUE_LIST)
		return wrong_kind(d, value, "an array of queries");
	list = ARENA_ARRAY(d->arena, struct query, value->list.n);
	for (size_t i = 0; i < value->list.n; i++) {
		if (!read_nested_query(d, &value->list.items[i], false, &list[i]))
			return false;
	}
	clause->combinator = kind;
	clause->combinator_pos = value->pos;
	clause->combined = list;
	clause->ncombined = value->list.n;
	return true;
}

static bool read_union(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_combined(d, value, COMBINATOR_UNION, clause);
}

static bool read_intersection(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_combined(d, value, COMBINATOR_INTERSECTION, clause);
}

static bool read_difference(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_combined(d, value, COMBINATOR_DIFFERENCE, clause);
}

static bool read_all(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_bool(d, value, &clause->combines_all);
}

static bool read_filtered_relation(struct decoder *d, const struct value *value,
                                   struct clause *clause)
{
	clause->filtered_relation = value;
	return read_object(d, value, "an object of aliases");
}

static bool read_lock_member(struct decoder *d, const struct member *member, struct row_lock *lock)
{
	static const char *const members[] = {"nowait", "skip_locked", "of", "no_key", NULL};

	if (str_is(member->key, "nowait"))
		return read_bool(d, &member->value, &lock->nowait);
	if (str_is(member->key, "skip_locked"))
		return read_bool(d, &member->value, &lock->skip_locked);
	if (str_is(member->key, "no_key"))
		return read_bool(d, &member->value, &lock->no_key);
	if (str_is(member->key, "of"))
		return read_paths(d, &member->value, &lock->of, &lock->nof);
	return unknown_word(d, member, "a member of select_for_update", members, NULL);
}

static bool read_select_for_update(struct decoder *d, const struct value *value,
                                   struct clause *clause)
{
	struct row_lock *lock;

	clause->has_lock = true;
	if (value->kind == VALUE_BOOL && !value->boolean)
		return true;
	lock = ARENA_NEW(d->arena, struct row_lock);
	lock->pos = value->pos;
	clause->lock = lock;
	clause->select_for_update = value;
	if (value->kind == VALUE_BOOL)
		return true;
	if (!read_object(d, value, "true or {\"nowait\", \"skip_locked\", \"of\", \"no_key\"}"))
		return false;
	for (size_t i = 0; i < value->object.n; i++)
		if (!read_lock_member(d, &value->object.members[i], lock))
			return false;
	if (lock->nowait && lock->skip_locked)
		return error_set(d->error, ERROR_VALUE, value->pos,
		                 "The nowait option cannot be used with skip_locked.");
	return true;
}

static bool read_using(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->using_pos = value->pos;
	return read_text(d, value, "a database alias (a string)", &clause->using);
}

static bool read_timezone(struct decoder *d, const struct value *value, struct clause *clause)
{
	clause->timezone_pos = value->pos;
	return read_text(d, value, "a time zone's name (a string)", &clause->timezone);
}

static bool read_none(struct decoder *d, const struct value *value, struct clause *clause)
{
	return read_bool(d, value, &clause->is_none);
}

static bool read_count_cap(struct decoder *d, const struct value *value, struct clause *clause)
{
	static const char *const members[] = {"cap", NULL};

	if (!read_object(d, value, "true, \"estimated\" or {\"cap\": n}"))
		return false;
	for (size_t i = 0; i < value->object.n; i++) {
		if (!str_is(value->object.members[i].key, "cap"))
			return unknown_word(d, &value->object.members[i], "a member of count", members, NULL);
	}
	if (value->object.n == 0)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos, "a capped count needs \"cap\"");
	clause->count = COUNT_CAPPED;
	return read_natural(d, &value->object.members[0].value, &clause->count_cap);
}

static bool read_count(struct decoder *d, const struct value *value, struct clause *clause)
{
	bool is_exact = false;

	if (value->kind == VALUE_TEXT && str_is(value->text, "estimated")) {
		clause->count = COUNT_ESTIMATED;
		return true;
	}
	if (value->kind == VALUE_TEXT && !value->is_loose)
		return error_set(d->error, ERROR_VALUE, value->pos,
		                 "expected true, \"estimated\" or {\"cap\": n}, got \"%.*s\"",
		                 STR_ARG(value->text));
	if (value->kind != VALUE_BOOL && value->kind != VALUE_TEXT)
		return read_count_cap(d, value, clause);
	if (!read_bool(d, value, &is_exact))
		return false;
	clause->count = is_exact ? COUNT_EXACT : COUNT_NONE;
	return true;
}

static const struct {
	const char *name;
	bool (*read)(struct decoder *, const struct value *, struct clause *);
} clauses[] = {
	{"filter", read_filter},
	{"exclude", read_exclude},
	{"annotate", read_annotate},
	{"alias", read_alias},
	{"group_by", read_group_by},
	{"values", read_values},
	{"values_list", read_values_list},
	{"flat", read_flat},
	{"only", read_only},
	{"defer", read_defer},
	{"order_by", read_order_by},
	{"reverse", read_reverse},
	{"distinct", read_distinct},
	{"limit", read_limit},
	{"offset", read_offset},
	{"after", read_after},
	{"before", read_before},
	{"select_related", read_select_related},
	{"prefetch_related", read_prefetch_related},
	{"union", read_union},
	{"intersection", read_intersection},
	{"difference", read_difference},
	{"all", read_all},
	{"filtered_relation", read_filtered_relation},
	{"select_for_update", read_select_for_update},
	{"using", read_using},
	{"count", read_count},
	{"timezone", read_timezone},
	{"none", read_none},
};
#define NCLAUSES (sizeof clauses / sizeof *clauses)

/* ---- clause objects ---- */

static bool read_clause_member(struct decoder *d, const struct member *member,
                               const char *const *own, struct clause *clause)
{
	const char *words[NCLAUSES + 1];

	for (size_t i = 0; i < NCLAUSES; i++) {
		if (str_is(member->key, clauses[i].name))
			return clauses[i].read(d, &member->value, clause);
		words[i] = clauses[i].name;
	}
	words[NCLAUSES] = NULL;
	return unknown_word(d, member, "a clause of a query", words, own);
}

/* Clauses that mean something only beside another one. */
static bool check_companions(struct decoder *d, const struct value *value,
                             const struct clause *clause)
{
	const struct value *flat = value_get(value, "flat"), *all = value_get(value, "all");

	if (clause->is_flat && clause->projection != PROJECTION_VALUES_LIST)
		return error_set(d->error, ERROR_BAD_REQUEST, flat->pos,
		                 "\"flat\" goes with \"values_list\"");
	if (clause->is_flat && (clause->nvalues != 1 || clause->projects_all))
		return error_set(d->error, ERROR_BAD_REQUEST, flat->pos,
		                 "\"flat\" needs exactly one value in \"values_list\"");
	if (clause->combines_all && clause->combinator != COMBINATOR_UNION)
		return error_set(d->error, ERROR_BAD_REQUEST, all->pos, "\"all\" goes with \"union\"");
	return true;
}

/* Members named in `own` (and "model" where it may stand) belong to somebody else. */
static bool read_clause(struct decoder *d, const struct value *value, const char *const *own,
                        struct clause *clause)
{
	clause->pos = value->pos;
	if (!read_object(d, value, "an object of clauses") || !is_written(d, value, "a query"))
		return false;
	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];

		if (is_word(member->key, own))
			continue;
		if (!read_clause_member(d, member, own, clause))
			return false;
	}
	return check_companions(d, value, clause);
}

static bool read_one_clause(struct decoder *d, const struct value *value, const char *const *own,
                            struct query *query)
{
	struct clause *clause = ARENA_NEW(d->arena, struct clause);

	query->clauses = clause;
	query->nclauses = 1;
	return read_clause(d, value, own, clause);
}

static bool read_chain(struct decoder *d, const struct value *list, struct query *query)
{
	size_t n = list->list.n;
	struct clause *chain = ARENA_ARRAY(d->arena, struct clause, n == 0 ? 1 : n);

	query->clauses = chain;
	query->nclauses = n == 0 ? 1 : n;
	chain[0].pos = list->pos;
	for (size_t i = 0; i < n; i++) {
		if (!read_clause(d, &list->list.items[i], NULL, &chain[i]))
			return false;
	}
	return true;
}

/* {"query": [ … ], own members…}: no clause beside the chain. */
static bool read_wrapped(struct decoder *d, const struct value *value, const char *const *own,
                         struct query *query)
{
	const struct value *chain = value_get(value, "query");

	for (size_t i = 0; i < value->object.n; i++) {
		const struct member *member = &value->object.members[i];

		if (!str_is(member->key, "query") && !is_word(member->key, own))
			return error_set(d->error, ERROR_BAD_REQUEST, member->value.pos,
			                 "\"%.*s\" cannot stand beside \"query\"; put it into the chain",
			                 STR_ARG(member->key));
	}
	if (chain->kind == VALUE_LIST)
		return read_chain(d, chain, query);
	if (chain->kind == VALUE_OBJECT)
		return read_one_clause(d, chain, NULL, query);
	return wrong_kind(d, chain, "an array of clause objects");
}

static bool read_body(struct decoder *d, const struct value *value, const char *const *own,
                      struct query *query)
{
	query->pos = value->pos;
	if (value->kind == VALUE_LIST)
		return read_chain(d, value, query);
	if (value_get(value, "query") != NULL && !is_word(STR("query"), own))
		return read_wrapped(d, value, own, query);
	if (value->kind != VALUE_OBJECT)
		return wrong_kind(d, value, "a query (an object of clauses, or an array of them)");
	return read_one_clause(d, value, own, query);
}

bool read_nested_query(struct decoder *d, const struct value *value, bool needs_model,
                       struct query *out)
{
	static const char *const own[] = {"model", NULL};
	const struct value *model = value_get(value, "model");

	if (!read_body(d, value, own, out))
		return false;
	if (model != NULL) {
		out->model_pos = model->pos;
		return read_text(d, model, "a model's name (a string)", &out->model);
	}
	if (needs_model)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "a query nested here names its \"model\"");
	return true;
}

bool decode_query(struct arena *arena, const struct value *body, const char *const *own,
                  const struct query **query, struct error *error)
{
	struct decoder d = {arena, error};
	struct query *out = ARENA_NEW(arena, struct query);

	*query = out;
	return read_body(&d, body, own, out);
}

bool decode_nested_query(struct arena *arena, const struct value *value, bool needs_model,
                         const struct query **query, struct error *error)
{
	struct decoder d = {arena, error};
	struct query *out = ARENA_NEW(arena, struct query);

	*query = out;
	return read_nested_query(&d, value, needs_model, out);
}

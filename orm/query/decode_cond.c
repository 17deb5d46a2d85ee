/* Conditions (PROTOCOL section 4) and the right sides of lookups.
 *
 * Cuts paths but looks no name up: what a path's last parts mean is for the resolver.  A member is
 * a reserved word, an expression under its capitalised name, or a path; names with "__" are always paths, so
 * `and__exact` and `Name__exact` reach fields named like words.
 */
#include "orm/query/decode_parts.h"

static bool is_sign(struct str name)
{
	static const char *const signs[] = {"+", "-", "*", "/",  "%",  "^",
	                                    "&", "|", "#", "<<", ">>", NULL};

	return is_word(name, signs);
}

/* A capital, then letters, digits and single underscores. */
static bool is_capitalised(struct str name)
{
	if (name.n == 0 || name.p[0] < 'A' || name.p[0] > 'Z')
		return false;
	for (size_t i = 1; i < name.n; i++) {
		char c = name.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && (c < '0' || c > '9') && c != '_')
			return false;
		if (c == '_' && name.p[i - 1] == '_')
			return false;
	}
	return true;
}

static bool is_expression_name(struct str name)
{
	return is_capitalised(name) || is_sign(name);
}

bool value_is_expression(const struct value *value)
{
	return value->kind == VALUE_OBJECT && value->object.n == 1 && !value->is_data &&
	       is_expression_name(value->object.members[0].key);
}

/* ---- right sides ---- */

static bool has_expression(const struct value *value)
{
	if (value->kind != VALUE_LIST)
		return value_is_expression(value);
	for (size_t i = 0; i < value->list.n; i++) {
		if (has_expression(&value->list.items[i]))
			return true;
	}
	return false;
}

static bool read_operand_list(struct decoder *d, const struct value *value, struct operand *out)
{
	struct operand *items = ARENA_ARRAY(d->arena, struct operand, value->list.n);

	for (size_t i = 0; i < value->list.n; i++) {
		if (!read_operand(d, &value->list.items[i], &items[i]))
			return false;
	}
	out->kind = OPERAND_LIST;
	out->items = items;
	out->nitems = value->list.n;
	return true;
}

bool read_operand(struct decoder *d, const struct value *value, struct operand *out)
{
	out->pos = value->pos;
	out->literal = value;
	out->kind = OPERAND_LITERAL;
	if (!has_expression(value))
		return true;
	if (value->kind == VALUE_LIST)
		return read_operand_list(d, value, out);
	struct expr *expr = new_expr(d, value);

	out->kind = OPERAND_EXPR;
	out->expr = expr;
	return read_expr(d, value, PLACE_VALUE, expr);
}

/* ---- set questions ---- */

/* Lookups that take a JSON object as their value: what follows them is never a set question. */
static bool takes_object(const struct path *path)
{
	static const char *const lookups[] = {"exact", "iexact", "contains", "contained_by",
	                                      "in",    "range",  "gt",       "gte",
	                                      "lt",    "lte",    NULL};

	return path->n > 1 && is_word(path->parts[path->n - 1], lookups);
}

static bool is_count_question(const struct value *value)
{
	const struct value *count = value_get(value, "count");
	const struct value *where = value_get(value, "where");

	if (count == NULL || value->object.n != (where == NULL ? 1u : 2u))
		return false;
	return (count->kind == VALUE_INT || count->kind == VALUE_OBJECT) &&
	       (where == NULL || where->kind == VALUE_OBJECT);
}

/* The question that an object asks; COND_LOOKUP when it is a literal. */
static enum cond_kind question_kind(const struct value *value)
{
	const struct member *member;

	if (value->kind != VALUE_OBJECT || value->object.n == 0 || value->is_data)
		return COND_LOOKUP;
	if (is_count_question(value))
		return COND_COUNT;
	member = &value->object.members[0];
	if (value->object.n != 1 || member->value.kind != VALUE_OBJECT)
		return COND_LOOKUP;
	if (str_is(member->key, "some"))
		return COND_SOME;
	if (str_is(member->key, "none"))
		return COND_NONE;
	if (str_is(member->key, "every"))
		return COND_EVERY;
	return COND_LOOKUP;
}

static bool read_question(struct decoder *d, const struct value *value, struct cond *out)
{
	const struct value *where = &value->object.members[0].value;
	struct cond *child;

	if (out->kind == COND_COUNT) {
		out->count = value_get(value, "count");
		where = value_get(value, "where");
	}
	if (where == NULL)
		return true;
	child = ARENA_NEW(d->arena, struct cond);
	out->children = child;
	out->nchildren = 1;
	return read_cond(d, where, child);
}

static bool read_lookup(struct decoder *d, const struct member *member, struct cond *out)
{
	const struct value *value = &member->value;

	if (member->key.n == 0)
		return error_set(d->error, ERROR_FIELD, value->pos, "a lookup's path is empty");
	out->path = path_make(d->arena, member->key, value->pos);
	out->kind = takes_object(&out->path) ? COND_LOOKUP : question_kind(value);
	/* A question keeps its literal too: a JSONField may hold such an object. */
	if (!read_operand(d, value, &out->operand))
		return false;
	return out->kind == COND_LOOKUP || read_question(d, value, out);
}

/* ---- reserved words ---- */

static bool read_branches(struct decoder *d, const struct value *value, struct cond *out)
{
	struct cond *children;

	if (value->kind != VALUE_LIST)
		return wrong_kind(d, value, "an array of conditions");
	children = ARENA_ARRAY(d->arena, struct cond, value->list.n);
	for (size_t i = 0; i < value->list.n; i++) {
		if (!read_cond(d, &value->list.items[i], &children[i]))
			return false;
	}
	out->children = children;
	out->nchildren = value->list.n;
	return true;
}

static bool read_and(struct decoder *d, const struct value *value, struct cond *out)
{
	out->kind = COND_AND;
	return read_branches(d, value, out);
}

static bool read_or(struct decoder *d, const struct value *value, struct cond *out)
{
	out->kind = COND_OR;
	return read_branches(d, value, out);
}

static bool read_xor(struct decoder *d, const struct value *value, struct cond *out)
{
	out->kind = COND_XOR;
	return read_branches(d, value, out);
}

static bool read_not(struct decoder *d, const struct value *value, struct cond *out)
{
	struct cond *child = ARENA_NEW(d->arena, struct cond);

	out->kind = COND_NOT;
	out->children = child;
	out->nchildren = 1;
	return read_cond(d, value, child);
}

/* {"lookup": [expression, "gte", value]} */
static bool read_expr_lookup(struct decoder *d, const struct value *value, struct cond *out)
{
	struct expr *expr;

	if (value->kind != VALUE_LIST)
		return wrong_kind(d, value, "an array of expression, lookup and value");
	if (value->list.n != 3)
		return error_set(d->error, ERROR_BAD_REQUEST, value->pos,
		                 "expected three elements (expression, lookup, value), got %zu",
		                 value->list.n);
	expr = new_expr(d, &value->list.items[0]);
	out->kind = COND_EXPR_LOOKUP;
	out->expr = expr;
	return read_expr(d, &value->list.items[0], PLACE_EXPRESSION, expr) &&
	       read_path(d, &value->list.items[1], &out->lookup) &&
	       read_operand(d, &value->list.items[2], &out->operand);
}

static const struct {
	const char *name;
	bool (*read)(struct decoder *, const struct value *, struct cond *);
} words[] = {
	{"and", read_and},
	{"or", read_or},
	{"xor", read_xor},
	{"not", read_not},
	{"lookup", read_expr_lookup},
};

static bool read_member(struct decoder *d, const struct member *member, struct cond *out)
{
	out->pos = member->value.pos;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (str_is(member->key, words[i].name))
			return words[i].read(d, &member->value, out);
	}
	if (is_expression_name(member->key)) {
		struct expr *expr = new_expr(d, &member->value);

		out->kind = COND_EXPR;
		out->expr = expr;
		return read_expr_member(d, member, PLACE_EXPRESSION, expr);
	}
	return read_lookup(d, member, out);
}

bool read_cond(struct decoder *d, const struct value *value, struct cond *out)
{
	struct cond *children;

	if (value->kind == VALUE_LIST)
		return error_set(d->error, ERROR_VALUE, value->pos,
		                 "a condition is an object, not an array; use {\"and\": [...]}");
	if (!read_object(d, value, "a condition (an object)") || !is_written(d, value, "a condition"))
		return false;
	out->pos = value->pos;
	if (value->object.n == 1)
		return read_member(d, &value->object.members[0], out);
	children = ARENA_ARRAY(d->arena, struct cond, value->object.n);
	for (size_t i = 0; i < value->object.n; i++) {
		if (!read_member(d, &value->object.members[i], &children[i]))
			return false;
	}
	out->kind = COND_AND;
	out->children = children;
	out->nchildren = value->object.n;
	return true;
}

bool decode_cond(struct arena *arena, const struct value *value, const struct cond **cond,
                 struct error *error)
{
	struct decoder d = {arena, error};
	struct cond *out = ARENA_NEW(arena, struct cond);

	*cond = out;
	return read_cond(&d, value, out);
}

bool decode_operand(struct arena *arena, const struct value *value, struct operand *operand,
                    struct error *error)
{
	struct decoder d = {arena, error};

	*operand = (struct operand){.kind = OPERAND_LITERAL};
	return read_operand(&d, value, operand);
}

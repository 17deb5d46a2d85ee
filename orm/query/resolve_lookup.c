/* Lookups: a left side, the transforms and the lookup behind it, and a right side. */
#include "orm/query/expr_types.h"
#include "orm/query/calendar.h"

static enum type_kind kind_of(const struct rexpr *expr)
{
	return expr->field->value_field->type->kind;
}

static bool unknown_lookup(struct scope *scope, const struct rexpr *left, const struct target *target,
                           const struct path *path, size_t part)
{
	struct arena *arena = scope->r->arena;
	const struct str *names;
	size_t n = lookup_names(arena, kind_of(left), &names);

	if (target != NULL && target->relation != NULL) {
		error_set(scope->r->error, ERROR_FIELD, path->pos,
		          "Related Field got invalid lookup: '%.*s' is neither a lookup of a relation nor a field of %.*s. "
		          "Choices are: %.*s",
		          STR_ARG(path->parts[part]), STR_ARG(target->end->name),
		          STR_ARG(suggest_choices(arena, target->end->member_names, target->end->nmember_names)));
		scope->r->error->suggestion =
		    suggest_nearest(path->parts[part], target->end->member_names, target->end->nmember_names);
		return false;
	}
	error_set(scope->r->error, ERROR_FIELD, path->pos,
	          "Unsupported lookup '%.*s' for %s or join on the field not permitted. Choices are: %.*s",
	          STR_ARG(path->parts[part]), left->field->type->name, STR_ARG(suggest_choices(arena, names, n)));
	scope->r->error->suggestion = suggest_nearest(path->parts[part], names, n);
	return false;
}

static struct rcond *new_lookup(struct scope *scope, const struct lookup *lookup,
                                const struct rexpr *left, size_t noperands)
{
	struct rcond *cond = ARENA_NEW(scope->r->arena, struct rcond);

	cond->kind = RC_LOOKUP;
	cond->lookup = lookup;
	cond->left = left;
	cond->noperands = noperands;
	cond->operands = ARENA_ARRAY(scope->r->arena, const struct rexpr *, noperands);
	cond->has_aggregate = left->has_aggregate;
	cond->has_window = left->has_window;
	return cond;
}

static void set_operand(struct rcond *cond, size_t i, const struct rexpr *operand)
{
	((const struct rexpr **)cond->operands)[i] = operand;
	cond->has_aggregate |= operand->has_aggregate;
	cond->has_window |= operand->has_window;
}

/* {"pk": 3} names a row of a relation's other end. */
static const struct value *named_row(const struct value *value)
{
	return value->kind == VALUE_OBJECT && value->object.n == 1 ? value_get(value, "pk") : NULL;
}

/* A foreign key whose column is not the primary key: the row named by {"pk": 3} is looked up for what its column
 * holds. */
static bool row_operand(struct scope *scope, const struct field *field, const struct value *pk,
                        const struct rexpr **out)
{
	struct arena *arena = scope->r->arena;
	const struct relation *relation = field->relation;
	struct scope *sub = scope_new(scope->r, scope, relation->to);
	struct rexpr *result = rexpr_new(arena, R_SUBSELECT, field, 0);
	struct operand operand = {.kind = OPERAND_LITERAL, .pos = pk->pos, .literal = pk};
	struct path exact = {.pos = pk->pos};
	struct rights none = {0};
	const struct rcond *cond;

	if (relation->to->pk == NULL)
		return error_set(scope->r->error, ERROR_NOT_SUPPORTED, pk->pos,
		                 "the primary key of %.*s has several fields; name the row by '%.*s'",
		                 STR_ARG(relation->to->name), STR_ARG(relation->target->name));
	if (!build_lookup(sub, column_expr(arena, sub->base, relation->to->pk), NULL, &exact, 0, &operand, &none,
	                  &cond))
		return false;
	*ARENA_PUSH(arena, &sub->select->where) = cond;
	*ARENA_PUSH(arena, &sub->select->columns) =
	    (struct rcolumn){relation->target->name, column_expr(arena, sub->base, relation->target)};
	result->select = sub->select;
	*out = result;
	return true;
}

/* Whether the field holds something else than the primary key of the row that it points at. */
static bool holds_other_key(const struct field *field)
{
	return field->relation != NULL && field->relation->target != NULL &&
	       field->relation->target != field->relation->to->pk;
}

static bool literal_operand(struct scope *scope, const struct field *field, const struct value *value,
                            const struct rexpr **out)
{
	struct str text;
	const struct value *row = named_row(value);

	if (row != NULL && field->value_field->type->kind != TYPE_JSON && holds_other_key(field))
		return row_operand(scope, field, row, out);
	if (row != NULL && field->value_field->type->kind != TYPE_JSON)
		value = row;
	const struct literal literal = {.value = value, .field = field};

	if (!literal_write(scope->r->arena, &literal, value, &text, scope->r->error))
		return false;
	*out = literal_expr(scope->r->arena, &literal, text);
	return true;
}

bool resolve_rights(struct scope *scope, const struct operand *operand, const struct field *hint,
                    struct source_list *reuse, struct rights *rights)
{
	size_t n = operand->kind == OPERAND_LIST ? operand->nitems : operand->kind == OPERAND_EXPR;
	const struct rexpr **items = ARENA_ARRAY(scope->r->arena, const struct rexpr *, n);

	*rights = (struct rights){items, n};
	for (size_t i = 0; i < n; i++) {
		const struct operand *item = operand->kind == OPERAND_LIST ? &operand->items[i] : operand;

		if (item->kind == OPERAND_LIST)
			return error_set(scope->r->error, ERROR_VALUE, item->pos,
			                 "expected one value, got an array");
		if (item->kind == OPERAND_EXPR && !resolve_expr(scope, item->expr, hint, reuse, &items[i]))
			return false;
	}
	return true;
}

/* Item i of a list on the right side: its expression, or its literal as the field's. */
static bool list_operand(struct scope *scope, const struct field *field, const struct operand *operand,
                         const struct rights *rights, size_t i, const struct rexpr **out)
{
	if (operand->kind == OPERAND_LITERAL)
		return literal_operand(scope, field, &operand->literal->list.items[i], out);
	*out = rights->items[i];
	return *out != NULL || literal_operand(scope, field, operand->items[i].literal, out);
}

static bool build_text(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                       const struct operand *operand, const struct rexpr *right,
                       const struct rcond **out)
{
	struct rcond *cond = new_lookup(scope, lookup, left, 1);
	const struct field *text_field = field_of_type("TextField");
	struct str text;

	*out = cond;
	if (right != NULL) {
		set_operand(cond, 0, right);
		return true;
	}
	if (operand->kind != OPERAND_LITERAL)
		return error_set(scope->r->error, ERROR_VALUE, operand->pos, "expected a string, got an array");
	/* A regular expression is looked at before it is sent. */
	const struct literal literal = {.value = lookup->is_regex ? NULL : operand->literal,
	                                .field = text_field,
	                                .form = LITERAL_TEXT,
	                                .pattern = lookup->pattern};

	if (!literal_write(scope->r->arena, &literal, operand->literal, &text, scope->r->error))
		return false;
	set_operand(cond, 0, literal_expr(scope->r->arena, &literal, text));
	return true;
}

/* A list without its nulls, which match nothing (as in Django). */
static struct value without_nulls(struct arena *arena, const struct value *list, bool takes_rows)
{
	struct value *items = ARENA_ARRAY(arena, struct value, list->list.n);
	struct value result = *list;
	size_t n = 0;

	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *item = &list->list.items[i];
		const struct value *row = takes_rows ? named_row(item) : NULL;

		if (item->kind != VALUE_NULL)
			items[n++] = row != NULL ? *row : *item;
	}
	result.list.items = items;
	result.list.n = n;
	return result;
}

static bool build_in_expressions(struct scope *scope, const struct lookup *lookup,
                                 const struct rexpr *left, const struct operand *operand,
                                 const struct rights *rights, const struct rcond **out)
{
	struct rcond *cond = new_lookup(scope, lookup, left, operand->nitems);

	for (size_t i = 0; i < operand->nitems; i++) {
		const struct rexpr *item;

		if (!list_operand(scope, left->field, operand, rights, i, &item))
			return false;
		set_operand(cond, i, item);
	}
	*out = cond;
	return true;
}

static bool names_rows(const struct value *list)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (named_row(&list->list.items[i]) != NULL)
			return true;
	return false;
}

/* Values that do not go into one array (PostgreSQL has no array of arrays; rows named by their key) stand one by one. */
static bool build_in_single(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                            const struct value *list, const struct rcond **out)
{
	struct rcond *cond = new_lookup(scope, lookup, left, list->list.n);

	for (size_t i = 0; i < list->list.n; i++) {
		const struct rexpr *item;

		if (!literal_operand(scope, left->field, &list->list.items[i], &item))
			return false;
		set_operand(cond, i, item);
	}
	*out = cond;
	return true;
}

/* A subquery that projects nothing stands for its rows: compared with a foreign key, for the column that it
 * holds. */
static const struct select *related_keys(struct arena *arena, const struct rexpr *left,
                                         const struct select *select)
{
	struct select *copy;
	struct rcolumn *column;

	if (!select->projects_key || left->kind != R_COLUMN || !holds_other_key(left->field) ||
	    left->field->relation->to != select->model)
		return select;
	copy = ARENA_NEW(arena, struct select);
	column = ARENA_NEW(arena, struct rcolumn);
	*copy = *select;
	*column = (struct rcolumn){STR("key"), column_expr(arena, select->sources.items[0],
	                                                   left->field->relation->target)};
	copy->columns = (struct rcolumn_list){column, 1, 1};
	return copy;
}

/* One array parameter, of the list that the client wrote or what is left of it. */
static bool read_list(struct scope *scope, const struct field *field, const struct value *written,
                      const struct value *list, struct rcond *cond)
{
	struct literal *literal = ARENA_NEW(scope->r->arena, struct literal);

	*literal = (struct literal){.value = written, .field = field, .form = LITERAL_LIST};
	cond->list_literal = literal;
	return literal_write(scope->r->arena, literal, list, &cond->list, scope->r->error);
}

static bool build_in(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                     const struct operand *operand, const struct rights *rights,
                     const struct rcond **out)
{
	struct rcond *cond;

	if (operand->kind == OPERAND_LIST)
		return build_in_expressions(scope, lookup, left, operand, rights, out);
	cond = new_lookup(scope, lookup, left, 0);
	*out = cond;
	if (operand->kind == OPERAND_EXPR) {
		if (rights->items[0]->kind != R_SUBSELECT)
			return error_set(scope->r->error, ERROR_VALUE, operand->pos,
			                 "'in' takes an array or a Subquery");
		cond->subselect = related_keys(scope->r->arena, left, rights->items[0]->select);
		return true;
	}
	if (operand->literal->kind != VALUE_LIST)
		return error_set(scope->r->error, ERROR_VALUE, operand->pos,
		                 "'in' takes an array of values, got %s",
		                 value_kind_name(operand->literal->kind));
	bool is_other_key = holds_other_key(left->field) && names_rows(operand->literal);
	struct value list =
	    without_nulls(scope->r->arena, operand->literal, kind_of(left) != TYPE_JSON && !is_other_key);

	if (list.list.n == 0) {
		*out = cond_group(scope->r->arena, RC_OR, NULL, 0);
		return true;
	}
	if (kind_of(left) == TYPE_ARRAY || is_other_key)
		return build_in_single(scope, lookup, left, &list, out);
	return read_list(scope, left->field, operand->literal, &list, cond);
}

static bool build_pair(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                       const struct operand *operand, const struct rights *rights,
                       const struct rcond **out)
{
	struct rcond *cond = new_lookup(scope, lookup, left, 2);

	*out = cond;
	if (operand->kind == OPERAND_EXPR ||
	    (operand->kind == OPERAND_LITERAL && operand->literal->kind != VALUE_LIST))
		return error_set(scope->r->error, ERROR_VALUE, operand->pos, "'%s' takes an array of two values",
		                 lookup->name);
	size_t n = operand->kind == OPERAND_LIST ? operand->nitems : operand->literal->list.n;

	if (n != 2)
		return error_set(scope->r->error, ERROR_VALUE, operand->pos,
		                 "'%s' takes an array of two values, got %zu", lookup->name, n);
	for (size_t i = 0; i < 2; i++) {
		const struct rexpr *item;

		if (!list_operand(scope, left->field, operand, rights, i, &item))
			return false;
		set_operand(cond, i, item);
	}
	return true;
}

static bool build_texts(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                        const struct operand *operand, const struct rcond **out)
{
	const struct field *text_field = field_of_type("TextField");
	struct rcond *cond = new_lookup(scope, lookup, left, 0);

	if (operand->kind != OPERAND_LITERAL || operand->literal->kind != VALUE_LIST)
		return error_set(scope->r->error, ERROR_VALUE, operand->pos, "'%s' takes an array of strings",
		                 lookup->name);
	*out = cond;
	return read_list(scope, text_field, operand->literal, operand->literal, cond);
}

/* A range contains a range, or a value. */
static bool build_inside(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                         const struct operand *operand, const struct rexpr *right,
                         const struct rcond **out)
{
	struct rcond *cond = new_lookup(scope, lookup, left, 1);
	const struct value *literal = operand->literal;
	const struct field *field = left->field;

	if (right == NULL && operand->kind != OPERAND_LITERAL)
		return error_set(scope->r->error, ERROR_VALUE, operand->pos, "expected a range or one value");
	if (right == NULL && literal->kind != VALUE_OBJECT && literal->kind != VALUE_LIST)
		field = range_element_field(field);
	if (right == NULL && !literal_operand(scope, field, literal, &right))
		return false;
	set_operand(cond, 0, right);
	*out = cond;
	return true;
}

static bool read_flag(struct scope *scope, const struct operand *operand, bool *flag)
{
	const struct value *value = operand->literal;

	if (operand->kind == OPERAND_LITERAL && value->kind == VALUE_BOOL) {
		*flag = value->boolean;
		return true;
	}
	if (operand->kind == OPERAND_LITERAL && value->kind == VALUE_TEXT && value->is_loose) {
		*flag = str_eq_nocase(value->text, STR("true")) || str_is(value->text, "1");
		if (*flag || str_eq_nocase(value->text, STR("false")) || str_is(value->text, "0"))
			return true;
	}
	return error_set(scope->r->error, ERROR_VALUE, operand->pos,
	                 "The value for an isnull lookup must be true or false");
}

/* An integer compared with a fraction: the next whole number on the side that keeps the meaning. */
static const struct value *whole_bound(struct arena *arena, const struct lookup *lookup,
                                       const struct value *literal)
{
	static const struct {
		const char *lookup;
		bool is_up;
	} bounds[] = {{"gt", false}, {"lte", false}, {"gte", true}, {"lt", true}};

	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
		if (!str_is(str_of(lookup->name), bounds[i].lookup) || literal->real < -9e15 || literal->real > 9e15)
			continue;
		struct value *whole = ARENA_NEW(arena, struct value);

		*whole = *literal;
		whole->kind = VALUE_INT;
		whole->integer = (int64_t)literal->real;
		if ((double)whole->integer > literal->real)
			whole->integer--;
		if (bounds[i].is_up && (double)whole->integer < literal->real)
			whole->integer++;
		return whole;
	}
	return literal;
}

static bool build_same(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                       const struct operand *operand, const struct rexpr *right,
                       const struct rcond **out)
{
	if (right == NULL) {
		if (operand->kind != OPERAND_LITERAL)
			return error_set(scope->r->error, ERROR_VALUE, operand->pos,
			                 "expected one value, got an array");
		const struct value *literal = operand->literal;

		if (literal->kind == VALUE_REAL && kind_of(left) == TYPE_INTEGER)
			literal = whole_bound(scope->r->arena, lookup, literal);
		if (!literal_operand(scope, left->field, literal, &right))
			return false;
		if (calendar_lookup(scope, lookup, left, right, out))
			return true;
		if (calendar_takes(left) && right->kind == R_PARAM)
			right = param_expr(scope->r->arena, right->field, right->text);
	}
	struct rcond *cond = new_lookup(scope, lookup, left, 1);

	set_operand(cond, 0, right);
	*out = cond;
	return true;
}

/* A bilateral transform is applied to the literal on the right as well. */
static bool apply_to_right(struct scope *scope, const struct rexpr *left, const struct operand *operand,
                           const struct rexpr **right)
{
	const struct field *text_field = field_of_type("TextField");
	struct rexpr *call;
	struct str text;

	if (left->kind != R_CALL || !left->function->is_bilateral)
		return true;
	if (*right == NULL) {
		if (operand->kind != OPERAND_LITERAL || operand->literal->kind == VALUE_LIST ||
		    operand->literal->kind == VALUE_NULL)
			return true;
		const struct literal literal = {.value = operand->literal, .field = text_field, .form = LITERAL_TEXT};

		if (!literal_write(scope->r->arena, &literal, operand->literal, &text, scope->r->error))
			return false;
		*right = literal_expr(scope->r->arena, &literal, text);
	}
	call = rexpr_new(scope->r->arena, R_CALL, text_field, 1);
	call->function = left->function;
	rexpr_set_arg(call, 0, *right);
	*right = call;
	return true;
}

static bool is_null_literal(const struct operand *operand)
{
	return operand->kind == OPERAND_LITERAL && operand->literal->kind == VALUE_NULL;
}

/* null is IS NULL with exact and iexact, JSON null on a JSONField, an error elsewhere. */
static bool build_null(struct scope *scope, const struct lookup *lookup, const struct rexpr *left,
                       const struct operand *operand, const struct rcond **out)
{
	bool is_exact = str_is(str_of(lookup->name), "exact");

	if (is_exact && kind_of(left) == TYPE_JSON) {
		const struct rexpr *json_null = param_expr(scope->r->arena, left->field, STR("null"));

		return build_same(scope, lookup, left, operand, json_null, out);
	}
	if (!is_exact && !str_is(str_of(lookup->name), "iexact"))
		return error_set(scope->r->error, ERROR_VALUE, operand->pos,
		                 "Cannot use null as a query value for '%s'; write \"…__isnull\": true",
		                 lookup->name);
	*out = cond_isnull(scope->r->arena, left, true);
	return true;
}

bool build_lookup(struct scope *scope, const struct rexpr *left, const struct target *target,
                  const struct path *parts, size_t from, const struct operand *operand,
                  const struct rights *rights, const struct rcond **out)
{
	const struct rexpr *right = operand->kind == OPERAND_EXPR ? rights->items[0] : NULL;
	const struct lookup *lookup = NULL;
	bool is_related = target != NULL && target->relation != NULL;
	bool flag;

	for (size_t i = from; i < parts->n; i++) {
		bool is_last = i + 1 == parts->n;
		const struct rexpr *next;

		lookup = is_last ? lookup_find(parts->parts[i], kind_of(left)) : NULL;
		if (lookup != NULL && (!is_related || lookup->for_relations))
			break;
		lookup = NULL;
		next = is_related ? NULL : apply_transform(scope, left, parts->parts[i]);
		if (next == NULL)
			return unknown_lookup(scope, left, target, parts, i);
		left = next;
	}
	if (lookup == NULL)
		lookup = lookup_find(STR("exact"), kind_of(left));
	if (lookup->operand == LOOKUP_FLAG) {
		if (!read_flag(scope, operand, &flag))
			return false;
		*out = cond_isnull(scope->r->arena, left, flag);
		return true;
	}
	if (right == NULL && is_null_literal(operand))
		return build_null(scope, lookup, left, operand, out);
	if (!apply_to_right(scope, left, operand, &right))
		return false;
	switch (lookup->operand) {
	case LOOKUP_TEXT:
	case LOOKUP_PATTERN:
		return build_text(scope, lookup, left, operand, right, out);
	case LOOKUP_LIST:
		return build_in(scope, lookup, left, operand, rights, out);
	case LOOKUP_PAIR:
		return build_pair(scope, lookup, left, operand, rights, out);
	case LOOKUP_TEXTS:
		return build_texts(scope, lookup, left, operand, out);
	case LOOKUP_INSIDE:
		return build_inside(scope, lookup, left, operand, right, out);
	case LOOKUP_SAME:
	case LOOKUP_FLAG:
		break;
	}
	return build_same(scope, lookup, left, operand, right, out);
}

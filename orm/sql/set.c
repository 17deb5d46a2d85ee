/* The SET of an UPDATE; see set.h. */
#include "orm/sql/set.h"

#include "orm/query/walk.h"

struct setting {
	const struct field *field;
	const struct rexpr *value;
	bool is_joined; /* names another table's columns */
};

struct scope *set_scope(struct resolver *r, const struct model *model, unsigned alias, struct str zone)
{
	struct scope *target = scope_new(r, NULL, model);

	target->base->alias = alias;
	target->zone = zone;
	target->select->is_about_outer_row = true;
	return target;
}

/* -- annotations ----------------------------------------------------------------- */

/* The target's own joins in place of the query's, as far as they lead to one row each. */
static struct source_map map_of(const struct resolved *q, struct scope *target)
{
	struct arena *arena = target->r->arena;
	const struct source_list *sources = &q->select->sources;
	struct source **from = ARENA_ARRAY(arena, struct source *, sources->n);
	struct source **to = ARENA_ARRAY(arena, struct source *, sources->n);
	size_t n = 0;

	from[n] = q->scope->base;
	to[n++] = target->base;
	for (size_t i = 1; i < sources->n; i++) {
		struct source *source = sources->items[i];
		struct hops one = {.items = &source->hop, .n = 1};

		if (source->hop.is_multiple || source->condition != NULL)
			continue;
		for (size_t j = 0; j < n; j++) {
			if (from[j] != source->parent)
				continue;
			from[n] = source;
			to[n++] = scope_join(target, to[j], &one, NULL, NULL);
			break;
		}
	}
	return (struct source_map){arena, from, to, n};
}

static bool is_mapped(const struct source_map *map, const struct source_list *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		bool is_found = false;

		for (size_t j = 0; j < map->n; j++)
			is_found = is_found || map->from[j] == sources->items[i];
		if (!is_found)
			return false;
	}
	return true;
}

void set_take_annotations(struct scope *target, const struct resolved *q)
{
	struct arena *arena = target->r->arena;
	struct source_map map;

	if (q->scope->annotations.n == 0)
		return;
	map = map_of(q, target);
	for (size_t i = 0; i < q->scope->annotations.n; i++) {
		struct annotation annotation = q->scope->annotations.items[i];
		struct source_list sources = {0};

		collect_sources(arena, q->select, annotation.expr, &sources);
		if (annotation.expr->has_aggregate || annotation.expr->has_window || !is_mapped(&map, &sources)) {
			*ARENA_PUSH(arena, &target->withheld) = annotation;
			continue;
		}
		annotation.expr = copy_expr(&map, annotation.expr);
		*ARENA_PUSH(arena, &target->annotations) = annotation;
	}
}

/* -- types ----------------------------------------------------------------------- */

static bool is_number(enum type_kind kind)
{
	return kind == TYPE_INTEGER || kind == TYPE_FLOAT || kind == TYPE_DECIMAL;
}

static bool is_moment(enum type_kind kind)
{
	return kind == TYPE_DATE || kind == TYPE_DATETIME;
}

static bool is_clock(enum type_kind kind)
{
	return kind == TYPE_TIME || kind == TYPE_DURATION;
}

static bool kinds_fit(enum type_kind column, enum type_kind value)
{
	if (column == value || column == TYPE_TEXT)
		return true;
	if (is_number(column))
		return is_number(value);
	if (is_moment(column))
		return is_moment(value);
	return is_clock(column) && (is_clock(value) || (column == TYPE_TIME && value == TYPE_DATETIME));
}

bool set_fits(const struct field *column, const struct rexpr *value)
{
	const struct field *to = column->value_field, *from;

	if (value->kind == R_NULL || value->kind == R_PARAM || value->field == NULL)
		return true;
	from = value->field->value_field != NULL ? value->field->value_field : value->field;
	if (to->type->kind == TYPE_RANGE && from->type->kind == TYPE_RANGE)
		return to->type == from->type;
	if (to->type->kind == TYPE_ARRAY && from->type->kind == TYPE_ARRAY && to->base_field && from->base_field)
		return kinds_fit(to->base_field->type->kind, from->base_field->type->kind);
	return kinds_fit(to->type->kind, from->type->kind);
}

/* -- resolving ------------------------------------------------------------------- */

bool set_must_fit(const struct field *column, const struct rexpr *value, const struct pos *pos, struct error *error)
{
	if (set_fits(column, value))
		return true;
	const struct field *from = value->field->value_field != NULL ? value->field->value_field : value->field;

	return error_set(error, ERROR_TYPE, pos,
	                 "The %s '%.*s' cannot be set to an expression that gives a %s; wrap it in Cast.",
	                 column->value_field->type->name, STR_ARG(column->name), from->type->name);
}

static bool fits(struct scope *target, const struct assignment *assignment, const struct rexpr *value)
{
	return set_must_fit(assignment->field, value, assignment->operand.pos, target->r->error);
}

/* {"Value": null} of a JSONField: the JSON null, where null is no value at all. */
static bool is_json_null(const struct assignment *assignment)
{
	const struct expr *expr = assignment->operand.expr;

	return assignment->field->value_field->type->kind == TYPE_JSON && expr->kind == EXPR_LITERAL &&
	       expr->literal->kind == VALUE_NULL;
}

static bool resolve_value(struct scope *target, const struct assignment *assignment, const struct rexpr **value)
{
	const struct operand *operand = &assignment->operand;
	struct error *error = target->r->error;

	if (operand->kind == OPERAND_LITERAL)
		return resolve_literal(target, operand->literal, assignment->field, value);
	if (operand->kind == OPERAND_LIST)
		return error_set(error, ERROR_VALUE, operand->pos,
		                 "an array that is assigned may not hold expressions");
	if (is_json_null(assignment)) {
		*value = param_expr(target->r->arena, assignment->field, STR("null"));
		return true;
	}
	if (!resolve_expr(target, operand->expr, assignment->field, NULL, value))
		return false;
	if ((*value)->has_window)
		return error_set(error, ERROR_FIELD, operand->pos, "Window expressions are not allowed in this query");
	return true;
}

/* Aggregates over relations of the row become subselects that hang on it, as a page's do. */
static bool resolve_aggregates(struct scope *target, const struct assignment *assignments, struct set_list *list)
{
	struct arena *arena = target->r->arena;
	struct select *select = target->select;
	const struct assignment *last = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (!list->items[i].value->has_aggregate)
			continue;
		last = &assignments[i];
		*ARENA_PUSH(arena, &select->columns) = (struct rcolumn){last->field->attname, list->items[i].value};
	}
	if (last == NULL)
		return true;
	group_by_row(target);
	select->has_limit = true;
	arrange_aggregates(target);
	select->has_limit = false;
	select->columns.n = 0;
	return !select->is_grouped ||
	       error_set(target->r->error, ERROR_NOT_SUPPORTED, last->operand.pos,
	                 "An aggregate that is assigned is over one relation of the row; write this one as a Subquery.");
}

/* -- joins ----------------------------------------------------------------------- */

struct crossing {
	const struct scope *target;
	bool is_multiple;
};

static void note_crossing(struct visitor *visitor, struct source *source, const struct field *field)
{
	struct crossing *crossing = visitor->data;

	(void)field;
	for (; source != NULL; source = source->parent)
		if (source != crossing->target->base && source_listed(&crossing->target->select->sources, source))
			crossing->is_multiple |= source->hop.is_multiple;
}

static bool pass_over(struct visitor *visitor, const struct rexpr *aggregate)
{
	(void)visitor;
	(void)aggregate;
	return false;
}

/* Outside of aggregates a path leads to one row. */
static bool leads_to_one_row(struct scope *target, const struct assignment *assignment, const struct rexpr *value)
{
	struct crossing crossing = {.target = target};
	struct visitor visitor = {.column = note_crossing, .aggregate = pass_over, .data = &crossing};

	visit_expr(&visitor, value);
	return !crossing.is_multiple ||
	       error_set(target->r->error, ERROR_FIELD, assignment->operand.pos,
	                 "'%.*s' is set from a relation that can have several rows; say which one by a Subquery, or "
	                 "what of them all by an aggregate.",
	                 STR_ARG(assignment->field->name));
}

static bool names_another_table(const struct scope *target, const struct rexpr *value)
{
	struct source_list sources = {0};

	collect_sources(target->r->arena, target->select, value, &sources);
	for (size_t i = 0; i < sources.n; i++)
		if (sources.items[i] != target->base && !sources.items[i]->is_moved)
			return true;
	return false;
}

bool set_resolve(struct scope *target, const struct assignment *assignments, size_t n, struct set_list *list)
{
	for (size_t i = 0; i < n; i++) {
		struct setting setting = {.field = assignments[i].field};

		if (!resolve_value(target, &assignments[i], &setting.value) ||
		    !leads_to_one_row(target, &assignments[i], setting.value) ||
		    !fits(target, &assignments[i], setting.value))
			return false;
		*ARENA_PUSH(target->r->arena, list) = setting;
	}
	if (!resolve_aggregates(target, assignments, list))
		return false;
	for (size_t i = 0; i < list->n; i++)
		list->items[i].is_joined = names_another_table(target, list->items[i].value);
	return true;
}

/* -- text ------------------------------------------------------------------------ */

static void emit_own(struct emit *e, const struct setting *setting)
{
	sql_name(&e->sql, setting->field->column);
	sql_lit(&e->sql, " = ");
	emit_expr(e, setting->value);
}

/* ("b", "c") = (SELECT …): all that lies beyond the table, the joins made once. */
static void emit_beyond(struct emit *e, struct scope *target, const struct set_list *list)
{
	struct select *select = target->select;

	sql_lit(&e->sql, "(");
	for (size_t i = 0; i < list->n; i++) {
		const struct setting *setting = &list->items[i];

		if (!setting->is_joined)
			continue;
		if (select->columns.n > 0)
			sql_lit(&e->sql, ", ");
		sql_name(&e->sql, setting->field->column);
		*ARENA_PUSH(target->r->arena, &select->columns) = (struct rcolumn){setting->field->attname, setting->value};
	}
	for (size_t i = 1; i < select->sources.n; i++)
		if (!select->sources.items[i]->is_moved)
			select->sources.items[i]->type = JOIN_LEFT;
	sql_lit(&e->sql, ") = (");
	emit_select(e, select);
	sql_lit(&e->sql, ")");
}

void set_emit(struct emit *e, struct scope *target, const struct set_list *list, bool is_first)
{
	bool is_joined = false;

	for (size_t i = 0; i < list->n; i++) {
		if (list->items[i].is_joined) {
			is_joined = true;
			continue;
		}
		if (!is_first)
			sql_lit(&e->sql, ", ");
		emit_own(e, &list->items[i]);
		is_first = false;
	}
	if (!is_joined)
		return;
	if (!is_first)
		sql_lit(&e->sql, ", ");
	emit_beyond(e, target, list);
}

/* Reading plans: rows, one row, the latest row, rows by key. */
#include "orm/sql/plan.h"

#include "orm/query/decode.h"
#include "orm/sql/level.h"

const struct rcond *column_equals(struct arena *arena, struct source *source, const struct field *field,
                                  struct str text)
{
	struct rcond *cond = ARENA_NEW(arena, struct rcond);
	const struct rexpr **operands = ARENA_ARRAY(arena, const struct rexpr *, 1);

	operands[0] = param_expr(arena, field, text);
	cond->kind = RC_LOOKUP;
	cond->lookup = lookup_find(STR("exact"), field->value_field->type->kind);
	cond->left = column_expr(arena, source, field);
	cond->operands = operands;
	cond->noperands = 1;
	return cond;
}

const struct query *query_all(struct arena *arena)
{
	struct query *query = ARENA_NEW(arena, struct query);

	query->clauses = ARENA_NEW(arena, struct clause);
	query->nclauses = 1;
	return query;
}

static bool add_equality(struct scope *scope, struct source *source, const struct field *field,
                         const struct value *value)
{
	struct arena *arena = scope->r->arena;
	const struct literal literal = {.value = value, .field = field};
	struct rcond *cond;
	struct str text;

	if (!literal_write(arena, &literal, value, &text, scope->r->error))
		return false;
	if (text.p == NULL)
		return error_set(scope->r->error, ERROR_VALUE, value->pos, "a primary key cannot be null");
	cond = (struct rcond *)column_equals(arena, source, field, text);
	((const struct rexpr **)cond->operands)[0] = literal_expr(arena, &literal, text);
	*ARENA_PUSH(arena, &scope->select->where) = cond;
	return true;
}

/* The row with this primary key; a composite one is the list of its parts. */
static bool add_key(struct scope *scope, struct source *source, const struct value *key)
{
	const struct model *model = source->model;

	if (model->pk != NULL)
		return add_equality(scope, source, model->pk, key);
	if (key->kind != VALUE_LIST || key->list.n != model->npk_fields)
		return error_set(scope->r->error, ERROR_VALUE, key->pos,
		                 "the primary key of %.*s has %zu parts", STR_ARG(model->name),
		                 model->npk_fields);
	for (size_t i = 0; i < model->npk_fields; i++)
		if (!add_equality(scope, source, model->pk_fields[i], &key->list.items[i]))
			return false;
	return true;
}

/* Rows that a related manager holds: those from which the relation leads back to the owner. */
static bool restrict_to_owner(struct scope *scope, const struct plan_scope *address)
{
	const struct model *owner = relation_end(address->relation, !address->is_reverse);
	struct target target = {.field = owner->pk};
	struct source_list used = {0};

	hops_add(scope->r->arena, &target.hops, address->relation, !address->is_reverse);
	if (owner->pk != NULL)
		target_trim(&target);
	struct source *source = scope_join(scope, scope->base, &target.hops, NULL, &used);

	demote_joins(&used);
	scope->sticky = used;
	return owner->pk != NULL ? add_equality(scope, source, target.field, address->owner)
	                         : add_key(scope, source, address->owner);
}

struct scope *level_scope(struct resolver *r, const struct model *model, const struct plan_scope *address)
{
	struct scope *scope = scope_new(r, NULL, model);

	scope->is_top = true;
	if (address == NULL)
		return scope;
	if (address->relation != NULL && !restrict_to_owner(scope, address))
		return NULL;
	if (address->pk != NULL && !add_key(scope, scope->base, address->pk))
		return NULL;
	return scope;
}

bool level_start(struct arena *arena, const struct model *model, const struct plan_scope *address,
                 const struct query *query, struct resolver *r, struct resolved *q, struct error *error)
{
	struct scope *scope;

	resolver_init(r, arena, model->registry, error);
	scope = level_scope(r, model, address);
	return scope != NULL && resolve_clauses(scope, query, q);
}

void level_zone(const struct resolved *q, struct statement *statement)
{
	statement->zone = q->scope->zone;
	statement->zone_pos = q->zone_pos;
	statement->locks_rows = q->locks_at != NULL;
	statement->lock_pos = q->locks_at;
}

void level_emit(const struct resolved *q, struct emit *e)
{
	*e = (struct emit){0};
	sql_init(&e->sql, q->scope->r->arena);
}

void level_write(struct resolved *q, struct statement *statement)
{
	struct emit e;

	resolve_arrange(q);
	level_emit(q, &e);
	emit_select(&e, q->select);
	sql_finish(&e.sql, q->select->columns.n, statement);
	level_zone(q, statement);
}

bool level_is_sliced(const struct resolved *q)
{
	return q->low > 0 || q->high >= 0;
}

bool level_finish(struct resolved *q, bool by_key_when_unordered, struct plan **out)
{
	struct arena *arena = q->scope->r->arena;
	struct plan *plan = ARENA_NEW(arena, struct plan);

	if (!resolve_columns(q) || !level_prefetch(q, plan) ||
	    !resolve_order(q, by_key_when_unordered) || !resolve_lock(q))
		return false;
	resolve_slice(q);
	resolve_layout(q);
	plan->model = q->scope->model;
	plan->is_empty = q->combinator == COMBINATOR_NONE && q->select->is_empty;
	plan->has_limit = q->select->has_limit && q->select->limit <= PLAN_PAGE_ROWS;
	plan->form = q->form;
	plan->layout = q->layout;
	level_write(q, &plan->statement);
	*out = plan;
	return true;
}

/* The total beside the page: the same query without its slice. */
bool level_total(struct arena *arena, const struct model *model, const struct plan_scope *address,
                 const struct query *query, struct plan *plan, const struct resolved *q, struct error *error)
{
	struct resolver r;
	struct resolved total;

	plan->count = q->count;
	plan->count_cap = q->count_cap;
	if (q->count == COUNT_NONE)
		return true;
	if (!level_start(arena, model, address, query, &r, &total, error))
		return false;
	if (q->count != COUNT_ESTIMATED)
		return level_count(&total, true, q->count == COUNT_CAPPED ? q->count_cap + 1 : 0,
		                   &plan->count_statement);
	if (!resolve_columns(&total))
		return false;
	total.select->is_distinct = total.is_distinct;
	level_write(&total, &plan->count_statement);
	return true;
}

bool plan_query(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                const struct query *query, const struct plan **plan, struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct plan *result;

	if (!level_start(arena, model, scope, query, &r, &q, error) || !level_finish(&q, false, &result) ||
	    !level_total(arena, model, scope, query, result, &q, error))
		return false;
	*plan = result;
	return true;
}

static bool is_ordered(const struct resolved *q)
{
	if (q->has_order)
		return q->norder_by > 0;
	return q->scope->model->ordering != NULL && q->scope->model->ordering->list.n > 0;
}

bool plan_pick(struct arena *arena, const struct model *model, const struct plan_scope *scope,
               const struct query *query, enum plan_pick pick, const struct plan **plan,
               struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct plan *result;

	if (!level_start(arena, model, scope, query, &r, &q, error))
		return false;
	if (pick == PLAN_LAST && level_is_sliced(&q))
		return error_set(error, ERROR_TYPE, query->pos, "Cannot reorder a query once a slice has been taken");
	if (pick != PLAN_GET && q.is_grouped_explicitly && !is_ordered(&q))
		return error_set(error, ERROR_TYPE, query->pos,
		                 "first and last need an order_by where the query groups");
	if (pick == PLAN_LAST)
		q.is_reversed = !q.is_reversed;
	if (pick == PLAN_GET && !level_is_sliced(&q)) {
		q.has_order = true;
		q.norder_by = 0;
	}
	narrow_slice(&q, 0, pick == PLAN_GET ? 21 : 1, true);
	if (!level_finish(&q, pick != PLAN_GET, &result))
		return false;
	*plan = result;
	return true;
}

bool plan_latest(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, const struct value *fields, bool is_latest,
                 const struct plan **plan, struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct plan *result;

	if (fields == NULL)
		fields = model->get_latest_by;
	if (fields == NULL)
		return error_set(error, ERROR_VALUE, query->pos,
		                 "earliest and latest need \"fields\", or 'get_latest_by' in the model's Meta");
	if (!level_start(arena, model, scope, query, &r, &q, error))
		return false;
	if (level_is_sliced(&q))
		return error_set(error, ERROR_TYPE, query->pos,
		                 "Cannot change a query once a slice has been taken");
	q.has_order = true;
	q.is_reversed = is_latest;
	if (!decode_order(arena, fields, &q.order_by, &q.norder_by, error))
		return false;
	narrow_slice(&q, 0, 1, true);
	if (!level_finish(&q, false, &result))
		return false;
	*plan = result;
	return true;
}

static bool unique_field(const struct model *model, const struct value *name, const struct field **field,
                         struct error *error)
{
	*field = model->pk;
	if (name == NULL || (name->kind == VALUE_TEXT && str_is(name->text, "pk")))
		return *field != NULL ||
		       error_set(error, ERROR_NOT_SUPPORTED, name == NULL ? NULL : name->pos,
		                 "in_bulk() needs a field_name where the primary key has several fields");
	if (name->kind != VALUE_TEXT)
		return error_set(error, ERROR_VALUE, name->pos, "field_name is the name of a unique field");
	*field = model_field(model, name->text);
	if (*field == NULL) {
		error_set(error, ERROR_FIELD, name->pos, "Cannot resolve keyword '%.*s' into field. Choices are: %.*s",
		          STR_ARG(name->text),
		          STR_ARG(suggest_choices(error->arena, model->member_names, model->nmember_names)));
		error->suggestion = suggest_nearest(name->text, model->member_names, model->nmember_names);
		return false;
	}
	if ((*field)->is_unique || (*field)->is_primary_key)
		return true;
	for (size_t i = 0; i < model->nconstraints; i++) {
		const struct constraint *c = &model->constraints[i];

		if (c->kind == CONSTRAINT_UNIQUE && c->condition == NULL && c->nparts == 1 &&
		    c->parts[0].field == *field)
			return true;
	}
	return error_set(error, ERROR_VALUE, name->pos,
	                 "in_bulk()'s field_name must be a unique field but '%.*s' isn't", STR_ARG(name->text));
}

bool plan_in_bulk(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                  const struct query *query, const struct value *ids, const struct value *field_name,
                  const struct plan **plan, unsigned *key_column, struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct plan *result;
	const struct field *field;

	if (!unique_field(model, field_name, &field, error) ||
	    !level_start(arena, model, scope, query, &r, &q, error))
		return false;
	if (level_is_sliced(&q) || q.projection != PROJECTION_NONE || q.is_grouped_explicitly)
		return error_set(error, ERROR_TYPE, query->pos,
		                 "Cannot use 'limit', 'offset', values or group_by with in_bulk()");
	if (ids != NULL) {
		struct operand operand = {.kind = OPERAND_LITERAL, .pos = ids->pos, .literal = ids};
		struct str in = STR("in");
		struct path path = {.text = in, .parts = &in, .n = 1, .pos = ids->pos};
		struct rights none = {0};
		const struct rcond *cond;

		if (!build_lookup(q.scope, column_expr(arena, q.scope->base, field), NULL, &path, 0, &operand, &none,
		                  &cond))
			return false;
		*ARENA_PUSH(arena, &q.select->where) = cond;
	}
	if (!level_finish(&q, false, &result))
		return false;
	*key_column = column_for(&q, q.scope->base, field);
	if (*key_column >= result->statement.ncolumns)
		return error_set(error, ERROR_TYPE, query->pos, "in_bulk needs the field '%.*s' among the columns",
		                 STR_ARG(field->name));
	*plan = result;
	return true;
}

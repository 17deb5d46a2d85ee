/* Statements over the rows that a query selects, for write/: UPDATE, keys to lock, one row found; and schema
 * conditions. */
#include "orm/query/decode.h"
#include "orm/query/walk.h"
#include "orm/sql/level.h"
#include "orm/sql/set.h"

/* Whether the rows can be named by a WHERE on the table alone. */
static bool is_single_table(const struct resolved *q)
{
	const struct select *select = q->select;

	return select->sources.n == 1 && !select->is_grouped && !q->is_distinct && select->qualify.n == 0;
}

static bool refuse_slice(const struct resolved *q, const struct query *query, const char *what)
{
	if (level_is_sliced(q))
		return error_set(q->scope->r->error, ERROR_TYPE, query->pos,
		                 "Cannot use 'limit' or 'offset' with %s", what);
	if (q->combinator != COMBINATOR_NONE)
		return error_set(q->scope->r->error, ERROR_NOT_SUPPORTED, q->combinator_pos,
		                 "Calling %s after a combination is not supported", what);
	if (q->ndistinct_on > 0 || q->is_grouped_explicitly)
		return error_set(q->scope->r->error, ERROR_TYPE, query->pos,
		                 "Cannot use distinct fields or group_by with %s", what);
	return true;
}

struct owning {
	const struct source *base;
	bool names_base, names_others;
};

static void note_other(struct visitor *visitor, struct source *source, const struct field *field)
{
	struct owning *owning = visitor->data;

	(void)field;
	owning->names_base |= source == owning->base;
	owning->names_others |= source != owning->base;
}

/* Conditions on the table's own columns, once more on the row that is written.  When another transaction changes it
 * meanwhile, PostgreSQL judges the new row by these; by what a subselect found it would go on judging the old one, and
 * the last piece in stock would be sold twice. */
static void emit_own_conditions(struct emit *e, const struct resolved *q, struct source *table, const struct rcond *cond)
{
	struct owning owning = {.base = q->scope->base};
	struct visitor visitor = {.column = note_other, .data = &owning};
	struct source_map map = {q->scope->r->arena, &q->scope->base, &table, 1};

	if (cond->kind == RC_AND) {
		for (size_t i = 0; i < cond->nchildren; i++)
			emit_own_conditions(e, q, table, cond->children[i]);
		return;
	}
	visit_cond(&visitor, cond);
	if (!owning.names_base || owning.names_others || cond->has_aggregate || cond->has_window)
		return;
	emit_in_brackets(e, copy_cond(&map, cond));
	sql_lit(&e->sql, " AND ");
}

/* pk IN (SELECT pk FROM … WHERE …), or the conditions as they are. */
static void emit_rows(struct emit *e, struct resolved *q, struct source *table)
{
	struct arena *arena = q->scope->r->arena;
	const struct model *model = q->scope->model;

	resolve_slice(q);
	if (is_single_table(q)) {
		emit_where(e, q->select);
		return;
	}
	for (size_t i = 0; i < model->npk_fields; i++)
		*ARENA_PUSH(arena, &q->select->columns) =
		    (struct rcolumn){STR("pk"), column_expr(arena, q->scope->base, model->pk_fields[i])};
	sql_lit(&e->sql, " WHERE ");
	for (size_t i = 0; i < q->select->where.n; i++)
		emit_own_conditions(e, q, table, q->select->where.items[i]);
	resolve_arrange(q);
	sql_lit(&e->sql, "(");
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		emit_column(e, table, model->pk_fields[i]);
	}
	sql_lit(&e->sql, ") IN (");
	emit_select(e, q->select);
	sql_lit(&e->sql, ")");
}

/* The table as the statement's own, outside of the select that finds the rows. */
static struct source *own_table(struct resolved *q)
{
	struct source *table = ARENA_NEW(q->scope->r->arena, struct source);

	*table = *q->scope->base;
	if (!is_single_table(q))
		table->alias = q->scope->r->next_alias++;
	return table;
}

bool plan_update(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, const struct assignment *assignments, size_t n,
                 struct statement *statement, struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct emit e = {0};
	struct set_list set = {0};

	if (!level_start(arena, model, scope, query, &r, &q, error) || !refuse_slice(&q, query, "update"))
		return false;
	struct source *table = own_table(&q);
	/* The right sides see the row that is updated, not the select that finds it. */
	struct scope *target = set_scope(&r, model, table->alias, q.scope->zone);

	set_take_annotations(target, &q);
	if (!set_resolve(target, assignments, n, &set))
		return false;
	sql_init(&e.sql, arena);
	sql_lit(&e.sql, "UPDATE ");
	sql_table(&e.sql, model);
	sql_lit(&e.sql, " AS ");
	sql_alias(&e.sql, table->alias);
	sql_lit(&e.sql, " SET ");
	set_emit(&e, target, &set, true);
	emit_rows(&e, &q, table);
	sql_finish(&e.sql, 0, statement);
	level_zone(&q, statement);
	return true;
}

static void emit_key_columns(struct emit *e, const struct source *table,
                             const struct field *const *columns, size_t ncolumns)
{
	const struct model *model = table->model;

	sql_lit(&e->sql, "SELECT ");
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (i > 0)
			sql_lit(&e->sql, ", ");
		emit_column(e, table, model->pk_fields[i]);
	}
	for (size_t i = 0; i < ncolumns; i++) {
		sql_lit(&e->sql, ", ");
		emit_column(e, table, columns[i]);
	}
	sql_lit(&e->sql, " FROM ");
	sql_table(&e->sql, model);
	sql_lit(&e->sql, " AS ");
	sql_alias(&e->sql, table->alias);
}

bool plan_keys(struct arena *arena, const struct model *model, const struct plan_scope *scope,
               const struct query *query, const struct field *const *columns, size_t ncolumns,
               bool lock, struct statement *statement, struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct emit e = {0};

	if (!level_start(arena, model, scope, query, &r, &q, error) || !refuse_slice(&q, query, "delete"))
		return false;
	struct source *table = own_table(&q);

	sql_init(&e.sql, arena);
	emit_key_columns(&e, table, columns, ncolumns);
	emit_rows(&e, &q, table);
	if (lock) {
		sql_lit(&e.sql, " FOR UPDATE OF ");
		sql_alias(&e.sql, table->alias);
	}
	sql_finish(&e.sql, model->npk_fields + ncolumns, statement);
	level_zone(&q, statement);
	return true;
}

bool plan_find(struct arena *arena, const struct model *model, const struct value *lookups,
               const struct field *const *columns, size_t ncolumns, struct statement *statement,
               struct error *error)
{
	struct resolver r;
	struct resolved q;
	struct clause clause = {.pos = lookups->pos};
	struct query query = {.pos = lookups->pos, .clauses = &clause, .nclauses = 1};

	if (!decode_cond(arena, lookups, &clause.filter, error) ||
	    !level_start(arena, model, NULL, &query, &r, &q, error))
		return false;
	for (size_t i = 0; i < model->npk_fields; i++)
		add_column(&q, STR("pk"), column_expr(arena, q.scope->base, model->pk_fields[i]));
	for (size_t i = 0; i < ncolumns; i++)
		add_column(&q, columns[i]->attname, column_expr(arena, q.scope->base, columns[i]));
	narrow_slice(&q, 0, 21, true);
	resolve_slice(&q);
	level_write(&q, statement);
	return true;
}

/* {"RawSQL": text} is the text as it stands: a model file's author may say in a schema what the language
 * of requests has no words for.  Nothing of a request comes here. */
bool plan_schema_sql(struct arena *arena, const struct model *model, const struct value *condition,
                     const struct value *expression, struct str *sql, struct error *error)
{
	struct resolver r;
	struct emit e = {.bare_columns = true};
	struct source_list reuse = {0};
	const struct cond *cond;
	const struct expr *expr;
	const struct rexpr *resolved;

	const struct value *raw = value_get(condition != NULL ? condition : expression, "RawSQL");

	if (raw != NULL && raw->kind == VALUE_TEXT) {
		*sql = arena_printf(arena, "(%.*s)", STR_ARG(raw->text));
		return true;
	}
	resolver_init(&r, arena, model->registry, error);
	struct scope *scope = scope_new(&r, NULL, model);

	scope->forbids_joins = true;
	scope->forbids_why = "a constraint or index names columns of its own table only";
	sql_init(&e.sql, arena);
	e.sql.is_inline = true;
	if (condition != NULL) {
		if (!decode_cond(arena, condition, &cond, error) || !resolve_filter(scope, cond, false, &reuse))
			return false;
		emit_all(&e, &scope->select->where);
	} else {
		if (!decode_expr(arena, expression, &expr, error) ||
		    !resolve_expr(scope, expr, NULL, NULL, &resolved))
			return false;
		emit_expr(&e, resolved);
	}
	struct statement statement;

	sql_finish(&e.sql, 0, &statement);
	*sql = statement.sql;
	return true;
}

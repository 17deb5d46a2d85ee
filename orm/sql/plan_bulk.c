/* UPDATE of many rows, each with values of its own:
 *
 *   WITH l AS (SELECT t1."id", u.c0, u.c1 … FROM unnest($1, $2 …) AS u(k0, c0 …) INNER JOIN t AS t1 ON …
 *              ORDER BY t1."id" FOR NO KEY UPDATE OF t1)
 *   UPDATE t AS t0 SET "a" = l.c0 … FROM l WHERE t0."id" = l.k0
 *
 * The rows are locked in the order of their keys before any is changed, so that two such updates wait for each other
 * and do not block each other.  The arrays are joined once to the table and its key, never array to array: whatever
 * plan PostgreSQL makes without knowing their length is linear.
 */
#include "orm/sql/set.h"

#define TEXT_ARRAY_OID 1009

struct bulk {
	struct emit e;
	struct resolver r;
	struct resolved q; /* the rows that the scope holds */
	const struct model *model;
	const struct bulk_update *update;
	unsigned table;  /* alias of the table that is changed */
	unsigned locked; /* and of the one whose rows are locked */
	bool is_scoped;
};

bool plan_travels_as_text(const struct field *field)
{
	return field->value_field->type->kind == TYPE_ARRAY;
}

static void add_numbered(struct sql *sql, const char *letter, size_t number)
{
	sql_const(sql, letter);
	sql_number(sql, (unsigned)number);
}

/* -- FROM unnest(…) AS u(k0, c0, c1, n) -------------------------------------------- */

static void add_array(struct sql *sql, const struct bulk_values *values)
{
	if (plan_travels_as_text(values->field))
		sql_param(sql, values->array, TEXT_ARRAY_OID, (struct str){NULL, 0});
	else
		sql_field_array_param(sql, values->field->value_field, values->array);
}

static void add_arrays(struct bulk *bulk, bool with_values)
{
	struct sql *sql = &bulk->e.sql;
	const struct bulk_update *update = bulk->update;
	size_t nkeys = bulk->model->npk_fields;

	sql_lit(sql, " FROM unnest(");
	for (size_t i = 0; i < nkeys; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		add_array(sql, &update->keys[i]);
	}
	for (size_t i = 0; with_values && i < update->nvalues; i++) {
		sql_lit(sql, ", ");
		add_array(sql, &update->values[i]);
	}
	sql_lit(sql, ") WITH ORDINALITY AS u(");
	for (size_t i = 0; i < nkeys; i++)
		add_numbered(sql, i > 0 ? ", k" : "k", i);
	for (size_t i = 0; with_values && i < update->nvalues; i++)
		add_numbered(sql, ", c", i);
	sql_lit(sql, ", n)");
}

/* u.c3, cast back where it travels as text. */
static void add_value(struct sql *sql, const struct bulk_values *values, size_t i)
{
	add_numbered(sql, "u.c", i);
	if (!plan_travels_as_text(values->field))
		return;
	sql_lit(sql, "::");
	buf_add(&sql->text, field_column_type(sql->arena, values->field->value_field));
}

/* -- the rows, locked -------------------------------------------------------------- */

static void add_key(struct bulk *bulk, unsigned alias, size_t i)
{
	struct sql *sql = &bulk->e.sql;

	sql_alias(sql, alias);
	sql_lit(sql, ".");
	sql_name(sql, bulk->model->pk_fields[i]->column);
}

static void add_keys(struct bulk *bulk, unsigned alias)
{
	for (size_t i = 0; i < bulk->model->npk_fields; i++) {
		if (i > 0)
			sql_lit(&bulk->e.sql, ", ");
		add_key(bulk, alias, i);
	}
}

/* t1.key = letter0 AND … */
static void add_key_equality(struct bulk *bulk, unsigned alias, const char *letter)
{
	for (size_t i = 0; i < bulk->model->npk_fields; i++) {
		if (i > 0)
			sql_lit(&bulk->e.sql, " AND ");
		add_key(bulk, alias, i);
		sql_lit(&bulk->e.sql, " = ");
		add_numbered(&bulk->e.sql, letter, i);
	}
}

/* A related manager's rows alone. */
static void add_scope(struct bulk *bulk)
{
	struct arena *arena = bulk->r.arena;

	if (!bulk->is_scoped)
		return;
	for (size_t i = 0; i < bulk->model->npk_fields; i++)
		add_column(&bulk->q, STR("pk"), column_expr(arena, bulk->q.scope->base, bulk->model->pk_fields[i]));
	sql_lit(&bulk->e.sql, " WHERE (");
	add_keys(bulk, bulk->locked);
	sql_lit(&bulk->e.sql, ") IN (");
	emit_select(&bulk->e, bulk->q.select);
	sql_lit(&bulk->e.sql, ")");
}

/* Whether a foreign key may point at one of the columns: changing it wants the stronger lock. */
static bool changes_key(const struct bulk *bulk)
{
	const struct bulk_update *update = bulk->update;
	bool is_key = false;

	for (size_t i = 0; i < update->nvalues; i++)
		is_key = is_key || update->values[i].field->is_unique;
	for (size_t i = 0; i < update->nassignments; i++)
		is_key = is_key || update->assignments[i].field->is_unique;
	return is_key;
}

static void add_lock(struct bulk *bulk)
{
	sql_lit(&bulk->e.sql, " INNER JOIN ");
	sql_table(&bulk->e.sql, bulk->model);
	sql_lit(&bulk->e.sql, " AS ");
	sql_alias(&bulk->e.sql, bulk->locked);
	sql_lit(&bulk->e.sql, " ON ");
	add_key_equality(bulk, bulk->locked, "u.k");
	add_scope(bulk);
	sql_lit(&bulk->e.sql, " ORDER BY ");
	add_keys(bulk, bulk->locked);
	sql_const(&bulk->e.sql, changes_key(bulk) ? " FOR UPDATE OF " : " FOR NO KEY UPDATE OF ");
	sql_alias(&bulk->e.sql, bulk->locked);
}

static void add_locked_rows(struct bulk *bulk)
{
	const struct bulk_update *update = bulk->update;
	struct sql *sql = &bulk->e.sql;

	sql_lit(sql, "WITH l AS (SELECT ");
	for (size_t i = 0; i < bulk->model->npk_fields; i++) {
		add_numbered(sql, i > 0 ? ", u.k" : "u.k", i);
		add_numbered(sql, " AS k", i);
	}
	for (size_t i = 0; i < update->nvalues; i++) {
		sql_lit(sql, ", ");
		add_value(sql, &update->values[i], i);
		add_numbered(sql, " AS c", i);
	}
	sql_lit(sql, ", u.n");
	add_arrays(bulk, true);
	add_lock(bulk);
	sql_lit(sql, ")");
}

/* -- the statement ----------------------------------------------------------------- */

static void add_set(struct bulk *bulk, struct scope *target, const struct set_list *set)
{
	struct sql *sql = &bulk->e.sql;

	sql_lit(sql, " UPDATE ");
	sql_table(sql, bulk->model);
	sql_lit(sql, " AS ");
	sql_alias(sql, bulk->table);
	sql_lit(sql, " SET ");
	for (size_t i = 0; i < bulk->update->nvalues; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_name(sql, bulk->update->values[i].field->column);
		add_numbered(sql, " = l.c", i);
	}
	set_emit(&bulk->e, target, set, bulk->update->nvalues == 0);
	sql_lit(sql, " FROM l WHERE ");
	add_key_equality(bulk, bulk->table, "l.k");
}

static void add_returning(struct bulk *bulk)
{
	const struct bulk_update *update = bulk->update;
	struct sql *sql = &bulk->e.sql;

	for (size_t i = 0; i < update->nreturning; i++) {
		sql_const(sql, i > 0 ? ", " : " RETURNING ");
		sql_alias(sql, bulk->table);
		sql_lit(sql, ".");
		sql_name(sql, update->returning[i]->column);
	}
	if (update->nreturning > 0)
		sql_lit(sql, ", l.n");
}

static bool start(struct bulk *bulk, struct arena *arena, const struct model *model, const struct plan_scope *scope,
                  const struct bulk_update *update, struct error *error)
{
	*bulk = (struct bulk){.model = model, .update = update, .is_scoped = scope != NULL};
	if (!level_start(arena, model, scope, query_all(arena), &bulk->r, &bulk->q, error))
		return false;
	bulk->table = bulk->r.next_alias++;
	bulk->locked = bulk->r.next_alias++;
	return true;
}

bool plan_bulk_update(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                      const struct bulk_update *update, struct statement *statement, struct error *error)
{
	struct bulk bulk;
	struct set_list set = {0};

	ASSERT(update->nvalues + update->nassignments > 0);
	if (!start(&bulk, arena, model, scope, update, error))
		return false;
	struct scope *target = set_scope(&bulk.r, model, bulk.table, (struct str){NULL, 0});

	if (!set_resolve(target, update->assignments, update->nassignments, &set))
		return false;
	sql_init(&bulk.e.sql, arena);
	add_locked_rows(&bulk);
	add_set(&bulk, target, &set);
	add_returning(&bulk);
	sql_finish(&bulk.e.sql, update->nreturning > 0 ? update->nreturning + 1 : 0, statement);
	return true;
}

bool plan_bulk_lock(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                    const struct bulk_update *update, struct statement *statement, struct error *error)
{
	struct bulk bulk;

	if (!start(&bulk, arena, model, scope, update, error))
		return false;
	sql_init(&bulk.e.sql, arena);
	sql_lit(&bulk.e.sql, "SELECT count(*) FROM (SELECT u.n");
	add_arrays(&bulk, false);
	add_lock(&bulk);
	sql_lit(&bulk.e.sql, ") AS l");
	sql_finish(&bulk.e.sql, 1, statement);
	return true;
}

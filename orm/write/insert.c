/* INSERT statements.  Emits through orm/sql/writer.h alone. */
#include "orm/write/insert.h"

#include "orm/model/field_types.h"
#include "orm/sql/insert_value.h"
#include "orm/write/parts.h"

#define TEXT_ARRAY_OID 1009
#define INTEGER_OID 23

static const struct cell *cell_of(const struct row *row, const struct field *field)
{
	return &row->cells[field->index];
}

static void add_columns(struct sql *sql, const struct model *model, const struct row *row)
{
	bool is_first = true;

	for (size_t i = 0; i < model->ncolumns; i++) {
		if (cell_of(row, model->columns[i])->kind == CELL_ABSENT)
			continue;
		sql_const(sql, is_first ? " (" : ", ");
		sql_name(sql, model->columns[i]->column);
		is_first = false;
	}
	if (!is_first)
		sql_lit(sql, ")");
}

static bool is_empty(const struct model *model, const struct row *row)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		if (cell_of(row, model->columns[i])->kind != CELL_ABSENT)
			return false;
	return true;
}

/* What is the same for every row: true when added. */
static bool add_made(struct sql *sql, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_NOW:
		sql_lit(sql, "now()");
		return true;
	case CELL_UUID:
		sql_lit(sql, "gen_random_uuid()");
		return true;
	case CELL_ABSENT:
	case CELL_EXPR:
		insert_value_emit(sql, cell->expr);
		return true;
	case CELL_TEXT:
	case CELL_ORDER:
		return false;
	case CELL_FIND:
	case CELL_NESTED:
		break;
	}
	BUG("a row is written before what it refers to is known");
}

/* (SELECT coalesce(max("_order") + 1, 0) FROM table WHERE "question_id" = …: the caller ends it. */
static void begin_order(struct sql *sql, const struct model *model, const struct field *with)
{
	sql_lit(sql, "(SELECT coalesce(max(o.\"_order\") + 1, 0) FROM ");
	sql_table(sql, model);
	sql_lit(sql, " AS o WHERE o.");
	sql_name(sql, with->column);
	sql_lit(sql, " = ");
}

static const struct field *order_field(const struct model *model)
{
	return model_field(model, model->order_with_respect_to);
}

static void add_value(struct sql *sql, const struct model *model, const struct row *row,
                      const struct field *field)
{
	const struct cell *cell = cell_of(row, field);

	if (add_made(sql, cell))
		return;
	if (cell->kind != CELL_ORDER) {
		sql_field_param(sql, field, cell->text);
		return;
	}
	begin_order(sql, model, order_field(model));
	sql_field_param(sql, order_field(model), cell_of(row, order_field(model))->text);
	sql_lit(sql, ")");
}

/* The words of a condition are the model file's (plan_schema_sql), no request's. */
static void add_target(struct sql *sql, const struct conflict *conflict)
{
	sql_lit(sql, " ON CONFLICT (");
	for (size_t i = 0; i < conflict->nunique_fields; i++) {
		sql_const(sql, i ? ", " : "");
		sql_name(sql, conflict->unique_fields[i]->column);
	}
	sql_lit(sql, ")");
	if (!conflict->condition.p)
		return;
	sql_lit(sql, " WHERE ");
	buf_add(&sql->text, conflict->condition);
}

static void add_conflict(struct sql *sql, const struct conflict *conflict)
{
	if (!conflict || conflict->kind == INSERT_FAILS)
		return;
	if (conflict->kind == INSERT_SKIPS) {
		sql_lit(sql, " ON CONFLICT DO NOTHING");
		return;
	}
	add_target(sql, conflict);
	for (size_t i = 0; i < conflict->nupdate_fields; i++) {
		sql_const(sql, i ? ", " : " DO UPDATE SET ");
		sql_name(sql, conflict->update_fields[i]->column);
		sql_lit(sql, " = EXCLUDED.");
		sql_name(sql, conflict->update_fields[i]->column);
	}
}

static void finish(struct sql *sql, const struct model *model, const struct returning *returning,
                   struct statement *statement)
{
	if (returning)
		returning_emit(sql, returning);
	else
		part_returning(sql, model);
	sql_finish(sql, returning ? returning->columns.n : model->ncolumns, statement);
}

void insert_one(struct arena *arena, const struct model *model, const struct row *row,
                const struct conflict *conflict, const struct returning *returning,
                struct statement *statement)
{
	struct sql sql;
	bool is_first = true;

	sql_init(&sql, arena);
	sql_lit(&sql, "INSERT INTO ");
	sql_table(&sql, model);
	add_columns(&sql, model, row);
	if (is_empty(model, row))
		sql_lit(&sql, " DEFAULT VALUES");
	for (size_t i = 0; i < model->ncolumns; i++) {
		if (cell_of(row, model->columns[i])->kind == CELL_ABSENT)
			continue;
		sql_const(&sql, is_first ? " VALUES (" : ", ");
		is_first = false;
		add_value(&sql, model, row, model->columns[i]);
	}
	if (!is_first)
		sql_lit(&sql, ")");
	add_conflict(&sql, conflict);
	finish(&sql, model, returning, statement);
}

/* -- many rows ------------------------------------------------------------------- */

/* unnest() takes arrays of arrays apart to the last element: an array's column travels as the
 * texts of its arrays. */
static bool travels_as_text(const struct field *field)
{
	return field->value_field->type->kind == TYPE_ARRAY;
}

static struct str column_text(struct arena *arena, const struct field *field,
                              const struct row *const *rows, size_t n)
{
	struct str *texts = ARENA_ARRAY(arena, struct str, n);

	for (size_t i = 0; i < n; i++)
		texts[i] = cell_of(rows[i], field)->text;
	return part_array_text(arena, texts, n);
}

/* One output column of the SELECT: u.c3, cast back where it travels as text. */
static void add_output(struct sql *sql, const struct field *field, unsigned number)
{
	sql_lit(sql, "u.c");
	sql_number(sql, number);
	if (!travels_as_text(field))
		return;
	sql_lit(sql, "::");
	buf_add(&sql->text, field_column_type(sql->arena, field->value_field));
}

/* Which u.c… a field travels in. */
static unsigned number_of(const struct model *model, const struct row *shape,
                          const struct field *field)
{
	unsigned number = 0;

	for (size_t i = 0; model->columns[i] != field; i++)
		number += cell_of(shape, model->columns[i])->kind == CELL_TEXT;
	return number;
}

/* Siblings of one statement follow one another. */
static void add_order(struct sql *sql, const struct model *model, const struct row *shape)
{
	const struct field *with = order_field(model);
	unsigned number = number_of(model, shape, with);

	begin_order(sql, model, with);
	add_output(sql, with, number);
	sql_lit(sql, ") + row_number() OVER (PARTITION BY ");
	add_output(sql, with, number);
	sql_lit(sql, ") - 1");
}

static void add_outputs(struct sql *sql, const struct model *model, const struct row *shape)
{
	unsigned number = 0;
	bool is_first = true;

	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct cell *cell = cell_of(shape, model->columns[i]);
		if (cell->kind == CELL_ABSENT)
			continue;
		sql_const(sql, is_first ? " " : ", ");
		is_first = false;
		if (cell->kind == CELL_ORDER)
			add_order(sql, model, shape);
		else if (!add_made(sql, cell))
			add_output(sql, model->columns[i], number++);
	}
}

static void add_array(struct sql *sql, const struct field *field, struct str text)
{
	if (travels_as_text(field))
		sql_param(sql, text, TEXT_ARRAY_OID, (struct str){NULL, 0});
	else
		sql_field_array_param(sql, field->value_field, text);
}

/* FROM unnest($1, $2) AS u(c0, c1); returns how many columns it has. */
static unsigned add_source(struct sql *sql, const struct model *model,
                           const struct row *const *rows, size_t n)
{
	unsigned ncolumns = 0;

	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];
		if (cell_of(rows[0], field)->kind != CELL_TEXT)
			continue;
		sql_const(sql, ncolumns++ ? ", " : " FROM unnest(");
		add_array(sql, field, column_text(sql->arena, field, rows, n));
	}
	for (unsigned i = 0; i < ncolumns; i++) {
		sql_const(sql, i ? ", c" : ") AS u(c");
		sql_number(sql, i);
	}
	if (ncolumns)
		sql_lit(sql, ")");
	return ncolumns;
}

void insert_many(struct arena *arena, const struct model *model, const struct row *const *rows,
                 size_t n, const struct conflict *conflict, const struct returning *returning,
                 struct statement *statement)
{
	struct sql sql;

	ASSERT(n > 0);
	sql_init(&sql, arena);
	sql_lit(&sql, "INSERT INTO ");
	sql_table(&sql, model);
	add_columns(&sql, model, rows[0]);
	sql_lit(&sql, " SELECT");
	add_outputs(&sql, model, rows[0]);
	if (!add_source(&sql, model, rows, n)) {
		sql_lit(&sql, " FROM generate_series(1, ");
		sql_param(&sql, arena_printf(arena, "%zu", n), INTEGER_OID, (struct str){NULL, 0});
		sql_lit(&sql, ")");
	}
	add_conflict(&sql, conflict);
	finish(&sql, model, returning, statement);
}

static bool same_way(const struct cell *a, const struct cell *b)
{
	return a->kind == b->kind && (a->kind != CELL_EXPR || value_eq(a->value, b->value));
}

bool insert_same_shape(const struct model *model, const struct row *a, const struct row *b)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		if (!same_way(cell_of(a, model->columns[i]), cell_of(b, model->columns[i])))
			return false;
	return true;
}

/* Writing loaded rows: many in one statement, INSERT … SELECT FROM unnest() … ON CONFLICT DO UPDATE: a
 * row whose key is there is replaced, as by Django's loaddata.
 */
#include "orm/migrate/fixture_load.h"

#include "orm/model/field_types.h"
#include "orm/sql/writer.h"

#include <stdlib.h>

enum { BATCH_BYTES = 1 << 20 };

void fixture_add_element(struct buf *out, struct str text, bool is_first)
{
	buf_add_char(out, is_first ? '{' : ',');
	if (!text.p) {
		BUF_LIT(out, "NULL");
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text.p[i]);
	}
	buf_add_char(out, '"');
}

/* ---- one statement ---- */

/* The column's type without its modifier: an assignment refuses what a cast would cut off. */
static void add_cast(struct sql *sql, const struct field *field)
{
	struct str cast = field_param_cast(sql->arena, field);
	struct str rest = cast.p ? cast : field_column_type(sql->arena, field);
	struct str name = str_trim(str_cut(&rest, STR("(")));

	sql_lit(sql, "::");
	buf_add(&sql->text, name);
	if (!rest.p)
		return;
	str_cut(&rest, STR(")"));
	if (rest.p)
		buf_add(&sql->text, rest);
}

static void add_names(struct sql *sql, const struct field *const *fields, size_t n)
{
	sql_lit(sql, " (");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_name(sql, fields[i]->column);
	}
	sql_lit(sql, ")");
}

static void add_values(struct sql *sql, const struct field *const *fields, size_t n)
{
	sql_lit(sql, " SELECT ");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_lit(sql, "u.c");
		sql_number(sql, (unsigned)i);
		add_cast(sql, fields[i]);
	}
	sql_lit(sql, " FROM unnest(");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_lit(sql, "$");
		sql_number(sql, (unsigned)i + 1);
		sql_lit(sql, "::text[]");
	}
	sql_lit(sql, ") AS u (");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(sql, ", ");
		sql_lit(sql, "c");
		sql_number(sql, (unsigned)i);
	}
	sql_lit(sql, ")");
}

static bool is_in(const struct field *const *fields, size_t n, const struct field *field)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i] == field)
			return true;
	return false;
}

static void add_conflict(struct sql *sql, const struct fixture_batch *batch)
{
	bool any = false;

	if (batch->nconflict == 0)
		return;
	sql_lit(sql, " ON CONFLICT");
	add_names(sql, batch->conflict, batch->nconflict);
	sql_lit(sql, " DO ");
	for (size_t i = 0; i < batch->nfields; i++) {
		if (is_in(batch->conflict, batch->nconflict, batch->fields[i]) ||
		    batch->fields[i]->is_primary_key)
			continue;
		if (any)
			sql_lit(sql, ", ");
		else
			sql_lit(sql, "UPDATE SET ");
		any = true;
		sql_name(sql, batch->fields[i]->column);
		sql_lit(sql, " = EXCLUDED.");
		sql_name(sql, batch->fields[i]->column);
	}
	if (!any)
		sql_lit(sql, "NOTHING");
}

static const char *statement_of(struct fixture_load *load)
{
	const struct fixture_batch *batch = &load->batch;
	struct statement statement;
	struct sql sql;

	sql_init(&sql, load->scratch);
	sql_lit(&sql, "INSERT INTO ");
	sql_table(&sql, batch->model);
	if (batch->nfields == 0) {
		sql_lit(&sql, " DEFAULT VALUES");
		sql_finish(&sql, 0, &statement);
		return statement.sql.p;
	}
	add_names(&sql, batch->fields, batch->nfields);
	sql_lit(&sql, " OVERRIDING SYSTEM VALUE");
	add_values(&sql, batch->fields, batch->nfields);
	add_conflict(&sql, batch);
	sql_finish(&sql, 0, &statement);
	return statement.sql.p;
}

static bool run(struct fixture_load *load, const char *sql, const char *const *params, int n,
                const char *doing)
{
	PGresult *result = PQexecParams(load->connection.pg, sql, n, NULL, params, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);
	bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

	if (!ok)
		connection_fail(&load->connection, result, doing);
	PQclear(result);
	return ok;
}

static void forget(struct fixture_load *load)
{
	for (size_t i = 0; i < load->batch.nfields; i++)
		buf_clear(&load->batch.columns[i]);
	load->batch.model = NULL;
	load->batch.n = load->batch.nfields = load->batch.bytes = 0;
	load->batch.keys = (struct map){0};
	arena_reset(load->scratch);
}

bool fixture_batch_flush(struct fixture_load *load)
{
	struct fixture_batch *batch = &load->batch;

	if (!batch->model)
		return true;
	const char **params = ARENA_ARRAY(load->scratch, const char *, batch->nfields);
	for (size_t i = 0; i < batch->nfields; i++) {
		BUF_LIT(&batch->columns[i], "}");
		buf_add_char(&batch->columns[i], '\0');
		params[i] = batch->columns[i].p;
	}
	const char *doing = arena_printf(load->scratch, "write rows of %.*s (to object %llu)",
	                                 STR_ARG(batch->model->name), (unsigned long long)load->number)
	                        .p;
	bool ok = run(load, statement_of(load), params, (int)batch->nfields, doing);
	forget(load);
	return ok;
}

/* ---- gathering ---- */

static bool is_same_kind(const struct fixture_batch *batch, const struct model *model,
                         const struct field *const *fields, size_t n,
                         const struct field *const *conflict, size_t nconflict)
{
	if (batch->model != model || batch->nfields != n || batch->nconflict != nconflict)
		return false;
	for (size_t i = 0; i < n; i++)
		if (batch->fields[i] != fields[i])
			return false;
	for (size_t i = 0; i < nconflict; i++)
		if (batch->conflict[i] != conflict[i])
			return false;
	return true;
}

static void begin(struct fixture_load *load, const struct model *model,
                  const struct field *const *fields, size_t n, const struct field *const *conflict,
                  size_t nconflict)
{
	struct fixture_batch *batch = &load->batch;

	if (n > batch->nfields_most) {
		struct buf *columns = ARENA_ARRAY(load->arena, struct buf, n);

		copy_bytes(columns, batch->columns, batch->nfields_most * sizeof *columns);
		batch->columns = columns;
		batch->fields = ARENA_ARRAY(load->arena, const struct field *, n);
		batch->nfields_most = n;
	}
	batch->model = model;
	batch->nfields = n;
	batch->nconflict = nconflict;
	copy_bytes(batch->fields, fields, n * sizeof *fields);
	copy_bytes(batch->conflict, conflict, nconflict * sizeof *conflict);
}

static struct str row_key(struct fixture_load *load, const struct field *const *fields,
                          const struct str *texts, size_t n)
{
	const struct fixture_batch *batch = &load->batch;
	struct buf key = {0};

	for (size_t i = 0; i < n; i++)
		if (is_in(batch->conflict, batch->nconflict, fields[i]))
			fixture_add_element(&key, texts[i], false);
	struct str copy = arena_str(load->scratch, buf_str(&key));
	buf_release(&key);
	return copy;
}

bool fixture_batch_add(struct fixture_load *load, const struct model *model,
                       const struct field *const *fields, const struct str *texts, size_t n,
                       const struct field *const *conflict, size_t nconflict)
{
	struct fixture_batch *batch = &load->batch;
	bool fits = n > 0 && is_same_kind(batch, model, fields, n, conflict, nconflict) &&
	            batch->n < BATCH_ROWS && batch->bytes < BATCH_BYTES;

	if (!fits && !fixture_batch_flush(load))
		return false;
	if (!batch->model)
		begin(load, model, fields, n, conflict, nconflict);
	if (map_get(&batch->keys, row_key(load, fields, texts, n))) {
		if (!fixture_batch_flush(load))
			return false;
		begin(load, model, fields, n, conflict, nconflict);
	}
	if (nconflict > 0)
		map_put(&batch->keys, load->scratch, row_key(load, fields, texts, n), batch);
	for (size_t i = 0; i < n; i++) {
		fixture_add_element(&batch->columns[i], texts[i], batch->n == 0);
		batch->bytes += texts[i].n;
	}
	batch->n++;
	load->nrows++;
	load->is_loaded[model->index] = true;
	return true;
}

/* ---- many-to-many ---- */

static const char *clear_statement(struct fixture_load *load, const struct relation *relation)
{
	struct statement statement;
	struct sql sql;

	sql_init(&sql, load->row);
	sql_lit(&sql, "DELETE FROM ");
	sql_table(&sql, relation->through);
	sql_lit(&sql, " WHERE ");
	sql_name(&sql, relation->through_from->column);
	sql_lit(&sql, " = $1");
	add_cast(&sql, relation->through_from);
	sql_finish(&sql, 0, &statement);
	return statement.sql.p;
}

static const char *link_statement(struct fixture_load *load, const struct relation *relation,
                                  bool is_mirrored)
{
	const struct field *from = is_mirrored ? relation->through_to : relation->through_from;
	const struct field *to = is_mirrored ? relation->through_from : relation->through_to;
	const struct field *names[2] = {from, to};
	struct statement statement;
	struct sql sql;

	sql_init(&sql, load->row);
	sql_lit(&sql, "INSERT INTO ");
	sql_table(&sql, relation->through);
	add_names(&sql, names, 2);
	sql_lit(&sql, " SELECT $1");
	add_cast(&sql, from);
	sql_lit(&sql, ", u.k");
	add_cast(&sql, to);
	sql_lit(&sql, " FROM unnest($2::text[]) WITH ORDINALITY AS u (k, n) ORDER BY u.n "
	              "ON CONFLICT DO NOTHING");
	sql_finish(&sql, 0, &statement);
	return statement.sql.p;
}

bool fixture_set_many(struct fixture_load *load, const struct field *field, struct str key,
                      const struct str *others, size_t n)
{
	const struct relation *relation = field->relation;
	struct buf list = {0};
	bool ok = fixture_batch_flush(load);

	for (size_t i = 0; i < n; i++)
		fixture_add_element(&list, others[i], i == 0);
	BUF_LIT(&list, "}");
	struct str literal = n > 0 ? arena_str(load->row, buf_str(&list)) : STR("{}");
	buf_release(&list);
	const char *params[] = {arena_cstr(load->row, key), literal.p};
	load->is_loaded[relation->through->index] = true;
	ok = ok && run(load, clear_statement(load, relation), params, 1, "clear a many-to-many relation");
	if (n == 0 || !ok)
		return ok;
	ok = run(load, link_statement(load, relation, false), params, 2, "write a many-to-many relation");
	/* The mirror: from each of the others to this row. */
	if (ok && relation->is_symmetrical) {
		struct statement statement;
		struct sql sql;
		const struct field *names[2] = {relation->through_from, relation->through_to};

		sql_init(&sql, load->row);
		sql_lit(&sql, "INSERT INTO ");
		sql_table(&sql, relation->through);
		add_names(&sql, names, 2);
		sql_lit(&sql, " SELECT u.k");
		add_cast(&sql, names[0]);
		sql_lit(&sql, ", $1");
		add_cast(&sql, names[1]);
		sql_lit(&sql, " FROM unnest($2::text[]) AS u (k) ON CONFLICT DO NOTHING");
		sql_finish(&sql, 0, &statement);
		ok = run(load, statement.sql.p, params, 2, "write a many-to-many relation");
	}
	return ok;
}

/* Loading: an object of a fixture becomes a row; see fixture.h.  An object that names a row by a natural
 * key that is not there yet waits until all others have come.  Of those that wait for each other, what may be null
 * is null at first, as with Django.
 */
#include "orm/migrate/fixture_load.h"

#include "orm/model/field_types.h"
#include "orm/sql/writer.h"

#include <stdlib.h>

enum { ROW_FIELDS = 1600, SCRATCH_BYTES = 1 << 20 };

/* ---- one object ---- */

struct row {
	const struct model *model;
	const struct field **fields;
	struct str *texts;
	size_t n;
	const struct value *key, *values;
	bool must_wait;
	const struct value **many; /* by the place of model->fields */
};

static void put(struct row *row, const struct field *field, struct str text)
{
	row->fields[row->n] = field;
	row->texts[row->n++] = text;
}

static bool has(const struct row *row, const struct field *field)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->fields[i] == field)
			return true;
	return false;
}

static struct str last_step(struct str label)
{
	for (size_t i = label.n; i > 0; i--)
		if (label.p[i - 1] == '.')
			return str_sub(label, i, label.n - i);
	return label;
}

static bool unknown(struct error *error, const char *what, struct str name, struct str near)
{
	return error_set_nowhere(error, ERROR_FIELD, "There is no %s \"%.*s\"%s%.*s%s", what,
	                         STR_ARG(name), near.p ? "; did you mean \"" : "",
	                         STR_ARG(near.p ? near : STR("")), near.p ? "\"?" : "");
}

/* *model is NULL for one that is passed over. */
static bool find_model(struct fixture_load *load, const struct value *object,
                       const struct model **model, struct error *error)
{
	const struct value *label = value_get(object, "model");

	*model = NULL;
	if (!label || label->kind != VALUE_TEXT)
		return error_set_nowhere(error, ERROR_VALUE,
		                         "expected {\"model\": \"app.name\", \"pk\": …, \"fields\": {…}}");
	*model = registry_model(load->registry, last_step(label->text));
	if (*model || load->options.ignores_unknown)
		return true;
	return unknown(error, "model", label->text,
	               suggest_nearest(last_step(label->text), load->registry->paths,
	                               load->registry->npaths));
}

static bool read_reference(struct fixture_load *load, struct row *row, const struct field *field,
                           const struct value *value, struct error *error)
{
	struct str text;

	if (value->kind != VALUE_LIST) {
		if (!fixture_parse(load, field, value, &text, error))
			return false;
		put(row, field, text);
		return true;
	}
	if (!fixture_find(load, field->relation->to, field->relation->target, value, &text, error))
		return false;
	row->must_wait = row->must_wait || !text.p;
	put(row, field, text);
	return true;
}

static bool read_field(struct fixture_load *load, struct row *row, const struct member *member,
                       struct error *error)
{
	const struct field *field = model_field(row->model, member->key);
	struct str text;

	if (!field && load->options.ignores_unknown)
		return true;
	if (!field)
		return unknown(error, "field", member->key,
		               suggest_nearest(member->key, row->model->member_names,
		                               row->model->nmember_names));
	if (field->is_generated || has(row, field))
		return true;
	if (!field->column.p) {
		if (member->value.kind != VALUE_LIST)
			return error_set_nowhere(error, ERROR_VALUE, "%.*s: expected a list of keys",
			                         STR_ARG(field->name));
		row->many[field->index] = &member->value;
		return true;
	}
	if (field->relation)
		return read_reference(load, row, field, &member->value, error);
	if (!fixture_parse(load, field, &member->value, &text, error))
		return false;
	put(row, field, text);
	return true;
}

static bool read_key(struct fixture_load *load, struct row *row, struct error *error)
{
	const struct model *model = row->model;
	const struct value *key = row->key;
	struct str text;

	if (!key || key->kind == VALUE_NULL)
		return true;
	if (model->npk_fields == 1) {
		if (model->pk->relation)
			return read_reference(load, row, model->pk, key, error);
		if (!fixture_parse(load, model->pk, key, &text, error))
			return false;
		put(row, model->pk, text);
		return true;
	}
	if (key->kind != VALUE_LIST || key->list.n != model->npk_fields)
		return error_set_nowhere(error, ERROR_VALUE, "\"pk\": expected a list of %zu values",
		                         model->npk_fields);
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (!fixture_parse(load, model->pk_fields[i], &key->list.items[i], &text, error))
			return false;
		put(row, model->pk_fields[i], text);
	}
	return true;
}

/* In the order of the model's columns, so that rows of one kind are alike. */
static void sort_fields(struct row *row)
{
	for (size_t i = 1; i < row->n; i++) {
		const struct field *field = row->fields[i];
		struct str text = row->texts[i];
		size_t at = i;

		for (; at > 0 && row->fields[at - 1]->index > field->index; at--) {
			row->fields[at] = row->fields[at - 1];
			row->texts[at] = row->texts[at - 1];
		}
		row->fields[at] = field;
		row->texts[at] = text;
	}
}

static void add_defaults(struct fixture_load *load, struct row *row)
{
	for (size_t i = 0; i < row->model->ncolumns; i++) {
		const struct field *field = row->model->columns[i];
		bool is_left_out = field->is_generated || field->type->is_auto || has(row, field);
		struct str text;

		if (!is_left_out && fixture_default(load, field, &text))
			put(row, field, text);
	}
}

static bool read_row(struct fixture_load *load, const struct value *object, struct row *row,
                     struct error *error)
{
	const struct model *model = row->model;

	row->key = value_get(object, "pk");
	row->values = value_get(object, "fields");
	row->fields = ARENA_ARRAY(load->row, const struct field *, model->ncolumns + 1);
	row->texts = ARENA_ARRAY(load->row, struct str, model->ncolumns + 1);
	row->many = ARENA_ARRAY(load->row, const struct value *, model->nfields + 1);
	if (row->values && row->values->kind != VALUE_OBJECT)
		return error_set_nowhere(error, ERROR_VALUE, "\"fields\": expected an object");
	if (!read_key(load, row, error))
		return false;
	for (size_t i = 0; row->values && i < row->values->object.n; i++)
		if (!read_field(load, row, &row->values->object.members[i], error))
			return false;
	if (!row->must_wait)
		add_defaults(load, row);
	sort_fields(row);
	return true;
}

/* ---- writing it ---- */

static size_t conflict_of(const struct row *row, const struct field **fields)
{
	const struct model *model = row->model;
	/* One that was made anew names no row. */
	bool has_key = model->npk_fields > 1 || (row->key && row->key->kind != VALUE_NULL);

	for (size_t i = 0; i < model->npk_fields; i++)
		has_key = has_key && has(row, model->pk_fields[i]);
	if (has_key && model->npk_fields <= FIXTURE_NATURAL_MOST) {
		copy_bytes(fields, model->pk_fields, model->npk_fields * sizeof *fields);
		return model->npk_fields;
	}
	size_t n = fixture_natural_key(model, fields, FIXTURE_NATURAL_MOST);
	for (size_t i = 0; i < n; i++)
		if (!has(row, fields[i]))
			return 0;
	return n;
}

static struct str text_of(const struct row *row, const struct field *field)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->fields[i] == field)
			return row->texts[i];
	return (struct str){NULL, 0};
}

/* The key of a row that was written without one. */
static bool find_own_key(struct fixture_load *load, const struct row *row, struct str *key)
{
	const struct field *fields[FIXTURE_NATURAL_MOST];
	const char *params[FIXTURE_NATURAL_MOST];
	size_t n = fixture_natural_key(row->model, fields, FIXTURE_NATURAL_MOST);
	struct statement statement;
	struct sql sql;

	*key = row->model->pk ? text_of(row, row->model->pk) : (struct str){NULL, 0};
	if (key->p)
		return true;
	if (n == 0 || !row->model->pk)
		return error_set_nowhere(load->connection.error, ERROR_VALUE,
		                         "%.*s: an object with a many-to-many field needs a \"pk\"",
		                         STR_ARG(row->model->name));
	sql_init(&sql, load->row);
	sql_lit(&sql, "SELECT ");
	sql_name(&sql, row->model->pk->column);
	sql_lit(&sql, "::text FROM ");
	sql_table(&sql, row->model);
	sql_lit(&sql, " WHERE true");
	for (size_t i = 0; i < n; i++) {
		sql_lit(&sql, " AND ");
		sql_name(&sql, fields[i]->column);
		sql_lit(&sql, " = $");
		sql_number(&sql, (unsigned)i + 1);
		params[i] = arena_cstr(load->row, text_of(row, fields[i]));
	}
	sql_finish(&sql, 1, &statement);
	PGresult *result = PQexecParams(load->connection.pg, statement.sql.p, (int)n, NULL, params, NULL,
	                                NULL, 0);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	if (ok)
		*key = arena_str(load->row, str_of(PQgetvalue(result, 0, 0)));
	else
		connection_fail(&load->connection, result, "find a row that was written");
	PQclear(result);
	return ok;
}

/* *is_known: all others are there. */
static bool read_others(struct fixture_load *load, const struct field *field,
                        const struct value *list, struct str *others, bool *is_known,
                        struct error *error)
{
	const struct relation *relation = field->relation;
	const struct field *key = relation->through_to;

	*is_known = true;
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *item = &list->list.items[i];
		bool is_natural = item->kind == VALUE_LIST;

		if (is_natural && !fixture_find(load, relation->to, key->relation->target, item, &others[i],
		                                error))
			return false;
		if (!is_natural && !fixture_parse(load, key, item, &others[i], error))
			return false;
		*is_known = *is_known && others[i].p;
	}
	return true;
}

static bool write_many(struct fixture_load *load, struct row *row, struct error *error)
{
	for (size_t i = 0; i < row->model->nfields; i++) {
		const struct field *field = row->model->fields[i];
		const struct value *list = row->many[i];
		bool is_known;
		struct str key;

		if (!list || !field->relation->is_auto)
			continue;
		struct str *others = ARENA_ARRAY(load->row, struct str, list->list.n + 1);
		if (!fixture_batch_flush(load) || !find_own_key(load, row, &key) ||
		    !read_others(load, field, list, others, &is_known, error))
			return false;
		if (!is_known) {
			row->must_wait = true;
			return true;
		}
		if (!fixture_set_many(load, field, key, others, list->list.n))
			return false;
	}
	return true;
}

static bool wait_for_others(struct fixture_load *load, const struct value *object,
                            const struct row *row, uint64_t number, struct error *error)
{
	if (load->is_last_try)
		return error_set_nowhere(error, ERROR_DOES_NOT_EXIST,
		                         "%.*s: it refers by a natural key to a row that is not there",
		                         STR_ARG(row->model->name));
	load->waits_on = true;
	if (load->is_retry)
		return true;
	struct buf text = {0};
	value_write_json(object, &text);
	*ARENA_PUSH(load->arena, &load->waiting) =
		(struct fixture_waiting){arena_str(load->arena, buf_str(&text)), number};
	buf_release(&text);
	return true;
}

/* Whether the row can be written now and once more when what it refers to has come. */
static bool may_come_first(const struct row *row, size_t nconflict)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->fields[i]->relation && !row->texts[i].p && !row->fields[i]->is_null)
			return false;
	return nconflict > 0;
}

static bool write_first(struct fixture_load *load, struct row *row)
{
	const struct field *conflict[FIXTURE_NATURAL_MOST];

	add_defaults(load, row);
	sort_fields(row);
	size_t nconflict = conflict_of(row, conflict);
	if (!may_come_first(row, nconflict))
		return true;
	load->nrows--; /* counted when it is whole */
	return fixture_batch_add(load, row->model, row->fields, row->texts, row->n, conflict, nconflict);
}

static bool load_object(struct fixture_load *load, const struct value *object, uint64_t number,
                        struct error *error)
{
	const struct field *conflict[FIXTURE_NATURAL_MOST];
	struct row row = {0};

	if (!find_model(load, object, &row.model, error))
		return false;
	if (!row.model)
		return true;
	if (!read_row(load, object, &row, error))
		return false;
	if (row.must_wait && load->breaks_circles && !write_first(load, &row))
		return false;
	if (row.must_wait)
		return wait_for_others(load, object, &row, number, error);
	size_t nconflict = conflict_of(&row, conflict);
	if (!fixture_batch_add(load, row.model, row.fields, row.texts, row.n, conflict, nconflict) ||
	    !write_many(load, &row, error))
		return false;
	return !row.must_wait || wait_for_others(load, object, &row, number, error);
}

/* Where in the file, before what is wrong. */
static bool say_where(uint64_t number, const struct value *object, struct error *error)
{
	const struct value *label = value_get(object, "model"), *key = value_get(object, "pk");
	struct buf text = {0};

	if (key)
		value_write_json(key, &text);
	error->detail = arena_printf(
		error->arena, "Object %llu (%.*s%s%.*s): %.*s", (unsigned long long)number,
		STR_ARG(label && label->kind == VALUE_TEXT ? label->text : STR("no model")), key ? " " : "",
		STR_ARG(buf_str(&text)), STR_ARG(error->detail));
	buf_release(&text);
	return false;
}

bool fixture_load_object(struct fixture_load *load, const struct value *value, struct error *error)
{
	load->connection.error = error;
	load->number++;
	bool ok = load_object(load, value, load->number, error) || say_where(load->number, value, error);
	if (arena_used(load->row) > SCRATCH_BYTES)
		arena_reset(load->row);
	return ok;
}

/* ---- begin and end ---- */

bool fixture_load_begin(const struct migrate_options *options, const struct registry *registry,
                        const struct fixture_options *fixture, struct fixture_load **out,
                        struct error *error)
{
	static const char *const statements[] = {"SET TimeZone = 'UTC'", "SET DateStyle = 'ISO'",
	                                         "BEGIN", "SET CONSTRAINTS ALL DEFERRED"};
	struct arena *arena = arena_new();
	struct fixture_load *load = ARENA_NEW(arena, struct fixture_load);

	*load = (struct fixture_load){.arena = arena,
	                              .scratch = arena_new(),
	                              .row = arena_new(),
	                              .found_arena = arena_new(),
	                              .registry = registry,
	                              .options = *fixture};
	load->is_loaded = ARENA_ARRAY(arena, bool, registry->nmodels + 1);
	*out = load;
	bool ok = connection_open(&load->connection, options, error);
	for (size_t i = 0; ok && i < sizeof statements / sizeof *statements; i++)
		ok = connection_run(&load->connection, statements[i], "begin to load");
	if (!ok)
		fixture_load_end(load);
	return ok;
}

static bool try_again(struct fixture_load *load, struct fixture_waiting *item, struct error *error)
{
	const struct value *object = NULL;

	if (arena_used(load->row) > SCRATCH_BYTES)
		arena_reset(load->row);
	load->waits_on = false;
	if (!load->options.read_json(load->row, item->text, &object, error))
		return false;
	if (!load_object(load, object, item->number, error))
		return say_where(item->number, object, error);
	if (!load->waits_on)
		item->text.p = NULL;
	return true;
}

static void drop_found(struct fixture_load *load)
{
	size_t n = 0;

	for (size_t i = 0; i < load->waiting.n; i++)
		if (load->waiting.items[i].text.p)
			load->waiting.items[n++] = load->waiting.items[i];
	load->waiting.n = n;
}

/* As long as some of them find what they waited for, from the front and from behind in turn, since rows of a tree
 * may stand in either order; then circles are broken, and once more to say what is missing. */
static bool load_waiting(struct fixture_load *load, struct error *error)
{
	bool is_forward = false, has_broken = false;

	load->is_retry = true;
	while (load->waiting.n > 0) {
		size_t n = load->waiting.n;

		is_forward = !is_forward;
		for (size_t i = 0; i < n; i++)
			if (!try_again(load, &load->waiting.items[is_forward ? i : n - 1 - i], error))
				return false;
		drop_found(load);
		bool is_stuck = load->waiting.n == n && !load->breaks_circles;
		load->is_last_try = is_stuck && has_broken;
		load->breaks_circles = is_stuck && !has_broken;
		has_broken = has_broken || is_stuck;
	}
	return true;
}

static bool set_sequence(struct fixture_load *load, const struct model *model)
{
	struct statement statement;
	struct sql sql, name;
	PGresult *result;

	sql_init(&name, load->row);
	sql_table(&name, model);
	sql_finish(&name, 0, &statement);
	const char *params[] = {statement.sql.p, arena_cstr(load->row, model->pk->column), NULL};
	sql_init(&sql, load->row);
	sql_lit(&sql, "SELECT setval(s, coalesce(m, 1), m IS NOT NULL) FROM (SELECT "
	              "pg_get_serial_sequence($1, $2) AS s, (SELECT max(");
	sql_name(&sql, model->pk->column);
	sql_lit(&sql, ") FROM ");
	sql_table(&sql, model);
	sql_lit(&sql, ") AS m) AS x WHERE s IS NOT NULL AND coalesce(m, 1) > 0");
	sql_finish(&sql, 0, &statement);
	if (!connection_query(&load->connection, statement.sql.p, params, "set a sequence", &result))
		return false;
	PQclear(result);
	return true;
}

static bool set_sequences(struct fixture_load *load)
{
	for (size_t i = 0; i < load->registry->nmodels; i++) {
		const struct model *model = load->registry->models[i];

		if (load->is_loaded[i] && model->pk && model->pk->type->is_auto &&
		    !set_sequence(load, model))
			return false;
	}
	return true;
}

bool fixture_load_finish(struct fixture_load *load, uint64_t *nrows, struct error *error)
{
	load->connection.error = error;
	*nrows = 0;
	if (!load_waiting(load, error) || !fixture_batch_flush(load) || !set_sequences(load) ||
	    !connection_run(&load->connection, "COMMIT", "keep what was loaded"))
		return false;
	*nrows = load->nrows;
	return true;
}

void fixture_load_end(struct fixture_load *load)
{
	/* Closing rolls back what was not committed. */
	if (load->connection.pg)
		connection_close(&load->connection);
	for (size_t i = 0; i < load->batch.nfields_most; i++)
		buf_release(&load->batch.columns[i]);
	arena_free(load->scratch);
	arena_free(load->row);
	arena_free(load->found_arena);
	arena_free(load->arena);
}

bool fixture_flush(const struct migrate_options *options, const struct registry *registry,
                   struct error *error)
{
	struct connection connection;
	struct statement statement;
	struct sql sql;
	size_t n = 0;

	sql_init(&sql, error->arena);
	sql_lit(&sql, "TRUNCATE ");
	for (size_t i = 0; i < registry->nmodels; i++) {
		if (!registry->models[i]->is_managed)
			continue;
		if (n++ > 0)
			sql_lit(&sql, ", ");
		sql_table(&sql, registry->models[i]);
	}
	sql_lit(&sql, " RESTART IDENTITY");
	sql_finish(&sql, 0, &statement);
	if (n == 0)
		return true;
	if (!connection_open(&connection, options, error))
		return false;
	bool ok = connection_run(&connection, statement.sql.p, "empty the tables");
	connection_close(&connection);
	return ok;
}

/* Natural keys: which row a list of unique values names. */
#include "orm/migrate/fixture_load.h"

#include "orm/model/field_types.h"
#include "orm/sql/writer.h"

enum { FOUND_MOST = 10000 };

/* How many items the key of a model has, those of rows that it refers to included. */
static size_t length_of(const struct model *model, unsigned depth)
{
	const struct field *fields[FIXTURE_NATURAL_MOST];
	size_t n = fixture_natural_key(model, fields, FIXTURE_NATURAL_MOST), length = 0;

	for (size_t i = 0; i < n; i++)
		length += fields[i]->relation && depth < 8 ? length_of(fields[i]->relation->to, depth + 1) : 1;
	return length;
}

static struct str cache_key(struct arena *arena, const struct model *model,
                            const struct field *wanted, const struct value *items)
{
	struct buf text = {0};

	buf_printf(&text, "%.*s.%.*s ", STR_ARG(model->name), STR_ARG(wanted->name));
	value_write_json(items, &text);
	struct str key = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return key;
}

static bool wrong_length(const struct model *model, const struct value *items, size_t length,
                         struct error *error)
{
	if (length == 0)
		return error_set_nowhere(error, ERROR_VALUE,
		                         "%.*s has no natural key: no field and no constraint of it is unique "
		                         "and never null",
		                         STR_ARG(model->name));
	return error_set_nowhere(error, ERROR_VALUE, "A natural key of %.*s has %zu values, but %zu were given",
	                         STR_ARG(model->name), length, items->list.n);
}

/* Reads the key's own fields out of the items; those of rows it refers to are found first. */
static bool read_items(struct fixture_load *load, const struct model *model,
                       const struct value *items, const struct field **fields, struct str *texts,
                       size_t *n, bool *is_known, struct error *error)
{
	size_t at = 0;

	*n = fixture_natural_key(model, fields, FIXTURE_NATURAL_MOST);
	*is_known = true;
	for (size_t i = 0; i < *n; i++) {
		const struct relation *relation = fields[i]->relation;
		size_t length = relation ? length_of(relation->to, 1) : 1;
		struct value part = *items;

		part.list.items = items->list.items + at;
		part.list.n = length;
		at += length;
		if (!relation) {
			if (!fixture_parse(load, fields[i], part.list.items, &texts[i], error))
				return false;
			continue;
		}
		if (!fixture_find(load, relation->to, relation->target, &part, &texts[i], error))
			return false;
		*is_known = *is_known && texts[i].p;
	}
	return true;
}

static const char *question(struct fixture_load *load, const struct model *model,
                            const struct field *wanted, const struct field *const *fields, size_t n)
{
	struct statement statement;
	struct sql sql;

	sql_init(&sql, load->row);
	sql_lit(&sql, "SELECT ");
	sql_name(&sql, wanted->column);
	sql_lit(&sql, "::text FROM ");
	sql_table(&sql, model);
	for (size_t i = 0; i < n; i++) {
		if (i == 0)
			sql_lit(&sql, " WHERE ");
		else
			sql_lit(&sql, " AND ");
		sql_name(&sql, fields[i]->column);
		sql_lit(&sql, " = $");
		sql_number(&sql, (unsigned)i + 1);
	}
	sql_finish(&sql, 1, &statement);
	return statement.sql.p;
}

static bool ask(struct fixture_load *load, const struct model *model, const struct field *wanted,
                const struct field *const *fields, const struct str *texts, size_t n,
                struct str *key)
{
	const char *params[FIXTURE_NATURAL_MOST];

	for (size_t i = 0; i < n; i++)
		params[i] = arena_cstr(load->row, texts[i]);
	PGresult *result = PQexecParams(load->connection.pg, question(load, model, wanted, fields, n),
	                                (int)n, NULL, params, NULL, NULL, 0);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK;
	*key = (struct str){NULL, 0};
	if (!ok)
		connection_fail(&load->connection, result, "look for a natural key");
	else if (PQntuples(result) > 0)
		*key = arena_str(load->row, str_of(PQgetvalue(result, 0, 0)));
	PQclear(result);
	return ok;
}

static void keep(struct fixture_load *load, struct str name, struct str key)
{
	if (load->found.n >= FOUND_MOST) {
		arena_reset(load->found_arena);
		load->found = (struct map){0};
	}
	struct str *kept = ARENA_NEW(load->found_arena, struct str);
	*kept = arena_str(load->found_arena, key);
	map_put(&load->found, load->found_arena, arena_str(load->found_arena, name), kept);
}

bool fixture_find(struct fixture_load *load, const struct model *model, const struct field *wanted,
                  const struct value *items, struct str *key, struct error *error)
{
	const struct field *fields[FIXTURE_NATURAL_MOST];
	struct str texts[FIXTURE_NATURAL_MOST], name;
	size_t n, length = length_of(model, 0);
	bool is_known;

	*key = (struct str){NULL, 0};
	if (length == 0 || items->list.n != length)
		return wrong_length(model, items, length, error);
	name = cache_key(load->row, model, wanted, items);
	const struct str *found = map_get(&load->found, name);
	if (found) {
		*key = arena_str(load->row, *found);
		return true;
	}
	if (!read_items(load, model, items, fields, texts, &n, &is_known, error))
		return false;
	if (!is_known)
		return true;
	if (load->batch.model == model && !fixture_batch_flush(load))
		return false;
	if (!ask(load, model, wanted, fields, texts, n, key))
		return false;
	if (key->p)
		keep(load, name, *key);
	return true;
}

/* Asks the database what an object is called that is known by what it does. */
#include "orm/migrate/run_steps.h"

#include "orm/base/error.h"

static const char constraint_sql[] =
	"SELECT '\"' || replace(n.conname, '\"', '\"\"') || '\"' FROM pg_constraint n "
	"WHERE n.conrelid = to_regclass($1) AND n.contype = $2::\"char\" AND NOT n.conname = ANY($4::text[]) "
	"AND n.conkey = (SELECT array_agg(a.attnum ORDER BY wanted.place) "
	"FROM unnest($3::text[]) WITH ORDINALITY wanted(name, place) "
	"JOIN pg_attribute a ON a.attrelid = n.conrelid AND a.attname = wanted.name) ORDER BY 1";

/* $2: whether the operators are those of the type itself. */
static const char index_sql[] =
	"SELECT i.indexrelid::regclass::text FROM pg_index i "
	"JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam "
	"JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = ($3::text[])[1] "
	"JOIN pg_opclass o ON o.oid = i.indclass[0] "
	"WHERE i.indrelid = to_regclass($1) AND i.indnatts = 1 AND i.indkey[0] = a.attnum "
	"AND NOT i.indisunique AND i.indpred IS NULL AND m.amname = 'btree' "
	"AND o.opcdefault = $2::boolean AND NOT c.relname = ANY($4::text[]) ORDER BY 1";

static const char *array_of(struct arena *arena, const struct str *items, size_t n)
{
	struct buf text = {0};
	BUF_LIT(&text, "{");
	for (size_t i = 0; i < n; i++) {
		BUF_LIT(&text, "\"");
		for (size_t k = 0; k < items[i].n; k++) {
			if (items[i].p[k] == '"' || items[i].p[k] == '\\')
				buf_add_char(&text, '\\');
			buf_add_char(&text, items[i].p[k]);
		}
		BUF_LIT(&text, "\"");
		if (i + 1 < n)
			BUF_LIT(&text, ",");
	}
	BUF_LIT(&text, "}");
	struct str array = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return array.p;
}

static const char *kind_text(enum found_kind kind)
{
	switch (kind) {
	case FIND_FOREIGN_KEY:
		return "f";
	case FIND_UNIQUE:
		return "u";
	case FIND_PRIMARY_KEY:
		return "p";
	case FIND_CHECK:
		return "c";
	case FIND_INDEX:
		return "true";
	case FIND_LIKE_INDEX:
		return "false";
	}
	BUG("finder kind %d", (int)kind);
}

bool find_names(struct connection *connection, struct arena *arena, const struct finder *finder,
                struct names *names)
{
	bool is_index = finder->kind == FIND_INDEX || finder->kind == FIND_LIKE_INDEX;
	const char *params[] = {
		arena_cstr(arena, finder->table),
		kind_text(finder->kind),
		array_of(arena, finder->columns, finder->ncolumns),
		array_of(arena, finder->except, finder->nexcept),
		NULL,
	};
	PGresult *result;
	if (!connection_query(connection, is_index ? index_sql : constraint_sql, params,
	                      "look for an index or constraint", &result))
		return false;
	for (int i = 0; i < PQntuples(result); i++)
		*ARENA_PUSH(arena, names) = arena_str(arena, str_of(PQgetvalue(result, i, 0)));
	PQclear(result);
	return true;
}

/* See catalog_read.h.  One question for each kind of thing; rows are dealt out to the tables by oid.
 * Lists come as JSON-free text: elements divided by the unit separator, which no name holds. */
#include "orm/migrate/catalog_read.h"

#include <stdlib.h>

#define SEP "chr(31)"

/* A list of names by attribute number, in order. */
#define NAMES(array, relation)                                                                     \
	"(SELECT string_agg(a.attname, " SEP " ORDER BY nk.n) FROM unnest(" array                       \
	") WITH ORDINALITY AS nk(num, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = " relation        \
	" AND a.attnum = nk.num)"

/* $1: the schema, or NULL for those of the search path.  $2: kinds of relations. */
#define CHOSEN                                                                                     \
	"c.relkind::text = ANY ($2::text[]) AND NOT c.relispartition "                                     \
	"AND c.relname NOT IN ('quern_migrations', 'quern_migration_progress', 'quern_idempotency') "      \
	"AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.objid = c.oid AND e.classid = "        \
	"'pg_catalog.pg_class'::regclass AND e.deptype = 'e') "                                            \
	"AND CASE WHEN $1::text IS NULL THEN n.nspname = ANY (current_schemas(false)) "                    \
	"WHEN $1 = 'pg_temp' THEN n.oid = pg_my_temp_schema() ELSE n.nspname = $1 END "
#define FROM_TABLES                                                                                \
	"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "

static const char tables_sql[] =
	"SELECT c.oid, n.nspname, c.relname, c.relkind, pg_table_is_visible(c.oid), "
	"obj_description(c.oid, 'pg_class') " FROM_TABLES "WHERE " CHOSEN
	"ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

static const char columns_sql[] =
	"SELECT c.oid, a.attname, format_type(a.atttypid, a.atttypmod), "
	"CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) "
	"ELSE format_type(a.atttypid, a.atttypmod) END, "
	"CASE WHEN b.typcategory = 'A' THEN format_type(b.typelem, a.atttypmod) END, "
	"CASE WHEN a.attcollation <> t.typcollation THEN l.collname END, "
	"CASE WHEN pg_get_expr(d.adbin, d.adrelid) NOT IN ('NULL', 'NULL::' || t.typname, "
	"'NULL::' || format_type(a.atttypid, NULL), 'NULL::' || format_type(a.atttypid, a.atttypmod)) "
	"THEN pg_get_expr(d.adbin, d.adrelid) END, col_description(c.oid, a.attnum), a.attidentity, "
	"a.attnotnull OR t.typnotnull, a.attgenerated <> '', "
	"coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false) AND EXISTS (SELECT FROM "
	"pg_catalog.pg_depend o WHERE o.refobjid = c.oid AND o.refobjsubid = a.attnum AND o.deptype = "
	"'a' AND o.classid = 'pg_catalog.pg_class'::regclass AND o.objid IN (SELECT q.refobjid FROM "
	"pg_catalog.pg_depend q WHERE q.objid = d.oid AND q.classid = "
	"'pg_catalog.pg_attrdef'::regclass)), a.attndims, "
	"(SELECT string_agg(e.enumlabel, " SEP " ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e "
	"WHERE e.enumtypid IN (b.oid, b.typelem)), b.typtype = 'e' " FROM_TABLES
	"JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
	"JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
	"JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END "
	"LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
	"LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation "
	"WHERE " CHOSEN "ORDER BY c.oid, a.attnum";

static const char constraints_sql[] =
	"SELECT c.oid, k.contype, k.conname, pg_get_constraintdef(k.oid), "
	"CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END, " NAMES("k.conkey",
                                                                                  "c.oid")
	", x.relname, rn.nspname, r.relname, " NAMES("k.confkey", "k.confrelid")
	", k.confdeltype, k.confupdtype, k.condeferrable, k.condeferred, k.convalidated, "
	"k.connoinherit, k.confrelid = k.conrelid " FROM_TABLES
	"JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x') "
	"LEFT JOIN pg_catalog.pg_class x ON x.oid = k.conindid "
	"LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid "
	"LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace "
	"WHERE " CHOSEN "ORDER BY c.oid, k.conname COLLATE \"C\"";

static const char indexes_sql[] =
	"SELECT c.oid, x.relname, m.amname, pg_get_indexdef(x.oid), pg_get_expr(i.indpred, i.indrelid), "
	"i.indisunique, i.indisprimary, i.indisvalid, "
	"coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), "
	"EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', "
	"'u', 'x')), coalesce(array_to_string(x.reloptions, ' '), ''), coalesce(s.spcname, ''), x.oid "
    FROM_TABLES "JOIN pg_catalog.pg_index i ON i.indrelid = c.oid "
	"JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam "
	"LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = x.reltablespace "
	"WHERE " CHOSEN "ORDER BY c.oid, x.relname COLLATE \"C\"";

static const char parts_sql[] =
	"SELECT x.oid, k.n <= i.indnkeyatts, a.attname, "
	"CASE WHEN k.num = 0 THEN pg_get_indexdef(x.oid, k.n::int, true) END, "
	"CASE WHEN NOT o.opcdefault THEN o.opcname END, "
	"CASE WHEN i.indcollation[(k.n - 1)::integer] <> 0 AND i.indcollation[(k.n - 1)::integer] IS DISTINCT FROM "
	"coalesce(a.attcollation, ia.attcollation) THEN l.collname END, "
	"i.indoption[(k.n - 1)::integer] & 1 <> 0, "
	"(i.indoption[(k.n - 1)::integer] & 1 <> 0) <> (i.indoption[(k.n - 1)::integer] & 2 <> 0), "
	"(SELECT p.oprname FROM pg_catalog.pg_constraint e JOIN pg_catalog.pg_operator p ON p.oid = "
	"e.conexclop[k.n::integer] WHERE e.conindid = x.oid AND e.contype = 'x') " FROM_TABLES
	"JOIN pg_catalog.pg_index i ON i.indrelid = c.oid "
	"JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
	"CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(num, n) "
	"LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num AND k.num > 0 "
	"LEFT JOIN pg_catalog.pg_attribute ia ON ia.attrelid = x.oid AND ia.attnum = k.n "
	"LEFT JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[(k.n - 1)::integer] "
	"LEFT JOIN pg_catalog.pg_collation l ON l.oid = i.indcollation[(k.n - 1)::integer] "
	"WHERE " CHOSEN "ORDER BY x.oid, k.n";

struct reading {
	struct connection *connection;
	struct arena *arena;
	struct catalog *catalog;
	struct map by_oid;      /* of tables */
	struct map indexes;     /* of indexes, by oid: their place is fixed only when all are read */
	const char *params[3];
};

/* One row of an answer. */
struct row {
	struct arena *arena;
	PGresult *result;
	int at;
};

/* p == NULL for NULL. */
static struct str cell(const struct row *row, int column)
{
	if (PQgetisnull(row->result, row->at, column))
		return (struct str){NULL, 0};
	return arena_str(row->arena, str_of(PQgetvalue(row->result, row->at, column)));
}

static bool flag(const struct row *row, int column)
{
	return *PQgetvalue(row->result, row->at, column) == 't';
}

static char letter(const struct row *row, int column)
{
	return *PQgetvalue(row->result, row->at, column);
}

static const struct str *list(const struct row *row, int column, size_t *n)
{
	struct str rest = cell(row, column), *items;
	size_t most = 1;

	*n = 0;
	if (!rest.p)
		return NULL;
	for (size_t i = 0; i < rest.n; i++)
		most += rest.p[i] == 31;
	items = ARENA_ARRAY(row->arena, struct str, most);
	while (rest.p)
		items[(*n)++] = str_cut(&rest, STR("\x1f"));
	return items;
}

static void take_table(struct reading *r, const struct row *row)
{
	struct catalog_table *table = ARENA_NEW(r->arena, struct catalog_table);

	*table = (struct catalog_table){.oid = cell(row, 0),
	                                .schema = cell(row, 1),
	                                .name = cell(row, 2),
	                                .kind = letter(row, 3),
	                                .is_in_path = flag(row, 4),
	                                .comment = cell(row, 5)};
	*ARENA_PUSH(r->arena, &r->catalog->tables) = table;
	map_put(&r->by_oid, r->arena, table->oid, table);
}

static struct catalog_table *table_of(struct reading *r, const struct row *row)
{
	return map_get(&r->by_oid, str_of(PQgetvalue(row->result, row->at, 0)));
}

static void take_column(struct reading *r, const struct row *row)
{
	struct catalog_table *table = table_of(r, row);
	struct catalog_column column = {
		.name = cell(row, 1),
		.type = cell(row, 2),
		.base_type = cell(row, 3),
		.element = cell(row, 4),
		.collation = cell(row, 5),
		.default_text = cell(row, 6),
		.comment = cell(row, 7),
		.identity = cell(row, 8),
		.is_not_null = flag(row, 9),
		.is_generated = flag(row, 10),
		.is_serial = flag(row, 11),
		.ndims = atoi(PQgetvalue(row->result, row->at, 12)),
		.is_enum = flag(row, 14),
	};

	column.labels = list(row, 13, &column.nlabels);
	if (table)
		*ARENA_PUSH(r->arena, &table->columns) = column;
}

static void take_constraint(struct reading *r, const struct row *row)
{
	struct catalog_table *table = table_of(r, row);
	struct catalog_constraint constraint = {
		.kind = letter(row, 1),
		.name = cell(row, 2),
		.definition = cell(row, 3),
		.expression = cell(row, 4),
		.index = cell(row, 6),
		.to_schema = cell(row, 7),
		.to_table = cell(row, 8),
		.on_delete = letter(row, 10),
		.on_update = letter(row, 11),
		.is_deferrable = flag(row, 12),
		.is_deferred = flag(row, 13),
		.is_validated = flag(row, 14),
		.is_no_inherit = flag(row, 15),
		.is_of_itself = flag(row, 16),
	};

	constraint.columns = list(row, 5, &constraint.ncolumns);
	constraint.to_columns = list(row, 9, &constraint.nto_columns);
	if (table)
		*ARENA_PUSH(r->arena, &table->constraints) = constraint;
}

/* The parts of an index while they are gathered. */
struct gathered {
	struct {
		struct catalog_part *items;
		size_t n, cap;
	} parts;
	struct {
		struct str *items;
		size_t n, cap;
	} include;
};

static void take_part(struct reading *r, const struct row *row)
{
	struct str oid = cell(row, 0);
	struct gathered *index = map_get(&r->indexes, oid);

	if (!index) {
		index = ARENA_NEW(r->arena, struct gathered);
		map_put(&r->indexes, r->arena, oid, index);
	}
	if (!flag(row, 1)) {
		*ARENA_PUSH(r->arena, &index->include) = cell(row, 2);
		return;
	}
	*ARENA_PUSH(r->arena, &index->parts) = (struct catalog_part){
		.column = cell(row, 2),
		.expression = cell(row, 3),
		.opclass = cell(row, 4),
		.collation = cell(row, 5),
		.is_descending = flag(row, 6),
		.has_odd_nulls = flag(row, 7),
		.with_operator = cell(row, 8),
	};
}

static void take_index(struct reading *r, const struct row *row)
{
	struct catalog_table *table = table_of(r, row);
	const struct gathered *gathered = map_get(&r->indexes, cell(row, 12));

	if (!table || !gathered)
		return;
	*ARENA_PUSH(r->arena, &table->indexes) = (struct catalog_index){
		.name = cell(row, 1),
		.method = cell(row, 2),
		.definition = cell(row, 3),
		.predicate = cell(row, 4),
		.is_unique = flag(row, 5),
		.is_primary = flag(row, 6),
		.is_valid = flag(row, 7),
		.nulls_not_distinct = flag(row, 8),
		.is_constraint = flag(row, 9),
		.options = cell(row, 10),
		.tablespace = cell(row, 11),
		.parts = gathered->parts.items,
		.nparts = gathered->parts.n,
		.include = gathered->include.items,
		.ninclude = gathered->include.n,
	};
}

static bool ask(struct reading *r, const char *sql, const char *doing,
                void (*take)(struct reading *r, const struct row *row))
{
	struct row row = {.arena = r->arena};
	/* Not connection_query(): a parameter may be NULL here. */
	row.result = PQexecParams(r->connection->pg, sql, 2, NULL, r->params, NULL, NULL, 0);
	bool is_there = PQresultStatus(row.result) == PGRES_TUPLES_OK;

	if (!is_there)
		connection_fail(r->connection, row.result, doing);
	for (int n = is_there ? PQntuples(row.result) : 0; row.at < n; row.at++)
		take(r, &row);
	PQclear(row.result);
	return is_there;
}

bool catalog_read(struct connection *connection, const struct catalog_request *request,
                  struct arena *arena, struct catalog *catalog)
{
	struct reading r = {.connection = connection, .arena = arena, .catalog = catalog};

	*catalog = (struct catalog){.arena = arena};
	r.params[0] = request->schema;
	r.params[1] = request->with_views ? "{r,p,v,m,f}" : "{r,p}";
	return ask(&r, tables_sql, "look at the tables", take_table) &&
	       ask(&r, columns_sql, "look at the columns", take_column) &&
	       ask(&r, constraints_sql, "look at the constraints", take_constraint) &&
	       ask(&r, parts_sql, "look at the indexes", take_part) &&
	       ask(&r, indexes_sql, "look at the indexes", take_index);
}

struct catalog_table *catalog_find(const struct catalog *catalog, struct str schema, struct str name)
{
	for (size_t i = 0; i < catalog->tables.n; i++) {
		struct catalog_table *table = catalog->tables.items[i];

		if (str_eq(table->name, name) && str_eq(table->schema, schema))
			return table;
	}
	return NULL;
}

const struct catalog_column *catalog_column(const struct catalog_table *table, struct str name)
{
	for (size_t i = 0; i < table->columns.n; i++)
		if (str_eq(table->columns.items[i].name, name))
			return &table->columns.items[i];
	return NULL;
}

/* A database's tables as its catalog has them: what inspection writes models of, and what a
 * comparison sets beside those of the models.
 *
 * Reads and changes nothing.  All texts are PostgreSQL's own (pg_get_expr and its kin), so that
 * two catalogs of one server say the same of the same thing.
 */
#ifndef QUERN_MIGRATE_CATALOG_READ_H
#define QUERN_MIGRATE_CATALOG_READ_H

#include "orm/base/map.h"
#include "orm/migrate/connection.h"

struct catalog_column {
	struct str name;
	struct str type;      /* with its modifier: "character varying(64)" */
	struct str base_type; /* of a domain, what it stands for; else the same as type */
	struct str element;   /* of an array, its elements' type; p == NULL: no array */
	struct str collation; /* p == NULL: the type's own */
	struct str default_text, comment; /* p == NULL: none, or NULL; of a generated column its expression */
	struct str identity;  /* "", "a" (always), "d" (by default) */
	const struct str *labels; /* of an enum, or an array of one */
	size_t nlabels;
	int ndims;
	bool is_not_null, is_generated;
	bool is_serial; /* its default is the next value of a sequence that it owns */
	bool is_enum;
};

struct catalog_constraint {
	char kind; /* p, u, f, c, x */
	struct str name;
	struct str definition; /* pg_get_constraintdef */
	struct str expression; /* of a check */
	const struct str *columns;
	size_t ncolumns;
	struct str index; /* the index behind it */
	struct str to_schema, to_table; /* of a foreign key */
	const struct str *to_columns;
	size_t nto_columns;
	char on_delete, on_update; /* a, r, c, n, d */
	bool is_deferrable, is_deferred, is_validated, is_no_inherit;
	bool is_of_itself; /* a foreign key to its own table */
};

struct catalog_part {
	struct str column; /* p == NULL: */
	struct str expression;
	struct str opclass;   /* p == NULL: the type's default */
	struct str collation; /* p == NULL: the column's */
	struct str with_operator; /* of an exclusion constraint */
	bool is_descending, has_odd_nulls;
};

struct catalog_index {
	struct str name, method, definition;
	struct str predicate; /* p == NULL: none */
	const struct catalog_part *parts;
	size_t nparts;
	const struct str *include;
	size_t ninclude;
	struct str options; /* "fillfactor=70 …"; "" for none */
	struct str tablespace;
	bool is_unique, is_primary, is_valid, nulls_not_distinct;
	bool is_constraint; /* it stands behind a constraint */
};

struct catalog_table {
	struct str oid, schema, name, comment;
	char kind; /* r, p: tables; v, m: views; f: foreign table */
	bool is_in_path; /* found without naming its schema */
	struct {
		struct catalog_column *items;
		size_t n, cap;
	} columns;
	struct {
		struct catalog_constraint *items;
		size_t n, cap;
	} constraints;
	struct {
		struct catalog_index *items;
		size_t n, cap;
	} indexes;
};

struct catalog {
	struct arena *arena;
	struct {
		struct catalog_table **items;
		size_t n, cap;
	} tables; /* by schema and name */
};

struct catalog_request {
	const char *schema; /* NULL: those of the search path; "pg_temp": the session's own */
	bool with_views;
};

/* Partitions are left out, and the server's own tables (quern_…). */
bool catalog_read(struct connection *connection, const struct catalog_request *request,
                  struct arena *arena, struct catalog *catalog);
struct catalog_table *catalog_find(const struct catalog *catalog, struct str schema, struct str name);
/* NULL when there is none. */
const struct catalog_column *catalog_column(const struct catalog_table *table, struct str name);

#endif

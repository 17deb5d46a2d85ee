/* The one writer that may make SQL text, and the only ways to add to it: a string literal of
 * our source, a quoted name from the frozen registry, a number for an alias, a parameter.
 *
 * There is no way to add a request's text; that is the injection defence.  sprintf, strcat
 * and friends are banned in sql/ and write/ by this header.
 */
#ifndef QUERN_SQL_WRITER_H
#define QUERN_SQL_WRITER_H

#include "orm/base/arena.h"
#include "orm/base/buf.h"
#include "orm/sql/statement.h"

struct model;
struct field;

struct sql {
	struct arena *arena;
	struct buf text; /* freed by sql_finish */
	struct param *items;
	size_t n, cap;
	/* Schema SQL (indexes, constraints): parameters are written as escaped constants. */
	bool is_inline;
	/* What is written, for statement.told: set by sql_table(). */
	const struct model *told;
	size_t verb_at, table_end;
};

void sql_init(struct sql *sql, struct arena *arena);
/* sql_lit(sql, " WHERE ") — does not compile for anything but a literal. */
#define sql_lit(sql, literal) buf_add(&(sql)->text, STR(literal))
/* "name" with quotes doubled.  Names of tables, columns, constraints: from the registry alone. */
void sql_name(struct sql *sql, struct str name);
/* The model's table: "news"."vote" where db_table holds a schema as `news"."vote`. */
void sql_table(struct sql *sql, const struct model *model);
/* t0, t1 … */
void sql_alias(struct sql *sql, unsigned alias);
/* An unsigned number that we made (an alias, a position), never a client's. */
void sql_number(struct sql *sql, unsigned number);
/* Text of a constant table of ours (a lookup's or function's SQL shape, a type's cast). */
void sql_const(struct sql *sql, const char *table_text);
/* $n, with ::cast when cast.p is set.  text.p == NULL is NULL. */
void sql_param(struct sql *sql, struct str text, unsigned oid, struct str cast);
/* A parameter of a field's type; the text as field_parse() made it. */
void sql_field_param(struct sql *sql, const struct field *field, struct str text);
/* The parameter `number` (from 1) once more, as sql_field_param() wrote it. */
void sql_field_param_again(struct sql *sql, const struct field *field, size_t number);
/* An array parameter of a field's type (for = ANY). */
void sql_field_array_param(struct sql *sql, const struct field *field, struct str array_text);
void sql_finish(struct sql *sql, size_t ncolumns, struct statement *statement);

#ifndef QUERN_SQL_ALLOW_FORMATTING
#pragma GCC poison sprintf vsprintf strcat strncat
#endif

#endif

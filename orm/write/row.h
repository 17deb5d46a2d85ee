/* A client's object read as a row of a model: each column's value, validated, with defaults.
 *
 * Names may be a field's name, its attname (role_id) or "pk".  Values that name a row of another
 * model by lookups are found afterwards, all in one go (rows_find).
 */
#ifndef QUERN_WRITE_ROW_H
#define QUERN_WRITE_ROW_H

#include "orm/write/validate.h"
#include "orm/write/writing.h"

enum cell_kind {
	CELL_ABSENT, /* left to the database: identity, db_default, generated; or not to be changed */
	CELL_TEXT,   /* a parameter; text.p == NULL is NULL */
	CELL_NOW,    /* now() */
	CELL_UUID,   /* gen_random_uuid() */
	CELL_ORDER,  /* behind the last of its siblings: order_with_respect_to */
	CELL_FIND,   /* the key of the one row that `value` finds; CELL_TEXT after rows_find() */
	CELL_EXPR,   /* computed by the database: `expr` */
	CELL_NESTED, /* the key of a row that is written before this one; CELL_TEXT then */
};

struct rexpr; /* orm/query/select.h */

struct cell {
	enum cell_kind kind;
	struct str text;
	const struct value *value; /* CELL_FIND, CELL_EXPR, CELL_NESTED: as the client wrote it */
	const struct rexpr *expr;
};

struct row {
	const struct pos *pos;
	struct cell *cells; /* by field->index */
};

enum row_mode {
	ROW_NEW,     /* every field: given, default, or judged as missing */
	ROW_THROUGH, /* as ROW_NEW, of a join row whose ends are filled in */
	ROW_WHOLE,   /* PUT: as ROW_NEW, but the key and auto_now_add stay as they are */
	ROW_CHANGES, /* PATCH and update: only what is given */
};

struct row_reader {
	struct writing *writing;
	const struct model *model;
	enum row_mode mode;
	/* Columns that the caller fills: what is given for them is passed over. */
	const struct field *preset[2];
	bool refuses_preset; /* … or refused */
	/* Takes what an object says of related rows (nested.h); NULL: it may say nothing of them. */
	struct row_nested *nested;
	struct validation *validation; /* `own`, unless the caller gathers those of several readers */
	/* Takes what is missing; NULL: `validation` does.  A join row is missing nothing when it turns out to be
	 * there already. */
	struct validation *missing;
	struct validation own;
};

/* A member that stands for related rows: a to-many set, the other side of a one-to-one, or
 * {"create": {…}} in place of a foreign key's value. */
struct nested_member {
	struct str name;
	const struct value *value;
	const struct relation *relation;
	bool is_reverse;
	const struct field *field; /* the foreign key of the row itself; NULL for what comes after it */
};

/* The nested members of the row that was read last. */
struct row_nested {
	struct nested_member *items;
	size_t n, cap;
};

void row_reader_init(struct row_reader *reader, struct writing *writing, const struct model *model,
                     enum row_mode mode);
/* False for what cannot be gone on from (no object, an unknown name); violations are collected:
 * validation_finish(reader->validation, …) when all rows are read. */
bool row_read(struct row_reader *reader, const struct value *object, struct row *row);
/* The field that a member of an object names; ERROR_FIELD with the nearest name, ERROR_TYPE for a
 * set of related rows.  *by_key: it was named by its key (role_id, pk). */
bool row_member_field(struct writing *writing, const struct model *model,
                      const struct member *member, const struct field **field, bool *by_key);
/* Whether a member names related rows that can be written along (those of a foreign key apart); adds it to
 * the list. */
bool row_member_nested(struct writing *writing, const struct model *model,
                       const struct member *member, struct row_nested *nested);
/* {"Now": []} and {"RandomUUID": []}. */
bool row_made_value(const struct value *value, enum cell_kind *kind);
/* Rows with cells of their own, to be filled in by an attempt that may have to be made again. */
struct row *rows_copy(struct arena *arena, const struct model *model, const struct row *rows, size_t n);
/* Whether an object of lookups is one unique field with a plain value: rows_find() asks for all such in one
 * statement.  NULL, or the field, with the value as the database writes it. */
const struct field *lookups_plain_field(struct arena *arena, const struct model *model,
                                        const struct value *lookups, struct str *text);
/* Waits.  Finds the rows that CELL_FIND cells name, in one round trip. */
bool rows_find(struct writing *writing, const struct model *model, struct row *rows, size_t n);

#endif

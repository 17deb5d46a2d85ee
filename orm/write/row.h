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
	CELL_FIND,   /* the key of the one row that `lookups` finds; CELL_TEXT after rows_find() */
};

struct cell {
	enum cell_kind kind;
	struct str text;
	const struct value *lookups;
};

struct row {
	const struct pos *pos;
	struct cell *cells; /* by field->index */
};

enum row_mode {
	ROW_NEW,     /* every field: given, default, or judged as missing */
	ROW_THROUGH, /* as ROW_NEW, but what is missing is not judged (Django's add() does not) */
	ROW_WHOLE,   /* PUT: as ROW_NEW, but the key and auto_now_add stay as they are */
	ROW_CHANGES, /* PATCH and update: only what is given */
};

struct row_reader {
	struct writing *writing;
	const struct model *model;
	enum row_mode mode;
	/* Columns that the caller fills: what is given for them is passed over. */
	const struct field *preset[2];
	struct validation validation;
};

void row_reader_init(struct row_reader *reader, struct writing *writing, const struct model *model,
                     enum row_mode mode);
/* False for what cannot be gone on from (no object, an unknown name); violations are collected:
 * validation_finish(&reader->validation, …) when all rows are read. */
bool row_read(struct row_reader *reader, const struct value *object, struct row *row);
/* The field that a member of an object names; ERROR_FIELD with the nearest name, ERROR_TYPE for a
 * set of related rows.  *by_key: it was named by its key (role_id, pk). */
bool row_member_field(struct writing *writing, const struct model *model,
                      const struct member *member, const struct field **field, bool *by_key);
/* {"Now": []} and {"RandomUUID": []}. */
bool row_made_value(const struct value *value, enum cell_kind *kind);
/* Waits.  Finds the rows that CELL_FIND cells name, in one round trip. */
bool rows_find(struct writing *writing, const struct model *model, struct row *rows, size_t n);

#endif

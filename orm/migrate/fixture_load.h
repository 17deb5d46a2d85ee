/* What the files of loading share: rows that wait to be written together, keys that were looked up. */
#ifndef QUERN_MIGRATE_FIXTURE_LOAD_H
#define QUERN_MIGRATE_FIXTURE_LOAD_H

#include "orm/base/map.h"
#include "orm/migrate/connection.h"
#include "orm/migrate/fixture.h"

enum { BATCH_ROWS = 500, BATCH_FIELDS = 1600 };

/* Rows of one model that name the same columns, as the array literals of their values. */
struct fixture_batch {
	const struct model *model; /* NULL: empty */
	const struct field **fields;
	struct buf *columns; /* "{…" of each field */
	size_t nfields, nfields_most;
	size_t n, bytes;
	const struct field *conflict[FIXTURE_NATURAL_MOST]; /* what makes a row the same row */
	size_t nconflict;
	struct map keys; /* of its rows: one statement writes a row once */
};

struct fixture_waiting {
	struct str text; /* the object, as JSON */
	uint64_t number;
};

struct fixture_load {
	struct arena *arena;   /* of the load */
	struct arena *scratch; /* of the batch */
	struct arena *row;     /* of one object */
	struct connection connection;
	const struct registry *registry;
	struct fixture_options options;
	struct fixture_batch batch;
	/* Natural keys that were looked up: model and items as JSON -> text of the key. */
	struct arena *found_arena;
	struct map found;
	struct {
		struct fixture_waiting *items;
		size_t n, cap;
	} waiting; /* refer to rows that had not come */
	bool is_retry, waits_on; /* one of them is tried again, and goes on waiting */
	bool *is_loaded; /* by model->index: its sequence is set at the end */
	/* Rows that wait for each other are written without the references that may be null; what is missing then is
	 * told. */
	bool breaks_circles, is_last_try;
	uint64_t nrows, number; /* objects so far */
};

/* fixture_write.c: the batch. */
/* Takes a row; texts[i] with p == NULL is NULL. */
bool fixture_batch_add(struct fixture_load *load, const struct model *model,
                       const struct field *const *fields, const struct str *texts, size_t n,
                       const struct field *const *conflict, size_t nconflict);
bool fixture_batch_flush(struct fixture_load *load);
/* The rows of a many-to-many relation of one row become these. */
bool fixture_set_many(struct fixture_load *load, const struct field *field, struct str key,
                      const struct str *others, size_t n);

/* fixture_find.c: the key of the row that a natural key names, as text; p == NULL when there is
 * none.  The batch is written before, if the row may be in it. */
bool fixture_find(struct fixture_load *load, const struct model *model, const struct field *wanted,
                  const struct value *items, struct str *key, struct error *error);

/* Appends an element of an array literal. */
void fixture_add_element(struct buf *out, struct str text, bool is_first);
/* fixture_values.c: text that may hold JSON (a list, a range) or a bare number, as the field's parameter. */
bool fixture_parse(struct fixture_load *load, const struct field *field, const struct value *value,
                   struct str *text, struct error *error);
/* What a field gets that the object does not name; false when the database is to say it. */
bool fixture_default(struct fixture_load *load, const struct field *field, struct str *text);

#endif

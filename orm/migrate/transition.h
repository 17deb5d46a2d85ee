/* The statements that take a database from one project to another, one operation at a time.
 *
 * Both sides are registries; the operation only says what was renamed and what rows that are there
 * get.  The way back is the same with the sides exchanged.  Tables that were made by the
 * same migration are changed in the plainest way; all others in the way that a live table bears:
 * indexes CONCURRENTLY, constraints NOT VALID and validated later, NOT NULL by way of a check.
 * Pure: names that only the database knows are asked for at run time (struct finder).
 */
#ifndef QUERN_MIGRATE_TRANSITION_H
#define QUERN_MIGRATE_TRANSITION_H

#include "orm/migrate/operation.h"
#include "orm/migrate/schema.h"

enum step_kind {
	STEP_SQL,
	STEP_INDEX,    /* an index made CONCURRENTLY: what a broken attempt left behind goes first */
	STEP_BACKFILL, /* rows without a value get one, some at a time */
};

enum step_lock {
	LOCK_NONE,
	LOCK_ROW_EXCLUSIVE,          /* as an UPDATE */
	LOCK_SHARE_UPDATE_EXCLUSIVE, /* reading and writing go on */
	LOCK_SHARE_ROW_EXCLUSIVE,    /* reading goes on */
	LOCK_ACCESS_EXCLUSIVE,       /* nothing goes on */
};

enum found_kind {
	FIND_FOREIGN_KEY,
	FIND_UNIQUE,
	FIND_PRIMARY_KEY,
	FIND_CHECK,
	FIND_INDEX,
	FIND_LIKE_INDEX,
};

/* An object known by what it does, because its name may be older than its table's. */
struct finder {
	enum found_kind kind;
	struct str table; /* quoted */
	const struct str *columns;
	size_t ncolumns;
	const struct str *except; /* names of others that do the same */
	size_t nexcept;
	struct str name; /* what it would be called today */
};

struct step {
	enum step_kind kind;
	struct str label;
	struct str sql;  /* with a finder: before the name */
	struct str tail; /* behind it */
	const struct finder *finder; /* NULL: none */
	struct str unless; /* with a finder, a rename: what is called so already stays; p == NULL: none */
	struct str table;  /* quoted: what is locked; "" for nothing */
	enum step_lock lock;
	bool rewrites; /* every row is written again under the lock */
	bool scans;    /* every row is read */
	bool is_apart; /* cannot or should not share a transaction with others */
	bool is_data;  /* changes rows */
	struct str hint; /* what helps when it fails; p == NULL: PostgreSQL's words do */
	struct str index;               /* STEP_INDEX: its name, quoted with its schema */
	struct str column, value, key;  /* STEP_BACKFILL: quoted names, and SQL; key "": no single one */
};

struct steps {
	struct arena *arena;
	struct step *items;
	size_t n, cap;
	bool is_plain; /* nothing is live: one transaction, no detours */
	struct {
		struct str *items;
		size_t n, cap;
	} fresh; /* tables of this migration */
};

/* Adds the steps of one operation; nothing in them is of the registries.  `from` and `to` are the sides as they are walked: with
 * `is_backward` the operation is undone. */
bool transition_steps(struct steps *steps, const struct registry *from, const struct registry *to,
                      const struct operation *operation, bool is_backward, struct error *error);

/* ---- between the transition_….c files ---- */

/* A model or a column on both sides. */
struct model_pair {
	const struct model *was, *is;
};
struct field_pair {
	const struct field *was, *is;
};

struct transition {
	struct steps *steps;
	struct arena *arena;
	const struct registry *from, *to;
	const struct operation *operation;
	bool is_backward;
	struct error *error;
	struct {
		struct model_pair *items;
		size_t n, cap;
	} pairs; /* one side may be NULL */
};

struct step *step_add(struct transition *t, struct sql *sql, struct str table, enum step_lock lock,
                      const char *verb, struct str name);
/* The statements of a schema as steps on `model`'s table; made in the way that it bears. */
void step_add_schema(struct transition *t, const struct model *model, const struct schema *schema);
bool is_live(const struct transition *t, const struct model *model);
struct str quoted_table(struct arena *arena, const struct model *model);
struct str quoted_name(struct arena *arena, struct str name);
/* Begins `ALTER TABLE "vote"`. */
void begin_alter_table(struct transition *t, struct sql *sql, const struct model *model);
/* The other side of a model or column; NULL when there is none. */
const struct model *model_is(const struct transition *t, const struct model *was);
const struct field *field_is(const struct transition *t, const struct field *was,
                             const struct model *is);
/* Lists of fields: how many stand before the NULL that ends one, their columns, and whether the list on the other side
 * is of the same fields in the same order (`model` being the other side's). */
size_t fields_count(const struct field *const *fields);
const struct str *fields_columns(struct transition *t, const struct field *const *fields, size_t n);
bool fields_stay(const struct transition *t, const struct field *const *was, size_t nwas,
                 const struct field *const *is, size_t nis, const struct model *model);
/* Calls fn for every column of the pair, first those that were, then new ones. */
bool each_field(struct transition *t, const struct model_pair *pair,
                bool (*fn)(struct transition *, const struct model_pair *, const struct field_pair *));

/* A search by columns, on the model's table; names of indexes and constraints of Meta are never meant by it. */
struct finder *finder_of(struct transition *t, enum found_kind kind, const struct model *model,
                         const struct str *columns, size_t n, struct str name);

/* transition_drop.c: what has to go before tables and columns change. */
bool drop_objects(struct transition *t, const struct model_pair *pair);
/* transition_make.c: what is made afterwards. */
bool make_objects(struct transition *t, const struct model_pair *pair);
bool make_foreign_keys(struct transition *t, const struct model_pair *pair);
/* transition_column.c. */
bool change_column(struct transition *t, const struct model_pair *pair, const struct field_pair *field);
/* Whether the type is another one, or follows a column whose type is. */
bool is_type_changed(struct arena *arena, const struct field_pair *field);
/* Whether the foreign key is the same before and after, names aside. */
bool is_same_foreign_key(const struct transition *t, const struct field_pair *field);

#endif

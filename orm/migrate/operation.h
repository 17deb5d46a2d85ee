/* One change of the models, as a migration file says it: {"AddField": {"model": …, "name": …,
 * "field": {…}}}.
 *
 * Names and meaning are Django's.  An operation changes a project (operation_apply.c) and knows
 * no SQL: that follows from the project before and the one after (transition.h).
 */
#ifndef QUERN_MIGRATE_OPERATION_H
#define QUERN_MIGRATE_OPERATION_H

#include "orm/migrate/project.h"

enum operation_kind {
	OP_CREATE_MODEL,
	OP_DELETE_MODEL,
	OP_RENAME_MODEL,
	OP_ALTER_MODEL_TABLE,
	OP_ALTER_MODEL_TABLE_COMMENT,
	OP_ALTER_MODEL_OPTIONS,
	OP_ALTER_UNIQUE_TOGETHER,
	OP_ALTER_ORDER_WITH_RESPECT_TO,
	OP_ALTER_PRIMARY_KEY, /* Meta.primary_key: a key of several fields */
	OP_ADD_FIELD,
	OP_REMOVE_FIELD,
	OP_ALTER_FIELD,
	OP_RENAME_FIELD,
	OP_ADD_INDEX,
	OP_REMOVE_INDEX,
	OP_ADD_CONSTRAINT,
	OP_REMOVE_CONSTRAINT,
	OP_RUN_SQL,
	OPERATION_KINDS,
};

struct operation {
	enum operation_kind kind;
	struct str model; /* p == NULL with OP_RUN_SQL; of OP_RENAME_MODEL: the old name */
	struct str name;  /* field, index or constraint */
	struct str to;    /* what is renamed gets this name */
	/* The field, index, constraint or option; NULL: the option goes away.  Of OP_CREATE_MODEL the
	 * Meta. */
	const struct value *body;
	const struct value *fields;  /* OP_CREATE_MODEL */
	const struct value *one_off; /* for rows that are there already; NULL: none */
	/* OP_RUN_SQL: lists of texts. */
	const struct value *sql, *reverse_sql;
	bool is_elidable;
	bool is_apart; /* OP_RUN_SQL outside of a transaction */
};

struct operations {
	struct operation *items;
	size_t n, cap;
};

/* "AddField". */
const char *operation_name(enum operation_kind kind);
/* From a file; ERROR_VALUE with the place of what is wrong. */
bool operation_read(struct arena *arena, const struct value *value, struct operation *operation,
                    struct error *error);
/* Its part that looks at kinds of values (operation_check.c). */
bool operation_check(const struct operation *operation, const struct value *at, struct error *error);
const struct value *operation_write(struct arena *arena, const struct operation *operation);
/* "add field author.name": for people. */
struct str operation_label(struct arena *arena, const struct operation *operation);
/* "author_name": its part of a file's name; p == NULL when it has none. */
struct str operation_fragment(struct arena *arena, const struct operation *operation);
bool operation_is_model_option(enum operation_kind kind);

/* Makes the change.  ERROR_CONFLICT when there is nothing of that name to change. */
bool operation_apply(const struct operation *operation, struct project *project,
                     struct error *error);

#endif

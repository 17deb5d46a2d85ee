/* The writing half of a manager: every call is atomic, and is done when it returns true.
 *
 * Values are validated as Django's full_clean does, all violations at once (ERROR_VALIDATION);
 * uniqueness and foreign keys are left to the database (ERROR_INTEGRITY naming constraint and
 * fields).  All calls wait.
 */
#ifndef QUERN_WRITE_WRITE_H
#define QUERN_WRITE_WRITE_H

#include "orm/db/db.h"
#include "orm/sql/plan.h"
#include "orm/write/options.h"

/* Rows as they stand after a write, in the order of the objects given; `layout` says which columns they have.
 * Rows that several statements made lie in several batches. */
struct written_row {
	const struct db_rows *batch;
	size_t row;
};

struct written {
	const struct model *model;
	struct layout layout;
	const struct written_row *rows;
	size_t nrows;
	bool shows_rows;   /* the rows are answered */
	bool is_narrow;    /* no more columns were read than `returning` names: the layout is that of the answer */
	uint64_t affected; /* rows written, whether answered or not */
	/* Paths of the related rows that were written along, for an answer that shows them. */
	struct written_paths {
		struct str *items;
		size_t n, cap;
	} embedded;
};

/* One object, or a list of them; `scope` (may be NULL) is a related manager whose owner the new
 * rows belong to. */
bool write_create(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct write_options *options,
                  const struct value *objects, struct written *written, struct error *error);
/* An array, or {"objects": […]} with "ignore_conflicts", or with "update_conflicts", "unique_fields" and
 * "update_fields"; answers the rows made or changed. */
bool write_bulk_create(struct db_session *session, const struct model *model,
                       const struct plan_scope *scope, const struct write_options *options,
                       const struct value *body, struct written *written, struct error *error);
/* `set` is an object of assignments. */
bool write_update(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct write_options *options,
                  const struct query *query, const struct value *set, struct written *written,
                  struct error *error);
/* {"objects": [{"id": 1, "salary": "5"}, …], "fields": […]}: each row its own values, in one statement a shape. */
bool write_bulk_update(struct db_session *session, const struct model *model,
                       const struct plan_scope *scope, const struct write_options *options,
                       const struct value *body, struct written *written, struct error *error);
/* PATCH and PUT of one row (scope->pk): the row as it stands then.  PUT wants every field that has
 * no default. */
bool write_row(struct db_session *session, const struct model *model,
               const struct plan_scope *scope, const struct write_options *options,
               const struct value *set, bool is_whole, struct written *written,
               struct error *error);

struct deleted {
	uint64_t total;
	struct {
		const struct model *model;
		uint64_t n;
	} * per_model;
	size_t nmodels;
	struct written rows; /* as they were, where `returning` asked for them */
};
bool write_delete(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct write_options *options,
                  const struct query *query, struct deleted *deleted, struct error *error);
/* {"lookup": {…}, "defaults": {…}}; safe under races where a unique constraint covers the lookup.  A
 * many-to-many manager's takes "through_defaults" as well. */
bool write_get_or_create(struct db_session *session, const struct model *model,
                         const struct plan_scope *scope, const struct write_options *options,
                         const struct value *body, bool *is_created, struct written *written,
                         struct error *error);
/* As write_get_or_create(); a row that is there gets the "defaults", a new one "create_defaults" where they
 * are given.  Expressions of the defaults read the row under its lock: no change between is lost. */
bool write_update_or_create(struct db_session *session, const struct model *model,
                            const struct plan_scope *scope, const struct write_options *options,
                            const struct value *body, bool *is_created, struct written *written,
                            struct error *error);
/* Whether an object of values, or a list of them, writes related rows along: a reader of the answer then wants
 * to be in the same transaction. */
bool write_is_nested(const struct model *model, const struct value *objects);
/* Waits.  body(arg) in a transaction, as the calls here run themselves: joins an open one; else
 * tried again after a deadlock. */
bool write_atomically(struct db_session *session, const struct registry *registry,
                      bool (*body)(void *arg), void *arg, struct error *error);
/* Related managers.  `body`: {"objects": [pks or lookups], "through_defaults": {…}}, the clauses of a
 * query over the target model in place of "objects", or a bare array; NULL for clear. */
enum related_change { RELATED_ADD, RELATED_REMOVE, RELATED_SET, RELATED_CLEAR };
struct related_changed {
	uint64_t added;
	uint64_t removed;
};
bool write_related(struct db_session *session, const struct plan_scope *scope,
                   const struct write_options *options, enum related_change change,
                   const struct value *body, struct related_changed *changed, struct error *error);

#endif

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

/* Rows as they stand after a write, in the order of the objects given: cells in the order of
 * plan_model_layout().  Rows that several statements made lie in several batches. */
struct written_row {
	const struct db_rows *batch;
	size_t row;
};

struct written {
	const struct model *model;
	struct layout layout;
	const struct written_row *rows;
	size_t nrows;
};

/* One object, or a list of them; `scope` (may be NULL) is a related manager whose owner the new
 * rows belong to. */
bool write_create(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct value *objects,
                  struct written *written, struct error *error);
/* {"objects": […], "ignore_conflicts": true} or an array; answers the rows made. */
bool write_bulk_create(struct db_session *session, const struct model *model,
                       const struct plan_scope *scope, const struct value *body,
                       struct written *written, struct error *error);
/* `set` is an object of assignments. */
bool write_update(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct query *query,
                  const struct value *set, uint64_t *updated, struct error *error);
/* PATCH and PUT of one row (scope->pk): the row as it stands then.  PUT wants every field that has
 * no default. */
bool write_row(struct db_session *session, const struct model *model,
               const struct plan_scope *scope, const struct value *set, bool is_whole,
               struct written *written, struct error *error);

struct deleted {
	uint64_t total;
	struct {
		const struct model *model;
		uint64_t n;
	} * per_model;
	size_t nmodels;
};
bool write_delete(struct db_session *session, const struct model *model,
                  const struct plan_scope *scope, const struct query *query,
                  struct deleted *deleted, struct error *error);
/* {"lookup": {…}, "defaults": {…}}; safe under races where a unique constraint covers the lookup. */
bool write_get_or_create(struct db_session *session, const struct model *model,
                         const struct plan_scope *scope, const struct value *body, bool *is_created,
                         struct written *written, struct error *error);
/* Related managers.  `body`: {"objects": [pks or lookups], "through_defaults": {…}}, the clauses of a
 * query over the target model in place of "objects", or a bare array; NULL for clear. */
enum related_change { RELATED_ADD, RELATED_REMOVE, RELATED_SET, RELATED_CLEAR };
struct related_changed {
	uint64_t added;
	uint64_t removed;
};
bool write_related(struct db_session *session, const struct plan_scope *scope,
                   enum related_change change, const struct value *body,
                   struct related_changed *changed, struct error *error);

#endif

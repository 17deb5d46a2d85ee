/* What has to happen to one project for it to become another, as operations: the order, the
 * questions and the result are those of Django's autodetector.  Pure: who is asked is the
 * caller's. */
#ifndef QUERN_MIGRATE_DETECT_H
#define QUERN_MIGRATE_DETECT_H

#include "orm/migrate/operation.h"

/* Each may be asked several times; `context` is the first argument. */
struct questioner {
	void *context;
	/* Whether the model `from`, which is gone, has become `to`. */
	bool (*is_model_renamed)(void *context, struct str from, struct str to);
	bool (*is_field_renamed)(void *context, struct str model, struct str from, struct str to);
	/* What rows that are there already get in a column that becomes NOT NULL; NULL for nothing.
	 * Sets the error and returns false to give up. */
	bool (*one_off)(void *context, struct str model, struct str field, bool is_added,
	                const struct value **value, struct error *error);
};

/* Errors: ERROR_CONFLICT for a change that no operation can make, and what the questioner sets. */
bool detect_changes(const struct project *from, const struct project *to,
                    const struct questioner *questioner, struct operations *operations,
                    struct error *error);

/* Fewer operations of the same effect (optimize.c). */
void optimize_operations(struct arena *arena, struct operations *operations);

/* ---- between detect.c and detect_order.c ---- */

enum dependency_kind {
	AFTER_MODEL_CREATED,
	AFTER_MODEL_DELETED,
	AFTER_FIELD_ADDED,
	AFTER_FIELD_REMOVED,
	AFTER_FIELD_ALTERED,
	AFTER_ORDER_UNSET,
	AFTER_TOGETHER_CHANGED,
	AFTER_KEY_CHANGED, /* Meta.primary_key */
};

struct dependency {
	enum dependency_kind kind;
	struct str model, field;
};

struct detected {
	struct operation operation;
	struct {
		struct dependency *items;
		size_t n, cap;
	} after;
};

/* Stable: what depends on nothing keeps its place.  False for a circle. */
bool detect_order(struct arena *arena, struct detected *const *detected, size_t n,
                  struct operations *operations);

#endif

/* What a delete takes with it: Django's Collector as a pure machine.
 *
 * The driver adds the rows of the query, then as long as there is a step, asks the database
 * for the rows that refer to the step's rows and hands them over.  No recursion: chains of
 * any length and cycles end because a row is followed once.  Then collector_judge() says
 * whether PROTECT or RESTRICT forbids it, and what is left is run in this order: fast deletes,
 * updates, deletes.
 */
#ifndef QUERN_WRITE_COLLECTOR_H
#define QUERN_WRITE_COLLECTOR_H

#include "orm/base/error.h"
#include "orm/base/map.h"
#include "orm/model/model.h"

/* Rows by their primary keys; a key is model->npk_fields texts in a row. */
struct key_list {
	const struct model *model;
	struct str *items;
	size_t n, cap; /* of texts */
};

/* A model's rows to be deleted. */
struct collected {
	struct key_list keys;
	struct map known;
};

/* Rows found together; what refers to them is to be asked. */
struct collect_step {
	const struct model *model;
	const struct str *keys; /* nkeys * npk_fields texts */
	size_t nkeys;
	/* The relation to the first model through which they were reached; NULL for its own rows. */
	const struct relation *root;
};

/* Something to be done with the rows whose foreign key refers to a step's rows. */
struct collect_action {
	const struct relation *relation;
	struct collect_step step;
};

enum collect_kind {
	COLLECT_IGNORE, /* DO_NOTHING, and the many-to-many fields themselves */
	COLLECT_FAST,   /* CASCADE, and nothing hangs on those rows: deleted by the foreign key alone */
	COLLECT_UPDATE, /* SET_NULL, SET_DEFAULT, SET */
	COLLECT_SELECT, /* CASCADE, PROTECT, RESTRICT: the rows must be known */
};

struct collector {
	struct arena *arena;
	const struct model *model;
	struct {
		struct collected **items;
		size_t n, cap;
	} collected; /* in order of discovery */
	struct {
		struct collect_step *items;
		size_t n, cap;
	} steps;
	size_t next;
	struct {
		struct collect_action *items;
		size_t n, cap;
	} fast, updates;
	/* Rows that forbid, by the relation that says so. */
	struct {
		struct forbidding {
			const struct relation *relation; /* for PROTECT: the one at the first model */
			struct key_list keys;
		} * items;
		size_t n, cap;
	} is_protected, is_restricted;
};

/* How a relation pointing at a model whose rows go is dealt with. */
enum collect_kind collect_kind_of(const struct relation *relation);
/* Whether any relation pointing at the model must be dealt with. */
bool collect_has_dependents(const struct model *model);

void collector_init(struct collector *collector, struct arena *arena, const struct model *model);
/* The query's rows: n keys. */
void collector_start(struct collector *collector, const struct str *keys, size_t n);
/* False when nothing is left to ask.  Notes the step's fast deletes and updates. */
bool collector_next(struct collector *collector, struct collect_step *step);
/* The rows that refer to the step's rows by the relation (of COLLECT_SELECT). */
void collector_found(struct collector *collector, const struct collect_step *step,
                     const struct relation *relation, const struct str *keys, size_t n);
/* False with ERROR_PROTECTED or ERROR_RESTRICTED, worded as Django does. */
bool collector_judge(const struct collector *collector, struct error *error);
/* The models with rows, those that refer to others first; *n of them. */
const struct collected **collector_order(const struct collector *collector, size_t *n);

#endif

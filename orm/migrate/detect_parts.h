/* What the detect….c files share; see detect.h. */
#ifndef QUERN_MIGRATE_DETECT_PARTS_H
#define QUERN_MIGRATE_DETECT_PARTS_H

#include "orm/migrate/detect.h"

/* A model that is in both projects. */
struct kept {
	struct project_model *was, *is;
};

struct renamed_field {
	const struct project_model *model; /* as it is now */
	struct str from, to;
};

struct detection {
	struct arena *arena;
	const struct project *from, *to;
	const struct questioner *questioner;
	struct error *error;
	struct {
		struct kept *items;
		size_t n, cap;
	} kept; /* in the order of the new names */
	struct {
		struct kept *items;
		size_t n, cap;
	} renamed;
	struct {
		struct renamed_field *items;
		size_t n, cap;
	} fields;
	struct {
		struct detected **items;
		size_t n, cap;
	} found;
	size_t nbefore_renames; /* of those, the ones that stand before fields are renamed */
};

/* In the order of their names. */
struct project_field **detect_sorted_fields(struct detection *d, const struct project_model *model);
/* Notes an operation; what it has to follow is added to the result. */
struct detected *detect_found(struct detection *d, struct operation operation);
/* The same, before the first field is renamed. */
struct detected *detect_found_early(struct detection *d, struct operation operation);
void detect_after(struct detection *d, struct detected *detected, enum dependency_kind kind,
                  struct str model, struct str field);
/* A relation waits for the models that it names. */
void detect_after_targets(struct detection *d, struct detected *detected,
                          const struct value *declaration);

/* Meta.primary_key waits until the field that was the key is none any more. */
void detect_after_key_fields(struct detection *d, struct detected *detected,
                             const struct kept *kept);

/* detect_generated.c: a column that the database computes. */
bool declaration_is_generated(const struct value *declaration);
/* Whether it is computed from a column whose type changes, which PostgreSQL does not bear. */
bool detect_rests_on_altered(struct detection *d, const struct kept *kept,
                             const struct project_field *generated);
/* A column changes when those that were computed from it and go are gone. */
void detect_after_computed(struct detection *d, struct detected *change, const struct kept *kept);
/* What is made of columns comes behind them. */
void detect_after_sources(struct detection *d, struct detected *addition, const struct kept *kept,
                          const struct value *declaration);

/* detect_fields.c: false with the error set. */
void detect_renamed_fields(struct detection *d);
void detect_removed_fields(struct detection *d);
bool detect_added_fields(struct detection *d);
bool detect_altered_fields(struct detection *d);
/* The field of the old model that has become this one; NULL for none. */
const struct project_field *detect_old_field(const struct detection *d, const struct kept *kept,
                                             const struct project_field *is);
/* The old declaration as it would be said today: of models and fields by their new names. */
const struct value *detect_said_today(struct detection *d, const struct value *declaration);

#endif

/* The state of the models as far as a database knows of it, as a sorted list of facts: what is
 * recorded after a migration and compared before the next.
 *
 * Pure.  A change that no table would notice (help_text, ordering, a default) changes no
 * fact.  A fact is three keys and a text, such as  Vote | field author | null | no.
 */
#ifndef QUERN_MIGRATE_STATE_H
#define QUERN_MIGRATE_STATE_H

#include "orm/model/model.h"

struct fact {
	struct str model;    /* Vote */
	struct str subject;  /* "table", "field author", "constraint unique_vote", "index …" */
	struct str property; /* "type", "null", "definition" */
	struct str text;
};

struct state {
	struct arena *arena;
	struct fact *items;
	size_t n, cap;
};

void state_init(struct state *state, struct arena *arena);
void state_add(struct state *state, struct str model, struct str subject, struct str property,
               struct str text);
/* Orders the facts; needed before they are compared. */
void state_sort(struct state *state);
/* The facts of all managed models, sorted. */
void state_of_registry(struct state *state, const struct registry *registry, struct arena *arena);
/* {"Vote": {"declaration": {…}, "schema": {"field author": {"null": "no"}}}} of the managed
 * models: the declarations are kept for people and for migrations to come. */
void state_write_json(const struct state *state, const struct registry *registry, struct buf *out);

struct state_models {
	const struct model **items;
	size_t n, cap;
};

struct state_difference {
	struct state_models added; /* models of which nothing is recorded, as declared */
	struct str *items;         /* every other difference, one line each, for a person */
	size_t n, cap;
};

/* What differs between the recorded facts and those of the registry, both sorted.  A model that
 * is recorded and now unmanaged is no difference: the database keeps its table. */
void state_compare(struct arena *arena, const struct state *recorded, const struct state *wanted,
                   const struct registry *registry, struct state_difference *difference);

#endif

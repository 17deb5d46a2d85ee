/* Related rows written together with a row: {"author": {"create": {…}}, "vote_set": [{…}]}.
 *
 * A nest is what a list of rows of one model brings along: rows that they refer to, written before
 * them, and rows that refer to them, written after.  All that hangs on the list's rows by the same
 * relation is one level, written by one INSERT however many rows it belongs to; a level has a nest of
 * its own.  Reading asks no database and gathers every violation of every level; running expects a
 * transaction.
 *
 * One rule says what an object means: where the row holds the key itself (a foreign key, a
 * many-to-many member) it finds a row, where the other row holds it (vote_set, a reverse one-to-one) it is
 * a new one.  An object whose only member is a verb says it outright.
 */
#ifndef QUERN_WRITE_NESTED_H
#define QUERN_WRITE_NESTED_H

#include "orm/write/row.h"
#include "orm/write/write.h"

enum nested_verb {
	NESTED_NONE,
	NESTED_CREATE,
	NESTED_GET_OR_CREATE,
	NESTED_UPDATE_OR_CREATE,
	NESTED_UPDATE,
	NESTED_ADD,
	NESTED_REMOVE,
	NESTED_SET,
	NESTED_CLEAR,
	NESTED_DELETE,
};

/* What the rows of a nest are. */
enum nest_rows {
	NEST_NEW,     /* made by this write */
	NEST_MERGED,  /* made, or there before and changed (update_conflicts) */
	NEST_CHANGED, /* one row that is there: PATCH */
	NEST_WHOLE,   /* the same by PUT, which may be repeated */
};

struct nested_level;

struct nest {
	struct writing *writing;
	const struct model *model;
	struct validation *validation; /* shared by all levels */
	enum nest_rows kind;
	struct {
		struct str *items;
		size_t n, cap;
	} names; /* of the members, in the order of the first to say them */
	struct nested_levels {
		struct nested_level **items;
		size_t n, cap;
	} before, children, links;
	struct {
		struct nested_make *items;
		size_t n, cap;
	} makes; /* get_or_create and update_or_create of rows that are referred to */
	struct {
		struct nested_act *items;
		size_t n, cap;
	} acts; /* what is done to related rows afterwards */
};

/* The verb of an object that has no other member, but for "through_defaults". */
enum nested_verb nested_verb_of(const struct value *value);
/* False, with words for a place where only lookups may stand. */
bool nested_refuse(struct writing *writing, const struct value *value);
/* Whether the object (or one of a list) writes related rows. */
bool nested_is_in(const struct model *model, const struct value *object);

void nest_init(struct nest *nest, struct writing *writing, const struct model *model,
               enum nest_rows kind, struct validation *validation);
bool nest_is_empty(const struct nest *nest);
/* Reads what the list's row `row` brings along. */
bool nest_take(struct nest *nest, size_t row, const struct row_nested *members);
/* Waits.  Writes what the rows refer to, and fills their CELL_NESTED cells. */
bool nest_before(struct nest *nest, struct row *rows);
/* Waits.  Writes what refers to the rows, as they now stand. */
bool nest_after(struct nest *nest, const struct written_row *rows);
/* The paths by which a reader sees all that the rows have brought along ("vote_set", "vote_set__author"), for
 * written->embedded. */
void nest_embed(const struct nest *nest, struct written *written);

#endif

/* Aggregates that leave their select: over the relation alone, before the join, over distinct rows.
 *
 * Shared by aggregates.c, which decides, and aggregates_apart.c, which does. */
#ifndef QUERN_QUERY_AGGREGATES_APART_H
#define QUERN_QUERY_AGGREGATES_APART_H

#include "orm/query/aggregates.h"

/* One aggregate of the select and the sources its arguments need. */
struct unit {
	const struct rexpr *expr;
	struct source_list sources;  /* without the base */
	struct source_list multiple; /* those that may multiply rows */
	bool is_star;
	bool names_row; /* a column of the row itself is among the arguments */
	/* The argument is a column at the far end of its joins, and NULLs do not count: rows that miss one on the way
	 * add nothing, so those joins may be INNER. */
	bool is_strict;
	bool filters_aside; /* its filter joins a relation beside those of its arguments, whose rows must count once */
};

struct unit_list {
	struct unit *items;
	size_t n, cap;
};

/* A relation aggregated before it is joined; aggregates over the same joins share it. */
struct before {
	const struct source_list *sources;
	bool is_strict;
	struct derived *derived;
	struct source_map map;
};

struct before_list {
	struct before *items;
	size_t n, cap;
};

struct arrangement {
	struct before_list before;
	struct scope *scope;
	struct select *select;
	struct unit_list units;
	struct source_list others;          /* what everything but aggregates needs */
	struct source_list others_multiple; /* of these, what may multiply rows */
	bool orders_by_aggregate;
};

/* Sets of joins. */
bool joins_subset(const struct source_list *small, const struct source_list *large);
bool joins_disjoint(const struct source_list *a, const struct source_list *b);
bool joins_same(const struct source_list *a, const struct source_list *b);
/* Whether the source is `from` or hangs on it. */
bool joins_descends(const struct source *source, const struct source *from);
/* Whether the sources lie on one path, so that their rows do not multiply each other. */
bool joins_are_chain(const struct source_list *list);
/* Adds those that may multiply rows. */
void joins_take_multiple(struct arena *arena, const struct source_list *from, struct source_list *to);
/* Of the unit's joins that may multiply rows the one nearest to the row. */
struct source *unit_first_multiple(const struct unit *unit);

/* Over the relation alone, correlated with the row: its joins leave this FROM. */
void aggregate_correlated(struct arrangement *a, const struct unit *unit);
/* A subselect over the rows of the group once more, with only the joins that this aggregate and the filter need. */
void aggregate_again(struct arrangement *a, const struct unit *unit);
/* Whether the query's conditions are simple enough to be said twice: no subselects in them. */
bool filter_can_be_copied(const struct select *select);
/* The relation aggregated once for all rows that the query is about, and joined by its key. */
void aggregate_before(struct arrangement *a, const struct unit *unit);

#endif

/* From the query tree to a resolved select: clause by clause, as chained QuerySet calls. */
#ifndef QUERN_QUERY_RESOLVE_H
#define QUERN_QUERY_RESOLVE_H

#include "orm/query/layout.h"
#include "orm/query/scope.h"

/* A row object under construction: the model's own, or one under select_related. */
struct row_object {
	struct source *source;
	const struct model *model;
	struct str path; /* "" or "role__department" */
	struct row_members {
		struct layout_member *items;
		size_t n, cap;
	} members;
	struct layout *layout; /* made of members by resolve_finish_layout */
	unsigned presence_column;
	struct row_object *next_child, *children;
	struct str name;
};

struct prefetch_list {
	struct prefetch *items;
	size_t n, cap;
};

/* What a chain says beyond its select. */
struct resolved {
	struct scope *scope;
	struct select *select;
	const struct pos *zone_pos; /* where the scope's zone was named */
	bool is_none;
	/* The last word on each. */
	enum projection_kind projection;
	bool projects_all, is_flat;
	const struct named_expr *values;
	size_t nvalues;
	const struct path *only, *defer;
	size_t nonly, ndefer;
	bool has_order;
	const struct order *order_by;
	size_t norder_by;
	bool is_reversed;
	bool selects_all_related;
	const struct path *select_related;
	size_t nselect_related;
	struct prefetch_list prefetches;
	bool is_distinct;
	const struct path *distinct_on;
	size_t ndistinct_on;
	int64_t low, high; /* slice; high -1: open */
	const struct row_lock *lock;
	const struct pos *locks_at; /* the rows are locked because of this; NULL: they are not */
	enum count_kind count;
	int64_t count_cap;
	bool is_grouped_explicitly;
	/* UNION and its kin: the other members; what follows is the combination's. */
	enum combinator_kind combinator;
	bool combines_all;
	struct resolved *members;
	size_t nmembers;
	const struct pos *combinator_pos;
	/* The rows. */
	struct row_object root;
	enum row_form form;
	struct layout layout;
};

/* Applies the clauses; columns, order and slice are not yet in the select. */
bool resolve_clauses(struct scope *scope, const struct query *query, struct resolved *resolved);
/* Fills select->columns and the row objects. */
bool resolve_columns(struct resolved *resolved);
/* Fills select->order_by from the query's or the model's ordering (or `by_default`, names ended by NULL, when
 * neither orders; may be NULL). */
bool resolve_order(struct resolved *resolved, bool by_key_when_unordered);
/* select's limit and offset from the slice. */
void resolve_slice(struct resolved *resolved);
/* select's lock, as select_for_update says; follows resolve_columns and the order.  ERROR_NOT_SUPPORTED where rows
 * cannot be locked, ERROR_FIELD for a table that is not read. */
bool resolve_lock(struct resolved *resolved);
/* A further slice within the present one. */
void narrow_slice(struct resolved *resolved, int64_t offset, int64_t limit, bool has_limit);
/* The select as it is to be written: aggregates arranged, conditions on windows applied to the finished rows,
 * members combined.  Replaces resolved->select. */
void resolve_arrange(struct resolved *resolved);
/* One order more, unless the select is ordered by that already. */
void order_push(struct resolved *resolved, struct rorder order);
/* Column `index` of a select that is read as the table `alias`. */
const struct rexpr *value_column(struct arena *arena, const struct select *inner, unsigned alias, unsigned index);

/* ---- pages by cursor (resolve_cursor.c) ---- */

/* An ordering in which no two rows are equal, and where a row holds its place in it. */
struct keyset {
	struct rorder *orders;
	unsigned *columns;  /* of the select: the value of each */
	bool *may_be_null;
	size_t n;
	bool is_outside; /* the position is a condition on the finished rows */
};

/* The query's ordering (backwards: its reverse), made total, each of it among the columns; ERROR_NOT_SUPPORTED at
 * `pos` where there can be none.  Follows resolve_columns; takes the place of resolve_order. */
bool resolve_keyset(struct resolved *resolved, const struct pos *pos, bool is_backwards, struct keyset *keyset);
/* The first `limit` rows (negative: all) behind `values`, one for each order (NULL: from the beginning).  Slices and
 * arranges: takes the place of resolve_slice and resolve_arrange. */
void keyset_apply(struct resolved *resolved, struct keyset *keyset, const struct str *values, int64_t limit);

/* Turns the row objects into resolved->layout; after it no member may be added. */
void resolve_layout(struct resolved *resolved);
/* The index of a column for the field of that source, added (hidden) when it is not there. */
unsigned column_for(struct resolved *resolved, struct source *source, const struct field *field);
unsigned add_column(struct resolved *resolved, struct str name, const struct rexpr *expr);

#endif

/* Visiting a resolved tree: every source that is named, every aggregate; and copies over other sources. */
#ifndef QUERN_QUERY_WALK_H
#define QUERN_QUERY_WALK_H

#include "orm/query/select.h"

struct visitor {
	/* Called for each column that is named, and for the outer column of each correlated select; may be NULL. */
	void (*column)(struct visitor *visitor, struct source *source, const struct field *field);
	/* Called for each aggregate of this select (not inside subselects), before its arguments; false
	 * leaves those out.  May be NULL. */
	bool (*aggregate)(struct visitor *visitor, const struct rexpr *expr);
	/* Called for each nested select; false leaves it out.  May be NULL. */
	bool (*nested)(struct visitor *visitor, const struct select *select);
	void *data;
	/* Counted on the way: expressions and conditions, how deep they nest. */
	size_t nodes, depth, deepest;
};

void visit_expr(struct visitor *visitor, const struct rexpr *expr);
void visit_cond(struct visitor *visitor, const struct rcond *cond);
/* What a nested select names, in itself and outside. */
void visit_nested(struct visitor *visitor, const struct select *select);
/* Columns, conditions, groups and order of the select itself. */
void visit_select(struct visitor *visitor, const struct select *select);

/* A copy in which column references to from[i] name to[i]. */
struct source_map {
	struct arena *arena;
	struct source *const *from;
	struct source *const *to;
	size_t n;
};
const struct rexpr *copy_expr(const struct source_map *map, const struct rexpr *expr);
const struct rcond *copy_cond(const struct source_map *map, const struct rcond *cond);

#endif

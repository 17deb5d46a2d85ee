/* Resolved tree to SQL text: one emit_* file a kind of node. */
#ifndef QUERN_SQL_EMIT_H
#define QUERN_SQL_EMIT_H

#include "orm/query/select.h"
#include "orm/sql/writer.h"

/* Which parameter a node's text became: an expression that is written twice (selected and grouped by) must be the
 * same text. */
struct literal_slot {
	const struct rexpr *expr;
	size_t number;
};

struct emit {
	struct sql sql;
	struct literal_slot *literals; /* a hash by address; `nliterals` of `literals_cap` (a power of two) are used */
	size_t nliterals, literals_cap;
	/* Where the parents' keys of a prefetch level went (index of the parameter). */
	size_t keys_param;
	const struct select *keyed; /* the select that RC_KEYS belongs to */
	bool bare_columns;          /* schema SQL: columns without an alias */
};

void emit_expr(struct emit *e, const struct rexpr *expr);
/* A moment that was cut in its zone, as the local time that it is until it is turned back into a moment; false when
 * it is none and nothing was written.  One group either way, and turning back groups is less than turning back rows
 * (a million by month: 155 ms instead of 215). */
bool emit_group_of_moments(struct emit *e, const struct rexpr *expr);
/* No outer join stands before it. */
bool source_has_row(const struct source *source);
void emit_cond(struct emit *e, const struct rcond *cond);
/* As emit_cond, a group of several in brackets. */
void emit_in_brackets(struct emit *e, const struct rcond *cond);
/* All of them, joined by AND; TRUE when there are none. */
void emit_all(struct emit *e, const struct rcond_list *conds);
void emit_select(struct emit *e, const struct select *select);
/* A select as a prefetch level: for the keys in an array parameter, with a slice per key. */
void emit_keyed_select(struct emit *e, const struct select *select);
void emit_orders(struct emit *e, const struct rorder *orders, size_t n);
void emit_column(struct emit *e, const struct source *source, const struct field *field);
/* FROM and WHERE of a select, without its columns. */
void emit_from(struct emit *e, const struct select *select);
void emit_where(struct emit *e, const struct select *select);

#endif

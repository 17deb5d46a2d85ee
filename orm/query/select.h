/* The resolved query: tables, columns, conditions; every name looked up, every value in the
 * text form of its type, no SQL text yet.
 *
 * Made by query/resolve, arranged by query/aggregates, read by sql/.  A source (one table
 * in FROM) has a number that no other source of the whole statement has, so that a column
 * can be named from any depth: a correlated subquery simply names an outer source.
 */
#ifndef QUERN_QUERY_SELECT_H
#define QUERN_QUERY_SELECT_H

#include "orm/model/field_types.h"
#include "orm/query/functions.h"
#include "orm/query/literal.h"
#include "orm/query/lookups.h"
#include "orm/query/tree.h"

struct rexpr;
struct rcond;
struct select;
struct derived;

enum join_type { JOIN_BASE, JOIN_INNER, JOIN_LEFT };

/* One step over a key: from a column here to a column there.  A many-to-many relation is two. */
struct hop {
	const struct model *to;
	const struct field *from_field;
	const struct field *to_field;
	bool is_nullable; /* there may be no row there */
	bool is_multiple; /* there may be several */
	bool is_direct;   /* from_field is the foreign key: its column is known without the join */
	unsigned part;    /* which part of the path it came from */
	struct str filtered; /* the alias of a FilteredRelation that ends here; p == NULL otherwise */
};

struct source {
	unsigned alias;
	enum join_type type;
	const struct model *model;
	struct source *parent; /* NULL at the base; may be a source of an outer select */
	struct hop hop;        /* parent.from_field = this.to_field */
	const struct rcond *condition; /* FilteredRelation: further condition of ON */
	bool is_kept;  /* joined although no column of it is named: its rows are counted */
	bool is_moved; /* an aggregate's own: part of its subselect, not of this FROM */
};

enum rexpr_kind {
	R_COLUMN,     /* source, field */
	R_PARAM,      /* text of type `field` */
	R_NULL,
	R_STAR,
	R_CALL,       /* function, args, zone */
	R_ARITHMETIC, /* sign, args */
	R_AGGREGATE,  /* function, args, aggregate */
	R_CASE,       /* cases, args[0] is the default when nargs == 1 */
	R_CONDITION,  /* condition */
	R_SUBSELECT,  /* (SELECT …) with one column */
	R_ARRAY,      /* ARRAY(SELECT …) */
	R_CAST,       /* args[0] as `field` */
	R_WRAPPED,    /* args[0], said to be of type `field` */
	R_COLLATE,    /* args[0] COLLATE text */
	R_OBJECT,     /* names and args in turn: a JSON object */
	R_WINDOW,     /* args[0] OVER window */
	R_KEY_PATH,   /* args[0] #> keys (JSON), or -> keys[0] (hstore); is_text: as text */
	R_ELEMENT,    /* args[0][from + 1], or [from + 1:to] when is_slice */
	R_VALUE_COLUMN, /* a column of a derived table: alias, position */
};

struct rcase {
	const struct rcond *when;
	const struct rexpr *then;
};

struct rorder {
	const struct rexpr *expr; /* NULL: random */
	bool is_descending;
	enum nulls_order nulls;
	unsigned position; /* of the same expression among the columns, from 1; 0: written out */
};

struct raggregate {
	bool in_window; /* stands in a Window: groups nothing */
	bool is_distinct;
	const struct rcond *filter;
	const struct rexpr *default_value;
	const struct rorder *order_by;
	size_t norder_by;
	/* Set by query/aggregates: the subselect that computes it, or a column of a derived table that is joined;
	 * both NULL: in place. */
	const struct select *subselect;
	const struct derived *derived;
	unsigned position;
};

enum frame_kind { FRAME_NONE, FRAME_ROWS, FRAME_RANGE };

struct rwindow {
	const struct rexpr *const *partition_by;
	size_t npartition_by;
	const struct rorder *order_by;
	size_t norder_by;
	enum frame_kind frame;
	bool has_start, has_end; /* otherwise unbounded */
	int64_t start, end;      /* rows before (negative) or after the current one */
};

struct rexpr {
	enum rexpr_kind kind;
	/* The type of its value, never NULL except for R_NULL and R_STAR; what is known beyond the
	 * type (max_digits, choices) is the field's. */
	const struct field *field;
	bool has_aggregate;
	struct source *source;
	struct str text;
	const struct literal *literal; /* R_PARAM: what `text` was made of; NULL: more than the text depends on it */
	struct str name; /* R_ARITHMETIC: the sign */
	const struct function *function;
	struct str zone; /* p == NULL: UTC, the zone of every session */
	const struct rwindow *window;
	bool has_window;
	struct str keys; /* an array literal of text */
	bool is_text, is_slice, is_flagged;
	int64_t from, to;
	const struct rexpr *const *args;
	size_t nargs;
	struct raggregate *aggregate;
	const struct rcase *cases;
	size_t ncases;
	const struct rcond *condition;
	const struct select *select;
	unsigned alias, position;
};

enum rcond_kind {
	RC_AND, /* none: true */
	RC_OR,  /* none: false */
	RC_XOR,
	RC_NOT,
	RC_LOOKUP,  /* lookup, left, operands */
	RC_ISNULL,  /* left, is_null */
	RC_EXISTS,  /* select */
	RC_EXPR,    /* left is a boolean expression */
	RC_SAME,    /* left IS NOT DISTINCT FROM right: internal */
	RC_KEYS,    /* left = ANY(the parents' keys): prefetch */
	RC_ROW,     /* (the first half of operands) sign (the second, parameters): a cursor's position */
};

struct rcond {
	enum rcond_kind kind;
	bool has_aggregate, has_window;
	const struct rcond *const *children;
	size_t nchildren;
	const struct lookup *lookup;
	const struct rexpr *left;
	/* The right side: one operand, or several (range: 2; in with expressions: n). */
	const struct rexpr *const *operands;
	size_t noperands;
	const char *sign; /* RC_ROW: "=", "<", ">", ">=" … */
	struct str list; /* `in` with literals: the array literal; p == NULL otherwise */
	const struct literal *list_literal;
	const struct select *subselect; /* `in` a subquery */
	bool is_null;
	const struct select *select;
};

struct rcolumn {
	struct str name; /* as the row calls it */
	const struct rexpr *expr;
};

/* A derived table in FROM: an inner select read as a table.  Joined by its first column, the key: LEFT, or so that
 * its rows are kept (`leads`), with or without a row of the sources. */
struct derived {
	struct select *select;
	unsigned alias;
	bool leads, is_nullable; /* every row of it; a key of NULL has no row of the sources */
	struct source *parent; /* joined: parent.from_field = c1 */
	const struct field *from_field;
};
struct derived_list {
	struct derived **items;
	size_t n, cap;
};

struct rcond_list {
	const struct rcond **items;
	size_t n, cap;
};
struct rexpr_list {
	const struct rexpr **items;
	size_t n, cap;
};
struct rcolumn_list {
	struct rcolumn *items;
	size_t n, cap;
};
struct rorder_list {
	struct rorder *items;
	size_t n, cap;
};
struct source_list {
	struct source **items;
	size_t n, cap;
};

/* FOR UPDATE of these tables, or of all in FROM. */
struct rlock {
	bool nowait, skip_locked, no_key;
	struct source_list of;
};

struct select {
	const struct model *model;
	struct source_list sources; /* the base first; those that nothing names are not written */
	struct derived *derived;    /* FROM (SELECT …) instead of sources */
	struct derived_list joined; /* LEFT JOIN (SELECT …) behind the sources */
	struct rcond_list where, having;
	struct rcond_list qualify; /* conditions on windows: applied to the finished rows */
	struct rcolumn_list columns;
	bool has_no_source; /* SELECT without FROM: one row */
	/* The base is the row of the statement around this select (UPDATE's own): one row of nothing stands in its
	 * place, to which the joins are made. */
	bool is_about_outer_row;
	bool is_grouped;
	bool groups_by_key; /* one group a base row */
	/* An aggregate that is computed again names groups that are expressions: they are read as columns of a derived
	 * table under this alias (query/groups_table.c); 0: none is. */
	unsigned groups_alias;
	struct rexpr_list group_by;
	struct rorder_list order_by;
	bool is_distinct;
	struct rexpr_list distinct_on;
	bool has_limit;
	int64_t limit, offset;
	bool is_empty; /* cannot have rows */
	bool projects_key; /* a subquery without a projection: its one column is the primary key */
	/* UNION and its kin: the members' selects instead of all above but order and slice. */
	enum combinator_kind combinator;
	bool combines_all;
	const struct select *const *combined;
	size_t ncombined;
	const struct rlock *lock; /* the rows are locked; NULL: they are not */
	/* Prefetch: the type of the parents' keys (NULL otherwise).  With a slice the select is evaluated once for each
	 * key, under these two aliases. */
	const struct field *keys_field;
	unsigned keys_alias, rows_alias;
};

#endif

/* The query tree: what a client asked, with names not yet looked up.
 *
 * Made by query/decode from a struct value (JSON or query string), read by
 * query/resolve and write/.  Every node keeps its place for error pointers.
 */
#ifndef QUERN_QUERY_TREE_H
#define QUERN_QUERY_TREE_H

#include "orm/base/value.h"

struct cond;
struct expr;
struct query;

/* "vote__author__handle__icontains", cut at "__". */
struct path {
	struct str text;
	const struct str *parts;
	size_t n;
	const struct pos *pos;
};

/* The right side of a lookup or an assignment. */
enum operand_kind {
	OPERAND_LITERAL, /* value: any JSON; also {"pk": 3} */
	OPERAND_EXPR,    /* {"F": …}, arithmetic, a function, a subquery */
	OPERAND_LIST,    /* an array with an expression in it (in, range) */
};

struct operand {
	enum operand_kind kind;
	const struct pos *pos;
	const struct value *literal;
	const struct expr *expr;
	const struct operand *items;
	size_t nitems;
};

enum cond_kind {
	COND_AND, /* children; none: every row */
	COND_OR,  /* children; none: no row */
	COND_XOR,
	COND_NOT,    /* one child */
	COND_LOOKUP, /* path op operand */
	COND_EXPR_LOOKUP, /* {"lookup": [expr, "gte", value]}: expr, lookup, operand */
	COND_EXPR,   /* a boolean expression */
	COND_SOME,   /* {"vote": {"some": C}}: path, children[0]; `operand` holds the object as a literal too,
	              * for a path that turns out to be a JSONField */
	COND_NONE,
	COND_EVERY,
	COND_COUNT,  /* {"vote": {"count": {"gte": 3}, "where": C}}: path, lookups, children[0] or none */
};

struct cond {
	enum cond_kind kind;
	const struct pos *pos;
	const struct cond *children;
	size_t nchildren;
	struct path path;
	const struct expr *expr;
	struct path lookup; /* COND_EXPR_LOOKUP: "gte", "year__gte" */
	struct operand operand;
	const struct value *count; /* COND_COUNT: {"gte": 3} or a number */
};

enum nulls_order { NULLS_DEFAULT, NULLS_FIRST, NULLS_LAST };

struct order {
	const struct pos *pos;
	bool is_random; /* "?" */
	/* A plain "name" or "-role__name" is an EXPR_PATH: an annotation, a column or a relation
	 * (which follows its model's ordering). */
	const struct expr *expr;
	bool is_descending;
	enum nulls_order nulls;
};

enum expr_kind {
	EXPR_LITERAL,
	EXPR_PATH,       /* a field path or an annotation */
	EXPR_OUTER,      /* OuterRef: path */
	EXPR_STAR,       /* "*", in Count */
	EXPR_ARITHMETIC, /* name is the sign; args, left to right */
	EXPR_CALL,       /* function or aggregate, by name; looked up by resolve */
	EXPR_CASE,       /* cases, default_value */
	EXPR_CONDITION,  /* {"Q": condition} */
	EXPR_SUBQUERY,
	EXPR_EXISTS,
	EXPR_ARRAY_SUBQUERY,
	EXPR_WINDOW, /* args[0], partition_by, order_by, frame */
	EXPR_CAST,   /* {"Cast": [e, type]}: args[0], output */
	EXPR_WRAPPER, /* {"ExpressionWrapper": [e, type]}: args[0], output */
	EXPR_REF,    /* batch result: path */
};

struct expr_case {
	const struct cond *when;
	const struct expr *then;
};

/* A member of a call written as an object that is not one of those below: {"tzinfo": …}. */
struct expr_option {
	struct str name;
	const struct value *value;
};

struct expr {
	enum expr_kind kind;
	const struct pos *pos;
	struct str name;
	struct path path;
	const struct value *literal;
	const struct expr *args;
	size_t nargs;
	const struct expr_case *cases;
	size_t ncases;
	/* Aggregates; `default_value` also the ELSE of a case. */
	const struct cond *filter;
	bool is_distinct;
	const struct expr *default_value;
	const struct order *order_by;
	size_t norder_by;
	const struct expr_option *options;
	size_t noptions;
	const struct cond *condition; /* EXPR_CONDITION */
	const struct query *query;    /* EXPR_SUBQUERY … */
	const struct expr *partition_by;
	size_t npartition_by;
	const struct value *frame;
	const struct value *output; /* EXPR_CAST, EXPR_WRAPPER: "DecimalField" or a field object */
};

struct named_expr {
	struct str name;
	const struct pos *pos;
	const struct expr *expr;
};

struct prefetch {
	const struct pos *pos;
	struct path path;          /* vote_set__author: accessors */
	const struct query *query; /* NULL: all, by the model's ordering */
	struct str to_attr;        /* p == NULL: the accessor */
};

enum combinator_kind { COMBINATOR_NONE, COMBINATOR_UNION, COMBINATOR_INTERSECTION, COMBINATOR_DIFFERENCE };
enum projection_kind { PROJECTION_NONE, PROJECTION_VALUES, PROJECTION_VALUES_LIST };
enum count_kind { COUNT_NONE, COUNT_EXACT, COUNT_ESTIMATED, COUNT_CAPPED };
enum cursor_kind { CURSOR_NONE, CURSOR_AFTER, CURSOR_BEFORE };

/* select_for_update. */
struct row_lock {
	const struct pos *pos;
	bool nowait, skip_locked, no_key;
	const struct path *of; /* "self", or what select_related joins; none: every table */
	size_t nof;
};

/* One link of a chain.  Lists are absent (NULL, 0) unless their has_… says otherwise. */
struct clause {
	const struct pos *pos;
	const struct named_expr *alias;
	size_t nalias;
	const struct cond *filter;
	const struct cond *exclude; /* the condition itself; its negation is meant */
	bool has_group_by;
	const struct named_expr *group_by; /* a plain path has its text as name */
	size_t ngroup_by;
	const struct named_expr *annotate;
	size_t nannotate;
	enum projection_kind projection;
	bool projects_all; /* "values": true */
	bool is_flat;
	const struct named_expr *values;
	size_t nvalues;
	const struct path *only;
	size_t nonly;
	const struct path *defer;
	size_t ndefer;
	bool has_order_by;
	const struct order *order_by;
	size_t norder_by;
	bool is_reversed;
	bool has_distinct, is_distinct; /* is_distinct with no paths: plain DISTINCT */
	const struct path *distinct_on;
	size_t ndistinct_on;
	bool has_limit;
	int64_t limit;
	int64_t offset;
	const struct pos *limit_pos, *offset_pos;
	enum cursor_kind cursor;
	struct str cursor_text; /* p == NULL: the first (after) or last (before) page */
	const struct pos *cursor_pos;
	bool has_select_related;
	bool selects_all_related; /* true; with has_select_related and no paths otherwise: cleared */
	const struct path *select_related;
	size_t nselect_related;
	const struct prefetch *prefetch_related;
	size_t nprefetch_related;
	bool clears_prefetch; /* "prefetch_related": false or [] */
	enum combinator_kind combinator;
	bool combines_all;
	const struct query *combined;
	size_t ncombined;
	const struct pos *combinator_pos;
	const struct value *filtered_relation; /* decoded where it is resolved */
	const struct value *select_for_update; /* as written; NULL: nothing is locked */
	bool has_lock;
	const struct row_lock *lock; /* with has_lock NULL: locks no more */
	struct str using;
	const struct pos *using_pos;
	struct str timezone;
	const struct pos *timezone_pos;
	bool is_none;
	enum count_kind count;
	int64_t count_cap;
};

struct query {
	const struct pos *pos;
	struct str model; /* named by nested queries; p == NULL at the top */
	const struct pos *model_pos;
	const struct clause *clauses; /* at least one */
	size_t nclauses;
};

#endif

/* A select while it is being resolved: its sources, its annotations, the joins its paths need.
 *
 * Follows Django's rules for which joins are shared, which become LEFT and which INNER
 * (django/db/models/sql/query.py: setup_joins, join, promote_joins, demote_joins, JoinPromoter).
 */
#ifndef QUERN_QUERY_SCOPE_H
#define QUERN_QUERY_SCOPE_H

#include "orm/base/error.h"
#include "orm/query/select.h"

/* One statement being resolved. */
struct resolver {
	struct arena *arena;
	struct error *error;
	const struct registry *registry;
	unsigned next_alias;
	unsigned level; /* of a prefetch: 0 for the rows at the top */
	size_t repeated; /* nodes of annotations that are written once more where they are named */
};

struct annotation {
	struct str name;
	const struct rexpr *expr;
	bool is_selected; /* annotate; not alias */
	bool is_group;    /* named by group_by */
	bool is_projected; /* named by values: later clauses may name it */
};

struct annotation_list {
	struct annotation *items;
	size_t n, cap;
};

/* Steps of a path over relations, before any join is made. */
struct hops {
	struct hop *items;
	size_t n, cap;
};

/* A relation under a name of its own, with a condition in its ON. */
struct filtered_relation {
	struct str name;
	struct hops *hops;
	const struct relation *relation;
	bool is_reverse;
	const struct model *end;
};

struct filtered_list {
	struct filtered_relation *items;
	size_t n, cap;
};

struct scope {
	struct resolver *r;
	struct scope *outer; /* for OuterRef and split conditions; NULL at the top */
	struct select *select;
	const struct model *model;
	struct source *base;
	struct annotation_list annotations;
	struct annotation_list withheld; /* annotations of an update's rows that its right sides cannot name */
	struct filtered_list filtered;
	/* Joins that the next filter may share although they are multi-valued: a many-to-many manager's
	 * own (Django's sticky filter). */
	struct source_list sticky;
	struct str zone; /* the query's timezone; p == NULL: UTC */
	bool is_top;    /* the request's own query: alone says which database is asked */
	bool in_window; /* the call that is resolved next stands in a Window */
	bool aggregates_annotations; /* aggregate() over annotations that are aggregates themselves */
	bool forbids_joins; /* schema conditions */
	const char *forbids_why;
};

void resolver_init(struct resolver *r, struct arena *arena, const struct registry *registry,
                   struct error *error);
struct scope *scope_new(struct resolver *r, struct scope *outer, const struct model *model);
/* A scope whose base is reached by the hop from a source of the outer one (a correlated subselect). */
struct scope *scope_new_correlated(struct scope *outer, struct source *from, const struct hop *hop);
const struct annotation *scope_annotation(const struct scope *scope, struct str name);

/* What a path names. */
struct target {
	struct hops hops;            /* after trimming; items[0..nall) before it */
	size_t nall;
	const struct field *field;   /* the column at the end */
	/* The path ends at a relation itself: it compares by key. */
	const struct relation *relation;
	bool is_reverse;
	const struct model *end;     /* the model that holds `field`'s row, before trimming */
	size_t used;                 /* parts that were names; the rest are transforms and lookups */
	size_t first_multiple;       /* index in hops, or hops.n */
	const struct rexpr *annotation; /* the first part is an annotation's name */
};

/* The clause filtered_relation: {alias: {"relation": path, "condition": condition}}. */
bool resolve_filtered_relations(struct scope *scope, const struct value *value);

/* Looks the parts up from model on; ERROR_FIELD with choices when the first is unknown.  Annotations of
 * `scope` (may be NULL) come first. */
bool path_resolve(struct scope *scope, const struct model *model, const struct path *path,
                  struct target *target);
/* Whether a path has no more parts than any needs, and the statement may read one table more; ERROR_VALUE
 * otherwise.  A short request must not become a statement that takes seconds to write and to plan. */
bool path_is_bounded(struct scope *scope, const struct path *path);
/* The hops of one relation, appended. */
void hops_add(struct arena *arena, struct hops *hops, const struct relation *relation, bool is_reverse);
/* Drops trailing hops whose column is known before them: role__id is role_id. */
void target_trim(struct target *target);

/* `reuse` NULL: any join may be shared (annotations, ordering); otherwise multi-valued ones only when
 * listed.  Appends the joins used to `used` (may be NULL).  Gives the last source. */
struct source *scope_join(struct scope *scope, struct source *from, const struct hops *hops,
                          struct source_list *reuse, struct source_list *used);
void promote_joins(struct scope *scope, const struct source_list *joins);
void demote_joins(const struct source_list *joins);
bool source_listed(const struct source_list *list, const struct source *source);

const struct rexpr *column_expr(struct arena *arena, struct source *source, const struct field *field);
const struct rexpr *param_expr(struct arena *arena, const struct field *field, struct str text);
/* The parameter that literal_write() made of a literal. */
const struct rexpr *literal_expr(struct arena *arena, const struct literal *literal, struct str text);

/* How a condition is being read. */
struct cond_context {
	struct source_list *reuse; /* NULL: all */
	bool branch_negated, current_negated;
	bool no_split; /* inside an expression: negated multi-valued conditions stay joined */
};

/* One condition; `needed` receives the joins that must be INNER for it (Django's needed_inner). */
bool resolve_cond(struct scope *scope, const struct cond *cond, const struct cond_context *context,
                  const struct rcond **out, struct source_list *needed);
/* A leaf: path, lookup, right side. */
bool resolve_leaf(struct scope *scope, const struct cond *cond, const struct cond_context *context,
                  const struct rcond **out, struct source_list *needed);
/* {"vote": {"some": C}} and its kin. */
bool resolve_set_question(struct scope *scope, const struct cond *cond, const struct rcond **out);
/* Sources of this select that the expression names. */
void collect_sources(struct arena *arena, const struct select *select, const struct rexpr *expr,
                     struct source_list *list);
void list_add(struct arena *arena, struct source_list *list, struct source *source);
/* A whole filter() call. */
bool resolve_filter(struct scope *scope, const struct cond *cond, bool is_negated,
                    struct source_list *reuse);
/* Groups by the row unless something is grouped by already. */
void group_by_row(struct scope *scope);
/* A condition inside an expression (Case, aggregate filter): joins become LEFT. */
bool resolve_inner_cond(struct scope *scope, const struct cond *cond, const struct rcond **out);

/* The right side's expressions, resolved before the left side's joins are made (and, for a split
 * condition, in the outer scope): one for OPERAND_EXPR, one an item for OPERAND_LIST, NULL where an item
 * is a literal. */
struct rights {
	const struct rexpr *const *items;
	size_t n;
};

bool resolve_rights(struct scope *scope, const struct operand *operand, const struct field *hint,
                    struct source_list *reuse, struct rights *rights);

/* left, the parts that follow, the right side -> a condition.  `target` (may be NULL) is what the path named. */
bool build_lookup(struct scope *scope, const struct rexpr *left, const struct target *target,
                  const struct path *parts, size_t from, const struct operand *operand,
                  const struct rights *rights, const struct rcond **out);

/* `hint` (may be NULL) is the type a literal takes. */
bool resolve_expr(struct scope *scope, const struct expr *expr, const struct field *hint,
                  struct source_list *reuse, const struct rexpr **out);
bool resolve_call(struct scope *scope, const struct expr *expr, const struct field *hint,
                  struct source_list *reuse, const struct rexpr **out);
/* A call that no row of the table describes; NULL when there is none of that name. */
typedef bool special_call(struct scope *scope, const struct expr *expr, struct source_list *reuse,
                          const struct rexpr **out);
special_call *special_call_find(struct str name);
/* The value of a key of a JSON document or hstore; NULL with an error. */
const struct rexpr *json_key(struct scope *scope, const struct rexpr *left, struct str name);
bool resolve_orders(struct scope *scope, const struct order *orders, size_t n,
                    const struct rorder **out);
bool resolve_window(struct scope *scope, const struct expr *expr, const struct rexpr **out);
/* A literal says nothing of its type: it takes its neighbours'. */
bool expr_is_untyped(const struct expr *expr);
bool resolve_path_expr(struct scope *scope, const struct path *path, struct source_list *reuse,
                       const struct rexpr **out);
bool resolve_literal(struct scope *scope, const struct value *value, const struct field *hint,
                     const struct rexpr **out);
bool resolve_subquery(struct scope *scope, const struct query *query, bool wants_column,
                      const struct select **out);

/* The value behind `left__name`: a transform, a key of a JSON document, an element of an array.  NULL when the
 * name is none. */
const struct rexpr *apply_transform(struct scope *scope, const struct rexpr *left, struct str name);
/* Letters, digits and / _ + -: what may be the name of a time zone; PostgreSQL knows whether it is. */
bool zone_is_plausible(struct str name);
struct rexpr *rexpr_new(struct arena *arena, enum rexpr_kind kind, const struct field *field, size_t nargs);
void rexpr_set_arg(struct rexpr *expr, size_t i, const struct rexpr *arg);

/* Makers of small nodes; constants (an empty AND, an empty OR) are folded. */
const struct rcond *cond_group(struct arena *arena, enum rcond_kind kind, const struct rcond *const *children,
                               size_t n);
const struct rcond *cond_not(struct arena *arena, const struct rcond *child);
const struct rcond *cond_isnull(struct arena *arena, const struct rexpr *left, bool is_null);
const struct rcond *cond_exists(struct arena *arena, const struct select *select);
/* No row can match. */
bool cond_is_false(const struct rcond *cond);
bool field_can_be_null(const struct rexpr *expr);
bool field_may_become_null(const struct rexpr *expr);

#endif

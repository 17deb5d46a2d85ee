/* What to send and how to read the answer: a statement, the layout of its rows as JSON,
 * and the prefetch levels below it.
 *
 * Made from a query tree by query/resolve, query/plan and the emit files; read by fetch/ and wire/encode.
 */
#ifndef QUERN_SQL_PLAN_H
#define QUERN_SQL_PLAN_H

#include "orm/base/error.h"
#include "orm/model/field_types.h"
#include "orm/query/layout.h"
#include "orm/query/tree.h"
#include "orm/sql/cursor.h"
#include "orm/sql/statement.h"

struct plan;

#define PLAN_PAGE_ROWS 1000

/* One prefetch below a level: one statement for all parents. */
struct prefetch_plan {
	const struct plan *plan;
	unsigned parent_column; /* of the parent's rows: the value that children carry */
	unsigned child_column;  /* of the child's rows (hidden, behind the layout's columns) */
	bool is_single;         /* to-one: the row or null; otherwise an array */
	const struct field *key_field; /* the keys' type, for the array parameter */
};

/* A page by cursor: its rows, backwards where `before` asked for it, and one row more where there is another
 * page. */
struct page {
	bool is_backwards;
	bool has_place; /* a cursor was given: the page is not the first (after) or last (before) one */
	size_t rows;
	const unsigned *columns; /* of a row: its place in the ordering */
	size_t ncolumns;
	struct cursor_seal seal;
};
#define PAGE_ROWS_DEFAULT 100
#define PAGE_ROWS_MOST 10000

struct plan {
	const struct model *model;
	struct statement statement;
	/* As a prefetch level: which parameter (from 0) is the array of the parents' keys; its text is NULL here and
	 * filled in by fetch. */
	size_t keys_param;
	bool is_empty; /* no row can match: nothing is sent, the answer is no rows */
	/* At most PLAN_PAGE_ROWS rows: read whole.  More, or any number, are streamed. */
	bool has_limit;
	enum row_form form;
	struct layout layout;
	const struct prefetch_plan *prefetches;
	size_t nprefetches;
	const struct page *page; /* NULL: no cursor was asked for */
	/* The total beside the page. */
	enum count_kind count;
	int64_t count_cap;
	struct statement count_statement; /* one bigint; for COUNT_ESTIMATED: the statement to EXPLAIN */
};

/* A restriction that the address puts before the query: one row, or a related manager. */
struct plan_scope {
	const struct value *pk;         /* rows with this primary key; NULL: none */
	const struct relation *relation; /* rows that the row `owner` of the relation's other end has */
	bool is_reverse;                /* walked from relation->to to relation->from */
	const struct value *owner;      /* primary key of the row the manager hangs on */
};

struct aggregate_plan {
	struct statement statement; /* one row */
	struct layout layout;
};

/* One empty clause: every row. */
const struct query *query_all(struct arena *arena);
/* Rows.  `scope` may be NULL. */
bool plan_query(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                const struct query *query, const struct plan **plan, struct error *error);
/* As plan_query, and with after or before in the query the page that they ask for, of at most `most` rows (0: as
 * many as limit says).  Cursors are sealed with `secret`. */
bool plan_page(struct arena *arena, const struct model *model, const struct plan_scope *scope,
               const struct query *query, struct str secret, int64_t most, const struct plan **plan,
               struct error *error);
/* As plan_query, cut behind `most` rows (and one more, to show that there are more): a page, with which a reader can
 * go on, where the query has no slice of its own and an order that stays. */
bool plan_capped(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, struct str secret, int64_t most, const struct plan **plan,
                 struct error *error);
bool query_has_cursor(const struct query *query);
/* `get`, `first`, `last`: as plan_query, ordered (by the primary key where the query does not
 * order) and cut; last reverses; get asks for at most 21 rows. */
enum plan_pick { PLAN_GET, PLAN_FIRST, PLAN_LAST };
bool plan_pick(struct arena *arena, const struct model *model, const struct plan_scope *scope,
               const struct query *query, enum plan_pick pick, const struct plan **plan,
               struct error *error);
/* earliest/latest: fields is a list of names or NULL for get_latest_by. */
bool plan_latest(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, const struct value *fields, bool is_latest,
                 const struct plan **plan, struct error *error);
/* One row, one column: bigint or boolean. */
bool plan_count(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                const struct query *query, struct statement *statement, struct error *error);
bool plan_exists(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, struct statement *statement, struct error *error);
bool plan_aggregate(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                    const struct query *query, const struct named_expr *aggregates, size_t n,
                    struct aggregate_plan *plan, struct error *error);
/* dates and datetimes: the distinct moments of a field cut to `kind` ("month" …), as scalars in order.  tzinfo NULL:
 * the query's zone. */
struct dates {
	const struct value *field, *kind, *tzinfo;
	bool is_descending, has_time;
};
bool plan_dates(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                const struct query *query, const struct dates *dates, const struct plan **plan,
                struct error *error);
/* Rows by a unique field (NULL: the primary key); *key_column is the column to name them by. */
bool plan_in_bulk(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                  const struct query *query, const struct value *ids, const struct value *field_name,
                  const struct plan **plan, unsigned *key_column, struct error *error);

/* The model's own rows whose primary key is in an array parameter (plan->keys_param): for lookups that are
 * sent together.  In no order; *key_column is the column of the key. */
bool plan_by_keys(struct arena *arena, const struct model *model, const struct plan **plan,
                  unsigned *key_column, struct error *error);

/* For write/: statements over the rows a query selects. */
struct assignment {
	const struct field *field;
	struct operand operand;
};
/* UPDATE … SET …; with `returning` (NULL: none) the columns to answer, in order. */
bool plan_update(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                 const struct query *query, const struct assignment *assignments, size_t n,
                 struct statement *statement, struct error *error);
/* Rows each with values of its own: a parameter is an array with an element a row.  An ArrayField's travel as the
 * texts of its arrays (text[]), for unnest() takes nested arrays apart. */
struct bulk_values {
	const struct field *field;
	struct str array; /* a PostgreSQL array literal */
};
struct bulk_update {
	const struct bulk_values *keys; /* one for each of the model's pk_fields */
	const struct bulk_values *values;
	size_t nvalues;
	const struct assignment *assignments; /* the same for every row: expressions */
	size_t nassignments;
	const struct field *const *returning; /* columns to answer, behind them the row's number, from 1; none: 0 */
	size_t nreturning;
};
/* One UPDATE of all those rows, as far as `scope` holds them, locked in the order of their keys before any is
 * changed. */
bool plan_bulk_update(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                      const struct bulk_update *bulk, struct statement *statement, struct error *error);
/* Locks them so and does nothing else: for rows that several statements will change. */
bool plan_bulk_lock(struct arena *arena, const struct model *model, const struct plan_scope *scope,
                    const struct bulk_update *bulk, struct statement *statement, struct error *error);
bool plan_travels_as_text(const struct field *field);
/* SELECT of the primary key and then of `columns` of the matching rows, for update when
 * `lock`. */
bool plan_keys(struct arena *arena, const struct model *model, const struct plan_scope *scope,
               const struct query *query, const struct field *const *columns, size_t ncolumns,
               bool lock, struct statement *statement, struct error *error);
/* The rows that {"name": "x", "role__name": "y"} finds, at most 21 as get() asks for: columns as plan_keys. */
bool plan_find(struct arena *arena, const struct model *model, const struct value *lookups,
               const struct field *const *columns, size_t ncolumns, struct statement *statement,
               struct error *error);
/* A condition or an expression of the model's own columns as SQL with literals written in
 * (no parameters), for constraints, indexes and generated columns.  `where` and `expression`: give one. */
bool plan_schema_sql(struct arena *arena, const struct model *model, const struct value *condition,
                     const struct value *expression, struct str *sql, struct error *error);

#endif

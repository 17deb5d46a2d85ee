/* Shared by the plan_* files: a query resolved under its address, and its way into text. */
#ifndef QUERN_SQL_LEVEL_H
#define QUERN_SQL_LEVEL_H

#include "orm/query/aggregates.h"
#include "orm/query/resolve.h"
#include "orm/sql/emit.h"
#include "orm/sql/plan.h"

/* A scope on the model with the address's restriction in it. */
struct scope *level_scope(struct resolver *r, const struct model *model, const struct plan_scope *address);
/* level_scope and the query's clauses. */
bool level_start(struct arena *arena, const struct model *model, const struct plan_scope *address,
                 const struct query *query, struct resolver *r, struct resolved *q, struct error *error);
/* What the query's statement needs: the zone in which it is to run, a transaction. */
void level_zone(const struct resolved *q, struct statement *statement);
/* Ready to write the query's statement. */
void level_emit(const struct resolved *q, struct emit *e);
/* Aggregates arranged, text written. */
void level_write(struct resolved *q, struct statement *statement);
/* Columns, prefetches, order, layout, text. */
bool level_finish(struct resolved *q, bool by_key_when_unordered, struct plan **plan);
/* The prefetches of q, planned and hung on its row objects. */
bool level_prefetch(struct resolved *q, struct plan *plan);
/* SELECT COUNT(*) over the select, as it is or wrapped. */
bool level_count(struct resolved *q, bool ignores_slice, int64_t cap, struct statement *statement);
/* The total beside the rows of `query`, as q asks for it. */
bool level_total(struct arena *arena, const struct model *model, const struct plan_scope *address,
                 const struct query *query, struct plan *plan, const struct resolved *q, struct error *error);
bool level_is_sliced(const struct resolved *q);
const struct rcond *column_equals(struct arena *arena, struct source *source, const struct field *field,
                                  struct str text);

#endif

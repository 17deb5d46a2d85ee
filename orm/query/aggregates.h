/* How aggregates are computed, so that each sees exactly the rows that its relation has.
 *
 * Joined in place, two multi-valued relations multiply each other (Django ticket 10060).  An aggregate
 * stays in place only where every multi-valued join of the select is on its own path; otherwise it becomes
 * a subselect: over its relation alone, or, where it shares a join with the filter, over the filtered rows
 * made distinct.  A page that neither filters nor orders by its aggregates computes them for the page
 * alone, also by subselects: 1.5 ms instead of 31 ms for 20 of 10,000 articles.
 */
#ifndef QUERN_QUERY_AGGREGATES_H
#define QUERN_QUERY_AGGREGATES_H

#include "orm/query/scope.h"
#include "orm/query/walk.h"

/* Adds to GROUP BY what is selected, ordered by or compared without being an aggregate. */
void complete_groups(struct scope *scope);
/* The groups and what is aggregated in place as a derived table, and everything else over it; columns of `kept`
 * sources (may be NULL) stay as they are. */
struct select *tabulate_groups(struct resolver *r, struct select *groups, const struct source_list *kept);
/* Groups by a unique column of a row that a foreign key names are the groups of that key: they are aggregated
 * before the join.  NULL where the select groups otherwise. */
struct select *group_before_join(struct resolver *r, struct select *select);
/* The aggregate over columns of `inner` (alias `alias`), to which its arguments are added, copied by `map`. */
const struct rexpr *aggregate_over(struct resolver *r, struct select *inner, unsigned alias,
                                   const struct source_map *map, const struct rexpr *expr);
/* Call once columns, conditions, order and slice are there.  Completes GROUP BY, or drops it. */
void arrange_aggregates(struct scope *scope);

#endif

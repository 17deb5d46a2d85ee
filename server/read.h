/* What the reading handlers share. */
#ifndef QUERN_SERVER_READ_H
#define QUERN_SERVER_READ_H

#include "orm/query/decode.h"
#include "orm/sql/shape.h"
#include "server/handlers.h"

/* What was asked: the body (or the query string as one) and the query in it. */
struct asked {
	const struct value *body;
	const struct query *query;
};

/* The method's own members of the body, ended by NULL; NULL for none. */
const char *const *read_own_members(const struct request *request);
/* Judges Accept, reads and decodes the request; the method's own members are left in the body. */
bool read_asked(struct request *request, struct asked *asked);
/* What the request asks for becomes a plan; false with the error set. */
typedef bool planner_fn(struct request *request, const struct asked *asked, struct answer_plan *plan);
/* As read_asked() and the planner, unless a plan of the same shape is kept.  False as read_refused() leaves it. */
bool read_plan(struct request *request, planner_fn *planner, struct answer_plan *plan);
/* Whether the answer is drawn by chance, and so nobody else's. */
bool read_is_random(const struct plan *plan);
/* NULL where the address names no row and no related manager. */
const struct plan_scope *read_scope(const struct request *request);
/* Takes a false of the planner as it is, but for two: a key in the address that cannot be one finds
 * nothing (404), and an unknown parameter may have been meant for a reserved one.  Returns false. */
bool read_refused(struct request *request);
/* Waits.  A related manager that found nothing: whether it is that of a row at all; false with
 * DoesNotExist when it is not. */
bool read_owner(struct request *request);
/* The rows of a query with a cursor. */
bool read_page(struct request *request, const struct plan *plan);
/* What to ask for the total beside the rows; false when nothing is to be asked. */
bool read_count_statement(struct request *request, const struct plan *plan, struct statement *statement);
/* ,"count":{…} of that statement's answer, where the query asks for it. */
bool read_add_count(struct request *request, const struct plan *plan, const struct db_rows *rows);
/* "Article matching query does not exist."; returns false. */
bool read_nothing(struct request *request, const struct model *model);

#endif

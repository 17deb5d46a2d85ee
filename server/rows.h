/* Rows into the reply, in the form that accept_rows() has chosen, and what stands beside them.
 *
 * JSON is one document, {"results": […], …}, whose further members follow the rows.  NDJSON and CSV are rows alone;
 * what JSON says in members is said in headers, or in trailers where it is known only when the head is sent.
 */
#ifndef QUERN_SERVER_ROWS_H
#define QUERN_SERVER_ROWS_H

#include "orm/fetch/fetch.h"
#include "server/request.h"

/* Whether count and cursors are headers: to be said before the rows, where they are known before them. */
bool rows_have_headers(const struct request *request);

/* `most`: rows that settings allow, 0: any number. */
void rows_begin(struct request *request, const struct plan *plan, size_t most);
void rows_add(struct request *request, const struct fetched *fetched, size_t row, bool is_first);
void rows_end(struct request *request);
/* Behind rows_end() in JSON. */
void rows_count(struct request *request, int64_t count, const char *kind);
/* For the same reason as LINK_MOST of rows.c. */
#define ROWS_CURSOR_MOST 1536
bool rows_cursor_fits(const struct request *request, struct str cursor);
/* name: "next" or "previous"; p == NULL: there is none. */
void rows_cursor(struct request *request, const char *name, struct str cursor);
void rows_truncated(struct request *request);
void rows_close(struct request *request);

/* The answer of a method that finds one row: as its own document in JSON. */
void rows_one(struct request *request, const struct fetched *fetched, size_t row);
/* null, or no line. */
void rows_none(struct request *request, const struct plan *plan);

#endif

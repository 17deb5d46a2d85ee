/* The methods of a manager: one row each, so that adding one is adding a row and its test.
 */
#ifndef QUERN_SERVER_HANDLERS_H
#define QUERN_SERVER_HANDLERS_H

#include "orm/write/options.h"
#include "server/request.h"

struct method {
	const char *name;
	bool only_reads;   /* GET with the query in the query string works too */
	bool only_related; /* on related managers alone: add, remove, set, clear */
	bool also_related; /* on a related manager as well as on a model */
	handler_fn handler;
	const char *const *own; /* its own members beside the clauses, ended by NULL */
};

extern const struct method methods[];
extern const size_t methods_count;
const struct method *method_find(struct str name);

/* The request's body or query string as a struct value, an empty object when there is none.
 * Content type, limits and UTF-8 are judged here. */
bool request_value(struct request *request, const char *const *own, const struct value **value);

/* The body's query (orm/query/decode.h), with request->db on the database that its `using` names. */
bool request_query(struct request *request, const struct value *body, const char *const *own,
                   const struct query **query);

/* Puts request->db on the database of that alias.  ERROR_VALUE, or ERROR_NOT_SUPPORTED in the transaction of another. */
bool request_use(struct request *request, struct str alias, const struct pos *pos);

/* The members of a body that say how to write, not what: `returning`, `require`, `validate`; those that
 * `allowed` names are taken out of it into `options`.  Where the body is itself a row (is_row) a field of such
 * a name keeps it.  server/change_options.c */
enum { OPTION_RETURNING = 1, OPTION_REQUIRE = 2, OPTION_VALIDATE = 4 };
bool request_options(struct request *request, const struct value *body, unsigned allowed, bool is_row,
                     const struct value **rest, struct write_options *options);

/* server/read.c */
bool read_query(struct request *request); /* also a plain GET and QUERY */
bool read_row(struct request *request);   /* GET /api/{model}/{pk}: one row, with the clauses of the query string */
bool read_get(struct request *request);
bool read_first(struct request *request);
bool read_last(struct request *request);
bool read_earliest(struct request *request);
bool read_latest(struct request *request);
bool read_count(struct request *request);
bool read_exists(struct request *request);
bool read_aggregate(struct request *request);
bool read_in_bulk(struct request *request);
bool read_dates(struct request *request);
bool read_datetimes(struct request *request);
bool read_sql(struct request *request);
bool read_explain(struct request *request);

/* server/change.c */
bool change_create(struct request *request); /* also a plain POST: an object or an array */
bool change_bulk_create(struct request *request);
bool load_rows(struct request *request); /* server/load.c: the same with rows as CSV or NDJSON */
bool change_get_or_create(struct request *request);
bool change_update_or_create(struct request *request);
bool change_bulk_update(struct request *request);
bool change_update(struct request *request);      /* POST …/update */
bool change_update_all(struct request *request);  /* PATCH /api/{model}?lookups */
bool change_row(struct request *request);         /* PATCH and PUT of one row */
bool change_delete(struct request *request);      /* POST …/delete */
bool change_delete_all(struct request *request);  /* DELETE /api/{model}?lookups */
bool change_delete_row(struct request *request);
bool change_related_add(struct request *request);
bool change_related_remove(struct request *request);
bool change_related_set(struct request *request);
bool change_related_clear(struct request *request);

/* server/batch.c: POST /batch.  Makes its transaction itself, and does what guard.h does around others. */
bool batch_run(struct request *request);

#endif

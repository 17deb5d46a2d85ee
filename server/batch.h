/* A batch: operations of managers, run one after the other, in one transaction or each in its own.
 *
 * Private to the batch*.c files:
 *
 *	body --batch_decode.c--> struct batch --batch.c--> attempts --batch_operation.c--> handlers
 *	                                                      `-- batch_ref.c: results in later bodies
 */
#ifndef QUERN_SERVER_BATCH_H
#define QUERN_SERVER_BATCH_H

#include "orm/base/map.h"
#include "server/handlers.h"

struct operation {
	/* What was asked. */
	const struct pos *pos;
	struct str as; /* p == NULL: none */
	const struct model *model;
	struct str method_name; /* p == NULL: one of a row's, as http_method says */
	enum http_method http_method;
	handler_fn handler;
	bool only_reads;
	const struct value *pk; /* of the row, or of the one whose related manager it is; NULL: none */
	struct str relation;    /* p == NULL: none */
	const struct value *relation_value;
	const struct value *body; /* with Refs in it; NULL: none */
	struct str if_match;
	bool continues; /* when it fails, the others go on */

	/* What became of it in the present attempt. */
	bool has_failed;
	size_t reply_at, reply_n;   /* its body in batch->replies */
	const struct value *result; /* the same as a value, once a Ref has asked for it */
	bool is_unreadable;         /* a Ref has asked, and it is too much */
};

struct batch {
	struct request *request;
	struct request outer;  /* the request as it came, while an operation has taken its place */
	struct arena *arena;   /* the request's */
	struct arena *scratch; /* of the running operation */
	struct arena *results; /* of what Refs have read in the present attempt */

	bool is_atomic, is_dry_run;
	enum db_isolation isolation;
	const struct pos *isolation_pos; /* NULL: not said */
	unsigned retries;
	struct operation *operations;
	size_t n;
	struct map names; /* "as" -> operation */

	/* The present attempt. */
	bool is_joined;   /* part of a transaction that was open before */
	bool in_one;      /* all in one transaction */
	bool is_locating; /* only to find whose change breaks a deferred constraint */
	unsigned attempts;
	size_t failed;
	struct buf replies; /* the members of "results" */
	size_t ref_values;  /* that Refs may still make of results */
	size_t culprit;     /* is_locating: the operation that broke it, batch->n: none did */
};

/* batch_decode.c */
/* Reads the whole of the body, but for what Refs stand for: names, models, methods, limits.  Chooses the
 * database that it names. */
bool batch_decode(struct batch *batch, const struct value *body);

/* batch_ref.c */
/* Whether every Ref of the operation names an earlier one; before anything is run. */
bool batch_check_refs(struct batch *batch, const struct operation *operation);
/* The value with what its Refs stand for in their places, in the scratch arena; `value` itself where it has
 * none. */
bool batch_fill(struct batch *batch, const struct operation *operation, const struct value *value,
                const struct value **filled);

/* batch_operation.c */
/* Waits.  Runs it and puts its answer behind the others.  On false the request's error is set and says
 * which operation it was. */
bool operation_run(struct batch *batch, struct operation *operation);
/* Its answer is the request's error, which is cleared. */
void operation_add_failure(struct batch *batch, struct operation *operation);
/* Says in the request's error that it is this operation's. */
void operation_blame(struct batch *batch, const struct operation *operation);

#endif

/* A write under way: whose session, where errors go.
 *
 * Statements of a write that needs one alone go out by themselves (each is its own transaction);
 * a write that needs several runs in writing_atomically().  IntegrityErrors leave here with the
 * model's fields and words for people.
 */
#ifndef QUERN_WRITE_WRITING_H
#define QUERN_WRITE_WRITING_H

#include "orm/db/db.h"
#include "orm/sql/plan.h"
#include "orm/write/options.h"

struct validation; /* orm/write/validate.h */

struct writing {
	struct db_session *session;
	struct arena *arena;
	const struct registry *registry;
	const struct write_options *options; /* never NULL */
	bool is_deleting; /* for the words of a foreign key's violation */
	/* What is assigned by an UPDATE, for the words of an overflow or of a key that is referred to. */
	const struct assignment *assigned;
	size_t nassigned;
	struct error *error;
};

/* `options` may be NULL: none are given. */
void writing_init(struct writing *writing, struct db_session *session,
                  const struct registry *registry, const struct write_options *options,
                  struct error *error);
/* Waits.  In the session's open transaction, else by themselves as one implicit transaction, which is tried
 * again, up to three times, when PostgreSQL ends it for a deadlock. */
bool writing_run(struct writing *writing, const struct statement *statements, size_t n,
                 struct db_rows *rows);
bool writing_query(struct writing *writing, const struct statement *statement,
                   struct db_rows *rows);
/* Waits.  Statements that only read: may be sent again when a connection is lost. */
bool writing_read(struct writing *writing, const struct statement *statements, size_t n,
                  struct db_rows *rows);
/* Waits.  body(writing, arg) in a transaction, committed when it returns true; in the session's open one when
 * there is one.  Tried again, up to three times, when PostgreSQL ends it for a deadlock: body must
 * be able to begin anew. */
bool writing_atomically(struct writing *writing, bool (*body)(struct writing *writing, void *arg),
                        void *arg);

/* Gathers violations of what this write is given; none of the model's rules is asked with "validate": false. */
void writing_validation(const struct writing *writing, struct validation *validation);

/* "Role matching query does not exist." and "get() returned more than one Role -- it returned 2!" */
bool writing_none_found(struct writing *writing, const struct model *model, const struct pos *pos);
bool writing_many_found(struct writing *writing, const struct model *model, const struct pos *pos,
                        size_t n);
/* A row whose to_field is NULL cannot be referred to: what would be written refers to nothing.  True where
 * there is a key. */
bool writing_can_refer(struct writing *writing, const struct field *target, struct str key,
                       const struct pos *pos);

#endif

/* Brings a database to what the models say, or tells how it differs.
 *
 * Works over a blocking libpq connection of its own, opened and closed by each call: for the
 * command line and the start of a server, never for a request.  It creates; a change of what
 * was created before is refused in words, with nothing touched.  Unlike the errors of a
 * request, those of this room hold PostgreSQL's own message: they are for the operator.
 */
#ifndef QUERN_MIGRATE_MIGRATE_H
#define QUERN_MIGRATE_MIGRATE_H

#include "orm/base/error.h"
#include "orm/model/model.h"

struct migrate_options {
	const char *conninfo;    /* as PQconnectdb takes it; "" for the PG* variables */
	const char *search_path; /* NULL or "": the database's own */
	/* One line for a person, without a newline: "create table vote".  NULL: nobody listens. */
	void (*report)(void *context, const char *line);
	void *context;
};

/* Creates, in one transaction, the tables of models that the database does not have yet and those
 * that the server itself uses, and records the models in quern_migrations.  Nothing to do is nothing done and nothing
 * reported.  Callers that start together wait for each other.  ERROR_CONFLICT, with nothing
 * touched, when a recorded model has changed or gone, or a new model's table is already there;
 * ERROR_UNAVAILABLE when the database cannot be reached. */
bool migrate_apply(const struct migrate_options *options, const struct registry *registry,
                   struct error *error);

/* The statements that migrate_apply() would run now, as a script; "" for nothing to do.
 * Nothing is changed.  The text lives in error->arena. */
bool migrate_plan(const struct migrate_options *options, const struct registry *registry,
                  struct str *sql, struct error *error);

/* The script that makes all tables of the models in an empty database; asks no database. */
bool migrate_script(const struct registry *registry, struct str *sql, struct error *error);

/* Compares the database with what the models need: tables, columns, types, nullability.
 * Reports each misfit in one line and counts them in *misfits; who made the tables does not
 * matter.  False only when it could not look. */
bool migrate_check(const struct migrate_options *options, const struct registry *registry,
                   size_t *misfits, struct error *error);

#endif

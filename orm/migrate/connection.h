/* The blocking connection of this room: opened for one call, closed at its end.
 *
 * Errors hold PostgreSQL's own words; a statement that fails names what was being done.  All
 * text goes as it is to PQexecParams: statements are constants of ours or made by
 * orm/sql/writer.
 */
#ifndef QUERN_MIGRATE_CONNECTION_H
#define QUERN_MIGRATE_CONNECTION_H

#include "orm/migrate/migrate.h"

#include <libpq-fe.h>

struct connection {
	PGconn *pg;
	struct error *error;
};

/* Connects with UTF-8 and the search path of the options; needs PostgreSQL 12 or newer. */
bool connection_open(struct connection *connection, const struct migrate_options *options,
                     struct error *error);
void connection_close(struct connection *connection);

/* Runs one statement; `doing` completes "Cannot …" ("create table vote"). */
bool connection_run(struct connection *connection, const char *sql, const char *doing);

/* Runs one statement with text parameters ended by NULL.  *result is the caller's to
 * PQclear(). */
bool connection_query(struct connection *connection, const char *sql, const char *const *params,
                      const char *doing, PGresult **result);

/* Sets the error from the connection or a result (may be NULL); returns false. */
bool connection_fail(struct connection *connection, const PGresult *result, const char *doing);

#endif

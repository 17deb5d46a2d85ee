/* A database with the tables of some models, and clients that write to it as tasks. */
#ifndef QUERN_TESTS_WRITE_DATABASE_H
#define QUERN_TESTS_WRITE_DATABASE_H

#include "orm/write/write.h"
#include "tests/support/suite.h"
#include "tests/write/models.h"

/* Empties the database and makes the tables. */
void database_open(const char *models);
void database_close(void);
/* Runs fn(arg) as a task to its end, or several side by side. */
void as_task(void (*fn)(void *arg), void *arg);
void as_tasks(void (*fn)(void *arg), void *args[], size_t n);

extern const struct registry *registry;

struct client {
	struct arena *arena;
	struct db_session session;
	struct error error;
};
void client_open(struct client *client);
void client_close(struct client *client);
/* The error forgotten, statements counted anew. */
void client_again(struct client *client);

/* A statement as it stands. */
void run_sql(struct client *client, const char *sql);
/* The cells of a result: "1,a|2,b"; NULL is "-". */
const char *rows_of(struct client *client, const char *sql);
#define ck_rows(client, sql, expected) ck_assert_str_eq(rows_of((client), (sql)), (expected))

/* The calls of write.h on models by name, with JSON (single quotes for double ones).  Each answers as
 * text what was written or counted; on an error "Kind: detail". */
const char *create(struct client *client, const char *model, const char *json);
const char *bulk_create(struct client *client, const char *model, const char *json);
const char *update(struct client *client, const char *model, const char *query, const char *set);
const char *change_row(struct client *client, const char *model, const char *pk, const char *set,
                       bool is_whole);
const char *delete_rows(struct client *client, const char *model, const char *query);
const char *get_or_create(struct client *client, const char *model, const char *json);
const char *update_or_create(struct client *client, const char *model, const char *json);
/* The manager named by an accessor of the row. */
struct plan_scope scope_of(struct client *client, const char *model, const char *pk,
                           const char *accessor);
const char *create_related(struct client *client, const char *model, const char *pk,
                           const char *accessor, const char *json);
const char *related(struct client *client, enum related_change change, const char *model,
                    const char *pk, const char *accessor, const char *json);

#endif

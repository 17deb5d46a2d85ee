/* For the tests of this room: a registry from JSON text, a schema of the test database for each
 * case, and what a migration reported. */
#ifndef QUERN_TESTS_MIGRATE_SUPPORT_H
#define QUERN_TESTS_MIGRATE_SUPPORT_H

#include "orm/migrate/migrate.h"
#include "orm/model/build.h"

#include <libpq-fe.h>

struct bench {
	struct arena *arena;
	struct error error;
	PGconn *pg;
	char schema[32];
	struct migrate_options options;
	struct str *lines; /* reported */
	size_t n;
};

extern struct bench bench;

/* A fixture: connects, makes an empty schema and takes it as search path. */
void bench_setup(void);
void bench_teardown(void);
/* Without a database. */
void bench_setup_pure(void);
void bench_teardown_pure(void);

/* The registry of a JSON text, in which ' stands for "; fails the case when it has a mistake. */
const struct registry *models(const char *text);
/* Without that exchange. */
const struct registry *models_exactly(struct str text);
/* A whole file of models; the path is below the source folder. */
const struct registry *models_of_file(const char *path);

/* Runs a statement; the first value it answers, "" without rows. */
const char *ask(const char *sql);
/* Applies; fails the case when that is refused. */
void apply(const struct registry *registry);
/* Applies; fails the case unless it is refused with these words in the error. */
void assert_refused(const struct registry *registry, const char *words);
/* Checks; the number of misfits. */
size_t misfits_of(const struct registry *registry);
/* Whether a reported line holds the words. */
bool was_reported(const char *words);

#endif

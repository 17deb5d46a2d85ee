/* Rows as files in the form of Django's fixtures: {"model": "news.article", "pk": 1, "fields": {…}}.
 *
 * Dumping and loading work row by row in one transaction, so that memory does not grow with the
 * data; JSON texts are PostgreSQL's own on the way out, and checked by the models' field types on the
 * way in.  What Django's dumpdata writes can be loaded, and what is dumped here Django can load.
 */
#ifndef QUERN_MIGRATE_FIXTURE_H
#define QUERN_MIGRATE_FIXTURE_H

#include "orm/migrate/migrate.h"

/* A model's natural key: the fields of a uniqueness that is never null.  0 when it has none. */
size_t fixture_natural_key(const struct model *model, const struct field **fields, size_t most);
enum { FIXTURE_NATURAL_MOST = 16 };

/* ---- dumping ---- */

struct fixture_dump {
	const struct model *const *models; /* in the order in which they are to be loaded */
	size_t nmodels;
	bool natural_foreign, natural_primary;
	/* One object at a time, compact and without a newline; false stops. */
	bool (*write)(void *context, struct str object);
	void *context;
	const char *label; /* of Django's application, in front of names; NULL: none */
};

/* Models that `chosen` allows (NULL: all) so that each comes behind those it refers to. */
size_t fixture_order(struct arena *arena, const struct registry *registry,
                     bool (*chosen)(void *context, const struct model *model), void *context,
                     const struct model *const **models);
/* All rows as one moment sees them. */
bool fixture_dump(const struct migrate_options *options, const struct fixture_dump *dump,
                  struct error *error);

/* ---- loading ---- */

struct fixture_options {
	/* Text inside a text: lists, ranges and hstores of Django's. */
	bool (*read_json)(struct arena *arena, struct str text, const struct value **value,
	                  struct error *error);
	bool ignores_unknown; /* models and fields */
};

struct fixture_load;

/* Begins the transaction.  The load lives until fixture_load_end(). */
bool fixture_load_begin(const struct migrate_options *options, const struct registry *registry,
                        const struct fixture_options *fixture, struct fixture_load **load,
                        struct error *error);
/* One object; `value` is not used afterwards. */
bool fixture_load_object(struct fixture_load *load, const struct value *value, struct error *error);
/* What is still waiting, sequences, commit. */
bool fixture_load_finish(struct fixture_load *load, uint64_t *nrows, struct error *error);
/* Rolls back what was not finished, frees all. */
void fixture_load_end(struct fixture_load *load);

/* Empties the tables of all managed models and numbers anew from 1. */
bool fixture_flush(const struct migrate_options *options, const struct registry *registry,
                   struct error *error);

#endif

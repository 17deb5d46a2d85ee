/* Migration files and the order they stand in.
 *
 * A file is {"dependencies": […], "operations": […]}, its name without .json the migration's.
 * Reading the files themselves is the caller's: this room sees their documents.  Pure.
 */
#ifndef QUERN_MIGRATE_MIGRATION_H
#define QUERN_MIGRATE_MIGRATION_H

#include "orm/migrate/operation.h"

struct names {
	struct str *items;
	size_t n, cap;
};

bool names_have(const struct names *names, struct str name);

struct migration {
	struct str name;          /* 0002_author_email */
	struct names dependencies; /* those of squashed ones resolved by graph_build() */
	struct names replaces;    /* of a squashed one */
	struct operations operations;
	bool is_whole;   /* "atomic": true: one transaction, whatever it locks */
	bool is_applied; /* set by graph_build() */
};

/* A migration file as read: its name and document. */
struct migration_document {
	struct str name;
	const struct value *document;
};

bool migration_read(struct arena *arena, const struct migration_document *file,
                    struct migration *migration, struct error *error);
/* The file's text. */
struct str migration_write(struct arena *arena, const struct migration *migration);
/* "0003_author_email", from the operations as Django words it; `name` ("": none) instead of the
 * words, `number` the file's. */
struct str migration_name(struct arena *arena, unsigned number, const struct operations *operations,
                          struct str name);
/* Whether a person's words can be part of a file's name: letters, digits, _ and -, at most 150. */
bool migration_is_name(struct str name);
/* The number that a name begins with; 0 for none. */
unsigned migration_number(struct str name);

/* All migrations in an order in which each stands behind what it depends on. */
struct graph {
	struct arena *arena;
	struct migration **items;
	size_t n, cap;
	struct names leaves; /* nothing depends on them: more than one is a fork */
};

/* `applied` may be empty.  A squashed migration stands for those that it replaces when all or none of
 * them are applied, else they for it.  ERROR_CONFLICT for what is missing or goes round in a circle. */
bool graph_build(struct arena *arena, struct migration *migrations, size_t n,
                 const struct names *applied, struct graph *graph, struct error *error);
/* By name or by the beginning of one alone; ERROR_DOES_NOT_EXIST otherwise. */
bool graph_find(const struct graph *graph, struct str name, size_t *index, struct error *error);
/* Whether `index` stands, by way of others, on `other`. */
bool graph_depends(const struct graph *graph, size_t index, size_t other);
/* ERROR_CONFLICT with the names when there is more than one leaf. */
bool graph_check_fork(const struct graph *graph, struct error *error);
/* The models after all migrations for which `is_in` (NULL: all). */
bool graph_project(const struct graph *graph, const bool *is_in, struct project *project,
                   struct error *error);
/* Applies all operations of one; the error names the migration. */
bool migration_apply(const struct migration *migration, struct project *project,
                     struct error *error);

#endif

/* Two catalogs beside each other: pure. */
#ifndef QUERN_MIGRATE_DIFF_TABLES_H
#define QUERN_MIGRATE_DIFF_TABLES_H

#include "orm/migrate/catalog_read.h"
#include "orm/migrate/diff.h"

struct diff {
	struct arena *arena;
	const struct registry *registry;
	const struct catalog *actual, *expected;
	struct differences *out;
	/* The model that is being compared. */
	const struct model *model;
	const struct catalog_table *is, *wanted;
};

/* Model by model, then the tables that no model has. */
void diff_tables(struct diff *diff);
/* diff_things.c: constraints and indexes of the model's table. */
void diff_things(struct diff *diff);
/* A difference of the model's table; p == NULL of `database` or `models`: it is not there. */
void diff_add(struct diff *diff, bool is_note, struct str subject, struct str database,
              struct str models);
/* The same where the texts differ; nothing where they are the same. */
void diff_text(struct diff *diff, bool is_note, struct str subject, struct str database,
               struct str models);

#endif

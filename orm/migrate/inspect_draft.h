/* Models on their way from a catalog to a file: what the inspect_*.c files share. */
#ifndef QUERN_MIGRATE_INSPECT_DRAFT_H
#define QUERN_MIGRATE_INSPECT_DRAFT_H

#include "orm/migrate/edit.h"
#include "orm/migrate/inspect.h"

struct inspected_model;

/* A column's field. */
struct inspected_field {
	const struct catalog_column *column;
	struct str name;
	struct members declaration;
	/* A relation: the model at its other end. */
	struct inspected_model *to;
	const struct catalog_constraint *foreign_key;
	bool is_one_to_one, is_key;
};

/* A many-to-many field that stands for a join table. */
struct inspected_many {
	struct str name;
	struct inspected_model *to;
	const struct catalog_table *join;
	struct str related_name; /* p == NULL: none needed */
	bool needs_table;
};

struct inspected_model {
	const struct catalog_table *table;
	struct str name;
	bool is_join; /* written as a many-to-many field of another */
	bool is_managed;
	struct inspected_field *fields; /* one a column */
	size_t nfields;
	struct {
		struct inspected_many *items;
		size_t n, cap;
	} many;
	const struct str *key; /* names of columns */
	size_t nkey;
	/* What the fields' own options say already, by the place in the table's lists. */
	bool *constraint_is_said, *index_is_said;
};

struct inspecting {
	struct arena *arena;
	const struct catalog *catalog;
	struct inspection *out;
	struct {
		struct inspected_model **items;
		size_t n, cap;
	} models;
};

void inspect_note(struct inspecting *in, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "film", or "shop.film" for a table outside of the search path. */
struct str inspect_table_shown(struct inspecting *in, const struct catalog_table *table);

/* inspect_names.c: names that a model file takes, of any name of a database. */
struct str inspect_model_name(struct inspecting *in, const struct catalog_table *table);
/* Among the names of the model's fields so far; a relation leaves its "_id" off. */
struct str inspect_field_name(struct inspecting *in, const struct inspected_model *model,
                              struct str column, bool is_relation);
/* The name of a table in Meta.db_table. */
struct str inspect_db_table(struct inspecting *in, const struct catalog_table *table);
/* Gives related_name where Django's own would meet another name of the other model. */
void inspect_name_reverse_sides(struct inspecting *in);

/* inspect_types.c: puts type, sizes, choices and db_type of a column's type. */
void inspect_type(struct inspecting *in, const struct catalog_column *column, struct members *out);
/* The same of its default; nothing for none. */
void inspect_default(struct inspecting *in, const struct catalog_column *column,
                     struct members *out);
/* {"RawSQL": text} */
const struct value *inspect_raw(struct inspecting *in, struct str text);

/* inspect_fields.c: the fields of all models: keys, relations, what the database says of each. */
void inspect_fields(struct inspecting *in);
/* Finds join tables that are many-to-many fields. */
void inspect_joins(struct inspecting *in);
const struct inspected_field *inspect_find_field(const struct inspected_model *model,
                                                 struct str column);

/* inspect_meta.c: constraints and indexes that fields' options do not say. */
const struct value *inspect_meta(struct inspecting *in, struct inspected_model *model);
/* Marks what options say: unique, db_index and the indexes that come along. */
void inspect_claim(struct inspecting *in, struct inspected_model *model);

#endif

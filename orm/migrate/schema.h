/* Schema SQL: what a database has to hold for the models, as statements with Django's names.
 *
 * Pure: a frozen registry in, text out.  Names are quoted, literals escaped by orm/sql/writer;
 * nothing of a request comes here.  Where Django versions differ the newest one's definition is
 * taken (identity columns, not serial ones).
 */
#ifndef QUERN_MIGRATE_SCHEMA_H
#define QUERN_MIGRATE_SCHEMA_H

#include "orm/base/error.h"
#include "orm/model/model.h"
#include "orm/sql/writer.h"

/* In the order in which they are run: what a kind needs, the kinds before it have made. */
enum schema_kind {
	SCHEMA_EXTENSION,
	SCHEMA_TABLE,
	SCHEMA_UNIQUE, /* unique_together */
	SCHEMA_FOREIGN_KEY,
	SCHEMA_INDEX, /* unique indexes of conditional constraints as well */
	SCHEMA_COMMENT,
	SCHEMA_KINDS,
};

struct schema_statement {
	enum schema_kind kind;
	struct str label; /* for a person: "create table vote" */
	struct str sql;   /* without a semicolon */
};

struct schema {
	struct arena *arena;
	struct schema_statement *items;
	size_t n, cap;
};

/* The statements that make the tables of these models, in order; unmanaged models make none.
 * They may refer to tables of other models.  Lives in `arena`. */
bool schema_build(struct arena *arena, const struct model *const *models, size_t n,
                  struct schema *schema, struct error *error);

/* The statements as a script in a transaction of its own. */
struct str schema_script(struct arena *arena, const struct schema *schema);

/* ---- the parts, one file each; each adds statements, or text to a statement ---- */

/* schema_column.c: `"role_id" bigint NOT NULL`. */
bool schema_column(struct sql *sql, const struct field *field, struct error *error);
/* The same for ADD COLUMN: `existing` ("": db_default) is what the rows that are there get; a bare
 * one has neither UNIQUE nor CHECK. */
bool schema_column_added(struct sql *sql, const struct field *field, struct str existing,
                         bool is_bare, struct error *error);
/* ` DEFAULT …` of db_default, nothing where there is none. */
bool schema_column_default(struct sql *sql, const struct field *field, struct error *error);
/* PositiveIntegerField and its kin. */
bool schema_column_has_check(const struct field *field);
/* Whether the column is unique by itself: unique, one-to-one or the primary key. */
bool field_is_unique_column(const struct field *field);

/* schema_constraint.c: constraints in CREATE TABLE, each behind ", ". */
bool schema_table_constraints(struct sql *sql, const struct model *model, struct error *error);
/* unique_together, conditional unique constraints, foreign keys. */
bool schema_constraints(struct schema *schema, const struct model *model, struct error *error);

/* schema_index.c: db_index, pattern indexes, Meta.indexes. */
bool schema_indexes(struct schema *schema, const struct model *model, struct error *error);
/* CREATE UNIQUE INDEX for a unique constraint that no constraint can express. */
bool schema_unique_index(struct schema *schema, const struct model *model,
                         const struct constraint *constraint, struct error *error);
/* The statement of one index, of the columns' own one (`suffix` "" or "_like"), of one constraint:
 * ADD CONSTRAINT or CREATE UNIQUE INDEX. */
bool schema_index(struct schema *schema, const struct model *model, const struct index *index,
                  struct error *error);
void schema_field_index(struct schema *schema, const struct field *field, bool is_like);
bool schema_constraint(struct schema *schema, const struct model *model,
                       const struct constraint *constraint, struct error *error);
void schema_unique_together(struct schema *schema, const struct model *model,
                            const struct field *const *fields);
void schema_foreign_key(struct schema *schema, const struct field *field);
void schema_comment(struct schema *schema, const struct model *model, const struct field *field,
                    struct str comment);
void schema_unique_for(struct schema *schema, const struct field *field);
/* Whether the field has such a thing. */
bool field_has_foreign_key(const struct field *field);
bool field_has_index(const struct field *field);
/* NULL: no index for LIKE. */
const char *field_like_opclass(struct arena *arena, const struct field *field);
/* Whether a unique constraint can only be a unique index. */
bool constraint_needs_index(const struct constraint *constraint);
/* What Django calls the field's foreign key. */
struct str schema_foreign_key_name(struct arena *arena, const struct field *field);
/* `("a", (lower("b")) DESC)`, with the operators of an exclusion constraint. */
bool schema_parts(struct sql *sql, const struct model *model, const struct index_part *parts,
                  size_t n, struct error *error);
/* ` INCLUDE ("a", "b")`, nothing for no columns. */
void schema_include(struct sql *sql, const struct field *const *include, size_t n);
/* ` WHERE (condition)`, nothing for NULL. */
bool schema_where(struct sql *sql, const struct model *model, const struct value *condition,
                  struct error *error);

/* schema_extension.c: CREATE EXTENSION for what the models use. */
void schema_extensions(struct schema *schema, const struct model *const *models, size_t n);

/* A condition or an expression (the other NULL) of the model's columns. */
bool schema_expression(struct sql *sql, const struct model *model, const struct value *condition,
                       const struct value *expression, struct error *error);
/* Says in the error which part of the model is meant; returns false. */
bool schema_misplaced(struct error *error, const struct model *model, struct str name);
/* Ends the text of `sql` and adds it as a statement with the label "VERB NAME". */
void schema_add(struct schema *schema, enum schema_kind kind, struct sql *sql, const char *verb,
                struct str name);
/* The table's name without its schema. */
struct str schema_table_name(const struct model *model);

#endif

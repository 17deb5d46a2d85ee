/* Pieces of SQL that several statements of this folder share. */
#ifndef QUERN_WRITE_PARTS_H
#define QUERN_WRITE_PARTS_H

#include "orm/model/model.h"
#include "orm/sql/writer.h"

/* A finished statement's text with its parameters; before anything that has parameters. */
void part_statement(struct sql *sql, const struct statement *statement);
/* ` RETURNING "id", …`: every column, in the order of plan_model_layout(). */
void part_returning(struct sql *sql, const struct model *model);
/* The names of the primary key's columns, separated by commas. */
void part_pk_columns(struct sql *sql, const struct model *model);
/* A PostgreSQL array literal of texts; p == NULL is NULL. */
struct str part_array_text(struct arena *arena, const struct str *items, size_t n);

#endif

/* `returning`: which columns of the rows that a write touches are answered.
 *
 * Names are those of the row's own columns as `values` takes them (a field, its role_id, pk); nothing is read beyond
 * the RETURNING of the statement that writes.  Columns that the caller itself needs may be added: they are read,
 * and not shown.
 */
#ifndef QUERN_WRITE_RETURNING_H
#define QUERN_WRITE_RETURNING_H

#include "orm/base/error.h"
#include "orm/query/layout.h"
#include "orm/sql/writer.h"

struct returning {
	bool shows_rows; /* the answer has rows */
	struct {
		const struct field **items;
		size_t n, cap;
	} columns;            /* what RETURNING lists */
	struct layout layout; /* how these are shown */
};

/* No column. */
void returning_none(struct returning *returning);
/* Every column, in the model's order (plan_model_layout). */
void returning_all(struct arena *arena, const struct model *model, struct returning *returning);
/* What the client says: names, true or "*" for every column, false or [] for none; a query string's list.
 * `value` NULL: as `returning` stands.  ERROR_FIELD for an unknown name. */
bool returning_read(struct arena *arena, const struct model *model, const struct value *value,
                    struct returning *returning, struct error *error);
/* Which column of the rows holds the field; added where it is not shown. */
unsigned returning_column(struct arena *arena, struct returning *returning,
                          const struct field *field);
/* ` RETURNING "id", …`; nothing where there is no column. */
void returning_emit(struct sql *sql, const struct returning *returning);
/* The same of the table `alias`, where other tables stand beside it. */
void returning_emit_of(struct sql *sql, unsigned alias, const struct returning *returning);
/* How to show what was asked for of whole rows (plan_model_layout). */
void returning_narrow(struct arena *arena, const struct model *model,
                      const struct returning *returning, struct layout *layout);

#endif

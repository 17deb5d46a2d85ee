/* How a result row becomes JSON: which column is which member. */
#ifndef QUERN_QUERY_LAYOUT_H
#define QUERN_QUERY_LAYOUT_H

#include "orm/model/field_types.h"

enum layout_kind {
	LAYOUT_COLUMN, /* column, rendered as `field` */
	LAYOUT_OBJECT, /* a joined row (select_related): null when presence_column is NULL */
	LAYOUT_SLOT,   /* rows of prefetches[slot] */
};

struct layout;

struct layout_member {
	enum layout_kind kind;
	struct str name;
	struct str key; /* pre-rendered: "name":  — with quotes and colon, escaped */
	unsigned column;
	const struct field *field; /* LAYOUT_COLUMN: its value_field->type->json_form renders */
	const struct layout *object;
	unsigned presence_column;
	unsigned slot;
};

struct layout {
	const struct layout_member *members;
	size_t n;
};

enum row_form {
	ROW_OBJECT,
	ROW_ARRAY,  /* values_list */
	ROW_SCALAR, /* values_list flat: the one member's value */
};

/* "name": with quotes and colon, as layout_member.key wants it. */
struct str layout_key(struct arena *arena, struct str name);
/* The layout of a whole row of the model, its columns in order from column 0: what RETURNING of
 * every column gives. */
void plan_model_layout(struct arena *arena, const struct model *model, struct layout *layout);

#endif

/* Constraints and indexes of an inspected table: those that an option of one field says (unique,
 * db_index) are claimed by the fields, all others stand in Meta by their own names. */
#include "orm/migrate/inspect_draft.h"
#include "orm/model/build.h"

#include <stdlib.h>

/* ---- what options of fields say ---- */

static bool is_plain_part(const struct catalog_index *index)
{
	const struct catalog_part *part = index->parts;

	return index->nparts == 1 && index->ninclude == 0 && index->is_valid && !index->predicate.p &&
	       index->options.n == 0 && index->tablespace.n == 0 && part->column.p &&
	       !part->collation.p && !part->is_descending && !part->has_odd_nulls &&
	       str_is(index->method, "btree");
}

/* The index of Django's name on the column; -1: none. */
static ptrdiff_t find_named(struct inspecting *in, const struct catalog_table *table,
                            struct str column, const char *suffix)
{
	struct str name = django_index_name(in->arena, table->name, &column, 1, suffix);

	for (size_t i = 0; i < table->indexes.n; i++) {
		const struct catalog_index *index = &table->indexes.items[i];

		if (str_eq(index->name, name) && is_plain_part(index) && !index->is_unique &&
		    str_eq(index->parts[0].column, column))
			return (ptrdiff_t)i;
	}
	return -1;
}

/* Whether a field over text has an index for LIKE beside each ordinary one. */
static bool wants_like(const struct catalog_column *column)
{
	bool is_text = str_starts(column->type, STR("character varying")) || str_is(column->type, "text");

	return is_text && !column->element.p && !column->collation.p;
}

/* The index for LIKE; *at is -1 where none is needed.  False when it is needed and not there. */
static bool find_like(struct inspecting *in, const struct inspected_model *model,
                      const struct inspected_field *field, ptrdiff_t *at)
{
	const struct inspected_field *source = field;

	*at = -1;
	if (field->to)
		source = inspect_find_field(field->to, field->foreign_key->to_columns[0]);
	if (!wants_like(field->column) || (source && source->column->collation.p))
		return true;
	*at = find_named(in, model->table, field->column->name, "_like");
	return *at >= 0 && model->table->indexes.items[*at].parts[0].opclass.p;
}

/* CREATE TABLE's own name for a column's UNIQUE. */
static ptrdiff_t find_unique(struct inspecting *in, const struct inspected_model *model,
                             const struct inspected_field *field, bool by_any_name)
{
	const struct catalog_table *table = model->table;
	struct str name = arena_printf(in->arena, "%.*s_%.*s_key", STR_ARG(table->name),
	                               STR_ARG(field->column->name));

	for (size_t i = 0; i < table->constraints.n; i++) {
		const struct catalog_constraint *constraint = &table->constraints.items[i];
		bool is_it = constraint->kind == 'u' && constraint->ncolumns == 1 &&
		             !constraint->is_deferrable &&
		             str_eq(constraint->columns[0], field->column->name);
		bool is_named = by_any_name || str_eq(constraint->name, name) ||
		                (name.n > 63 && str_ends(constraint->name, STR("_key")));

		if (is_it && is_named && str_find(constraint->definition, STR("NULLS NOT")) < 0 &&
		    str_find(constraint->definition, STR("INCLUDE")) < 0)
			return (ptrdiff_t)i;
	}
	return -1;
}

static void claim_index(struct inspected_model *model, ptrdiff_t at)
{
	if (at >= 0)
		model->index_is_said[at] = true;
}

static void claim_unique(struct inspecting *in, struct inspected_model *model,
                         struct inspected_field *field, bool has_like, ptrdiff_t like)
{
	ptrdiff_t at = find_unique(in, model, field, field->is_one_to_one);

	if (at < 0 || (!has_like && !field->is_one_to_one))
		return;
	model->constraint_is_said[at] = true;
	claim_index(model, has_like ? like : -1);
	if (!field->is_one_to_one)
		members_put(&field->declaration, "unique", edit_bool(in->arena, true));
}

static void claim_field(struct inspecting *in, struct inspected_model *model,
                        struct inspected_field *field)
{
	bool is_lone_key = model->nkey == 1 && field->is_key;
	bool is_key_of_table = is_lone_key && model->is_managed;
	ptrdiff_t like, plain = find_named(in, model->table, field->column->name, "");
	bool has_like = find_like(in, model, field, &like);
	bool was_unique = false;

	if (is_key_of_table)
		claim_index(model, has_like ? like : -1);
	size_t before = field->declaration.n;
	if (!is_lone_key)
		claim_unique(in, model, field, has_like, like);
	was_unique = field->declaration.n > before || field->is_one_to_one || is_lone_key;
	bool is_indexed = !was_unique && plain >= 0 && !model->table->indexes.items[plain].parts[0].opclass.p &&
	                  has_like;
	if (is_indexed) {
		claim_index(model, plain);
		claim_index(model, like);
	}
	if (field->to && !field->is_one_to_one && !is_indexed && model->is_managed)
		members_put(&field->declaration, "db_index", edit_bool(in->arena, false));
	if (!field->to && is_indexed)
		members_put(&field->declaration, "db_index", edit_bool(in->arena, true));
}

void inspect_claim(struct inspecting *in, struct inspected_model *model)
{
	for (size_t i = 0; i < model->nfields; i++)
		claim_field(in, model, &model->fields[i]);
}

/* ---- lists in Meta ---- */

struct items {
	const struct value **items;
	size_t n, cap;
};

static void add_item(struct inspecting *in, struct items *items, const struct value *value)
{
	*ARENA_PUSH(in->arena, items) = value;
}

/* Names of the fields of columns; NULL when one of them has none. */
static const struct value *field_names(struct inspecting *in, const struct inspected_model *model,
                                       const struct str *columns, size_t n)
{
	struct items names = {0};

	for (size_t i = 0; i < n; i++) {
		const struct inspected_field *field = inspect_find_field(model, columns[i]);

		if (!field)
			return NULL;
		add_item(in, &names, edit_text(in->arena, field->name));
	}
	return edit_list(in->arena, names.items, names.n);
}

static void leave_out(struct inspecting *in, const struct inspected_model *model, const char *what,
                      struct str name, struct str definition)
{
	inspect_note(in, "%.*s: the %s %.*s is left to the database: %.*s",
	             STR_ARG(inspect_table_shown(in, model->table)), what, STR_ARG(name),
	             STR_ARG(definition));
}

static bool has_plain_fields(const struct catalog_index *index)
{
	for (size_t i = 0; i < index->nparts; i++)
		if (!index->parts[i].column.p)
			return false;
	return true;
}

/* NULLS FIRST and collations of an index's own have no words in a model. */
static bool can_be_said(const struct catalog_index *index)
{
	for (size_t i = 0; i < index->nparts; i++)
		if (index->parts[i].collation.p || index->parts[i].has_odd_nulls)
			return false;
	return index->is_valid;
}

static const struct value *one_part(struct inspecting *in, const struct inspected_model *model,
                                    const struct catalog_part *part)
{
	const struct inspected_field *field =
		part->column.p ? inspect_find_field(model, part->column) : NULL;

	if (part->column.p && !field)
		return NULL;
	const struct value *value =
		field ? edit_text(in->arena, field->name) : inspect_raw(in, part->expression);
	if (part->opclass.p) {
		struct members wrapped = {.arena = in->arena};
		const struct value *pair[2] = {value, edit_text(in->arena, part->opclass)};

		members_put(&wrapped, "OpClass", edit_list(in->arena, pair, 2));
		value = members_end(&wrapped);
	}
	if (!part->is_descending)
		return value;
	if (field && !part->opclass.p)
		return edit_text(in->arena, arena_concat(in->arena, STR("-"), field->name));
	struct members wrapped = {.arena = in->arena};
	members_put(&wrapped, "expr", value);
	members_put(&wrapped, "desc", edit_bool(in->arena, true));
	return members_end(&wrapped);
}

/* "fields" with "opclasses", or "expressions" where one is needed. */
static bool put_parts(struct inspecting *in, const struct inspected_model *model,
                      const struct catalog_index *index, struct members *out)
{
	struct items parts = {0}, opclasses = {0};
	bool has_opclass = false, is_plain = has_plain_fields(index);

	for (size_t i = 0; i < index->nparts; i++) {
		struct catalog_part part = index->parts[i];

		has_opclass = has_opclass || part.opclass.p;
		add_item(in, &opclasses, edit_text(in->arena, part.opclass.p ? part.opclass : STR("")));
		if (is_plain)
			part.opclass = (struct str){NULL, 0};
		const struct value *said = one_part(in, model, &part);
		if (!said)
			return false;
		add_item(in, &parts, said);
	}
	members_put(out, is_plain ? "fields" : "expressions", edit_list(in->arena, parts.items, parts.n));
	if (is_plain && has_opclass)
		members_put(out, "opclasses", edit_list(in->arena, opclasses.items, opclasses.n));
	return true;
}

static bool put_include(struct inspecting *in, const struct inspected_model *model,
                        const struct catalog_index *index, struct members *out)
{
	if (index->ninclude == 0)
		return true;
	const struct value *names = field_names(in, model, index->include, index->ninclude);
	if (names)
		members_put(out, "include", names);
	return names != NULL;
}

static void put_options(struct inspecting *in, const struct catalog_index *index,
                        struct members *out)
{
	struct str rest = index->options;

	while (rest.p && rest.n > 0) {
		struct str value = str_cut(&rest, STR(" "));
		struct str name = str_cut(&value, STR("="));
		struct value *number = ARENA_NEW(in->arena, struct value);

		*number = (struct value){.kind = VALUE_INT};
		if (!str_to_int(value, &number->integer))
			*number = (struct value){
				.kind = VALUE_BOOL,
				.boolean = str_is(value, "on") || str_is(value, "true")};
		members_put_named(out, name, number);
	}
}

static const char *index_type(const struct catalog_index *index)
{
	static const char *const types[][2] = {{"gin", "GinIndex"},       {"gist", "GistIndex"},
	                                       {"brin", "BrinIndex"},     {"hash", "HashIndex"},
	                                       {"spgist", "SpGistIndex"}, {"btree", "BTreeIndex"}};

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (str_is(index->method, types[i][0]))
			return types[i][1];
	return NULL;
}

static const struct value *say_index(struct inspecting *in, const struct inspected_model *model,
                                     const struct catalog_index *index)
{
	struct members out = {.arena = in->arena};
	bool is_plain = str_is(index->method, "btree") && index->options.n == 0;
	const char *type = is_plain ? "Index" : index_type(index);

	if (!type || !can_be_said(index))
		return NULL;
	if (!is_plain)
		members_put_text(&out, "type", str_of(type));
	members_put_text(&out, "name", index->name);
	if (!put_parts(in, model, index, &out) || !put_include(in, model, index, &out))
		return NULL;
	if (index->predicate.p)
		members_put(&out, "condition", inspect_raw(in, index->predicate));
	if (index->tablespace.n > 0)
		members_put_text(&out, "db_tablespace", index->tablespace);
	put_options(in, index, &out);
	return members_end(&out);
}

/* A unique constraint, or a unique index that stands for one. */
static const struct value *say_unique(struct inspecting *in, const struct inspected_model *model,
                                      const struct catalog_index *index,
                                      const struct catalog_constraint *constraint)
{
	struct members out = {.arena = in->arena};

	if (!can_be_said(index) || index->options.n > 0 || !str_is(index->method, "btree"))
		return NULL;
	members_put_text(&out, "type", STR("UniqueConstraint"));
	members_put_text(&out, "name", index->name);
	if (!put_parts(in, model, index, &out) || !put_include(in, model, index, &out))
		return NULL;
	if (index->predicate.p)
		members_put(&out, "condition", inspect_raw(in, index->predicate));
	if (constraint && constraint->is_deferrable)
		members_put_text(&out, "deferrable",
		                 constraint->is_deferred ? STR("deferred") : STR("immediate"));
	if (index->nulls_not_distinct)
		members_put(&out, "nulls_distinct", edit_bool(in->arena, false));
	return members_end(&out);
}

static const struct value *say_check(struct inspecting *in,
                                     const struct catalog_constraint *constraint)
{
	struct members out = {.arena = in->arena};

	if (constraint->is_no_inherit || !constraint->is_validated)
		return NULL;
	members_put_text(&out, "type", STR("CheckConstraint"));
	members_put_text(&out, "name", constraint->name);
	members_put(&out, "condition", inspect_raw(in, constraint->expression));
	return members_end(&out);
}

static const struct value *say_exclusion(struct inspecting *in, const struct inspected_model *model,
                                         const struct catalog_constraint *constraint,
                                         const struct catalog_index *index)
{
	struct members out = {.arena = in->arena};
	struct items pairs = {0};

	if (!index || !can_be_said(index) || index->options.n > 0 ||
	    !(str_is(index->method, "gist") || str_is(index->method, "spgist")))
		return NULL;
	members_put_text(&out, "type", STR("ExclusionConstraint"));
	members_put_text(&out, "name", constraint->name);
	for (size_t i = 0; i < index->nparts; i++) {
		const struct value *pair[2] = {one_part(in, model, &index->parts[i]),
		                               edit_text(in->arena, index->parts[i].with_operator)};

		if (!pair[0])
			return NULL;
		add_item(in, &pairs, edit_list(in->arena, pair, 2));
	}
	members_put(&out, "expressions", edit_list(in->arena, pairs.items, pairs.n));
	if (str_is(index->method, "spgist"))
		members_put_text(&out, "index_type", STR("SPGIST"));
	if (!put_include(in, model, index, &out))
		return NULL;
	if (index->predicate.p)
		members_put(&out, "condition", inspect_raw(in, index->predicate));
	if (constraint->is_deferrable)
		members_put_text(&out, "deferrable",
		                 constraint->is_deferred ? STR("deferred") : STR("immediate"));
	return members_end(&out);
}

/* ---- all of a table ---- */

struct meta {
	struct items constraints, indexes, together;
};

static const struct catalog_index *index_named(const struct catalog_table *table, struct str name)
{
	for (size_t i = 0; i < table->indexes.n; i++)
		if (str_eq(table->indexes.items[i].name, name))
			return &table->indexes.items[i];
	return NULL;
}

/* unique_together gives its constraint a name of Django's. */
static bool is_together(struct inspecting *in, const struct inspected_model *model,
                        const struct catalog_constraint *constraint,
                        const struct catalog_index *index)
{
	struct str name = django_index_name(in->arena, model->table->name, constraint->columns,
	                                    constraint->ncolumns, "_uniq");

	return constraint->kind == 'u' && !constraint->is_deferrable && index && index->ninclude == 0 &&
	       !index->nulls_not_distinct && index->options.n == 0 && str_eq(constraint->name, name);
}

static void take_constraint(struct inspecting *in, const struct inspected_model *model,
                            const struct catalog_constraint *constraint, struct meta *meta)
{
	const struct catalog_index *index = index_named(model->table, constraint->index);
	const struct value *said = NULL;

	switch (constraint->kind) {
	case 'u':
		if (is_together(in, model, constraint, index)) {
			said = field_names(in, model, constraint->columns, constraint->ncolumns);
			if (said)
				add_item(in, &meta->together, said);
			break;
		}
		said = index ? say_unique(in, model, index, constraint) : NULL;
		if (said)
			add_item(in, &meta->constraints, said);
		break;
	case 'c':
		said = say_check(in, constraint);
		if (said)
			add_item(in, &meta->constraints, said);
		break;
	case 'x':
		said = say_exclusion(in, model, constraint, index);
		if (said)
			add_item(in, &meta->constraints, said);
		break;
	default:
		return;
	}
	if (!said)
		leave_out(in, model, "constraint", constraint->name, constraint->definition);
}

static void take_index(struct inspecting *in, const struct inspected_model *model,
                       const struct catalog_index *index, struct meta *meta)
{
	const struct value *said = index->is_unique ? say_unique(in, model, index, NULL)
	                                            : say_index(in, model, index);

	if (!said)
		leave_out(in, model, "index", index->name, index->definition);
	else
		add_item(in, index->is_unique ? &meta->constraints : &meta->indexes, said);
}

static void put_list(struct inspecting *in, struct members *out, const char *name,
                     const struct items *items)
{
	if (items->n > 0)
		members_put(out, name, edit_list(in->arena, items->items, items->n));
}

const struct value *inspect_meta(struct inspecting *in, struct inspected_model *model)
{
	const struct catalog_table *table = model->table;
	struct members out = {.arena = in->arena};
	struct meta meta = {0};
	struct str db_table = inspect_db_table(in, table);

	if (!str_eq(db_table, django_truncate_name(in->arena, arena_lower(in->arena, model->name), 63)))
		members_put_text(&out, "db_table", db_table);
	if (!model->is_managed)
		members_put(&out, "managed", edit_bool(in->arena, false));
	if (model->nkey > 1)
		members_put(&out, "primary_key", field_names(in, model, model->key, model->nkey));
	if (table->comment.p)
		members_put_text(&out, "db_table_comment", table->comment);
	for (size_t i = 0; i < table->constraints.n; i++)
		if (!model->constraint_is_said[i])
			take_constraint(in, model, &table->constraints.items[i], &meta);
	for (size_t i = 0; i < table->indexes.n; i++)
		if (!model->index_is_said[i] && !table->indexes.items[i].is_constraint)
			take_index(in, model, &table->indexes.items[i], &meta);
	put_list(in, &out, "unique_together", &meta.together);
	put_list(in, &out, "constraints", &meta.constraints);
	put_list(in, &out, "indexes", &meta.indexes);
	return out.n > 0 ? members_end(&out) : NULL;
}

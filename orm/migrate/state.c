/* Facts of models: made from a registry, written as JSON, compared in words.  Reads no database;
 * history.c stores and fetches them. */
#include "orm/migrate/state.h"

#include "orm/model/field_types.h"

#include <stdlib.h>

void state_init(struct state *state, struct arena *arena)
{
	*state = (struct state){.arena = arena};
}

void state_add(struct state *state, struct str model, struct str subject, struct str property,
               struct str text)
{
	*ARENA_PUSH(state->arena, state) =
		(struct fact){.model = model, .subject = subject, .property = property, .text = text};
}

static int compare_keys(const struct fact *a, const struct fact *b)
{
	int order = str_cmp(a->model, b->model);
	if (order == 0)
		order = str_cmp(a->subject, b->subject);
	if (order == 0)
		order = str_cmp(a->property, b->property);
	return order;
}

static int compare_facts(const void *a, const void *b)
{
	return compare_keys(a, b);
}

void state_sort(struct state *state)
{
	if (state->n > 0)
		qsort(state->items, state->n, sizeof *state->items, compare_facts);
}

/* ---- from the registry ---- */

static struct str json_text(struct arena *arena, const struct value *value)
{
	struct buf text = {0};
	value_write_json(value, &text);
	struct str copy = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

static struct str yes_no(bool is_true)
{
	return is_true ? STR("yes") : STR("no");
}

/* One field being described: where its facts go. */
struct description {
	struct state *state;
	struct str model;
	struct str subject;
};

static void say(const struct description *about, struct str property, struct str text)
{
	state_add(about->state, about->model, about->subject, property, text);
}

static void say_flag(const struct description *about, struct str property, bool is_true)
{
	if (is_true)
		say(about, property, STR("yes"));
}

static void say_text(const struct description *about, struct str property, struct str text)
{
	if (text.n > 0)
		say(about, property, text);
}

static void say_json(const struct description *about, struct str property,
                     const struct value *value)
{
	if (value)
		say(about, property, json_text(about->state->arena, value));
}

static void say_reference(const struct description *about, const struct field *field)
{
	const struct relation *relation = field->relation;
	if (!relation || !relation->target)
		return;
	struct str text = arena_printf(about->state->arena, "%.*s.%.*s%s", STR_ARG(relation->to->table),
	                               STR_ARG(relation->target->column),
	                               relation->db_constraint ? "" : " (unchecked)");
	say(about, STR("references"), text);
}

static void describe_field(struct state *state, const struct model *model,
                           const struct field *field)
{
	struct description about = {
		.state = state,
		.model = model->name,
		.subject = arena_concat(state->arena, STR("field "), field->name),
	};
	say(&about, STR("column"), field->column);
	say(&about, STR("type"), field_column_type(state->arena, field));
	say(&about, STR("null"), yes_no(field->is_null));
	say_flag(&about, STR("unique"), field->is_unique);
	say_flag(&about, STR("primary_key"), field->is_primary_key);
	say_flag(&about, STR("db_index"), field->is_indexed);
	say_flag(&about, STR("auto"), field->type->is_auto);
	say_flag(&about, STR("not negative"),
	         field->type->kind == TYPE_INTEGER && field->type->min == 0);
	say_text(&about, STR("unique_for_date"), field->unique_for_date);
	say_text(&about, STR("unique_for_month"), field->unique_for_month);
	say_text(&about, STR("unique_for_year"), field->unique_for_year);
	say_text(&about, STR("db_collation"), field->db_collation);
	say_text(&about, STR("db_comment"), field->db_comment);
	say_json(&about, STR("db_default"), field->db_default);
	say_json(&about, STR("expression"), field->is_generated ? field->expression : NULL);
	say_reference(&about, field);
}

static void add_parts(struct buf *out, const struct index_part *parts, size_t n)
{
	BUF_LIT(out, "(");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		if (parts[i].field)
			buf_add(out, parts[i].field->column);
		else
			value_write_json(parts[i].expression, out);
		if (parts[i].opclass.n > 0)
			buf_printf(out, " %.*s", STR_ARG(parts[i].opclass));
		if (parts[i].is_descending)
			BUF_LIT(out, " desc");
		if (parts[i].with_operator.n > 0)
			buf_printf(out, " with %.*s", STR_ARG(parts[i].with_operator));
	}
	BUF_LIT(out, ")");
}

static void add_include(struct buf *out, const struct field *const *include, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%.*s", i == 0 ? " include (" : ", ", STR_ARG(include[i]->column));
	if (n > 0)
		BUF_LIT(out, ")");
}

static void add_condition(struct buf *out, const struct value *condition)
{
	if (!condition)
		return;
	BUF_LIT(out, " where ");
	value_write_json(condition, out);
}

static void describe_constraint(struct state *state, const struct model *model,
                                const struct constraint *constraint)
{
	static const char *const kinds[] = {[CONSTRAINT_UNIQUE] = "unique",
	                                    [CONSTRAINT_CHECK] = "check",
	                                    [CONSTRAINT_EXCLUSION] = "exclude"};
	static const char *const times[] = {[CONSTRAINT_IMMEDIATE_ONLY] = "",
	                                    [CONSTRAINT_DEFERRED] = " deferrable, deferred",
	                                    [CONSTRAINT_DEFERRABLE_IMMEDIATE] =
	                                        " deferrable, immediate"};
	struct buf text = {0};
	buf_printf(&text, "%s ", kinds[constraint->kind]);
	if (constraint->index_type.n > 0)
		buf_printf(&text, "using %.*s ", STR_ARG(constraint->index_type));
	if (constraint->nparts > 0)
		add_parts(&text, constraint->parts, constraint->nparts);
	add_include(&text, constraint->include, constraint->ninclude);
	add_condition(&text, constraint->condition);
	if (constraint->kind == CONSTRAINT_UNIQUE && !constraint->nulls_distinct)
		BUF_LIT(&text, " nulls not distinct");
	buf_add(&text, str_of(times[constraint->deferrable]));
	state_add(state, model->name, arena_concat(state->arena, STR("constraint "), constraint->name),
	          STR("definition"), arena_str(state->arena, buf_str(&text)));
	buf_release(&text);
}

static void describe_index(struct state *state, const struct model *model,
                           const struct index *index)
{
	struct buf text = {0};
	buf_printf(&text, "%.*s ", STR_ARG(index->method));
	add_parts(&text, index->parts, index->nparts);
	add_include(&text, index->include, index->ninclude);
	if (index->options) {
		BUF_LIT(&text, " with ");
		value_write_json(index->options, &text);
	}
	if (index->db_tablespace.n > 0)
		buf_printf(&text, " in %.*s", STR_ARG(index->db_tablespace));
	add_condition(&text, index->condition);
	state_add(state, model->name, arena_concat(state->arena, STR("index "), index->name),
	          STR("definition"), arena_str(state->arena, buf_str(&text)));
	buf_release(&text);
}

static struct str column_list(struct arena *arena, const struct field *const *fields, size_t n)
{
	struct str list = STR("");
	for (size_t i = 0; i < n; i++)
		list = arena_printf(arena, "%.*s%s%.*s", STR_ARG(list), i > 0 ? ", " : "",
		                    STR_ARG(fields[i]->column));
	return list;
}

static void describe_model(struct state *state, const struct model *model)
{
	struct arena *arena = state->arena;
	state_add(state, model->name, STR("table"), STR("name"), model->table);
	if (model->db_table_comment.n > 0)
		state_add(state, model->name, STR("table"), STR("comment"), model->db_table_comment);
	if (model->npk_fields > 1)
		state_add(state, model->name, STR("table"), STR("primary key"),
		          column_list(arena, model->pk_fields, model->npk_fields));
	for (size_t i = 0; i < model->ncolumns; i++)
		describe_field(state, model, model->columns[i]);
	for (size_t i = 0; i < model->nconstraints; i++)
		describe_constraint(state, model, &model->constraints[i]);
	for (size_t i = 0; i < model->nindexes; i++)
		describe_index(state, model, &model->indexes[i]);
	for (size_t i = 0; i < model->nunique_together; i++) {
		size_t n = 0;
		while (model->unique_together[i][n])
			n++;
		struct str columns = column_list(arena, model->unique_together[i], n);
		state_add(state, model->name, arena_concat(arena, STR("unique_together "), columns),
		          STR("definition"), STR("unique"));
	}
}

void state_of_registry(struct state *state, const struct registry *registry, struct arena *arena)
{
	state_init(state, arena);
	for (size_t i = 0; i < registry->nmodels; i++) {
		if (registry->models[i]->is_managed)
			describe_model(state, registry->models[i]);
	}
	state_sort(state);
}

/* ---- as JSON ---- */

static void write_schema(const struct state *state, struct str model, struct buf *out)
{
	struct str subject = {0};
	BUF_LIT(out, "{");
	for (size_t i = 0; i < state->n; i++) {
		const struct fact *fact = &state->items[i];
		if (!str_eq(fact->model, model))
			continue;
		bool is_new = !subject.p || !str_eq(subject, fact->subject);
		if (is_new) {
			if (subject.p)
				BUF_LIT(out, "},");
			buf_add_json(out, fact->subject);
			BUF_LIT(out, ":{");
			subject = fact->subject;
		} else {
			BUF_LIT(out, ",");
		}
		buf_add_json(out, fact->property);
		BUF_LIT(out, ":");
		buf_add_json(out, fact->text);
	}
	if (subject.p)
		BUF_LIT(out, "}");
	BUF_LIT(out, "}");
}

void state_write_json(const struct state *state, const struct registry *registry, struct buf *out)
{
	bool any = false;
	BUF_LIT(out, "{");
	for (size_t i = 0; i < registry->nmodels; i++) {
		const struct model *model = registry->models[i];
		if (!model->is_managed)
			continue;
		if (any)
			BUF_LIT(out, ",");
		any = true;
		buf_add_json(out, model->name);
		BUF_LIT(out, ":{\"declaration\":");
		if (model->declaration)
			value_write_json(model->declaration, out);
		else
			BUF_LIT(out, "null");
		BUF_LIT(out, ",\"schema\":");
		write_schema(state, model->name, out);
		BUF_LIT(out, "}");
	}
	BUF_LIT(out, "}");
}

/* Names for models, fields and reverse sides, made of any names that a database has: a name that had
 * to change is said in db_table, db_column or related_name by those who ask here. */
#include "orm/migrate/inspect_draft.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* film_actor -> FilmActor; what is no letter or digit begins a new word. */
static struct str camel(struct arena *arena, struct str name)
{
	char *text = arena_alloc(arena, name.n + 2);
	size_t n = 0;
	bool begins = true;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!is_letter(c) && !is_digit(c)) {
			begins = true;
			continue;
		}
		text[n++] = begins ? upper(c) : c;
		begins = false;
	}
	return (struct str){text, n};
}

static bool model_is_taken(struct inspecting *in, struct str name)
{
	for (size_t i = 0; i < in->models.n; i++)
		if (str_eq_nocase(in->models.items[i]->name, name))
			return true;
	return false;
}

struct str inspect_model_name(struct inspecting *in, const struct catalog_table *table)
{
	struct str name = camel(in->arena, table->name);

	if (name.n == 0 || !is_letter(name.p[0]))
		name = arena_concat(in->arena, STR("Table"), name);
	if (model_is_taken(in, name) && !table->is_in_path)
		name = arena_concat(in->arena, camel(in->arena, table->schema), name);
	struct str stem = name;
	for (unsigned i = 2; model_is_taken(in, name); i++)
		name = arena_printf(in->arena, "%.*s%u", STR_ARG(stem), i);
	return name;
}

static bool field_is_taken(struct inspecting *in, const struct inspected_model *model,
                           struct str name)
{
	for (size_t i = 0; i < model->nfields; i++) {
		const struct inspected_field *field = &model->fields[i];

		if (!field->name.p)
			continue;
		if (str_eq(field->name, name) ||
		    (field->foreign_key &&
		     str_eq(arena_concat(in->arena, field->name, STR("_id")), name)))
			return true;
	}
	for (size_t i = 0; i < model->many.n; i++)
		if (str_eq(model->many.items[i].name, name))
			return true;
	return false;
}

/* Lower case; other characters become underscores, never two in a row nor one at an end. */
static struct str snake(struct arena *arena, struct str name)
{
	struct str lower = arena_lower(arena, name);
	char *text = arena_alloc(arena, name.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = is_letter(lower.p[i]) || is_digit(lower.p[i]) ? lower.p[i] : '_';

		if (c == '_' && (n == 0 || text[n - 1] == '_'))
			continue;
		text[n++] = c;
	}
	while (n > 0 && text[n - 1] == '_')
		n--;
	return (struct str){text, n};
}

/* What no field may be called. */
static bool is_reserved(struct str name)
{
	static const char *const words[] = {"pk", "_order"};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_is(name, words[i]))
			return true;
	return false;
}

struct str inspect_field_name(struct inspecting *in, const struct inspected_model *model,
                              struct str column, bool is_relation)
{
	struct str name = snake(in->arena, column);

	if (name.n == 0 || !is_letter(name.p[0]))
		name = arena_printf(in->arena, name.n ? "field_%.*s" : "field%.*s", STR_ARG(name));
	struct str whole = name;
	if (is_relation && str_ends(name, STR("_id")) && name.n > 3)
		name = str_sub(name, 0, name.n - 3);
	if (is_reserved(name))
		name = arena_concat(in->arena, name, STR("_field"));
	struct str attname = is_relation ? arena_concat(in->arena, name, STR("_id")) : name;
	if (field_is_taken(in, model, name) || field_is_taken(in, model, attname))
		name = whole;
	struct str stem = name;
	for (unsigned i = 2;; i++) {
		attname = is_relation ? arena_concat(in->arena, name, STR("_id")) : name;
		if (!field_is_taken(in, model, name) && !field_is_taken(in, model, attname))
			return name;
		name = arena_printf(in->arena, "%.*s_%u", STR_ARG(stem), i);
	}
}

struct str inspect_db_table(struct inspecting *in, const struct catalog_table *table)
{
	if (table->is_in_path)
		return table->name;
	return arena_printf(in->arena, "%.*s\".\"%.*s", STR_ARG(table->schema), STR_ARG(table->name));
}

/* ---- reverse sides ---- */

/* One relation, foreign key or many-to-many, seen from its other end. */
struct end {
	struct inspected_model *from, *to;
	struct inspected_field *field; /* or NULL with: */
	struct inspected_many *many;
	struct str name; /* what it is called there */
};

struct ends {
	struct end *items;
	size_t n, cap;
};

static struct str own_name(const struct end *end)
{
	return end->field ? end->field->name : end->many->name;
}

static bool meets_field(struct inspecting *in, const struct end *end, struct str name)
{
	struct str accessor = arena_concat(in->arena, name, STR("_set"));

	return field_is_taken(in, end->to, name) || field_is_taken(in, end->to, accessor);
}

static bool meets_end(const struct ends *ends, const struct end *end, struct str name)
{
	for (size_t i = 0; i < ends->n; i++)
		if (&ends->items[i] != end && ends->items[i].to == end->to &&
		    str_eq(ends->items[i].name, name))
			return true;
	return false;
}

static void rename_end(struct inspecting *in, struct ends *ends, struct end *end)
{
	struct str stem = arena_printf(in->arena, "%.*s_%.*s",
	                               STR_ARG(arena_lower(in->arena, end->from->name)),
	                               STR_ARG(own_name(end)));
	struct str name = stem;

	for (unsigned i = 2; meets_field(in, end, name) || meets_end(ends, end, name); i++)
		name = arena_printf(in->arena, "%.*s_%u", STR_ARG(stem), i);
	end->name = name;
	if (end->field)
		members_put_text(&end->field->declaration, "related_name", name);
	else
		end->many->related_name = name;
}

static void gather_ends(struct inspecting *in, struct ends *ends)
{
	for (size_t i = 0; i < in->models.n; i++) {
		struct inspected_model *model = in->models.items[i];
		struct str name = arena_lower(in->arena, model->name);

		for (size_t k = 0; !model->is_join && k < model->nfields; k++)
			if (model->fields[k].to)
				*ARENA_PUSH(in->arena, ends) = (struct end){
					.from = model, .to = model->fields[k].to, .field = &model->fields[k], .name = name};
		for (size_t k = 0; k < model->many.n; k++)
			*ARENA_PUSH(in->arena, ends) = (struct end){.from = model,
			                                            .to = model->many.items[k].to,
			                                            .many = &model->many.items[k],
			                                            .name = name};
	}
}

void inspect_name_reverse_sides(struct inspecting *in)
{
	struct ends ends = {0};

	gather_ends(in, &ends);
	for (size_t i = 0; i < ends.n; i++) {
		struct end *end = &ends.items[i];

		if (meets_field(in, end, end->name) || meets_end(&ends, end, end->name))
			rename_end(in, &ends, end);
	}
}

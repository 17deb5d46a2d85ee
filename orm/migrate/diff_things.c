/* Constraints and indexes.  Each is a kind, a name and what it says; first those are paired that agree in
 * both, then those that say the same by another name, then those of one name that say something else.
 */
#include "orm/migrate/diff_tables.h"

struct thing {
	const char *kind;
	struct str name, text;
	struct str manner; /* what matters less: how a foreign key acts, and when it is checked */
	bool is_paired;
	bool is_like; /* a column's index for LIKE */
	bool is_wordless; /* models cannot say it: a foreign key of several columns, or to a table without one */
};

struct things {
	struct thing *items;
	size_t n, cap;
};

static struct str joined(struct arena *arena, const struct str *names, size_t n)
{
	struct str text = STR("");

	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%.*s%s%.*s", STR_ARG(text), i > 0 ? ", " : "", STR_ARG(names[i]));
	return text;
}

static struct str behind(struct str text, struct str mark)
{
	ptrdiff_t at = str_find(text, mark);

	return at < 0 ? text : str_sub(text, (size_t)at, text.n - (size_t)at);
}

static bool leads_to_itself(const struct catalog_constraint *constraint)
{
	return constraint->is_of_itself && constraint->ncolumns == 1 &&
	       str_eq(constraint->columns[0], constraint->to_columns[0]);
}

static bool has_model(const struct diff *diff, struct str table)
{
	for (size_t i = 0; i < diff->expected->tables.n; i++)
		if (str_eq(diff->expected->tables.items[i]->name, table))
			return true;
	return false;
}

static void add_foreign_key(const struct diff *diff, const struct catalog_constraint *constraint,
                            struct things *things)
{
	struct arena *arena = diff->arena;

	*ARENA_PUSH(arena, things) = (struct thing){
		.kind = "foreign key",
		.name = constraint->name,
		.text = arena_printf(arena, "(%.*s) to %.*s (%.*s)",
	                         STR_ARG(joined(arena, constraint->columns, constraint->ncolumns)),
	                         STR_ARG(constraint->to_table),
	                         STR_ARG(joined(arena, constraint->to_columns, constraint->nto_columns))),
		.is_wordless = constraint->ncolumns > 1 || !has_model(diff, constraint->to_table) ||
		               leads_to_itself(constraint),
		.manner = arena_printf(arena, "on delete %c, on update %c%s%s%s", constraint->on_delete,
	                           constraint->on_update, constraint->is_deferrable ? ", deferrable" : "",
	                           constraint->is_deferred ? ", deferred" : "",
	                           constraint->is_validated ? "" : ", not valid"),
	};
}

static void gather_constraints(const struct diff *diff, const struct catalog_table *table,
                               struct things *things)
{
	struct arena *arena = diff->arena;

	for (size_t i = 0; i < table->constraints.n; i++) {
		const struct catalog_constraint *constraint = &table->constraints.items[i];

		if (constraint->kind == 'f')
			add_foreign_key(diff, constraint, things);
		else if (constraint->kind == 'c')
			*ARENA_PUSH(arena, things) = (struct thing){
				.kind = "check", .name = constraint->name, .text = constraint->definition};
		else if (constraint->kind == 'x')
			*ARENA_PUSH(arena, things) = (struct thing){
				.kind = "exclusion", .name = constraint->name, .text = constraint->definition};
		else if (constraint->kind == 'p')
			*ARENA_PUSH(arena, things) = (struct thing){
				.kind = "primary key",
				.name = STR(""),
				.text = joined(arena, constraint->columns, constraint->ncolumns)};
	}
}

static const struct catalog_constraint *constraint_of(const struct catalog_table *table,
                                                      const struct catalog_index *index)
{
	for (size_t i = 0; i < table->constraints.n; i++)
		if (str_eq(table->constraints.items[i].name, index->name) &&
		    strchr("ux", table->constraints.items[i].kind))
			return &table->constraints.items[i];
	return NULL;
}

/* Behind the table's name, which is another one's for a temporary table.  What is not valid is slow where it should
 * find rows, and wrong where it should keep them apart. */
static void gather_indexes(struct arena *arena, const struct catalog_table *table,
                           struct things *things)
{
	for (size_t i = 0; i < table->indexes.n; i++) {
		const struct catalog_index *index = &table->indexes.items[i];
		const struct catalog_constraint *constraint = constraint_of(table, index);

		if (index->is_primary || (constraint && constraint->kind == 'x'))
			continue;
		*ARENA_PUSH(arena, things) = (struct thing){
			.kind = index->is_unique ? "unique" : "index",
			.name = index->name,
			.text = arena_printf(arena, "%.*s%s%s%s", STR_ARG(behind(index->definition, STR(" USING "))),
		                         constraint && constraint->is_deferrable ? " deferrable" : "",
		                         constraint && constraint->is_deferred ? ", deferred" : "",
		                         index->is_unique && !index->is_valid ? " not valid" : ""),
			.manner = index->is_unique || index->is_valid ? STR("valid") : STR("not valid"),
			.is_like = !index->is_unique && str_ends(index->name, STR("_like")) &&
			           index->nparts == 1 && index->parts[0].opclass.p,
		};
	}
}

static bool is_number(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < '0' || text.p[i] > '9') && text.p[i] != '.' && !(i == 0 && text.p[i] == '-'))
			return false;
	return text.n > 0;
}

/* (100)::numeric and '100'::numeric are one constant, written as a number and as a text. */
static struct str one_form(struct arena *arena, struct str text)
{
	struct buf out = {0};

	for (size_t i = 0; i < text.n; i++) {
		struct str rest = str_sub(text, i + 1, text.n - i - 1), behind = rest;
		struct str inside = str_cut(&behind, STR(")::"));

		if (text.p[i] == '(' && behind.p && is_number(inside)) {
			buf_printf(&out, "'%.*s'::", STR_ARG(inside));
			i += inside.n + 3;
		} else {
			buf_add_char(&out, text.p[i]);
		}
	}
	struct str copy = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

static void gather(const struct diff *diff, const struct catalog_table *table, struct things *things)
{
	gather_constraints(diff, table, things);
	gather_indexes(diff->arena, table, things);
	for (size_t i = 0; i < things->n; i++)
		things->items[i].text = one_form(diff->arena, things->items[i].text);
}

enum agreement { AGREE_WHOLLY, AGREE_IN_TEXT, AGREE_IN_NAME, AGREEMENTS };

static bool agrees(const struct thing *a, const struct thing *b, enum agreement how)
{
	bool is_text = str_eq(a->text, b->text), is_name = str_eq(a->name, b->name);

	if (a->is_paired || b->is_paired || strcmp(a->kind, b->kind) != 0)
		return false;
	switch (how) {
	case AGREE_WHOLLY:
		return is_text && is_name;
	case AGREE_IN_TEXT:
		return is_text;
	case AGREE_IN_NAME:
		return is_name;
	case AGREEMENTS:
		break;
	}
	BUG("agreement %d", (int)how);
}

static struct str shown(struct diff *diff, const struct thing *thing, const char *aspect)
{
	return arena_printf(diff->arena, "%s %.*s%s%s", thing->kind, STR_ARG(thing->name),
	                    aspect[0] ? ": " : "", aspect);
}

static void compare_pair(struct diff *diff, struct thing *is, struct thing *wanted)
{
	is->is_paired = wanted->is_paired = true;
	diff_text(diff, false, shown(diff, is, "definition"), is->text, wanted->text);
	diff_text(diff, true, shown(diff, is, "name"), is->name, wanted->name);
	diff_text(diff, true, shown(diff, is, "manner"), is->manner, wanted->manner);
}

static void pair_up(struct diff *diff, struct things *is, struct things *wanted)
{
	for (unsigned how = 0; how < AGREEMENTS; how++)
		for (size_t i = 0; i < wanted->n; i++)
			for (size_t k = 0; k < is->n; k++)
				if (agrees(&is->items[k], &wanted->items[i], (enum agreement)how))
					compare_pair(diff, &is->items[k], &wanted->items[i]);
}

void diff_things(struct diff *diff)
{
	const struct str nothing = {NULL, 0};
	struct things is = {0}, wanted = {0};

	gather(diff, diff->is, &is);
	gather(diff, diff->wanted, &wanted);
	pair_up(diff, &is, &wanted);
	for (size_t i = 0; i < wanted.n; i++)
		if (!wanted.items[i].is_paired)
			diff_add(diff, wanted.items[i].is_like, shown(diff, &wanted.items[i], ""), nothing,
			         wanted.items[i].text);
	for (size_t i = 0; i < is.n; i++)
		if (!is.items[i].is_paired)
			diff_add(diff, is.items[i].is_wordless, shown(diff, &is.items[i], ""), is.items[i].text,
			         nothing);
}

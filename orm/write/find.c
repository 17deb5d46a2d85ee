/* Rows named by lookups in place of a key: {"role": {"name": "Senior Engineer"}}.
 *
 * All of a write's are looked up in one round trip, equal ones once.
 */
#include "orm/write/row.h"

#include "orm/base/map.h"

struct search {
	const struct field *field;
	const struct value *lookups;
	size_t statement; /* index */
	struct cell *cell;
};

struct searches {
	struct writing *writing;
	struct {
		struct search *items;
		size_t n, cap;
	} list;
	struct {
		struct statement *items;
		size_t n, cap;
	} statements;
	struct map known; /* "field lookups" -> struct search */
};

static struct str search_key(struct arena *arena, const struct field *field,
                             const struct value *lookups)
{
	struct buf text = {0};

	buf_add(&text, field->name);
	buf_add_char(&text, ' ');
	value_write_json(lookups, &text);
	struct str key = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return key;
}

static bool add_search(struct searches *searches, const struct field *field, struct cell *cell)
{
	struct arena *arena = searches->writing->arena;
	struct str key = search_key(arena, field, cell->value);
	const struct search *known = map_get(&searches->known, key);
	struct search *search = ARENA_PUSH(arena, &searches->list);

	*search = (struct search){field, cell->value, searches->statements.n, cell};
	if (known) {
		search->statement = known->statement;
		return true;
	}
	/* The list may move when it grows: the map keeps a copy. */
	struct search *copy = ARENA_NEW(arena, struct search);
	*copy = *search;
	map_put(&searches->known, arena, key, copy);
	const struct relation *relation = field->relation;
	return plan_find(arena, relation->to, cell->value, &relation->target, 1,
	                 ARENA_PUSH(arena, &searches->statements), searches->writing->error);
}

static bool collect(struct searches *searches, const struct model *model, struct row *row)
{
	for (size_t i = 0; i < model->ncolumns; i++) {
		struct cell *cell = &row->cells[model->columns[i]->index];
		if (cell->kind == CELL_FIND && !add_search(searches, model->columns[i], cell))
			return false;
	}
	return true;
}

static bool take(struct searches *searches, const struct search *search, const struct db_rows *rows)
{
	const struct model *model = search->field->relation->to;

	if (rows->nrows == 0)
		return writing_none_found(searches->writing, model, search->lookups->pos);
	if (rows->nrows > 1)
		return writing_many_found(searches->writing, model, search->lookups->pos, rows->nrows);
	/* Behind the primary key. */
	search->cell->kind = CELL_TEXT;
	search->cell->text = db_cell(rows, 0, model->npk_fields);
	return true;
}

bool rows_find(struct writing *writing, const struct model *model, struct row *rows, size_t n)
{
	struct searches searches = {.writing = writing};

	for (size_t i = 0; i < n; i++)
		if (!collect(&searches, model, &rows[i]))
			return false;
	size_t nstatements = searches.statements.n;
	struct db_rows *found = ARENA_ARRAY(writing->arena, struct db_rows, nstatements);
	if (!writing_read(writing, searches.statements.items, nstatements, found))
		return false;
	for (size_t i = 0; i < searches.list.n; i++) {
		const struct search *search = &searches.list.items[i];
		if (!take(&searches, search, &found[search->statement]))
			return false;
	}
	return true;
}

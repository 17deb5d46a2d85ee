/* Join rows of many owners: which of them are to be inserted; see nested_level.h.
 *
 * Pairs that are there are passed over, as Django's add() does.
 */
#include "orm/write/nested_level.h"

#include "orm/base/map.h"
#include "orm/query/decode.h"
#include "orm/write/link.h"
#include "orm/write/parts.h"

struct pairs {
	struct nested_level *level;
	struct writing *writing;
	struct map known; /* "source target" -> anything */
	struct {
		struct row *items;
		size_t n, cap;
	} rows;
};

static const struct str *cell_text(const struct row *row, const struct field *field)
{
	return &row->cells[field->index].text;
}

/* -- lookups --------------------------------------------------------------------- */

/* The keys that the lookups of one cell find. */
struct found {
	size_t statement;
	const struct value *lookups;
};

struct finds {
	struct map by_text;
	struct {
		struct statement *items;
		size_t n, cap;
	} statements;
	struct found **of_row; /* NULL: the key is known */
};

static bool plan_lookup(struct writing *writing, const struct field *target,
                        const struct value *lookups, struct statement *statement)
{
	const struct query *query;
	struct member *filter = ARENA_NEW(writing->arena, struct member);
	struct value clause = {
		.kind = VALUE_OBJECT, .pos = lookups->pos, .object = {.members = filter, .n = 1}};

	*filter = (struct member){STR("filter"), *lookups};
	return decode_query(writing->arena, &clause, NULL, &query, writing->error) &&
	       plan_keys(writing->arena, target->relation->to, NULL, query, &target->relation->target,
	                 1, false, statement, writing->error);
}

static bool add_find(struct pairs *pairs, struct finds *finds, const struct value *lookups,
                     struct found **found)
{
	struct arena *arena = pairs->writing->arena;
	struct buf text = {0};

	value_write_json(lookups, &text);
	struct str key = arena_str(arena, buf_str(&text));
	buf_release(&text);
	*found = map_get(&finds->by_text, key);
	if (*found)
		return true;
	*found = ARENA_NEW(arena, struct found);
	**found = (struct found){finds->statements.n, lookups};
	map_put(&finds->by_text, arena, key, *found);
	return plan_lookup(pairs->writing, pairs->level->target, lookups,
	                   ARENA_PUSH(arena, &finds->statements));
}

/* Lookups that may find several rows; those that find one are left to rows_find(). */
static bool plan_finds(struct pairs *pairs, struct row *rows, size_t n, struct finds *finds)
{
	struct arena *arena = pairs->writing->arena;
	const struct field *target = pairs->level->target;
	struct str text;

	*finds = (struct finds){.of_row = ARENA_ARRAY(arena, struct found *, n)};
	for (size_t i = 0; i < n; i++) {
		struct cell *cell = &rows[i].cells[target->index];
		if (cell->kind != CELL_FIND ||
		    lookups_plain_field(arena, target->relation->to, cell->value, &text))
			continue;
		if (!add_find(pairs, finds, cell->value, &finds->of_row[i]))
			return false;
		cell->kind = CELL_ABSENT;
	}
	return true;
}

/* -- pairs ----------------------------------------------------------------------- */

static struct str pair_key(struct arena *arena, struct str source, struct str target)
{
	struct buf text = {0};

	buf_add_json(&text, source);
	buf_add(&text, target);
	struct str key = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return key;
}

/* A join row, unless the pair is there. */
static void add_pair(struct pairs *pairs, const struct row *row, struct str source,
                     struct str target)
{
	struct arena *arena = pairs->writing->arena;
	const struct nested_level *level = pairs->level;

	if (map_put(&pairs->known, arena, pair_key(arena, source, target), pairs))
		return;
	struct row *copy = rows_copy(arena, level->nest.model, row, 1);
	copy->cells[level->field->index] = (struct cell){.kind = CELL_TEXT, .text = source};
	copy->cells[level->target->index] = (struct cell){.kind = CELL_TEXT, .text = target};
	*ARENA_PUSH(arena, &pairs->rows) = *copy;
}

static void add_both(struct pairs *pairs, const struct row *row, struct str target)
{
	struct str source = *cell_text(row, pairs->level->field);

	add_pair(pairs, row, source, target);
	if (pairs->level->relation->is_symmetrical)
		add_pair(pairs, row, target, source);
}

static bool add_found(struct pairs *pairs, const struct row *row, const struct found *found,
                      const struct db_rows *batches)
{
	const struct model *model = pairs->level->target->relation->to;
	const struct db_rows *keys = &batches[found->statement];

	if (!keys->nrows)
		return writing_none_found(pairs->writing, model, found->lookups->pos);
	for (size_t i = 0; i < keys->nrows; i++)
		add_both(pairs, row, db_cell(keys, i, model->npk_fields));
	return true;
}

/* -- what is there --------------------------------------------------------------- */

static struct str array_of(struct arena *arena, const struct row *rows, size_t n,
                           const struct field *field)
{
	struct str *texts = ARENA_ARRAY(arena, struct str, n);

	for (size_t i = 0; i < n; i++)
		texts[i] = *cell_text(&rows[i], field);
	return part_array_text(arena, texts, n);
}

/* The pairs among these sources and targets that are there. */
static void emit_existing(struct pairs *pairs, struct statement *statement)
{
	const struct nested_level *level = pairs->level;
	struct arena *arena = pairs->writing->arena;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT ");
	sql_name(&sql, level->field->column);
	sql_lit(&sql, ", ");
	sql_name(&sql, level->target->column);
	sql_lit(&sql, " FROM ");
	sql_table(&sql, level->nest.model);
	sql_lit(&sql, " WHERE ");
	sql_name(&sql, level->field->column);
	sql_lit(&sql, " = ANY(");
	sql_field_array_param(&sql, level->field->value_field,
	                      array_of(arena, pairs->rows.items, pairs->rows.n, level->field));
	sql_lit(&sql, ") AND ");
	sql_name(&sql, level->target->column);
	sql_lit(&sql, " = ANY(");
	sql_field_array_param(&sql, level->target->value_field,
	                      array_of(arena, pairs->rows.items, pairs->rows.n, level->target));
	sql_lit(&sql, ")");
	sql_finish(&sql, 2, statement);
}

static bool drop_existing(struct pairs *pairs)
{
	struct arena *arena = pairs->writing->arena;
	struct statement statement;
	struct db_rows rows;
	struct map there = {0};
	size_t n = 0;

	if (!pairs->rows.n)
		return true;
	emit_existing(pairs, &statement);
	if (!writing_read(pairs->writing, &statement, 1, &rows))
		return false;
	for (size_t i = 0; i < rows.nrows; i++)
		map_put(&there, arena, pair_key(arena, db_cell(&rows, i, 0), db_cell(&rows, i, 1)), pairs);
	for (size_t i = 0; i < pairs->rows.n; i++) {
		const struct row *row = &pairs->rows.items[i];
		struct str key = pair_key(arena, *cell_text(row, pairs->level->field),
		                          *cell_text(row, pairs->level->target));
		if (!map_get(&there, key))
			pairs->rows.items[n++] = *row;
	}
	pairs->rows.n = n;
	return true;
}

/* set: all others of the one owner are taken away. */
static bool take_others_away(struct pairs *pairs, struct str owner)
{
	struct nested_level *level = pairs->level;
	const struct plan_scope scope = {.relation = level->relation, .is_reverse = level->is_reverse};
	struct str *keys = ARENA_ARRAY(pairs->writing->arena, struct str, pairs->rows.n);
	struct link link;
	uint64_t removed;
	size_t n = 0;

	link_init(&link, &scope);
	link.owner = owner;
	for (size_t i = 0; i < pairs->rows.n; i++) {
		const struct row *row = &pairs->rows.items[i];
		if (str_eq(*cell_text(row, level->field), owner))
			keys[n++] = *cell_text(row, level->target);
	}
	return link_keep(pairs->writing, &link, keys, n, &removed);
}

bool links_prepare(struct nested_level *level, const struct nest *nest, struct row **rows,
                   size_t *n, struct str owner)
{
	struct writing *writing = nest->writing;
	struct pairs pairs = {.level = level, .writing = writing};
	struct finds finds;

	if (!plan_finds(&pairs, *rows, *n, &finds) || !rows_find(writing, level->nest.model, *rows, *n))
		return false;
	struct db_rows *found = ARENA_ARRAY(writing->arena, struct db_rows, finds.statements.n);
	if (finds.statements.n &&
	    !writing_read(writing, finds.statements.items, finds.statements.n, found))
		return false;
	for (size_t i = 0; i < *n; i++) {
		const struct row *row = &(*rows)[i];
		if (!finds.of_row[i])
			add_both(&pairs, row, *cell_text(row, level->target));
		else if (!add_found(&pairs, row, finds.of_row[i], found))
			return false;
	}
	if ((level->is_set && !take_others_away(&pairs, owner)) ||
	    (nest->kind != NEST_NEW && !drop_existing(&pairs)))
		return false;
	*rows = pairs.rows.items;
	*n = pairs.rows.n;
	return true;
}

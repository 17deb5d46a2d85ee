/* Rows named by lookups in place of a key: {"role": {"name": "Senior Engineer"}}.
 *
 * All of a write's are looked up in one round trip, equal ones once, and those by one unique field in one
 * statement, so that a thousand rows that name a thousand others cost what one does.
 */
#include "orm/write/row.h"

#include "orm/base/map.h"
#include "orm/query/decode.h"

/* What is asked, once for all cells that ask it. */
struct question {
	const struct field *field; /* the foreign key */
	const struct value *lookups;
	const struct field *by; /* {"handle": "x"}: the one unique field; NULL otherwise */
	struct str text;        /* and its value, as the database writes it */
	struct bunch *bunch;    /* NULL: a statement of its own */
	size_t statement;
};

/* Questions that differ in one value alone. */
struct bunch {
	const struct field *field, *by;
	struct {
		struct question **items;
		size_t n, cap;
	} questions;
	size_t statement;
	struct map found; /* text of `by` -> struct str: the key */
};

struct search {
	struct question *question;
	struct cell *cell;
};

struct searches {
	struct writing *writing;
	struct {
		struct search *items;
		size_t n, cap;
	} list;
	struct {
		struct question **items;
		size_t n, cap;
	} questions;
	struct {
		struct bunch **items;
		size_t n, cap;
	} bunches;
	struct {
		struct statement *items;
		size_t n, cap;
	} statements;
	struct map known; /* "field lookups" -> struct question */
};

/* -- collecting ------------------------------------------------------------------ */

static struct str question_key(struct arena *arena, const struct field *field,
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

/* Types whose texts are equal just when their values are. */
static bool is_told_by_text(const struct field *field)
{
	enum type_kind kind = field->type->kind;

	return !field->relation && !field->db_collation.p &&
	       (kind == TYPE_INTEGER || kind == TYPE_TEXT);
}

const struct field *lookups_plain_field(struct arena *arena, const struct model *model,
                                        const struct value *lookups, struct str *text)
{
	struct error ignored;

	if (lookups->object.n != 1)
		return NULL;
	const struct member *member = &lookups->object.members[0];
	const struct field *by =
		str_is(member->key, "pk") ? model->pk : model_field(model, member->key);
	if (!by || !by->is_unique || !is_told_by_text(by) ||
	    (member->value.kind != VALUE_INT && member->value.kind != VALUE_TEXT))
		return NULL;
	error_init(&ignored, arena);
	return field_parse(by, &member->value, arena, text, &ignored) ? by : NULL;
}

static void add_search(struct searches *searches, const struct field *field, struct cell *cell)
{
	struct arena *arena = searches->writing->arena;
	struct str key = question_key(arena, field, cell->value);
	struct question *question = map_get(&searches->known, key);

	if (!question) {
		question = ARENA_NEW(arena, struct question);
		*question = (struct question){.field = field, .lookups = cell->value};
		question->by =
			lookups_plain_field(arena, field->relation->to, cell->value, &question->text);
		map_put(&searches->known, arena, key, question);
		*ARENA_PUSH(arena, &searches->questions) = question;
	}
	*ARENA_PUSH(arena, &searches->list) = (struct search){question, cell};
}

static void collect(struct searches *searches, const struct model *model, struct row *row)
{
	for (size_t i = 0; i < model->ncolumns; i++) {
		struct cell *cell = &row->cells[model->columns[i]->index];
		if (cell->kind == CELL_FIND)
			add_search(searches, model->columns[i], cell);
	}
}

static struct bunch *bunch_for(struct searches *searches, const struct question *question)
{
	struct arena *arena = searches->writing->arena;

	for (size_t i = 0; i < searches->bunches.n; i++) {
		struct bunch *bunch = searches->bunches.items[i];
		if (bunch->field == question->field && bunch->by == question->by)
			return bunch;
	}
	struct bunch *bunch = ARENA_NEW(arena, struct bunch);
	*bunch = (struct bunch){.field = question->field, .by = question->by};
	*ARENA_PUSH(arena, &searches->bunches) = bunch;
	return bunch;
}

static void divide(struct searches *searches)
{
	for (size_t i = 0; i < searches->questions.n; i++) {
		struct question *question = searches->questions.items[i];
		if (!question->by)
			continue;
		struct bunch *bunch = bunch_for(searches, question);
		*ARENA_PUSH(searches->writing->arena, &bunch->questions) = question;
		question->bunch = bunch;
	}
	for (size_t i = 0; i < searches->bunches.n; i++) {
		struct bunch *bunch = searches->bunches.items[i];
		if (bunch->questions.n == 1)
			bunch->questions.items[0]->bunch = NULL;
	}
}

/* -- the statements -------------------------------------------------------------- */

/* The key and the field of every row whose field is among the values. */
static bool plan_bunch(struct searches *searches, struct bunch *bunch)
{
	struct writing *writing = searches->writing;
	struct arena *arena = writing->arena;
	const struct relation *relation = bunch->field->relation;
	const struct field *columns[] = {relation->target, bunch->by};
	struct value *values = ARENA_ARRAY(arena, struct value, bunch->questions.n);
	struct member *lookup = ARENA_NEW(arena, struct member);
	struct member *filter = ARENA_NEW(arena, struct member);
	struct value body = {.kind = VALUE_OBJECT, .object = {.members = filter, .n = 1}};
	const struct query *query;

	for (size_t i = 0; i < bunch->questions.n; i++)
		values[i] = bunch->questions.items[i]->lookups->object.members[0].value;
	*lookup = (struct member){arena_printf(arena, "%.*s__in", STR_ARG(bunch->by->name)),
	                          {.kind = VALUE_LIST, .list = {values, bunch->questions.n}}};
	*filter = (struct member){STR("filter"),
	                          {.kind = VALUE_OBJECT, .object = {.members = lookup, .n = 1}}};
	bunch->statement = searches->statements.n;
	return decode_query(arena, &body, NULL, &query, writing->error) &&
	       plan_keys(arena, relation->to, NULL, query, columns, 2, false,
	                 ARENA_PUSH(arena, &searches->statements), writing->error);
}

static bool plan(struct searches *searches)
{
	struct writing *writing = searches->writing;

	for (size_t i = 0; i < searches->questions.n; i++) {
		struct question *question = searches->questions.items[i];
		const struct relation *relation = question->field->relation;
		if (question->bunch)
			continue;
		question->statement = searches->statements.n;
		if (!plan_find(writing->arena, relation->to, question->lookups, &relation->target, 1,
		               ARENA_PUSH(writing->arena, &searches->statements), writing->error))
			return false;
	}
	for (size_t i = 0; i < searches->bunches.n; i++)
		if (searches->bunches.items[i]->questions.n > 1 &&
		    !plan_bunch(searches, searches->bunches.items[i]))
			return false;
	return true;
}

/* -- the answers ----------------------------------------------------------------- */

static void index_bunch(struct searches *searches, struct bunch *bunch, const struct db_rows *rows)
{
	struct arena *arena = searches->writing->arena;
	size_t first = bunch->field->relation->to->npk_fields;

	for (size_t i = 0; i < rows->nrows; i++) {
		struct str *key = ARENA_NEW(arena, struct str);
		*key = db_cell(rows, i, first);
		map_put(&bunch->found, arena, db_cell(rows, i, first + 1), key);
	}
}

static bool key_of(struct searches *searches, const struct question *question,
                   const struct db_rows *answers, struct str *key)
{
	const struct relation *relation = question->field->relation;
	const struct model *model = relation->to;
	const struct pos *pos = question->lookups->pos;

	if (question->bunch) {
		const struct str *found = map_get(&question->bunch->found, question->text);
		if (!found)
			return writing_none_found(searches->writing, model, pos);
		*key = *found;
		return writing_can_refer(searches->writing, relation->target, *key, pos);
	}
	const struct db_rows *rows = &answers[question->statement];
	if (rows->nrows == 0)
		return writing_none_found(searches->writing, model, pos);
	if (rows->nrows > 1)
		return writing_many_found(searches->writing, model, pos, rows->nrows);
	/* Behind the primary key. */
	*key = db_cell(rows, 0, model->npk_fields);
	return writing_can_refer(searches->writing, relation->target, *key, pos);
}

bool rows_find(struct writing *writing, const struct model *model, struct row *rows, size_t n)
{
	struct searches searches = {.writing = writing};

	for (size_t i = 0; i < n; i++)
		collect(&searches, model, &rows[i]);
	divide(&searches);
	if (!plan(&searches))
		return false;
	size_t nstatements = searches.statements.n;
	struct db_rows *answers = ARENA_ARRAY(writing->arena, struct db_rows, nstatements);
	if (!writing_read(writing, searches.statements.items, nstatements, answers))
		return false;
	for (size_t i = 0; i < searches.bunches.n; i++)
		if (searches.bunches.items[i]->questions.n > 1)
			index_bunch(&searches, searches.bunches.items[i],
			            &answers[searches.bunches.items[i]->statement]);
	for (size_t i = 0; i < searches.list.n; i++) {
		const struct search *search = &searches.list.items[i];
		struct str key;
		if (!key_of(&searches, search->question, answers, &key))
			return false;
		*search->cell = (struct cell){.kind = CELL_TEXT, .text = key};
	}
	return true;
}

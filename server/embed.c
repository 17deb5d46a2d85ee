/* Reading related rows that were just written; see embed.h. */
#include "server/embed.h"

#include "orm/base/map.h"
#include "orm/query/decode.h"
#include "orm/wire/encode.h"

struct writer {
	struct request *request;
	bool (*write)(void *arg);
	void *arg;
	struct written *written;
	struct embedding *embedding;
};

/* -- the query ------------------------------------------------------------------- */

static struct str cell_of(const struct layout *layout, const struct db_rows *rows, size_t row,
                          const struct field *field)
{
	for (size_t i = 0; i < layout->n; i++)
		if (layout->members[i].kind == LAYOUT_COLUMN && layout->members[i].field == field)
			return db_cell(rows, row, layout->members[i].column);
	BUG("a written row without its key");
}

static struct value list_of(const struct value *items, size_t n)
{
	return (struct value){.kind = VALUE_LIST, .list = {items, n}};
}

static struct value object_of(const struct member *members, size_t n)
{
	return (struct value){.kind = VALUE_OBJECT, .object = {members, n}};
}

/* {"id": 5}, or the parts of a composite key. */
static struct value key_lookup(const struct writer *writer, size_t i)
{
	const struct written *written = writer->written;
	const struct model *model = written->model;
	struct member *parts = ARENA_ARRAY(writer->request->arena, struct member, model->npk_fields);

	for (size_t k = 0; k < model->npk_fields; k++) {
		parts[k].key = model->pk_fields[k]->attname;
		parts[k].value = (struct value){.kind = VALUE_TEXT, .is_loose = true};
		parts[k].value.text = cell_of(&written->layout, written->rows[i].batch,
		                              written->rows[i].row, model->pk_fields[k]);
	}
	return object_of(parts, model->npk_fields);
}

/* One array parameter for keys of one column. */
static struct value keys_lookup(const struct writer *writer)
{
	struct arena *arena = writer->request->arena;
	const struct written *written = writer->written;
	struct value *keys = ARENA_ARRAY(arena, struct value, written->nrows);
	struct member *member = ARENA_NEW(arena, struct member);
	bool is_plain = written->model->pk != NULL;

	for (size_t i = 0; i < written->nrows; i++) {
		keys[i] = key_lookup(writer, i);
		if (is_plain)
			keys[i] = keys[i].object.members[0].value;
	}
	*member = (struct member){is_plain ? STR("pk__in") : STR("or"), list_of(keys, written->nrows)};
	return object_of(member, 1);
}

static struct value paths_of(const struct writer *writer)
{
	const struct written *written = writer->written;
	struct value *paths = ARENA_ARRAY(writer->request->arena, struct value, written->embedded.n);

	for (size_t i = 0; i < written->embedded.n; i++)
		paths[i] = (struct value){.kind = VALUE_TEXT, .text = written->embedded.items[i]};
	return list_of(paths, written->embedded.n);
}

static bool plan(const struct writer *writer, const struct plan **plan)
{
	struct request *request = writer->request;
	const struct query *query;
	struct member *clauses = ARENA_ARRAY(request->arena, struct member, 2);
	struct value *body = ARENA_NEW(request->arena, struct value);

	clauses[0] = (struct member){STR("filter"), keys_lookup(writer)};
	clauses[1] = (struct member){STR("prefetch_related"), paths_of(writer)};
	*body = object_of(clauses, 2);
	return decode_query(request->arena, body, NULL, &query, &request->error) &&
	       plan_query(request->arena, writer->written->model, NULL, query, plan, &request->error);
}

/* -- rows ------------------------------------------------------------------------ */

static struct str key_text(struct arena *arena, const struct model *model,
                           const struct layout *layout, const struct db_rows *rows, size_t row)
{
	struct buf text = {0};

	for (size_t i = 0; i < model->npk_fields; i++)
		buf_add_json(&text, cell_of(layout, rows, row, model->pk_fields[i]));
	struct str key = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return key;
}

/* The rows read, put in the order of the rows written. */
static bool match(const struct writer *writer, struct fetched *fetched)
{
	struct arena *arena = writer->request->arena;
	const struct written *written = writer->written;
	const struct layout *layout = &fetched->plan->layout;
	struct map by_key = {0};
	size_t *order = ARENA_ARRAY(arena, size_t, fetched->rows.nrows);
	size_t *rows = ARENA_ARRAY(arena, size_t, written->nrows);

	for (size_t i = 0; i < fetched->rows.nrows; i++) {
		order[i] = i;
		map_put(&by_key, arena, key_text(arena, written->model, layout, &fetched->rows, i),
		        &order[i]);
	}
	for (size_t i = 0; i < written->nrows; i++) {
		struct str key = key_text(arena, written->model, &written->layout, written->rows[i].batch,
		                          written->rows[i].row);
		const size_t *found = map_get(&by_key, key);
		if (!found)
			return error_set_nowhere(
				&writer->request->error, ERROR_CONFLICT,
				"A row was gone before it could be answered; the request may be "
				"sent again.");
		rows[i] = *found;
	}
	*writer->embedding = (struct embedding){fetched, rows};
	return true;
}

static bool write_and_read(void *arg)
{
	struct writer *writer = arg;
	struct request *request = writer->request;
	struct fetched *fetched;
	const struct plan *planned;

	*writer->embedding = (struct embedding){0};
	if (!writer->write(writer->arg))
		return false;
	if (!writer->written->embedded.n || !writer->written->nrows)
		return true;
	return plan(writer, &planned) && fetch_all(&request->db, planned, &fetched, &request->error) &&
	       match(writer, fetched);
}

bool embed_write(struct request *request, bool is_nested, bool (*write)(void *arg), void *arg,
                 struct written *written, struct embedding *embedding)
{
	struct writer writer = {request, write, arg, written, embedding};

	*embedding = (struct embedding){0};
	if (!is_nested)
		return write(arg);
	return write_atomically(&request->db, request->registry, write_and_read, &writer,
	                        &request->error);
}

void embed_row(const struct embedding *embedding, const struct written *written, size_t i,
               struct buf *out)
{
	if (embedding && embedding->fetched)
		encode_row(embedding->fetched, embedding->rows[i], out);
	else
		encode_object(&written->layout, written->rows[i].batch, written->rows[i].row, out);
}

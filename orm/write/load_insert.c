/* Batches for bulk_create; see load_insert.h.  A batch has an arena of its own, which also takes what the
 * statements answer: nothing of a batch outlives it. */
#include "orm/write/load_insert.h"

#include "orm/write/load_place.h"

#include <stdlib.h>

#define BATCH_ROWS 5000
#define BATCH_BYTES ((size_t)4 << 20)

void load_insert_init(struct load_insert *load, struct db_session *session,
                      const struct model *model, const struct plan_scope *scope,
                      const struct write_options *options, const struct value *members,
                      struct error *error)
{
	*load = (struct load_insert){.session = session,
	                             .model = model,
	                             .scope = scope,
	                             .members = members,
	                             .arena = arena_new(),
	                             .error = error};
	if (options)
		load->options = *options;
	load->objects = malloc(BATCH_ROWS * sizeof *load->objects);
	load->lines = malloc(BATCH_ROWS * sizeof *load->lines);
	if (!load->objects || !load->lines)
		BUG("no memory");
}

void load_insert_release(struct load_insert *load)
{
	arena_free(load->arena);
	free(load->objects);
	free(load->lines);
	*load = (struct load_insert){0};
}

/* -- objects --------------------------------------------------------------------- */

static struct value copied(struct arena *arena, const struct value *value, const struct pos *root)
{
	struct value copy = *value;

	copy.pos = place_rooted(arena, value->pos, root);
	if (value->kind == VALUE_TEXT) {
		copy.text = arena_str(arena, value->text);
	} else if (value->kind == VALUE_LIST) {
		struct value *items = ARENA_ARRAY(arena, struct value, value->list.n);

		for (size_t i = 0; i < value->list.n; i++)
			items[i] = copied(arena, &value->list.items[i], root);
		copy.list.items = items;
	} else if (value->kind == VALUE_OBJECT) {
		struct member *members = ARENA_ARRAY(arena, struct member, value->object.n);

		for (size_t i = 0; i < value->object.n; i++)
			members[i] =
				(struct member){.key = arena_str(arena, value->object.members[i].key),
			                    .value = copied(arena, &value->object.members[i].value, root)};
		copy.object.members = members;
	}
	return copy;
}

void load_insert_add(struct load_insert *load, const struct value *object, uint64_t index,
                     uint64_t line)
{
	const struct pos *root = pos_item(load->arena, NULL, (size_t)index);

	ASSERT(load->n < BATCH_ROWS);
	load->objects[load->n] = copied(load->arena, object, root);
	load->lines[load->n++] = line;
}

bool load_insert_is_full(const struct load_insert *load)
{
	return load->n == BATCH_ROWS || arena_used(load->arena) >= BATCH_BYTES;
}

/* -- errors ---------------------------------------------------------------------- */

/* The line of the row that a place lies in; 0: of none. */
static uint64_t line_of(const struct load_insert *load, const struct pos *pos)
{
	while (pos && pos->parent)
		pos = pos->parent;
	for (size_t i = 0; pos && !pos->key.p && i < load->n; i++)
		if (load->objects[i].pos->index == pos->index)
			return load->lines[i];
	return 0;
}

static void name_lines(const struct load_insert *load)
{
	struct error *error = load->error;
	struct error_field *violations =
		ARENA_ARRAY(error->arena, struct error_field, error->nviolations);

	error->line = error->has_pos ? line_of(load, error->pos) : 0;
	for (size_t i = 0; i < error->nviolations; i++) {
		violations[i] = error->violations[i];
		violations[i].line = line_of(load, violations[i].pos);
	}
	error->violations = violations;
	if (error->kind == ERROR_INTEGRITY && !error->line)
		error->detail = arena_printf(error->arena, "%.*s The row is one of lines %llu to %llu.",
		                             STR_ARG(error->detail), (unsigned long long)load->lines[0],
		                             (unsigned long long)load->lines[load->n - 1]);
}

/* -- batches --------------------------------------------------------------------- */

static struct value make_body(struct load_insert *load)
{
	size_t nmembers = load->members ? load->members->object.n : 0;
	struct member *members = ARENA_ARRAY(load->arena, struct member, nmembers + 1);
	struct value body = {.kind = VALUE_OBJECT, .object = {.members = members, .n = nmembers + 1}};

	members[0].key = STR("objects");
	members[0].value.kind = VALUE_LIST;
	members[0].value.list.items = load->objects;
	members[0].value.list.n = load->n;
	for (size_t i = 0; i < nmembers; i++)
		members[i + 1] = load->members->object.members[i];
	return body;
}

bool load_insert_flush(struct load_insert *load)
{
	struct arena *lasting = load->session->arena;
	struct written written = {0};

	if (!load->n)
		return true;
	struct value body = make_body(load);

	load->session->arena = load->arena;
	bool is_done = write_bulk_create(load->session, load->model, load->scope, &load->options, &body,
	                                 &written, load->error);
	load->session->arena = lasting;
	if (!is_done) {
		name_lines(load);
		return false;
	}
	load->nrows += written.nrows;
	load->n = 0;
	arena_reset(load->arena);
	return true;
}

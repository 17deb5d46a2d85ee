/* Naming rows of the other end of a relation; see targets.h. */
#include "orm/write/targets.h"

#include "orm/base/map.h"
#include "orm/query/decode.h"

/* What a statement looks for: a value of "objects", which must be found, or a filter (NULL). */
struct searched {
	const struct value *object;
	bool is_bare;
};

struct gathering {
	struct writing *writing;
	const struct model *model;
	const struct field *key;
	struct map known;
	struct {
		struct str *items;
		size_t n, cap;
	} keys;
	struct {
		const struct pos **items;
		size_t n, cap;
	} places;
	/* Statements whose second part is the key: pk…, key. */
	struct {
		struct statement *items;
		size_t n, cap;
	} searches;
	struct {
		struct searched *items;
		size_t n, cap;
	} searched;
};

static void add_key(struct gathering *gathering, struct str key, const struct pos *place)
{
	struct arena *arena = gathering->writing->arena;

	if (map_put(&gathering->known, arena, key, gathering))
		return;
	*ARENA_PUSH(arena, &gathering->keys) = key;
	*ARENA_PUSH(arena, &gathering->places) = place;
}

static bool add_query(struct gathering *gathering, const struct value *body, const char *const *own,
                      struct searched searched)
{
	struct writing *writing = gathering->writing;
	const struct query *query;

	if (!decode_query(writing->arena, body, own, &query, writing->error) ||
	    !plan_keys(writing->arena, gathering->model, NULL, query, &gathering->key, 1, false,
	               ARENA_PUSH(writing->arena, &gathering->searches), writing->error))
		return false;
	*ARENA_PUSH(writing->arena, &gathering->searched) = searched;
	return true;
}

/* {"filter": lookups} */
static bool add_lookup(struct gathering *gathering, const struct value *lookups, bool is_bare)
{
	struct arena *arena = gathering->writing->arena;
	struct member *filter = ARENA_NEW(arena, struct member);
	struct value *clause = ARENA_NEW(arena, struct value);

	*filter = (struct member){.key = STR("filter"), .value = *lookups};
	*clause = (struct value){
		.kind = VALUE_OBJECT, .pos = lookups->pos, .object = {.members = filter, .n = 1}};
	return add_query(gathering, clause, NULL, (struct searched){lookups, is_bare});
}

/* A primary key: the key itself, unless the relation goes by another field. */
static bool add_bare(struct gathering *gathering, const struct value *value)
{
	struct writing *writing = gathering->writing;
	struct str key;

	if (gathering->key == gathering->model->pk) {
		if (!field_parse(gathering->key, value, writing->arena, &key, writing->error))
			return false;
		add_key(gathering, key, value->pos);
		return true;
	}
	struct member *pk = ARENA_NEW(writing->arena, struct member);
	struct value *lookups = ARENA_NEW(writing->arena, struct value);
	*pk = (struct member){.key = STR("pk"), .value = *value};
	*lookups =
		(struct value){.kind = VALUE_OBJECT, .pos = value->pos, .object = {.members = pk, .n = 1}};
	return add_lookup(gathering, lookups, true);
}

static bool add_object(struct gathering *gathering, const struct value *value)
{
	switch (value->kind) {
	case VALUE_OBJECT:
		return add_lookup(gathering, value, false);
	case VALUE_INT:
	case VALUE_TEXT:
		return add_bare(gathering, value);
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_REAL:
	case VALUE_LIST:
		break;
	}
	return error_set(gathering->writing->error, ERROR_VALUE, value->pos,
	                 "An object of %.*s is a primary key or an object of lookups, not %s.",
	                 STR_ARG(gathering->model->name), value_kind_name(value->kind));
}

static bool add_objects(struct gathering *gathering, const struct value *list)
{
	if (list->kind != VALUE_LIST)
		return error_set(gathering->writing->error, ERROR_VALUE, list->pos,
		                 "\"objects\" is an array of primary keys and lookups, not %s.",
		                 value_kind_name(list->kind));
	for (size_t i = 0; i < list->list.n; i++)
		if (!add_object(gathering, &list->list.items[i]))
			return false;
	return true;
}

static bool is_own(struct str key, const char *const *own)
{
	for (; *own; own++)
		if (str_is(key, *own))
			return true;
	return false;
}

static bool has_clauses(const struct value *body, const char *const *own)
{
	for (size_t i = 0; i < body->object.n; i++)
		if (!is_own(body->object.members[i].key, own))
			return true;
	return false;
}

static bool add_body(struct gathering *gathering, const struct value *body, const char *const *own)
{
	if (body->kind == VALUE_LIST)
		return add_objects(gathering, body);
	if (body->kind != VALUE_OBJECT)
		return add_objects(gathering, body);
	const struct value *objects = value_get(body, "objects");
	bool has_query = has_clauses(body, own);
	if (!objects && !has_query)
		return error_set(gathering->writing->error, ERROR_BAD_REQUEST, body->pos,
		                 "Say which rows: \"objects\" (primary keys and lookups) or a \"filter\".");
	return (!objects || add_objects(gathering, objects)) &&
	       (!has_query || add_query(gathering, body, own, (struct searched){NULL, false}));
}

/* Waits.  All searches in one round trip. */
static bool search(struct gathering *gathering)
{
	struct writing *writing = gathering->writing;
	size_t n = gathering->searches.n;
	struct db_rows *rows = ARENA_ARRAY(writing->arena, struct db_rows, n);

	if (!writing_read(writing, gathering->searches.items, n, rows))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct searched *searched = &gathering->searched.items[i];
		const struct pos *place = searched->is_bare ? searched->object->pos : NULL;
		if (searched->object && !rows[i].nrows)
			return writing_none_found(writing, gathering->model, searched->object->pos);
		for (size_t row = 0; row < rows[i].nrows; row++)
			add_key(gathering, db_cell(&rows[i], row, gathering->model->npk_fields), place);
	}
	return true;
}

bool targets_read(struct writing *writing, const struct model *model, const struct field *key,
                  const struct value *body, const char *const *own, struct targets *targets)
{
	struct gathering *gathering = ARENA_NEW(writing->arena, struct gathering);

	*gathering = (struct gathering){.writing = writing, .model = model, .key = key};
	*targets = (struct targets){.gathering = gathering};
	return add_body(gathering, body, own);
}

bool targets_find(struct writing *writing, struct targets *targets)
{
	struct gathering *gathering = targets->gathering;

	ASSERT(gathering->writing == writing);
	if (!search(gathering))
		return false;
	targets->keys = gathering->keys.items;
	targets->n = gathering->keys.n;
	targets->places = gathering->places.items;
	return true;
}

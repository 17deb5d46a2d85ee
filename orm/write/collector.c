/* The pure half of delete; see collector.h.  Knows no SQL. */
#include "orm/write/collector.h"

/* Objects told with a ProtectedError or RestrictedError. */
#define OBJECTS_MAX 100

static bool is_key(const struct relation *relation)
{
	return relation->kind != RELATION_MANY_TO_MANY;
}

bool collect_has_dependents(const struct model *model)
{
	for (size_t i = 0; i < model->nreverse; i++)
		if (is_key(model->reverse[i]) && model->reverse[i]->on_delete != ON_DELETE_DO_NOTHING)
			return true;
	return false;
}

/* A row that one relation deletes may be what another restricts: then it must be known. */
static bool restricts_anything(const struct model *model)
{
	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct relation *relation = model->columns[i]->relation;
		if (relation && relation->on_delete == ON_DELETE_RESTRICT)
			return true;
	}
	return false;
}

enum collect_kind collect_kind_of(const struct relation *relation)
{
	if (!is_key(relation))
		return COLLECT_IGNORE;
	switch (relation->on_delete) {
	case ON_DELETE_DO_NOTHING:
		return COLLECT_IGNORE;
	case ON_DELETE_SET_NULL:
	case ON_DELETE_SET_DEFAULT:
	case ON_DELETE_SET:
		return COLLECT_UPDATE;
	case ON_DELETE_PROTECT:
	case ON_DELETE_RESTRICT:
		return COLLECT_SELECT;
	case ON_DELETE_CASCADE:
		return collect_has_dependents(relation->from) || restricts_anything(relation->from)
		           ? COLLECT_SELECT
		           : COLLECT_FAST;
	}
	return COLLECT_IGNORE;
}

void collector_init(struct collector *collector, struct arena *arena, const struct model *model)
{
	*collector = (struct collector){.arena = arena, .model = model};
}

/* -- keys ------------------------------------------------------------------------ */

/* The key's texts with their lengths, so that no two keys look alike. */
static struct str key_text(struct arena *arena, const struct str *key, size_t npk)
{
	if (npk == 1)
		return key[0];
	struct str text = {"", 0};
	for (size_t i = 0; i < npk; i++)
		text = arena_printf(arena, "%.*s%zu:%.*s", STR_ARG(text), key[i].n, STR_ARG(key[i]));
	return text;
}

static struct collected *collected_of(const struct collector *collector, const struct model *model)
{
	for (size_t i = 0; i < collector->collected.n; i++)
		if (collector->collected.items[i]->keys.model == model)
			return collector->collected.items[i];
	return NULL;
}

static struct collected *collected_for(struct collector *collector, const struct model *model)
{
	struct collected *collected = collected_of(collector, model);

	if (collected)
		return collected;
	collected = ARENA_NEW(collector->arena, struct collected);
	collected->keys.model = model;
	*ARENA_PUSH(collector->arena, &collector->collected) = collected;
	return collected;
}

static void push_key(struct arena *arena, struct key_list *list, const struct str *key)
{
	for (size_t i = 0; i < list->model->npk_fields; i++)
		*ARENA_PUSH(arena, list) = key[i];
}

/* Rows not yet known become a step of their own. */
static void add_rows(struct collector *collector, const struct model *model, const struct str *keys,
                     size_t n, const struct relation *root)
{
	struct arena *arena = collector->arena;
	struct collected *collected = collected_for(collector, model);
	struct key_list fresh = {.model = model};
	size_t npk = model->npk_fields;

	for (size_t i = 0; i < n; i++) {
		const struct str *key = &keys[i * npk];
		struct str text = key_text(arena, key, npk);
		if (map_get(&collected->known, text))
			continue;
		map_put(&collected->known, arena, text, collected);
		push_key(arena, &collected->keys, key);
		push_key(arena, &fresh, key);
	}
	if (!fresh.n)
		return;
	*ARENA_PUSH(arena, &collector->steps) = (struct collect_step){
		.model = model, .keys = fresh.items, .nkeys = fresh.n / npk, .root = root};
}

/* -- following ------------------------------------------------------------------- */

void collector_start(struct collector *collector, const struct str *keys, size_t n)
{
	add_rows(collector, collector->model, keys, n, NULL);
}

bool collector_next(struct collector *collector, struct collect_step *step)
{
	if (collector->next == collector->steps.n)
		return false;
	*step = collector->steps.items[collector->next++];
	for (size_t i = 0; i < step->model->nreverse; i++) {
		const struct relation *relation = step->model->reverse[i];
		struct collect_action action = {relation, *step};
		switch (collect_kind_of(relation)) {
		case COLLECT_FAST:
			*ARENA_PUSH(collector->arena, &collector->fast) = action;
			break;
		case COLLECT_UPDATE:
			*ARENA_PUSH(collector->arena, &collector->updates) = action;
			break;
		case COLLECT_IGNORE:
		case COLLECT_SELECT:
			break;
		}
	}
	return true;
}

static void forbid(struct arena *arena, struct forbidding *forbidding, const struct str *keys,
                   size_t n)
{
	for (size_t i = 0; i < n; i++)
		push_key(arena, &forbidding->keys, &keys[i * forbidding->keys.model->npk_fields]);
}

void collector_found(struct collector *collector, const struct collect_step *step,
                     const struct relation *relation, const struct str *keys, size_t n)
{
	const struct relation *root = step->root ? step->root : relation;
	struct forbidding forbidding = {.relation = root, .keys = {.model = relation->from}};

	if (!n)
		return;
	if (relation->on_delete == ON_DELETE_CASCADE) {
		add_rows(collector, relation->from, keys, n, root);
		return;
	}
	if (relation->on_delete == ON_DELETE_PROTECT) {
		forbid(collector->arena, &forbidding, keys, n);
		*ARENA_PUSH(collector->arena, &collector->is_protected) = forbidding;
		return;
	}
	ASSERT(relation->on_delete == ON_DELETE_RESTRICT);
	forbidding.relation = relation;
	forbid(collector->arena, &forbidding, keys, n);
	*ARENA_PUSH(collector->arena, &collector->is_restricted) = forbidding;
}

/* -- judging --------------------------------------------------------------------- */

struct refusal {
	struct arena *arena;
	struct buf relations; /* 'Employee.role', 'Task.owner' */
	struct {
		struct error_object *items;
		size_t n, cap;
	} objects;
	struct map told; /* relations and objects that are in already */
};

static void tell_relation(struct refusal *refusal, const struct relation *relation)
{
	struct str name = arena_printf(refusal->arena, "'%.*s.%.*s'", STR_ARG(relation->from->name),
	                               STR_ARG(relation->field->name));

	if (map_put(&refusal->told, refusal->arena, name, refusal))
		return;
	if (refusal->relations.n)
		BUF_LIT(&refusal->relations, ", ");
	buf_add(&refusal->relations, name);
}

static struct str key_name(struct arena *arena, const struct str *key, size_t npk)
{
	struct str text = key[0];

	for (size_t i = 1; i < npk; i++)
		text = arena_printf(arena, "%.*s,%.*s", STR_ARG(text), STR_ARG(key[i]));
	return text;
}

static void tell_object(struct refusal *refusal, const struct model *model, const struct str *key)
{
	struct str pk = key_name(refusal->arena, key, model->npk_fields);
	struct str name = arena_printf(refusal->arena, "%.*s %.*s", STR_ARG(model->name), STR_ARG(pk));

	if (refusal->objects.n == OBJECTS_MAX || map_put(&refusal->told, refusal->arena, name, refusal))
		return;
	*ARENA_PUSH(refusal->arena, &refusal->objects) = (struct error_object){model->name, pk};
}

static bool refuse(const struct collector *collector, struct refusal *refusal, enum error_kind kind,
                   const char *word, struct error *error)
{
	struct str relations = buf_str(&refusal->relations);

	error_set_nowhere(error, kind,
	                  "Cannot delete some instances of model '%.*s' because they are referenced "
	                  "through %s foreign keys: %.*s.",
	                  STR_ARG(collector->model->name), word, STR_ARG(relations));
	error->objects = refusal->objects.items;
	error->nobjects = refusal->objects.n;
	buf_release(&refusal->relations);
	return false;
}

static bool is_unprotected(const struct collector *collector, struct error *error)
{
	struct refusal refusal = {.arena = collector->arena};

	if (!collector->is_protected.n)
		return true;
	for (size_t i = 0; i < collector->is_protected.n; i++) {
		const struct forbidding *forbidding = &collector->is_protected.items[i];
		const struct model *model = forbidding->keys.model;
		tell_relation(&refusal, forbidding->relation);
		for (size_t k = 0; k < forbidding->keys.n; k += model->npk_fields)
			tell_object(&refusal, model, &forbidding->keys.items[k]);
	}
	return refuse(collector, &refusal, ERROR_PROTECTED, "protected", error);
}

/* Restricted rows that go as well by another path restrict nothing. */
static bool is_unrestricted(const struct collector *collector, struct error *error)
{
	struct refusal refusal = {.arena = collector->arena};

	for (size_t i = 0; i < collector->is_restricted.n; i++) {
		const struct forbidding *forbidding = &collector->is_restricted.items[i];
		const struct model *model = forbidding->keys.model;
		const struct collected *going = collected_of(collector, model);
		for (size_t k = 0; k < forbidding->keys.n; k += model->npk_fields) {
			const struct str *key = &forbidding->keys.items[k];
			struct str text = key_text(collector->arena, key, model->npk_fields);
			if (going && map_get(&going->known, text))
				continue;
			tell_relation(&refusal, forbidding->relation);
			tell_object(&refusal, model, key);
		}
	}
	return !refusal.relations.n ||
	       refuse(collector, &refusal, ERROR_RESTRICTED, "restricted", error);
}

bool collector_judge(const struct collector *collector, struct error *error)
{
	return is_unprotected(collector, error) && is_unrestricted(collector, error);
}

/* -- order ----------------------------------------------------------------------- */

/* Whether rows of `from` hold a key to rows of `to`. */
static bool refers(const struct model *from, const struct model *to, bool also_nullable)
{
	for (size_t i = 0; i < from->ncolumns; i++) {
		const struct field *field = from->columns[i];
		if (field->relation && field->relation->to == to && (also_nullable || !field->is_null))
			return true;
	}
	return false;
}

static bool is_free(const struct collected *const *left, size_t n, size_t candidate,
                    bool also_nullable)
{
	for (size_t i = 0; i < n; i++)
		if (i != candidate &&
		    refers(left[i]->keys.model, left[candidate]->keys.model, also_nullable))
			return false;
	return true;
}

/* The first that nothing left refers to; in a cycle, the first that nothing must refer to; else the
 * first (foreign keys are checked at the end of the transaction). */
static size_t pick(const struct collected *const *left, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_free(left, n, i, true))
			return i;
	for (size_t i = 0; i < n; i++)
		if (is_free(left, n, i, false))
			return i;
	return 0;
}

const struct collected **collector_order(const struct collector *collector, size_t *n)
{
	size_t nleft = collector->collected.n;
	const struct collected **left = ARENA_ARRAY(collector->arena, const struct collected *, nleft);
	const struct collected **order = ARENA_ARRAY(collector->arena, const struct collected *, nleft);

	for (size_t i = 0; i < nleft; i++)
		left[i] = collector->collected.items[i];
	for (*n = 0; nleft; (*n)++) {
		size_t at = pick(left, nleft);
		order[*n] = left[at];
		nleft--;
		memmove(&left[at], &left[at + 1], (nleft - at) * sizeof *left);
	}
	return order;
}

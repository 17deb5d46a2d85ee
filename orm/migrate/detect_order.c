/* Puts detected operations in an order that their dependencies allow, layer by layer. */
#include "orm/migrate/detect.h"

#include "orm/migrate/edit.h"

static bool is_text_nocase(const struct value *value, struct str text)
{
	return value && value->kind == VALUE_TEXT && str_eq_nocase(value->text, text);
}

static bool creates_field(const struct operation *operation, struct str field)
{
	if (operation->kind == OP_ADD_FIELD)
		return str_eq_nocase(operation->name, field);
	if (operation->kind != OP_CREATE_MODEL)
		return false;
	for (size_t i = 0; i < operation->fields->object.n; i++)
		if (str_eq_nocase(operation->fields->object.members[i].key, field))
			return true;
	return false;
}

/* Whether this is the operation that the dependency waits for. */
static bool fulfils(const struct operation *operation, const struct dependency *after)
{
	if (!operation->model.p || !str_eq_nocase(operation->model, after->model))
		return false;
	switch (after->kind) {
	case AFTER_MODEL_CREATED:
		return operation->kind == OP_CREATE_MODEL;
	case AFTER_MODEL_DELETED:
		return operation->kind == OP_DELETE_MODEL;
	case AFTER_FIELD_ADDED:
		return creates_field(operation, after->field);
	case AFTER_FIELD_REMOVED:
		return operation->kind == OP_REMOVE_FIELD && str_eq_nocase(operation->name, after->field);
	case AFTER_FIELD_ALTERED:
		return operation->kind == OP_ALTER_FIELD && str_eq_nocase(operation->name, after->field);
	case AFTER_ORDER_UNSET:
		return operation->kind == OP_ALTER_ORDER_WITH_RESPECT_TO &&
		       !is_text_nocase(operation->body, after->field);
	case AFTER_TOGETHER_CHANGED:
		return operation->kind == OP_ALTER_UNIQUE_TOGETHER;
	case AFTER_KEY_CHANGED:
		return operation->kind == OP_ALTER_PRIMARY_KEY;
	}
	return false;
}

static bool waits_for(const struct detected *a, const struct detected *b)
{
	for (size_t i = 0; i < a->after.n; i++)
		if (fulfils(&b->operation, &a->after.items[i]))
			return true;
	return false;
}

/* Whether everything that the operation waits for stands in an earlier layer. */
static bool is_ready(struct detected *const *detected, size_t n, size_t at, const unsigned *layers)
{
	for (size_t i = 0; i < n; i++)
		if (i != at && !layers[i] && waits_for(detected[at], detected[i]))
			return false;
	return true;
}

bool detect_order(struct arena *arena, struct detected *const *detected, size_t n,
                  struct operations *operations)
{
	unsigned *layers = ARENA_ARRAY(arena, unsigned, n + 1);
	bool *ready = ARENA_ARRAY(arena, bool, n + 1);
	size_t placed = 0;
	for (unsigned layer = 1; placed < n; layer++) {
		size_t before = placed;
		for (size_t i = 0; i < n; i++)
			ready[i] = !layers[i] && is_ready(detected, n, i, layers);
		for (size_t i = 0; i < n; i++) {
			if (!ready[i])
				continue;
			layers[i] = layer;
			placed++;
			*ARENA_PUSH(arena, operations) = detected[i]->operation;
		}
		if (placed == before)
			return false;
	}
	return true;
}

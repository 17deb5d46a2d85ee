/* add, remove, set and clear of related managers: many-to-many through link.c, the many side of
 * a foreign key here, by changing that key.
 */
#include "orm/write/write.h"

#include "orm/write/delete.h"
#include "orm/write/link.h"
#include "orm/write/parts.h"
#include "orm/write/require.h"
#include "orm/write/targets.h"

struct change {
	struct writing *writing;
	const struct plan_scope *scope;
	enum related_change kind;
	const struct value *body;
	struct targets targets;
	struct link link; /* many-to-many */
	struct str owner; /* foreign key: what it refers to */
	struct related_changed *changed;
};

static const char *const own_members[] = {"objects", "through_defaults", NULL};

static const struct value *through_defaults_of(const struct change *change)
{
	const struct value *body = change->body;
	return body && body->kind == VALUE_OBJECT ? value_get(body, "through_defaults") : NULL;
}

static bool read_targets(struct change *change, const struct model *model, const struct field *key)
{
	if (change->kind == RELATED_CLEAR)
		return true;
	return targets_read(change->writing, model, key, change->body, own_members, &change->targets);
}

/* Waits. */
static bool find_targets(struct change *change)
{
	return change->kind == RELATED_CLEAR || targets_find(change->writing, &change->targets);
}

/* -- many-to-many ---------------------------------------------------------------- */

static bool change_links(struct writing *writing, void *arg)
{
	struct change *change = arg;
	const struct targets *targets = &change->targets;
	struct related_changed *changed = change->changed;

	*changed = (struct related_changed){0};
	switch (change->kind) {
	case RELATED_ADD:
		return link_add(writing, &change->link, targets->keys, targets->n, &changed->added);
	case RELATED_REMOVE:
		return link_remove(writing, &change->link, targets->keys, targets->n, &changed->removed);
	case RELATED_SET:
		return link_keep(writing, &change->link, targets->keys, targets->n, &changed->removed) &&
		       link_add(writing, &change->link, targets->keys, targets->n, &changed->added);
	case RELATED_CLEAR:
		return link_keep(writing, &change->link, NULL, 0, &changed->removed);
	}
	return false;
}

/* One segment is a transaction by itself. */
static bool needs_transaction(const struct change *change)
{
	if (change->kind == RELATED_ADD)
		return false;
	return change->kind == RELATED_SET || delete_needs_collecting(change->link.through);
}

static bool read_defaults(struct change *change)
{
	struct writing *writing = change->writing;
	struct validation validation;

	writing_validation(writing, &validation);
	return link_read_defaults(writing, &change->link, through_defaults_of(change), &validation) &&
	       validation_finish(&validation, writing->error);
}

static bool change_many_to_many(struct change *change)
{
	struct writing *writing = change->writing;
	bool adds = change->kind == RELATED_ADD || change->kind == RELATED_SET;

	link_init(&change->link, change->scope);
	const struct field *target = change->link.target;
	if (!read_targets(change, target->relation->to, target->relation->target) ||
	    (adds && !read_defaults(change)) ||
	    !link_find(writing, &change->link, change->scope) || !find_targets(change))
		return false;
	if (!needs_transaction(change))
		return change_links(writing, change);
	return writing_atomically(writing, change_links, change);
}

/* -- the many side of a foreign key ---------------------------------------------- */

static const struct field *key_of(const struct change *change)
{
	return change->scope->relation->field;
}

/* SELECT pk, whether it refers to the owner already … FOR UPDATE. */
static void emit_select(struct change *change, struct statement *statement)
{
	const struct field *key = key_of(change), *pk = key->model->pk;
	struct arena *arena = change->writing->arena;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT ");
	sql_name(&sql, pk->column);
	sql_lit(&sql, ", ");
	sql_name(&sql, key->column);
	sql_lit(&sql, " IS NOT DISTINCT FROM ");
	sql_field_param(&sql, key, change->owner);
	sql_lit(&sql, " FROM ");
	sql_table(&sql, key->model);
	sql_lit(&sql, " WHERE ");
	sql_name(&sql, pk->column);
	sql_lit(&sql, " = ANY(");
	sql_field_array_param(&sql, pk->value_field,
	                      part_array_text(arena, change->targets.keys, change->targets.n));
	sql_lit(&sql, ") FOR UPDATE");
	sql_finish(&sql, 2, statement);
}

enum which { THESE, OWN_BUT_THESE };

/* UPDATE … SET key = value of these rows, or of all that refer to the owner but these. */
static void emit_update(struct change *change, struct str value, enum which which,
                        const struct str *keys, size_t n, struct statement *statement)
{
	const struct field *key = key_of(change), *pk = key->model->pk;
	struct arena *arena = change->writing->arena;
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "UPDATE ");
	sql_table(&sql, key->model);
	sql_lit(&sql, " SET ");
	sql_name(&sql, key->column);
	sql_lit(&sql, " = ");
	sql_field_param(&sql, key, value);
	sql_lit(&sql, " WHERE ");
	if (which == OWN_BUT_THESE) {
		sql_name(&sql, key->column);
		sql_lit(&sql, " = ");
		sql_field_param(&sql, key, change->owner);
		sql_lit(&sql, " AND NOT ");
	}
	sql_lit(&sql, "(");
	sql_name(&sql, pk->column);
	sql_lit(&sql, " = ANY(");
	sql_field_array_param(&sql, pk->value_field, part_array_text(arena, keys, n));
	sql_lit(&sql, "))");
	sql_finish(&sql, 0, statement);
}

static bool run_update(struct change *change, struct str value, enum which which,
                       const struct str *keys, size_t n, uint64_t *affected)
{
	struct statement statement;
	struct db_rows rows;

	emit_update(change, value, which, keys, n, &statement);
	if (!writing_query(change->writing, &statement, &rows))
		return false;
	*affected = rows.affected;
	return true;
}

/* The rows among the targets that exist, and which of them are the owner's. */
struct found {
	struct str *others, *owned;
	size_t nothers, nowned;
};

/* Every bare primary key must be among the keys. */
static bool all_found(struct change *change, const struct db_rows *rows)
{
	struct map known = {0};

	for (size_t i = 0; i < rows->nrows; i++)
		map_put(&known, change->writing->arena, db_cell(rows, i, 0), change);
	for (size_t i = 0; i < change->targets.n; i++)
		if (change->targets.places[i] && !map_get(&known, change->targets.keys[i]))
			return writing_none_found(change->writing, key_of(change)->model,
			                          change->targets.places[i]);
	return true;
}

static bool select_targets(struct change *change, struct found *found)
{
	struct arena *arena = change->writing->arena;
	struct statement statement;
	struct db_rows rows;

	*found = (struct found){0};
	if (!change->targets.n)
		return true;
	emit_select(change, &statement);
	if (!writing_query(change->writing, &statement, &rows) || !all_found(change, &rows))
		return false;
	found->others = ARENA_ARRAY(arena, struct str, rows.nrows);
	found->owned = ARENA_ARRAY(arena, struct str, rows.nrows);
	for (size_t i = 0; i < rows.nrows; i++) {
		bool is_owned = str_is(db_cell(&rows, i, 1), "t");
		if (is_owned)
			found->owned[found->nowned++] = db_cell(&rows, i, 0);
		else
			found->others[found->nothers++] = db_cell(&rows, i, 0);
	}
	return true;
}

static bool add_rows(struct change *change, const struct found *found)
{
	if (!found->nothers)
		return true;
	return run_update(change, change->owner, THESE, found->others, found->nothers,
	                  &change->changed->added);
}

/* Django: a row that is not of this set cannot be removed from it. */
static bool only_owned(struct change *change, const struct found *found)
{
	const struct relation *relation = change->scope->relation;
	struct map others = {0};

	for (size_t i = 0; i < found->nothers; i++)
		map_put(&others, change->writing->arena, found->others[i], change);
	for (size_t i = 0; i < change->targets.n; i++) {
		if (!change->targets.places[i] || !map_get(&others, change->targets.keys[i]))
			continue;
		return error_set(change->writing->error, ERROR_DOES_NOT_EXIST, change->targets.places[i],
		                 "%.*s %.*s is not related to this %.*s.", STR_ARG(relation->from->name),
		                 STR_ARG(change->targets.keys[i]), STR_ARG(relation->to->name));
	}
	return true;
}

static bool remove_rows(struct change *change, const struct found *found)
{
	const struct str null = {NULL, 0};

	if (!only_owned(change, found))
		return false;
	if (!found->nowned)
		return true;
	return run_update(change, null, THESE, found->owned, found->nowned, &change->changed->removed);
}

static bool clear_rows(struct change *change, const struct str *keep, size_t n)
{
	const struct str null = {NULL, 0};

	return run_update(change, null, OWN_BUT_THESE, keep, n, &change->changed->removed);
}

static bool change_keys(struct writing *writing, void *arg)
{
	struct change *change = arg;
	struct found found;

	(void)writing;
	*change->changed = (struct related_changed){0};
	if (change->kind == RELATED_CLEAR)
		return clear_rows(change, NULL, 0);
	if (!select_targets(change, &found))
		return false;
	switch (change->kind) {
	case RELATED_ADD:
		return add_rows(change, &found);
	case RELATED_REMOVE:
		return remove_rows(change, &found);
	case RELATED_SET:
		/* Where the key may not be null, set() adds and takes nothing away, as in Django. */
		return (!key_of(change)->is_null ||
		        clear_rows(change, change->targets.keys, change->targets.n)) &&
		       add_rows(change, &found);
	case RELATED_CLEAR:
		break;
	}
	return false;
}

static bool may_be_null(struct change *change, const char *name)
{
	const struct field *key = key_of(change);

	if (key->is_null)
		return true;
	return error_set_nowhere(change->writing->error, ERROR_TYPE,
	                         "%s() is only available when the foreign key may be null; %.*s.%.*s "
	                         "may not.",
	                         name, STR_ARG(key->model->name), STR_ARG(key->name));
}

static bool change_foreign_keys(struct change *change)
{
	const struct relation *relation = change->scope->relation;
	struct writing *writing = change->writing;

	if (change->kind == RELATED_REMOVE && !may_be_null(change, "remove"))
		return false;
	if (change->kind == RELATED_CLEAR && !may_be_null(change, "clear"))
		return false;
	if (!relation->from->pk)
		return error_set_nowhere(writing->error, ERROR_NOT_SUPPORTED,
		                         "Rows of %.*s have a composite key; change their foreign key by "
		                         "update instead.",
		                         STR_ARG(relation->from->name));
	return read_targets(change, relation->from, relation->from->pk) &&
	       owner_read(writing, change->scope, relation->target, &change->owner) &&
	       find_targets(change) && writing_atomically(writing, change_keys, change);
}

/* What changes in a number of rows that was not asked for goes back. */
struct required {
	struct change *change;
	struct require require;
};

static bool change_as_required(struct writing *writing, void *arg)
{
	struct required *required = arg;
	struct change *change = required->change;
	const struct related_changed *changed = change->changed;

	*change->changed = (struct related_changed){0};
	return (change->scope->relation->kind == RELATION_MANY_TO_MANY ? change_many_to_many(change)
	                                                               : change_foreign_keys(change)) &&
	       require_holds(&required->require, changed->added + changed->removed, writing->error);
}

bool write_related(struct db_session *session, const struct plan_scope *scope,
                   const struct write_options *options, enum related_change kind,
                   const struct value *body, struct related_changed *changed, struct error *error)
{
	struct writing writing;
	struct change change = {
		.writing = &writing, .scope = scope, .kind = kind, .body = body, .changed = changed};
	struct required required = {.change = &change};

	writing_init(&writing, session, scope->relation->from->registry, options, error);
	if (!require_read(writing.options->require, &required.require, error) ||
	    !scope_is_manager(&writing, scope))
		return false;
	return required.require.is_given
	           ? writing_atomically(&writing, change_as_required, &required)
	           : change_as_required(&writing, &required);
}

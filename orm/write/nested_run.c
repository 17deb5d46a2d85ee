/* Levels in order: what a row refers to before it, what refers to it after; see nested.h. */
#include "orm/write/nested_level.h"

#include "orm/base/map.h"
#include "orm/query/decode.h"
#include "orm/write/delete.h"
#include "orm/write/insert_rows.h"

/* -- values made of keys --------------------------------------------------------- */

/* PostgreSQL's text of a key is read like a query string's. */
static struct value loose(struct str text)
{
	return (struct value){.kind = VALUE_TEXT, .is_loose = true, .text = text};
}

/* The primary key of a row as a scope's owner takes it. */
static const struct value *key_of(const struct nest *nest, const struct written_row *row)
{
	struct arena *arena = nest->writing->arena;
	size_t n = nest->model->npk_fields;
	struct value *parts = ARENA_ARRAY(arena, struct value, n);

	for (size_t i = 0; i < n; i++)
		parts[i] = loose(written_cell(nest->model, row, nest->model->pk_fields[i]));
	if (nest->model->pk)
		return parts;
	struct value *list = ARENA_NEW(arena, struct value);
	*list = (struct value){.kind = VALUE_LIST, .list = {parts, n}};
	return list;
}

/* What a method that is run for its effect is not told again. */
static const struct write_options *plain_options(const struct nest *nest)
{
	struct write_options *options = ARENA_NEW(nest->writing->arena, struct write_options);

	*options = (struct write_options){.is_unvalidated = nest->writing->options->is_unvalidated};
	return options;
}

/* -- levels ---------------------------------------------------------------------- */

/* The row's key that the field holds, from the row that it refers to. */
static bool refer(struct writing *writing, const struct field *field, struct row *row,
                  const struct model *model, const struct written_row *to)
{
	const struct field *target = field->relation->target;
	struct str key = written_cell(model, to, target);

	row->cells[field->index] = (struct cell){.kind = CELL_TEXT, .text = key};
	return writing_can_refer(writing, target, key, NULL);
}

static bool refer_to_parents(const struct nested_level *level, const struct nest *nest,
                             const struct written_row *parents, struct row *rows)
{
	for (size_t i = 0; i < level->rows.n; i++)
		if (!refer(nest->writing, level->field, &rows[i], nest->model,
		           &parents[level->parents.items[i]]))
			return false;
	return true;
}

static bool run_links(struct nested_level *level, const struct nest *nest, struct row *rows,
                      const struct written_row *parents)
{
	struct writing *writing = nest->writing;
	const struct conflict skips = {.kind = INSERT_SKIPS};
	size_t n = level->rows.n;
	struct str owner = {NULL, 0};

	if (level->is_set)
		owner = written_cell(nest->model, &parents[0], level->field->relation->target);
	if (!links_prepare(level, nest, &rows, &n, owner))
		return false;
	if (n && level->reader.missing && !validation_finish(level->reader.missing, writing->error))
		return false;
	struct written_row *written = ARENA_ARRAY(writing->arena, struct written_row, n);
	return insert_rows(writing, level->nest.model, rows, n,
	                   level->relation->is_auto ? &skips : NULL, NULL, INSERT_ROWS_MAX, written);
}

bool level_run(struct nested_level *level, const struct nest *nest,
               const struct written_row *parents, struct written_row **written)
{
	struct writing *writing = nest->writing;
	const struct model *model = level->nest.model;
	size_t n = level->rows.n;
	struct row *rows = rows_copy(writing->arena, model, level->rows.items, n);

	*written = ARENA_ARRAY(writing->arena, struct written_row, n);
	if (parents && !refer_to_parents(level, nest, parents, rows))
		return false;
	if (!nest_before(&level->nest, rows))
		return false;
	if (level->kind == LEVEL_LINKS)
		return run_links(level, nest, rows, parents);
	return rows_find(writing, model, rows, n) &&
	       insert_rows(writing, model, rows, n, NULL, NULL, INSERT_ROWS_MAX, *written) &&
	       insert_took_all(writing, model, *written, n) && nest_after(&level->nest, *written);
}

/* -- before ---------------------------------------------------------------------- */

/* Equal ones are made once: the second would find what the first has made. */
struct made {
	const struct model *model;
	struct written_row row;
};

static struct str make_key(struct arena *arena, const struct nested_make *make)
{
	struct buf text = {0};

	buf_printf(&text, "%d ", (int)make->verb);
	buf_add(&text, make->field->name);
	value_write_json(make->body, &text);
	struct str key = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return key;
}

/* A row of these columns in the model's order, from an answer in whatever layout. */
static struct written_row whole_row(struct arena *arena, const struct model *model,
                                    const struct written *written)
{
	struct str *cells = ARENA_ARRAY(arena, struct str, model->ncolumns);
	struct db_rows *rows = ARENA_NEW(arena, struct db_rows);

	for (size_t i = 0; i < written->layout.n; i++) {
		const struct layout_member *member = &written->layout.members[i];
		if (member->kind != LAYOUT_COLUMN)
			continue;
		for (size_t k = 0; k < model->ncolumns; k++)
			if (model->columns[k] == member->field)
				cells[k] = db_cell(written->rows[0].batch, written->rows[0].row, member->column);
	}
	*rows = (struct db_rows){.cells = cells, .nrows = 1, .ncolumns = model->ncolumns};
	return (struct written_row){rows, 0};
}

static bool run_make(struct nest *nest, const struct nested_make *make, struct made *made)
{
	struct writing *writing = nest->writing;
	const struct model *model = make->field->relation->to;
	bool (*method)(struct db_session *, const struct model *, const struct plan_scope *,
	               const struct write_options *, const struct value *, bool *, struct written *,
	               struct error *) =
		make->verb == NESTED_GET_OR_CREATE ? write_get_or_create : write_update_or_create;
	struct written written;
	bool is_created;

	if (!method(writing->session, model, NULL, plain_options(nest), make->body, &is_created,
	            &written, writing->error))
		return false;
	*made = (struct made){model, whole_row(writing->arena, model, &written)};
	return true;
}

static bool run_makes(struct nest *nest, struct row *rows)
{
	struct arena *arena = nest->writing->arena;
	struct map known = {0};

	for (size_t i = 0; i < nest->makes.n; i++) {
		const struct nested_make *make = &nest->makes.items[i];
		struct str key = make_key(arena, make);
		struct made *made = map_get(&known, key);
		if (!made) {
			made = ARENA_NEW(arena, struct made);
			if (!run_make(nest, make, made))
				return false;
			map_put(&known, arena, key, made);
		}
		if (!refer(nest->writing, make->field, &rows[make->row], made->model, &made->row))
			return false;
	}
	return true;
}

bool nest_before(struct nest *nest, struct row *rows)
{
	for (size_t i = 0; i < nest->before.n; i++) {
		struct nested_level *level = nest->before.items[i];
		struct written_row *written;
		if (!level_run(level, nest, NULL, &written))
			return false;
		for (size_t k = 0; k < level->rows.n; k++)
			if (!refer(nest->writing, level->field, &rows[level->parents.items[k]],
			           level->nest.model, &written[k]))
				return false;
	}
	return run_makes(nest, rows);
}

/* -- what is done to related rows ------------------------------------------------ */

static const struct model *related_model(const struct nested_act *act)
{
	return relation_end(act->relation, act->is_reverse);
}

static bool run_update(struct nest *nest, const struct nested_act *act, struct plan_scope *scope)
{
	struct written written;

	scope->pk = act->pk;
	if (!row_change_run(act->change, scope, NULL, &written))
		return false;
	return written.nrows || writing_none_found(nest->writing, related_model(act), act->body->pos);
}

/* {"filter": {"or": [{"pk": 3}, {"title": "x"}]}} of [3, {"title": "x"}]; bare keys are counted. */
static struct value filter_of(const struct nest *nest, const struct nested_act *act, size_t *nkeys)
{
	struct arena *arena = nest->writing->arena;
	bool is_list = act->body && act->body->kind == VALUE_LIST;
	const struct value *items = is_list ? act->body->list.items : act->body;
	size_t n = is_list ? act->body->list.n : act->body != NULL;
	struct value *conditions = ARENA_ARRAY(arena, struct value, n);
	struct member *either = ARENA_NEW(arena, struct member);
	struct member *filter = ARENA_NEW(arena, struct member);

	*nkeys = 0;
	for (size_t i = 0; i < n; i++) {
		conditions[i] = items[i];
		if (items[i].kind == VALUE_OBJECT)
			continue;
		struct member *pk = ARENA_NEW(arena, struct member);
		*pk = (struct member){STR("pk"), items[i]};
		conditions[i] = (struct value){
			.kind = VALUE_OBJECT, .pos = items[i].pos, .object = {.members = pk, .n = 1}};
		(*nkeys)++;
	}
	*either = (struct member){STR("or"), {.kind = VALUE_LIST, .list = {conditions, n}}};
	*filter = (struct member){
		STR("filter"),
		{.kind = VALUE_OBJECT, .object = {.members = either, .n = act->body != NULL}}};
	return (struct value){.kind = VALUE_OBJECT, .object = {.members = filter, .n = 1}};
}

/* Of the rows related to this one; a bare key must be one of theirs. */
static bool run_delete(struct nest *nest, const struct nested_act *act, struct plan_scope *scope)
{
	struct writing *writing = nest->writing;
	const struct query *query;
	struct deleted deleted;
	uint64_t n = 0;
	size_t nkeys;
	struct value filter = filter_of(nest, act, &nkeys);

	if (!decode_query(writing->arena, &filter, NULL, &query, writing->error) ||
	    !write_delete(writing->session, related_model(act), scope, plain_options(nest), query,
	                  &deleted, writing->error))
		return false;
	for (size_t i = 0; i < deleted.nmodels; i++)
		if (deleted.per_model[i].model == related_model(act))
			n = deleted.per_model[i].n;
	return n >= nkeys || writing_none_found(writing, related_model(act), act->body->pos);
}

/* The lookup of a child, narrowed to this row's; a new one is this row's. */
static struct value narrowed(const struct nest *nest, const struct nested_act *act,
                             const struct written_row *row)
{
	static const struct value nothing = {.kind = VALUE_OBJECT};
	struct arena *arena = nest->writing->arena;
	const struct field *field = act->relation->field;
	const struct value *lookup = value_get(act->body, "lookup");
	struct member *members = ARENA_ARRAY(arena, struct member, act->body->object.n + 1);
	size_t n = 1;

	if (!lookup || lookup->kind != VALUE_OBJECT)
		lookup = &nothing;
	struct member *inner = ARENA_ARRAY(arena, struct member, lookup->object.n + 1);
	copy_bytes(inner, lookup->object.members, lookup->object.n * sizeof *inner);
	inner[lookup->object.n] = (struct member){
		field->attname, loose(written_cell(nest->model, row, field->relation->target))};
	members[0] = (struct member){STR("lookup"),
	                             {.kind = VALUE_OBJECT,
	                              .pos = lookup->pos ? lookup->pos : act->body->pos,
	                              .object = {.members = inner, .n = lookup->object.n + 1}}};
	for (size_t i = 0; i < act->body->object.n; i++)
		if (!str_is(act->body->object.members[i].key, "lookup"))
			members[n++] = act->body->object.members[i];
	return (struct value){
		.kind = VALUE_OBJECT, .pos = act->body->pos, .object = {.members = members, .n = n}};
}

static bool run_child_make(struct nest *nest, const struct nested_act *act,
                           const struct written_row *row)
{
	struct writing *writing = nest->writing;
	struct value body = narrowed(nest, act, row);
	struct written written;
	bool is_created;

	if (act->verb == NESTED_GET_OR_CREATE)
		return write_get_or_create(writing->session, related_model(act), NULL, plain_options(nest),
		                           &body, &is_created, &written, writing->error);
	return write_update_or_create(writing->session, related_model(act), NULL, plain_options(nest),
	                              &body, &is_created, &written, writing->error);
}

static bool run_related(struct nest *nest, const struct nested_act *act,
                        const struct plan_scope *scope, enum related_change change)
{
	struct related_changed changed;
	struct writing *writing = nest->writing;
	const struct value *body = act->body;
	struct value *list = ARENA_NEW(writing->arena, struct value);

	if (change == RELATED_CLEAR)
		body = NULL;
	if (body && body->kind != VALUE_LIST) {
		*list = (struct value){.kind = VALUE_LIST, .pos = body->pos, .list = {body, 1}};
		body = list;
	}
	return write_related(writing->session, scope, plain_options(nest), change, body, &changed,
	                     writing->error);
}

static bool run_act(struct nest *nest, const struct nested_act *act, const struct written_row *row)
{
	struct plan_scope scope = {
		.relation = act->relation, .is_reverse = act->is_reverse, .owner = key_of(nest, row)};

	switch (act->verb) {
	case NESTED_ADD:
		return run_related(nest, act, &scope, RELATED_ADD);
	case NESTED_REMOVE:
		return run_related(nest, act, &scope, RELATED_REMOVE);
	case NESTED_SET:
		return run_related(nest, act, &scope, RELATED_SET);
	case NESTED_CLEAR:
		return run_related(nest, act, &scope, RELATED_CLEAR);
	case NESTED_DELETE:
		return run_delete(nest, act, &scope);
	case NESTED_UPDATE:
		return run_update(nest, act, &scope);
	case NESTED_GET_OR_CREATE:
	case NESTED_UPDATE_OR_CREATE:
		return run_child_make(nest, act, row);
	case NESTED_CREATE:
	case NESTED_NONE:
		break;
	}
	BUG("a verb that is no act");
}

/* -- after ----------------------------------------------------------------------- */

/* What takes away comes first, so that its place is free. */
static const enum nested_verb order[] = {
	NESTED_DELETE, NESTED_REMOVE, NESTED_CLEAR,         NESTED_SET,
	NESTED_UPDATE, NESTED_ADD,    NESTED_GET_OR_CREATE, NESTED_UPDATE_OR_CREATE,
};

static bool run_acts(struct nest *nest, const struct written_row *rows)
{
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		for (size_t k = 0; k < nest->acts.n; k++) {
			const struct nested_act *act = &nest->acts.items[k];
			if (act->verb == order[i] && !run_act(nest, act, &rows[act->row]))
				return false;
		}
	return true;
}

static bool run_levels(const struct nest *nest, const struct nested_levels *levels,
                       const struct written_row *rows)
{
	for (size_t i = 0; i < levels->n; i++) {
		struct written_row *written;
		if (!level_run(levels->items[i], nest, rows, &written))
			return false;
	}
	return true;
}

bool nest_after(struct nest *nest, const struct written_row *rows)
{
	return run_acts(nest, rows) && run_levels(nest, &nest->children, rows) &&
	       run_levels(nest, &nest->links, rows);
}

/* -- paths for the answer -------------------------------------------------------- */

static struct str add_path(struct written *written, struct arena *arena, struct str prefix,
                           struct str name)
{
	struct str path =
		prefix.n ? arena_printf(arena, "%.*s__%.*s", STR_ARG(prefix), STR_ARG(name)) : name;

	for (size_t i = 0; i < written->embedded.n; i++)
		if (str_eq(written->embedded.items[i], path))
			return path;
	*ARENA_PUSH(arena, &written->embedded) = path;
	return path;
}

static void embed(const struct nest *nest, struct str prefix, struct written *written);

/* The nests of one member; join rows are not seen, the path goes on at the other end. */
static void embed_levels(const struct nested_levels *levels, struct str name, struct str path,
                         struct written *written)
{
	for (size_t i = 0; i < levels->n; i++) {
		const struct nested_level *level = levels->items[i];
		if (!str_eq(level->name, name))
			continue;
		if (level->kind != LEVEL_LINKS) {
			embed(&level->nest, path, written);
			continue;
		}
		for (size_t k = 0; k < level->nest.before.n; k++)
			if (level->nest.before.items[k]->field == level->target)
				embed(&level->nest.before.items[k]->nest, path, written);
	}
}

static void embed(const struct nest *nest, struct str prefix, struct written *written)
{
	for (size_t i = 0; i < nest->names.n; i++) {
		struct str name = nest->names.items[i];
		struct str path = add_path(written, nest->writing->arena, prefix, name);
		embed_levels(&nest->before, name, path, written);
		embed_levels(&nest->children, name, path, written);
		embed_levels(&nest->links, name, path, written);
		for (size_t k = 0; k < nest->acts.n; k++)
			if (nest->acts.items[k].change && str_eq(nest->acts.items[k].name, name))
				embed(&nest->acts.items[k].change->nest, path, written);
	}
}

void nest_embed(const struct nest *nest, struct written *written)
{
	embed(nest, (struct str){NULL, 0}, written);
}

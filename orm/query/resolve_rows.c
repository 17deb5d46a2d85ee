/* What a row holds: columns, annotations, joined rows; and its layout. */
#include "orm/query/resolve.h"

#define MAX_RELATED_DEPTH 5 /* select_related: true follows this many relations, as Django does */

struct str layout_key(struct arena *arena, struct str name)
{
	struct buf buf = {0};

	buf_add_json(&buf, name);
	buf_add_char(&buf, ':');
	struct str key = arena_str(arena, buf_str(&buf));

	buf_release(&buf);
	return key;
}

void plan_model_layout(struct arena *arena, const struct model *model, struct layout *layout)
{
	struct layout_member *members = ARENA_ARRAY(arena, struct layout_member, model->ncolumns);

	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];

		members[i] = (struct layout_member){.kind = LAYOUT_COLUMN,
		                                    .name = field->attname,
		                                    .key = layout_key(arena, field->attname),
		                                    .column = (unsigned)i,
		                                    .field = field};
	}
	*layout = (struct layout){members, model->ncolumns};
}

unsigned add_column(struct resolved *resolved, struct str name, const struct rexpr *expr)
{
	struct rcolumn_list *columns = &resolved->select->columns;

	*ARENA_PUSH(resolved->scope->r->arena, columns) = (struct rcolumn){name, expr};
	return (unsigned)columns->n - 1;
}

unsigned column_for(struct resolved *resolved, struct source *source, const struct field *field)
{
	const struct rcolumn_list *columns = &resolved->select->columns;

	for (unsigned i = 0; i < columns->n; i++) {
		const struct rexpr *expr = columns->items[i].expr;

		if (expr->kind == R_COLUMN && expr->source == source && expr->field == field)
			return i;
	}
	return add_column(resolved, field->attname,
	                  column_expr(resolved->scope->r->arena, source, field));
}

static void push_member(struct resolved *q, struct row_object *object, struct str name,
                        const struct rexpr *expr)
{
	struct arena *arena = q->scope->r->arena;

	*ARENA_PUSH(arena, &object->members) = (struct layout_member){.kind = LAYOUT_COLUMN,
	                                                              .name = name,
	                                                              .key = layout_key(arena, name),
	                                                              .column = add_column(q, name, expr),
	                                                              .field = expr->field};
}

/* Whether the path "role__name" (object path + field) is named by the list, by name or attname. */
static bool is_named(const struct path *list, size_t n, const struct row_object *object,
                     const struct field *field)
{
	for (size_t i = 0; i < n; i++) {
		struct str rest = list[i].text;

		if (object->path.n > 0) {
			if (!str_starts(rest, object->path) || rest.n < object->path.n + 2)
				continue;
			rest = str_sub(rest, object->path.n + 2, rest.n - object->path.n - 2);
		}
		if (str_eq(rest, field->name) || str_eq(rest, field->attname) ||
		    (str_is(rest, "pk") && field->is_primary_key))
			return true;
	}
	return false;
}

static bool names_any(const struct resolved *q, const struct row_object *object)
{
	for (size_t i = 0; i < object->model->ncolumns; i++)
		if (is_named(q->only, q->nonly, object, object->model->columns[i]))
			return true;
	return false;
}

static bool is_key(const struct model *model, const struct field *field)
{
	for (size_t i = 0; i < model->npk_fields; i++)
		if (model->pk_fields[i] == field)
			return true;
	return false;
}

static void add_model_columns(struct resolved *q, struct row_object *object)
{
	const struct model *model = object->model;
	bool has_only = q->nonly > 0 && (object == &q->root || names_any(q, object));

	for (size_t i = 0; i < model->ncolumns; i++) {
		const struct field *field = model->columns[i];

		if (!is_key(model, field) &&
		    ((has_only && !is_named(q->only, q->nonly, object, field)) ||
		     is_named(q->defer, q->ndefer, object, field)))
			continue;
		push_member(q, object, field->attname,
		            column_expr(q->scope->r->arena, object->source, field));
	}
}

/* Paths of only and defer must name something. */
static bool check_field_paths(struct resolved *q, const struct path *paths, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct target target;

		if (!path_resolve(q->scope, q->scope->model, &paths[i], &target))
			return false;
		if (target.annotation != NULL || target.used < paths[i].n)
			return error_set(q->scope->r->error, ERROR_FIELD, paths[i].pos,
			                 "only and defer take fields of the model, '%.*s' is none",
			                 STR_ARG(paths[i].text));
	}
	return true;
}

static void add_annotations(struct resolved *q)
{
	const struct annotation_list *annotations = &q->scope->annotations;

	for (size_t i = 0; i < annotations->n; i++)
		if (annotations->items[i].is_selected)
			push_member(q, &q->root, annotations->items[i].name, annotations->items[i].expr);
}

static struct row_object *find_child(struct row_object *object, struct str name)
{
	for (struct row_object *child = object->children; child != NULL; child = child->next_child)
		if (str_eq(child->name, name))
			return child;
	return NULL;
}

static struct row_object *add_child(struct resolved *q, struct row_object *object, struct str name,
                                    const struct relation *relation, bool is_reverse)
{
	struct arena *arena = q->scope->r->arena;
	struct row_object *child = ARENA_NEW(arena, struct row_object);
	struct row_object **end = &object->children;
	struct hops hops = {0};

	hops_add(arena, &hops, relation, is_reverse);
	child->name = name;
	child->model = relation_end(relation, is_reverse);
	child->source = scope_join(q->scope, object->source, &hops, NULL, NULL);
	child->path = object->path.n == 0 ? name
	                                  : arena_printf(arena, "%.*s__%.*s", STR_ARG(object->path), STR_ARG(name));
	while (*end != NULL)
		end = &(*end)->next_child;
	*end = child;
	add_model_columns(q, child);
	child->presence_column = column_for(q, child->source, child->model->pk_fields[0]);
	return child;
}

static bool bad_related(struct resolved *q, const struct row_object *object, const struct path *path,
                        size_t part)
{
	struct arena *arena = q->scope->r->arena;
	struct str *names = ARENA_ARRAY(arena, struct str, object->model->nmember_names);
	size_t n = 0;

	for (size_t i = 0; i < object->model->nmember_names; i++) {
		const struct model_member *m = model_member(object->model, object->model->member_names[i]);

		if (m->kind != MEMBER_FIELD && !relation_is_multiple(m->relation, m->kind == MEMBER_REVERSE))
			names[n++] = m->name;
	}
	error_set(q->scope->r->error, ERROR_FIELD, path->pos,
	          "Invalid field name(s) given in select_related: '%.*s'. Choices are: %.*s",
	          STR_ARG(path->parts[part]),
	          STR_ARG(n == 0 ? STR("(none)") : suggest_choices(arena, names, n)));
	q->scope->r->error->suggestion = suggest_nearest(path->parts[part], names, n);
	return false;
}

static bool add_related(struct resolved *q, const struct path *path)
{
	struct row_object *object = &q->root;

	if (!path_is_bounded(q->scope, path))
		return false;
	for (size_t i = 0; i < path->n; i++) {
		const struct model_member *member = model_member(object->model, path->parts[i]);
		struct row_object *child = find_child(object, path->parts[i]);

		if (child == NULL) {
			if (member == NULL || member->kind == MEMBER_FIELD ||
			    relation_is_multiple(member->relation, member->kind == MEMBER_REVERSE))
				return bad_related(q, object, path, i);
			child = add_child(q, object, path->parts[i], member->relation,
			                  member->kind == MEMBER_REVERSE);
		}
		object = child;
	}
	return true;
}

static void add_all_related(struct resolved *q, struct row_object *object, int depth)
{
	if (depth == MAX_RELATED_DEPTH)
		return;
	for (size_t i = 0; i < object->model->nfields; i++) {
		const struct field *field = object->model->fields[i];

		if (field->relation == NULL || field->relation->kind == RELATION_MANY_TO_MANY || field->is_null)
			continue;
		add_all_related(q, add_child(q, object, field->name, field->relation, false), depth + 1);
	}
}

static bool in_groups(const struct resolved *q, const struct rexpr *expr)
{
	if (expr->has_aggregate)
		return true;
	for (size_t i = 0; i < q->select->group_by.n; i++) {
		const struct rexpr *group = q->select->group_by.items[i];

		if (group == expr || (group->kind == R_COLUMN && expr->kind == R_COLUMN &&
		                      group->source == expr->source && group->field == expr->field))
			return true;
	}
	for (size_t i = 0; i < q->scope->annotations.n; i++)
		if (q->scope->annotations.items[i].expr == expr)
			return true;
	return expr->kind == R_PARAM;
}

static const struct layout_member *find_member(const struct resolved *q, struct str name)
{
	for (size_t i = 0; i < q->root.members.n; i++)
		if (str_eq(q->root.members.items[i].name, name))
			return &q->root.members.items[i];
	return NULL;
}

/* A row has each name once: the same value again is dropped, another value has no name. */
static bool is_new(struct resolved *q, const struct named_expr *named, const struct rexpr *expr, bool *out)
{
	const struct layout_member *member =
	    q->projection == PROJECTION_VALUES ? find_member(q, named->name) : NULL;

	*out = member == NULL;
	if (member == NULL)
		return true;
	const struct rexpr *there = q->select->columns.items[member->column].expr;

	if (there == expr || (there->kind == R_COLUMN && expr->kind == R_COLUMN &&
	                      there->source == expr->source && there->field == expr->field))
		return true;
	return error_set(q->scope->r->error, ERROR_VALUE, named->pos, "'%.*s' names two values",
	                 STR_ARG(named->name));
}

static bool add_values(struct resolved *q)
{
	struct scope *scope = q->scope;

	for (size_t i = 0; i < q->nvalues; i++) {
		const struct named_expr *named = &q->values[i];
		const struct annotation *own = scope_annotation(scope, named->name);
		const struct rexpr *expr = own != NULL && own->is_projected ? own->expr : NULL;
		bool is_needed;

		if (expr == NULL && !resolve_expr(scope, named->expr, NULL, NULL, &expr))
			return false;
		if (expr->has_aggregate && !q->select->is_grouped)
			return error_set(scope->r->error, ERROR_FIELD, named->pos,
			                 "an aggregate stands in annotate or aggregate; values may then name it");
		if (q->is_grouped_explicitly && !in_groups(q, expr))
			return error_set(scope->r->error, ERROR_FIELD, named->pos,
			                 "'%.*s' is neither one of the groups nor an annotation",
			                 STR_ARG(named->name));
		if (expr->field == NULL)
			return error_set(scope->r->error, ERROR_FIELD, named->pos, "null has no type here");
		if (!is_new(q, named, expr, &is_needed))
			return false;
		if (is_needed)
			push_member(q, &q->root, named->name, expr);
	}
	return true;
}

/* values before an annotation with an aggregate: the groups, then what was annotated. */
static void add_later_annotations(struct resolved *q)
{
	for (size_t i = 0; i < q->scope->annotations.n; i++) {
		const struct annotation *annotation = &q->scope->annotations.items[i];
		bool is_there = annotation->is_group || !annotation->is_selected;

		for (size_t j = 0; j < q->root.members.n; j++)
			is_there |= str_eq(q->root.members.items[j].name, annotation->name);
		if (!is_there)
			push_member(q, &q->root, annotation->name, annotation->expr);
	}
}

static bool was_grouped_by_values(const struct resolved *q)
{
	if (!q->is_grouped_explicitly || q->projection == PROJECTION_NONE)
		return false;
	for (size_t i = 0; i < q->scope->annotations.n; i++)
		if (q->scope->annotations.items[i].is_group)
			return false;
	return true;
}

static bool resolve_model_rows(struct resolved *q)
{
	if (!check_field_paths(q, q->only, q->nonly) || !check_field_paths(q, q->defer, q->ndefer))
		return false;
	if (!q->is_grouped_explicitly)
		add_model_columns(q, &q->root);
	add_annotations(q);
	if (q->projection != PROJECTION_NONE)
		return true;
	if (q->selects_all_related)
		add_all_related(q, &q->root, 0);
	for (size_t i = 0; i < q->nselect_related; i++)
		if (!add_related(q, &q->select_related[i]))
			return false;
	return true;
}

/* The members of a combination project what it projects, unless they say so themselves. */
static bool resolve_members(struct resolved *q)
{
	for (size_t i = 0; i < q->nmembers; i++) {
		struct resolved *member = &q->members[i];

		if (member->projection == PROJECTION_NONE) {
			member->projection = q->projection;
			member->projects_all = q->projects_all;
			member->values = q->values;
			member->nvalues = q->nvalues;
		}
		if (!resolve_columns(member))
			return false;
		if (member->select->columns.n != q->select->columns.n)
			return error_set(q->scope->r->error, ERROR_VALUE, q->combinator_pos,
			                 "each query of a combination must have the same number of columns: %zu and %zu",
			                 q->select->columns.n, member->select->columns.n);
		if ((member->low > 0 || member->high >= 0) && !resolve_order(member, false))
			return false;
		resolve_slice(member);
	}
	return true;
}

bool resolve_columns(struct resolved *resolved)
{
	struct resolved *q = resolved;

	q->root.source = q->scope->base;
	q->root.model = q->scope->model;
	q->form = ROW_OBJECT;
	if (q->projection == PROJECTION_VALUES_LIST)
		q->form = q->is_flat ? ROW_SCALAR : ROW_ARRAY;
	if (q->projection == PROJECTION_NONE || q->projects_all) {
		if (!resolve_model_rows(q))
			return false;
	} else if (!add_values(q)) {
		return false;
	}
	if (was_grouped_by_values(q) && !q->projects_all)
		add_later_annotations(q);
	return resolve_members(q);
}

static void finish_object(struct arena *arena, struct row_object *object)
{
	for (struct row_object *child = object->children; child != NULL; child = child->next_child) {
		finish_object(arena, child);
		*ARENA_PUSH(arena, &object->members) =
		    (struct layout_member){.kind = LAYOUT_OBJECT,
		                           .name = child->name,
		                           .key = layout_key(arena, child->name),
		                           .object = child->layout,
		                           .presence_column = child->presence_column};
	}
	object->layout = ARENA_NEW(arena, struct layout);
	*object->layout = (struct layout){object->members.items, object->members.n};
}

void resolve_layout(struct resolved *resolved)
{
	finish_object(resolved->scope->r->arena, &resolved->root);
	resolved->layout = *resolved->root.layout;
}

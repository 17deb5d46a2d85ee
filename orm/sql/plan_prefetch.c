/* Prefetch levels: one statement a level for all parents, told apart by the key they carry. */
#include "orm/sql/level.h"

#define MAX_LEVELS 32 /* each is a statement, and a row within a row */

struct node {
	struct str accessor;
	struct str name; /* to_attr or the accessor */
	const struct pos *pos;
	const struct query *query;
	struct node *children, *next;
};

struct prefetch_plans {
	struct prefetch_plan *items;
	size_t n, cap;
};

static struct node *find_node(struct node *list, struct str name)
{
	for (; list != NULL; list = list->next)
		if (str_eq(list->name, name))
			return list;
	return NULL;
}

static struct node *add_node(struct arena *arena, struct node **list, struct str accessor,
                             struct str name, const struct pos *pos)
{
	struct node *node = ARENA_NEW(arena, struct node);

	*node = (struct node){.accessor = accessor, .name = name, .pos = pos};
	while (*list != NULL)
		list = &(*list)->next;
	*list = node;
	return node;
}

/* "vote_set__author" and "vote_set" are one node with a child. */
static bool plant(struct resolver *r, struct node **root, const struct prefetch *prefetch)
{
	const struct path *path = &prefetch->path;
	struct node **list = root;

	for (size_t i = 0; i < path->n; i++) {
		bool is_last = i + 1 == path->n;
		struct str name = is_last && prefetch->to_attr.p != NULL ? prefetch->to_attr : path->parts[i];
		struct node *node = find_node(*list, name);

		if (node != NULL && is_last && prefetch->query != NULL)
			return error_set(r->error, ERROR_VALUE, prefetch->pos,
			                 "'%.*s' lookup was already seen with a different queryset. You may need to adjust the "
			                 "ordering of your lookups",
			                 STR_ARG(path->text));
		if (node == NULL)
			node = add_node(r->arena, list, path->parts[i], name, prefetch->pos);
		if (is_last && prefetch->query != NULL)
			node->query = prefetch->query;
		list = &node->children;
	}
	return true;
}

static bool unknown_accessor(struct resolver *r, const struct model *model, const struct node *node)
{
	struct str *names = ARENA_ARRAY(r->arena, struct str, model->nreverse + model->nfields);
	size_t n = 0;

	for (size_t i = 0; i < model->nfields; i++)
		if (model->fields[i]->relation != NULL)
			names[n++] = model->fields[i]->name;
	for (size_t i = 0; i < model->nreverse; i++)
		if (model->reverse[i]->accessor.p != NULL)
			names[n++] = model->reverse[i]->accessor;
	error_set(r->error, ERROR_FIELD, node->pos,
	          "Cannot find '%.*s' on %.*s object, '%.*s' is an invalid parameter to prefetch_related(). "
	          "Choices are: %.*s",
	          STR_ARG(node->accessor), STR_ARG(model->name), STR_ARG(node->accessor),
	          STR_ARG(n == 0 ? STR("(none)") : suggest_choices(r->arena, names, n)));
	r->error->suggestion = suggest_nearest(node->accessor, names, n);
	return false;
}

/* How the rows of a level know their parents: the column that holds the key, and the parents' column. */
struct link {
	const struct field *parent_field;
	struct source *source;
	const struct field *child_field;
	bool is_single;
};

static struct link make_link(struct scope *child, const struct relation *relation, bool is_reverse)
{
	struct link link = {.source = child->base};
	struct hops hops = {0};
	struct source_list used = {0};

	if (relation->kind != RELATION_MANY_TO_MANY) {
		link.parent_field = is_reverse ? relation->target : relation->field;
		link.child_field = is_reverse ? relation->field : relation->target;
		link.is_single = !is_reverse || relation->kind == RELATION_ONE_TO_ONE;
		return link;
	}
	link.child_field = is_reverse ? relation->through_to : relation->through_from;
	link.parent_field = link.child_field->relation->target;
	hops_add(child->r->arena, &hops, relation, !is_reverse);
	hops.n = 1; /* the join row is enough */
	link.source = scope_join(child, child->base, &hops, NULL, &used);
	demote_joins(&used);
	child->sticky = used;
	return link;
}

static void restrict_to_keys(struct scope *child, const struct link *link)
{
	struct arena *arena = child->r->arena;
	struct rcond *keys = ARENA_NEW(arena, struct rcond);

	keys->kind = RC_KEYS;
	keys->left = column_expr(arena, link->source, link->child_field);
	*ARENA_PUSH(arena, &child->select->where) = keys;
	child->select->keys_field = link->child_field;
	child->select->keys_alias = child->r->next_alias++;
	child->select->rows_alias = child->r->next_alias++;
}

static void write_level(struct resolved *q, struct plan *plan)
{
	struct emit e;

	resolve_arrange(q);
	level_emit(q, &e);
	emit_keyed_select(&e, q->select);
	plan->keys_param = e.keys_param;
	sql_finish(&e.sql, q->select->columns.n, &plan->statement);
	level_zone(q, &plan->statement);
}

static bool attach_all(struct resolved *q, struct row_object *object, struct node *nodes,
                       struct prefetch_plans *plans);

static bool plan_level(const struct resolved *parent, const struct node *node, const struct relation *relation,
                       bool is_reverse, struct prefetch_plan *out, const struct field **parent_field)
{
	struct arena *arena = parent->scope->r->arena;
	struct resolver *r = ARENA_NEW(arena, struct resolver);
	struct plan *plan = ARENA_NEW(arena, struct plan);
	const struct query *query = node->query != NULL ? node->query : query_all(arena);
	struct prefetch_plans plans = {0};
	struct node *nodes = node->children;
	struct resolved q;

	resolver_init(r, arena, parent->scope->r->registry, parent->scope->r->error);
	r->level = parent->scope->r->level + 1;
	if (r->level > MAX_LEVELS)
		return error_set(r->error, ERROR_VALUE, node->pos, "prefetch_related goes at most %d levels deep", MAX_LEVELS);
	struct scope *child = scope_new(r, NULL, relation_end(relation, is_reverse));
	struct link link = make_link(child, relation, is_reverse);

	restrict_to_keys(child, &link);
	child->zone = parent->scope->zone;
	if (!resolve_clauses(child, query, &q))
		return false;
	if (q.zone_pos == NULL)
		q.zone_pos = parent->zone_pos;
	if (q.projection != PROJECTION_NONE || q.is_grouped_explicitly || q.count != COUNT_NONE)
		return error_set(r->error, ERROR_VALUE, node->pos,
		                 "the query of a prefetch cannot use values, values_list, group_by or count");
	if (!resolve_columns(&q))
		return false;
	out->child_column = column_for(&q, link.source, link.child_field);
	for (size_t i = 0; i < q.prefetches.n; i++)
		if (!plant(r, &nodes, &q.prefetches.items[i]))
			return false;
	if (!attach_all(&q, &q.root, nodes, &plans) || !resolve_order(&q, false) ||
	    !resolve_lock(&q))
		return false;
	resolve_slice(&q);
	resolve_layout(&q);
	plan->model = child->model;
	plan->is_empty = q.select->is_empty;
	plan->has_limit = true;
	plan->layout = q.layout;
	plan->prefetches = plans.items;
	plan->nprefetches = plans.n;
	write_level(&q, plan);
	out->plan = plan;
	out->is_single = link.is_single;
	out->key_field = link.child_field;
	*parent_field = link.parent_field;
	return true;
}

static bool name_is_taken(const struct row_object *object, struct str name)
{
	for (size_t i = 0; i < object->members.n; i++)
		if (str_eq(object->members.items[i].name, name))
			return true;
	return false;
}

static struct row_object *joined_object(struct row_object *object, const struct node *node)
{
	struct row_object *child = object->children;

	while (child != NULL && !str_eq(child->name, node->accessor))
		child = child->next_child;
	return child;
}

static bool attach(struct resolved *q, struct row_object *object, struct node *node,
                   struct prefetch_plans *plans)
{
	struct resolver *r = q->scope->r;
	struct row_object *joined = joined_object(object, node);
	struct prefetch_plan level = {0};
	const struct relation *relation;
	const struct field *parent_field;
	bool is_reverse;

	/* A row that select_related has joined already is not fetched again. */
	if (joined != NULL && node->query == NULL)
		return attach_all(q, joined, node->children, plans);
	if (!model_accessor(object->model, node->accessor, &relation, &is_reverse))
		return unknown_accessor(r, object->model, node);
	if (joined != NULL || name_is_taken(object, node->name) ||
	    (!str_eq(node->name, node->accessor) && model_member(object->model, node->name) != NULL))
		return error_set(r->error, ERROR_VALUE, node->pos, "to_attr=%.*s conflicts with a field of %.*s",
		                 STR_ARG(node->name), STR_ARG(object->model->name));
	if (!plan_level(q, node, relation, is_reverse, &level, &parent_field))
		return false;
	level.parent_column = column_for(q, object->source, parent_field);
	*ARENA_PUSH(r->arena, &object->members) = (struct layout_member){.kind = LAYOUT_SLOT,
	                                                                 .name = node->name,
	                                                                 .key = layout_key(r->arena, node->name),
	                                                                 .slot = (unsigned)plans->n};
	*ARENA_PUSH(r->arena, plans) = level;
	return true;
}

static bool attach_all(struct resolved *q, struct row_object *object, struct node *nodes,
                       struct prefetch_plans *plans)
{
	for (struct node *node = nodes; node != NULL; node = node->next)
		if (!attach(q, object, node, plans))
			return false;
	return true;
}

bool level_prefetch(struct resolved *q, struct plan *plan)
{
	struct prefetch_plans plans = {0};
	struct node *nodes = NULL;

	for (size_t i = 0; i < q->prefetches.n; i++)
		if (!plant(q->scope->r, &nodes, &q->prefetches.items[i]))
			return false;
	if (!attach_all(q, &q->root, nodes, &plans))
		return false;
	plan->prefetches = plans.items;
	plan->nprefetches = plans.n;
	return true;
}

bool plan_by_keys(struct arena *arena, const struct model *model, const struct plan **out,
                  unsigned *key_column, struct error *error)
{
	struct plan *plan = ARENA_NEW(arena, struct plan);
	struct clause *clause = ARENA_NEW(arena, struct clause);
	const struct query query = {.clauses = clause, .nclauses = 1};
	struct link link = {.child_field = model->pk};
	struct resolver r;
	struct resolved q;

	clause->has_order_by = true;
	if (!level_start(arena, model, NULL, &query, &r, &q, error) || !resolve_columns(&q) ||
	    !resolve_order(&q, false))
		return false;
	link.source = q.scope->base;
	restrict_to_keys(q.scope, &link);
	resolve_slice(&q);
	resolve_layout(&q);
	plan->model = model;
	plan->has_limit = true;
	plan->layout = q.layout;
	*key_column = column_for(&q, q.scope->base, model->pk);
	write_level(&q, plan);
	*out = plan;
	return true;
}

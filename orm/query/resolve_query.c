/* Clauses, one after the other, as chained QuerySet calls. */
#include "orm/query/resolve.h"

static bool refuse(struct scope *scope, const struct pos *pos, const char *what)
{
	return error_set(scope->r->error, ERROR_TYPE, pos, "Cannot %s once a slice has been taken", what);
}

static bool names_annotation(const struct clause *clause, const struct path *path)
{
	for (size_t i = 0; i < clause->nannotate; i++)
		if (path->n > 0 && str_eq(path->parts[0], clause->annotate[i].name))
			return true;
	return false;
}

static bool expr_names_annotation(const struct clause *clause, const struct expr *expr);

static bool operand_names_annotation(const struct clause *clause, const struct operand *operand)
{
	if (operand->kind == OPERAND_EXPR)
		return expr_names_annotation(clause, operand->expr);
	for (size_t i = 0; i < operand->nitems; i++)
		if (operand_names_annotation(clause, &operand->items[i]))
			return true;
	return false;
}

static bool expr_names_annotation(const struct clause *clause, const struct expr *expr)
{
	if (expr->kind == EXPR_PATH && names_annotation(clause, &expr->path))
		return true;
	for (size_t i = 0; i < expr->nargs; i++)
		if (expr_names_annotation(clause, &expr->args[i]))
			return true;
	return false;
}

/* Whether a condition names an annotation of its own clause: it is then applied after it. */
static bool cond_names_annotation(const struct clause *clause, const struct cond *cond)
{
	if (cond->kind == COND_LOOKUP &&
	    (names_annotation(clause, &cond->path) || operand_names_annotation(clause, &cond->operand)))
		return true;
	if (cond->expr != NULL && expr_names_annotation(clause, cond->expr))
		return true;
	for (size_t i = 0; i < cond->nchildren; i++)
		if (cond_names_annotation(clause, &cond->children[i]))
			return true;
	return false;
}

/* The members of a condition that do (or do not) name the clause's annotations. */
static struct cond part_of(struct arena *arena, const struct clause *clause, const struct cond *cond,
                           bool wants_annotations)
{
	struct cond part = {.kind = COND_AND, .pos = cond->pos};
	size_t n = cond->kind == COND_AND ? cond->nchildren : 1;
	const struct cond *members = cond->kind == COND_AND ? cond->children : cond;
	struct cond *kept = ARENA_ARRAY(arena, struct cond, n);

	for (size_t i = 0; i < n; i++)
		if (cond_names_annotation(clause, &members[i]) == wants_annotations)
			kept[part.nchildren++] = members[i];
	part.children = kept;
	return part;
}

static bool apply_filters(struct resolved *q, const struct clause *clause, bool after_annotations,
                          struct source_list *reuse)
{
	struct scope *scope = q->scope;

	if (clause->filter != NULL) {
		struct cond part = part_of(scope->r->arena, clause, clause->filter, after_annotations);

		if (part.nchildren > 0 && q->low + (q->high >= 0) > 0)
			return refuse(scope, clause->filter->pos, "filter a query");
		if (part.nchildren > 0 && !resolve_filter(scope, &part, false, reuse))
			return false;
	}
	if (clause->exclude == NULL ||
	    cond_names_annotation(clause, clause->exclude) != after_annotations)
		return true;
	struct source_list own = {0};

	if (q->low + (q->high >= 0) > 0)
		return refuse(scope, clause->exclude->pos, "filter a query");
	return resolve_filter(scope, clause->exclude, true, &own);
}

/* An annotation may be a subselect that says the whole filter again: their number is bounded. */
#define MAX_ANNOTATIONS 200

static bool names_field(const struct scope *scope, const struct named_expr *named)
{
	return model_member(scope->model, named->name) != NULL || model_field(scope->model, named->name) != NULL ||
	       str_is(named->name, "pk");
}

static bool refuse_name(struct scope *scope, const struct named_expr *named)
{
	return error_set(scope->r->error, ERROR_VALUE, named->pos,
	                 "The annotation '%.*s' conflicts with a field on the model", STR_ARG(named->name));
}

static bool check_name(struct scope *scope, const struct named_expr *named)
{
	struct error *error = scope->r->error;

	if (scope->annotations.n == MAX_ANNOTATIONS)
		return error_set(error, ERROR_VALUE, named->pos, "a query takes at most %d annotations",
		                 MAX_ANNOTATIONS);

	if (named->name.n == 0 || str_find(named->name, STR("__")) >= 0)
		return error_set(error, ERROR_VALUE, named->pos,
		                 "The name '%.*s' of an annotation must not be empty or hold \"__\"",
		                 STR_ARG(named->name));
	return !names_field(scope, named) || refuse_name(scope, named);
}

/* A group that is a path goes by the path's name; under another it must not hide a field. */
static bool check_group_name(struct scope *scope, const struct named_expr *named)
{
	bool is_itself = named->expr->kind == EXPR_PATH && str_eq(named->expr->path.text, named->name);

	return is_itself || !names_field(scope, named) || refuse_name(scope, named);
}

static void put_annotation(struct scope *scope, struct annotation annotation)
{
	struct annotation_list *list = &scope->annotations;

	for (size_t i = 0; i < list->n; i++) {
		if (!str_eq(list->items[i].name, annotation.name))
			continue;
		list->items[i] = annotation;
		return;
	}
	*ARENA_PUSH(scope->r->arena, list) = annotation;
}

/* Django's rule: the first aggregate groups by the row, or by what was projected before it. */
static bool group_for_aggregate(struct resolved *q)
{
	struct scope *scope = q->scope;
	struct select *select = q->select;

	if (select->is_grouped)
		return true;
	select->is_grouped = true;
	if (q->projection == PROJECTION_NONE || q->projects_all) {
		select->groups_by_key = true;
		return true;
	}
	for (size_t i = 0; i < q->nvalues; i++) {
		const struct rexpr *expr;

		if (!resolve_expr(scope, q->values[i].expr, NULL, NULL, &expr))
			return false;
		*ARENA_PUSH(scope->r->arena, &select->group_by) = expr;
	}
	q->is_grouped_explicitly = true;
	return true;
}

static bool apply_annotations(struct resolved *q, const struct named_expr *list, size_t n,
                              bool is_selected)
{
	struct scope *scope = q->scope;

	for (size_t i = 0; i < n; i++) {
		const struct rexpr *expr;

		if (!check_name(scope, &list[i]) || !resolve_expr(scope, list[i].expr, NULL, NULL, &expr))
			return false;
		if (expr->has_aggregate && !group_for_aggregate(q))
			return false;
		if (expr->field == NULL)
			return error_set(scope->r->error, ERROR_FIELD, list[i].pos,
			                 "'%.*s' is null and has no type: wrap it in ExpressionWrapper",
			                 STR_ARG(list[i].name));
		put_annotation(scope, (struct annotation){
		                          .name = list[i].name, .expr = expr, .is_selected = is_selected});
	}
	return true;
}

static bool apply_group_by(struct resolved *q, const struct clause *clause)
{
	struct scope *scope = q->scope;

	if (!clause->has_group_by)
		return true;
	if (q->select->is_grouped)
		return error_set(scope->r->error, ERROR_TYPE, clause->pos,
		                 "group_by must stand before the first aggregate and only once");
	q->select->is_grouped = true;
	q->is_grouped_explicitly = true;
	for (size_t i = 0; i < clause->ngroup_by; i++) {
		const struct named_expr *named = &clause->group_by[i];
		const struct rexpr *expr;

		if (!check_group_name(scope, named) || !resolve_expr(scope, named->expr, NULL, NULL, &expr))
			return false;
		if (expr->has_aggregate)
			return error_set(scope->r->error, ERROR_FIELD, named->pos, "cannot group by an aggregate");
		if (expr->has_window)
			return error_set(scope->r->error, ERROR_FIELD, named->pos, "cannot group by a Window");
		if (expr->field == NULL)
			return error_set(scope->r->error, ERROR_FIELD, named->pos,
			                 "'%.*s' is null and has no type: wrap it in ExpressionWrapper",
			                 STR_ARG(named->name));
		*ARENA_PUSH(scope->r->arena, &q->select->group_by) = expr;
		put_annotation(scope, (struct annotation){.name = named->name,
		                                          .expr = expr,
		                                          .is_selected = true,
		                                          .is_group = true});
	}
	return true;
}

/* Django's only() and defer(): each only() begins anew, defer() adds to what is left out. */
static void apply_deferred(struct resolved *q, const struct clause *clause)
{
	struct path *all;

	if (clause->nonly > 0) {
		q->ndefer = q->nonly > 0 ? 0 : q->ndefer;
		q->only = clause->only;
		q->nonly = clause->nonly;
	}
	if (clause->ndefer == 0)
		return;
	all = ARENA_ARRAY(q->scope->r->arena, struct path, q->ndefer + clause->ndefer);
	memcpy(all + q->ndefer, clause->defer, clause->ndefer * sizeof *all);
	copy_bytes(all, q->defer, q->ndefer * sizeof *all);
	q->defer = all;
	q->ndefer += clause->ndefer;
}

/* What values names anew is an annotation for whatever follows: an order, a filter of a later clause. */
static bool name_projected(struct resolved *q, const struct clause *clause)
{
	struct scope *scope = q->scope;

	for (size_t i = 0; i < clause->nvalues; i++) {
		const struct named_expr *named = &clause->values[i];
		const struct rexpr *expr;

		if (named->expr->kind == EXPR_PATH || scope_annotation(scope, named->name) != NULL)
			continue;
		if (!check_name(scope, named) || !resolve_expr(scope, named->expr, NULL, NULL, &expr))
			return false;
		if (expr->field == NULL || (expr->has_aggregate && !q->select->is_grouped))
			continue; /* refused where the rows are made */
		put_annotation(scope, (struct annotation){.name = named->name, .expr = expr, .is_projected = true});
	}
	return true;
}

static bool apply_projection(struct resolved *q, const struct clause *clause)
{
	apply_deferred(q, clause);
	if (clause->projection == PROJECTION_NONE)
		return true;
	if (clause->is_flat && clause->nvalues != 1)
		return error_set(q->scope->r->error, ERROR_TYPE, clause->pos,
		                 "'flat' is not valid when values_list holds other than one field");
	q->projection = clause->projection;
	q->projects_all = clause->projects_all || clause->nvalues == 0; /* Django's values() */
	q->is_flat = clause->is_flat;
	q->values = clause->values;
	q->nvalues = clause->nvalues;
	return name_projected(q, clause);
}

/* A name that cannot be ordered by is told at once, also where the order is not needed (count). */
static bool check_order_names(struct resolved *q, const struct clause *clause)
{
	for (size_t i = 0; q->combinator == COMBINATOR_NONE && i < clause->norder_by; i++) {
		const struct expr *expr = clause->order_by[i].expr;
		struct target target;

		if (!clause->order_by[i].is_random && expr->kind == EXPR_PATH &&
		    !path_resolve(q->scope, q->scope->model, &expr->path, &target))
			return false;
	}
	return true;
}

static bool apply_order(struct resolved *q, const struct clause *clause)
{
	bool is_sliced = q->low > 0 || q->high >= 0;

	if ((clause->has_order_by || clause->is_reversed) && is_sliced)
		return refuse(q->scope, clause->pos, "reorder a query");
	if (!check_order_names(q, clause))
		return false;
	if (clause->has_order_by) {
		q->has_order = true;
		q->order_by = clause->order_by;
		q->norder_by = clause->norder_by;
	}
	if (clause->is_reversed)
		q->is_reversed = !q->is_reversed;
	if (!clause->has_distinct)
		return true;
	if (is_sliced)
		return error_set(q->scope->r->error, ERROR_TYPE, clause->pos,
		                 "Cannot create distinct fields once a slice has been taken");
	q->is_distinct = clause->is_distinct;
	q->distinct_on = clause->distinct_on;
	q->ndistinct_on = clause->ndistinct_on;
	return true;
}

void narrow_slice(struct resolved *resolved, int64_t offset, int64_t limit, bool has_limit)
{
	int64_t low = resolved->low, high = resolved->high;

	if (has_limit) {
		int64_t end = offset > INT64_MAX - limit ? INT64_MAX : offset + limit;

		end = low > INT64_MAX - end ? INT64_MAX : low + end;
		high = high < 0 || end < high ? end : high;
	}
	low = low > INT64_MAX - offset ? INT64_MAX : low + offset;
	if (high >= 0 && low > high)
		low = high;
	resolved->low = low;
	resolved->high = high;
}

static void apply_related(struct resolved *q, const struct clause *clause)
{
	struct arena *arena = q->scope->r->arena;

	if (clause->has_select_related) {
		struct path *all = ARENA_ARRAY(arena, struct path, q->nselect_related + clause->nselect_related);

		q->selects_all_related = clause->selects_all_related;
		if (clause->nselect_related == 0)
			q->nselect_related = 0;
		copy_bytes(all, q->select_related, q->nselect_related * sizeof *all);
		copy_bytes(all + q->nselect_related, clause->select_related,
		           clause->nselect_related * sizeof *all);
		q->select_related = all;
		q->nselect_related += clause->nselect_related;
	}
	if (clause->clears_prefetch)
		q->prefetches.n = 0;
	for (size_t i = 0; i < clause->nprefetch_related; i++)
		*ARENA_PUSH(arena, &q->prefetches) = clause->prefetch_related[i];
}

/* Clauses of the protocol that this version has no plan for: refused, never dropped. */
static bool refuse_unplanned(struct scope *scope, const struct clause *clause)
{
	const struct {
		bool is_given;
		const char *name;
	} unplanned[] = {
	    {clause->lock != NULL && scope->outer != NULL, "select_for_update in the query of an expression"},
	    {clause->cursor != CURSOR_NONE, "after and before but for the list of a query itself"},
	    {clause->using.p != NULL && !scope->is_top, "using in a nested query: it is asked where the outer one is"},
	};

	for (size_t i = 0; i < sizeof unplanned / sizeof *unplanned; i++)
		if (unplanned[i].is_given)
			return error_set(scope->r->error, ERROR_NOT_SUPPORTED, clause->pos,
			                 "this version does not support %s", unplanned[i].name);
	return true;
}

static bool apply_combination(struct resolved *q, const struct clause *clause)
{
	struct scope *scope = q->scope;

	if (clause->combinator == COMBINATOR_NONE)
		return true;
	q->scope->select->is_empty |= q->is_none; /* the first member's; what follows is the combination's */
	q->is_none = false;
	q->combinator = clause->combinator;
	q->combines_all = clause->combines_all;
	q->combinator_pos = clause->combinator_pos;
	q->members = ARENA_ARRAY(scope->r->arena, struct resolved, clause->ncombined);
	q->nmembers = clause->ncombined;
	for (size_t i = 0; i < clause->ncombined; i++) {
		const struct query *query = &clause->combined[i];
		const struct model *model = query->model.p == NULL ? scope->model
		                                                   : registry_model(scope->r->registry, query->model);

		if (model == NULL)
			return error_set(scope->r->error, ERROR_FIELD, query->model_pos, "Unknown model '%.*s'",
			                 STR_ARG(query->model));
		struct scope *member = scope_new(scope->r, scope->outer, model);

		member->zone = scope->zone;
		if (!resolve_clauses(member, query, &q->members[i]))
			return false;
	}
	return true;
}

/* What QuerySet methods a combined query refuses, in Django's words. */
static bool refuse_after_combination(const struct resolved *q, const struct clause *clause)
{
	const struct {
		bool is_given;
		const char *name;
	} refused[] = {
	    {clause->filter != NULL, "filter"},
	    {clause->exclude != NULL, "exclude"},
	    {clause->nannotate > 0, "annotate"},
	    {clause->nalias > 0, "alias"},
	    {clause->has_group_by, "group_by"},
	    {clause->has_distinct, "distinct"},
	    {clause->has_select_related, "select_related"},
	    {clause->filtered_relation != NULL, "filtered_relation"},
	    {clause->lock != NULL, "select_for_update"},
	    {clause->combinator != COMBINATOR_NONE, "a second combination"},
	};
	static const char *const names[] = {"", "union", "intersection", "difference"};

	for (size_t i = 0; q->combinator != COMBINATOR_NONE && i < sizeof refused / sizeof *refused; i++)
		if (refused[i].is_given)
			return error_set(q->scope->r->error, ERROR_NOT_SUPPORTED, clause->pos,
			                 "Calling %s after %s is not supported", refused[i].name, names[q->combinator]);
	return true;
}

static bool apply_zone(struct resolved *q, const struct clause *clause)
{
	struct scope *scope = q->scope;

	if (clause->timezone.p == NULL)
		return true;
	if (!zone_is_plausible(clause->timezone))
		return error_set(scope->r->error, ERROR_VALUE, clause->timezone_pos,
		                 "expected the name of a time zone, e.g. \"Europe/Berlin\"");
	q->zone_pos = clause->timezone_pos;
	scope->zone = str_is(clause->timezone, "UTC") ? (struct str){0}
	                                              : arena_str(scope->r->arena, clause->timezone);
	return true;
}

static bool apply_clause(struct resolved *q, const struct clause *clause, struct source_list *reuse)
{
	if (!refuse_unplanned(q->scope, clause) || !refuse_after_combination(q, clause) ||
	    !resolve_filtered_relations(q->scope, clause->filtered_relation) ||
	    !apply_annotations(q, clause->alias, clause->nalias, false) ||
	    !apply_filters(q, clause, false, reuse) || !apply_group_by(q, clause) ||
	    !apply_annotations(q, clause->annotate, clause->nannotate, true) ||
	    !apply_filters(q, clause, true, reuse) || !apply_projection(q, clause) ||
	    !apply_combination(q, clause) || !apply_order(q, clause))
		return false;
	if (clause->has_limit || clause->offset > 0)
		narrow_slice(q, clause->offset, clause->limit, clause->has_limit);
	apply_related(q, clause);
	if (clause->count != COUNT_NONE) {
		q->count = clause->count;
		q->count_cap = clause->count_cap;
	}
	if (clause->has_lock)
		q->lock = clause->lock;
	q->is_none |= clause->is_none;
	return true;
}

bool resolve_clauses(struct scope *scope, const struct query *query, struct resolved *resolved)
{
	*resolved = (struct resolved){.scope = scope, .select = scope->select, .high = -1};
	/* The zone is the whole query's, in whichever link of the chain it stands. */
	for (size_t i = 0; i < query->nclauses; i++)
		if (!apply_zone(resolved, &query->clauses[i]))
			return false;
	for (size_t i = 0; i < query->nclauses; i++) {
		struct source_list reuse = {0};

		/* A many-to-many manager's join is shared with the first filter alone. */
		if (i == 0)
			for (size_t j = 0; j < scope->sticky.n; j++)
				list_add(scope->r->arena, &reuse, scope->sticky.items[j]);
		if (!apply_clause(resolved, &query->clauses[i], &reuse))
			return false;
	}
	if (resolved->projection != PROJECTION_NONE && resolved->prefetches.n > 0)
		return error_set(scope->r->error, ERROR_TYPE, resolved->prefetches.items[0].pos,
		                 "prefetch_related() is not supported with values or values_list");
	if (resolved->is_grouped_explicitly &&
	    (resolved->nselect_related > 0 || resolved->prefetches.n > 0))
		return error_set(scope->r->error, ERROR_TYPE, query->clauses[0].pos,
		                 "select_related and prefetch_related are not possible with group_by");
	return true;
}

void resolve_slice(struct resolved *resolved)
{
	struct select *select = resolved->select;

	select->offset = resolved->low;
	select->has_limit = resolved->high >= 0;
	select->limit = select->has_limit ? resolved->high - resolved->low : 0;
	if (resolved->combinator == COMBINATOR_NONE)
		select->is_empty |= resolved->is_none || (select->has_limit && select->limit == 0);
}

bool resolve_subquery(struct scope *scope, const struct query *query, bool wants_column,
                      const struct select **out)
{
	const struct model *model = registry_model(scope->r->registry, query->model);
	struct resolved resolved;

	if (model == NULL)
		return error_set(scope->r->error, ERROR_FIELD, query->model_pos, "Unknown model '%.*s'",
		                 STR_ARG(query->model));
	struct scope *sub = scope_new(scope->r, scope, model);

	if (!resolve_clauses(sub, query, &resolved))
		return false;
	if (wants_column && resolved.projection == PROJECTION_NONE && !resolved.is_grouped_explicitly &&
	    resolved.combinator == COMBINATOR_NONE && model->pk != NULL) {
		*ARENA_PUSH(scope->r->arena, &sub->select->columns) =
		    (struct rcolumn){STR("pk"), column_expr(scope->r->arena, sub->base, model->pk)};
		sub->select->projects_key = true;
	}
	if (wants_column && !sub->select->projects_key && !resolve_columns(&resolved))
		return false;
	if (wants_column && sub->select->columns.n != 1)
		return error_set(scope->r->error, ERROR_FIELD, query->pos,
		                 "a Subquery must project exactly one column, this one has %zu",
		                 sub->select->columns.n);
	bool is_sliced = resolved.low > 0 || resolved.high >= 0;
	/* Whether a row exists does not hang on the order, nor do distinct values of all rows. */
	bool needs_order = wants_column && (is_sliced || !resolved.is_distinct || resolved.ndistinct_on > 0);

	if (needs_order && !resolve_order(&resolved, false))
		return false;
	if (!needs_order && wants_column)
		sub->select->is_distinct = resolved.is_distinct;
	if (wants_column && sub->select->columns.n != 1)
		return error_set(scope->r->error, ERROR_NOT_SUPPORTED, query->pos,
		                 "a distinct Subquery with a slice can be ordered by its own column alone");
	resolve_slice(&resolved);
	resolve_arrange(&resolved);
	*out = resolved.select;
	return true;
}

/* Windows: an aggregate or a window function over a partition, an order and a frame. */
#include "orm/query/scope.h"

static bool read_bound(struct scope *scope, const struct value *frame, const char *name, bool *has,
                       int64_t *bound)
{
	const struct value *value = value_get(frame, name);

	*has = value != NULL && value->kind != VALUE_NULL;
	if (!*has)
		return true;
	if (value->kind != VALUE_INT)
		return error_set(scope->r->error, ERROR_VALUE, value->pos,
		                 "expected an integer (negative: before the row), or null for unbounded, got %s",
		                 value_kind_name(value->kind));
	/* Its rows before are a number that PostgreSQL has not. */
	if (value->integer == INT64_MIN)
		return error_set(scope->r->error, ERROR_VALUE, value->pos, "a frame does not reach so far");
	*bound = value->integer;
	return true;
}

static bool read_frame(struct scope *scope, const struct value *frame, struct rwindow *window)
{
	const struct value *type = frame == NULL ? NULL : value_get(frame, "type");

	if (frame == NULL || frame->kind == VALUE_NULL)
		return true;
	for (size_t i = 0; i < frame->object.n; i++) {
		struct str key = frame->object.members[i].key;

		if (!str_is(key, "type") && !str_is(key, "start") && !str_is(key, "end"))
			return error_set(scope->r->error, ERROR_BAD_REQUEST, frame->object.members[i].value.pos,
			                 "a frame has \"type\", \"start\" and \"end\"");
	}
	if (type == NULL || type->kind != VALUE_TEXT ||
	    (!str_is(type->text, "rows") && !str_is(type->text, "range")))
		return error_set(scope->r->error, ERROR_VALUE, frame->pos,
		                 "the type of a frame is \"rows\" or \"range\"");
	window->frame = str_is(type->text, "rows") ? FRAME_ROWS : FRAME_RANGE;
	if (!read_bound(scope, frame, "start", &window->has_start, &window->start) ||
	    !read_bound(scope, frame, "end", &window->has_end, &window->end))
		return false;
	if (window->has_start && window->has_end && window->start > window->end)
		return error_set(scope->r->error, ERROR_VALUE, frame->pos, "a frame cannot end before it starts");
	if (window->frame == FRAME_RANGE &&
	    ((window->has_start && window->start != 0) || (window->has_end && window->end != 0)))
		return error_set(scope->r->error, ERROR_NOT_SUPPORTED, frame->pos,
		                 "PostgreSQL only supports UNBOUNDED together with PRECEDING and FOLLOWING in a range: "
		                 "start and end are 0 or null");
	return true;
}

bool resolve_window(struct scope *scope, const struct expr *expr, const struct rexpr **out)
{
	struct arena *arena = scope->r->arena;
	struct rwindow *window = ARENA_NEW(arena, struct rwindow);
	struct rexpr *result = rexpr_new(arena, R_WINDOW, NULL, 1);
	const struct rexpr **partition = ARENA_ARRAY(arena, const struct rexpr *, expr->npartition_by);
	const struct expr *call = &expr->args[0];
	const struct function *function = call->kind == EXPR_CALL ? function_by_name(call->name) : NULL;
	bool before = scope->aggregates_annotations;
	const struct rexpr *inner;

	if (function == NULL || function->class == FUNCTION_SCALAR)
		return error_set(scope->r->error, ERROR_VALUE, call->pos,
		                 "the expression of a Window is an aggregate or a window function");
	scope->in_window = true;
	scope->aggregates_annotations = true;
	bool ok = resolve_call(scope, call, NULL, NULL, &inner);

	scope->in_window = false;
	scope->aggregates_annotations = before;
	if (!ok)
		return false;
	if (inner->kind == R_AGGREGATE) {
		/* Over a window an aggregate groups nothing; what it takes may. */
		struct rexpr *own = (struct rexpr *)inner;

		own->aggregate->in_window = true;
		own->has_aggregate = false;
		for (size_t i = 0; i < own->nargs; i++)
			own->has_aggregate |= own->args[i]->has_aggregate;
	}
	for (size_t i = 0; i < expr->npartition_by; i++) {
		if (!resolve_expr(scope, &expr->partition_by[i], NULL, NULL, &partition[i]))
			return false;
		result->has_aggregate |= partition[i]->has_aggregate;
	}
	window->partition_by = partition;
	window->npartition_by = expr->npartition_by;
	window->norder_by = expr->norder_by;
	if (!resolve_orders(scope, expr->order_by, expr->norder_by, &window->order_by) ||
	    !read_frame(scope, expr->frame, window))
		return false;
	for (size_t i = 0; i < window->norder_by; i++)
		result->has_aggregate |= window->order_by[i].expr != NULL && window->order_by[i].expr->has_aggregate;
	rexpr_set_arg(result, 0, inner);
	if (result->has_window)
		return error_set(scope->r->error, ERROR_FIELD, expr->pos, "a Window cannot hold a Window");
	result->has_window = true;
	result->field = inner->field;
	result->window = window;
	*out = result;
	return true;
}

/* A reading request's plan: kept from an earlier request of the same shape, or made. */
#include "orm/base/loop.h"
#include "server/accept.h"
#include "server/read.h"
#include "server/single_flight.h"

const char *const *read_own_members(const struct request *request)
{
	const struct method *method =
		request->method_name.p == NULL ? NULL : method_find(request->method_name);

	return method == NULL ? NULL : method->own;
}

static bool read_body(struct request *request, struct asked *asked)
{
	return accept_json(request) && request_value(request, read_own_members(request), &asked->body);
}

static bool decode(struct request *request, struct asked *asked)
{
	return request_query(request, asked->body, read_own_members(request), &asked->query);
}

bool read_asked(struct request *request, struct asked *asked)
{
	return read_body(request, asked) && decode(request, asked);
}

static struct question question_of(const struct request *request, planner_fn *planner,
                                   const struct value *body)
{
	return (struct question){(const void *)(uintptr_t)planner, request->model, read_scope(request), body};
}

static bool names_database(const struct query *query)
{
	for (size_t i = 0; i < query->nclauses; i++)
		if (query->clauses[i].using.p != NULL)
			return true;
	return false;
}

static const struct value *copied(struct arena *arena, const struct value *value)
{
	struct value *copy;

	if (value == NULL)
		return NULL;
	copy = ARENA_NEW(arena, struct value);
	*copy = value_copy(arena, value);
	return copy;
}

/* The keys in the address too: a parameter may be a part of them as it stands. */
static struct plan_scope scope_in(struct arena *arena, const struct plan_scope *scope)
{
	struct plan_scope copy = *scope;

	copy.pk = copied(arena, scope->pk);
	copy.owner = copied(arena, scope->owner);
	return copy;
}

/* Our text says it in capitals (functions RANDOM and GEN_RANDOM_UUID); of a name that does, it costs sharing alone. */
static bool is_random(const struct statement *statement)
{
	return str_find(statement->sql, STR("RANDOM")) >= 0;
}

bool read_is_random(const struct plan *plan)
{
	bool is_it = is_random(&plan->statement) || is_random(&plan->count_statement);

	for (size_t i = 0; i < plan->nprefetches && !is_it; i++)
		is_it = read_is_random(plan->prefetches[i].plan);
	return is_it;
}

static bool run_planner(struct request *request, planner_fn *planner, const struct asked *asked, struct answer_plan *plan)
{
	if (!planner(request, asked, plan))
		return false;
	plan->is_random = is_random(&plan->statement) || (plan->plan != NULL && read_is_random(plan->plan));
	return true;
}

/* Takes over `kept`. */
static bool plan_anew(struct request *request, planner_fn *planner, struct arena *kept)
{
	struct answer_plan plan = {0};
	struct asked asked;

	if (!read_body(request, &asked) || !decode(request, &asked) || names_database(asked.query) ||
	    !run_planner(request, planner, &asked, &plan)) {
		arena_free(kept);
		return false;
	}
	struct question question = question_of(request, planner, asked.body);

	shapes_keep(request->shapes, kept, &question, &plan);
	return true;
}

/* Reads and plans once more, in memory that stays. */
static void keep(struct request *request, planner_fn *planner)
{
	struct arena *own = request->arena, *kept = arena_new();
	struct plan_scope scope = request->scope;
	struct phases phases = request->phases;

	request->arena = kept;
	request->scope = scope_in(kept, &scope);
	if (!plan_anew(request, planner, kept))
		error_clear(&request->error);
	request->arena = own;
	request->scope = scope;
	request->phases = phases;
}

/* In a transaction a query may see what its statements alone cannot say (locks, another database). */
static bool may_be_kept(const struct request *request)
{
	return request->shapes != NULL && request->db.tx == NULL && request->value == NULL;
}

static bool make_plan(struct request *request, planner_fn *planner, struct answer_plan *plan)
{
	enum shape_state state = SHAPE_NEW;
	struct asked asked;

	*plan = (struct answer_plan){0};
	if (!read_body(request, &asked))
		return read_refused(request);
	if (may_be_kept(request)) {
		struct question question = question_of(request, planner, asked.body);

		state = shapes_find(request->shapes, request->arena, &question, plan);
	}
	if (state == SHAPE_BOUND)
		return true;
	if (!decode(request, &asked) || !run_planner(request, planner, &asked, plan))
		return read_refused(request);
	if (state == SHAPE_WANTED)
		keep(request, planner);
	return true;
}

bool read_plan(struct request *request, planner_fn *planner, struct answer_plan *plan)
{
	bool is_made = make_plan(request, planner, plan);

	request->phases.planned = loop_clock();
	if (is_made && plan->is_random)
		flight_dissolve(request);
	return is_made;
}

/* Sharing executions.  See single_flight.h.
 *
 *	first asks ------- runs, alone ------- answered
 *	others ask ----------- wait ---------- one of them runs, for all that waited --- all answered
 *	more ask ------------------------------------ wait ----------------------------- …
 *
 * An execution for others waits until as many have come as the last one answered, a small part of what that one took
 * at most: who has just been answered and asks again at once comes along, instead of waiting for the whole of it.
 *
 * Everything stands on the stacks of the tasks that wait.  Who is answered takes his copy of the reply before he next
 * waits, while the one who ran still stands there.
 */
#include "server/single_flight.h"

#include "orm/base/task.h"

#include <stdlib.h>

#define BUCKETS 256 /* a power of two */

/* Of what an execution took, the part that the next one waits for company; and at most, ns. */
#define BOARDING_PART 8
#define BOARDING_MOST 50000000ULL
/* What took less is not worth waiting for. */
#define WORTH_BOARDING 16000000ULL

enum outcome {
	OUTCOME_NONE,
	OUTCOME_ANSWERED, /* by `from` */
	OUTCOME_RUN,      /* by himself, for his followers */
	OUTCOME_ALONE,    /* by himself, for nobody: the reply is sent in parts */
	OUTCOME_GONE,     /* his client is */
};

struct waiter {
	struct waiter *next;
	struct task *task;
	struct request *request;
	struct flight *flight; /* he waits for */
	enum outcome outcome;
	const struct request *from;
	bool is_good;
	struct waiter *followers; /* he runs for */
	uint64_t boarding;        /* ns that he waits for more of them, until */
	size_t expected;          /* so many have come in all */
};

/* One execution under way; on the stack of who runs it. */
struct flight {
	struct flight *next;
	uint64_t hash;
	const struct request *request;
	struct db_session *boarding; /* of who will run: who comes before it begins is answered by it */
	size_t expected;             /* then it begins at once */
	size_t aboard;
	struct waiter *followers; /* answered by it */
	struct waiter *waiting;   /* answered by the next, the first to come first */
	struct waiter **end;
};

/* The last execution for several of a bucket: the first who comes back waits for the others. */
struct recent {
	uint64_t hash, ended;
	uint64_t boarding;
	size_t served;
};

struct flights {
	struct flight *buckets[BUCKETS];
	struct recent recent[BUCKETS];
	struct flights_stats stats;
};

struct flights *flights_new(void)
{
	return calloc(1, sizeof(struct flights));
}

void flights_free(struct flights *flights)
{
	free(flights);
}

void flights_stats(const struct flights *flights, struct flights_stats *stats)
{
	*stats = flights->stats;
}

/* ---- what is identical ---- */

static uint64_t hash_of(const struct request *request)
{
	uint64_t hash = str_hash(request->path);

	hash = hash * 31 + str_hash(request->params);
	hash = hash * 31 + str_hash(request->body);
	return hash * 31 + (uint64_t)request->method;
}

static bool is_same(const struct request *a, const struct request *b)
{
	return a->method == b->method && str_eq(a->path, b->path) && str_eq(a->params, b->params) &&
	       str_eq(a->body, b->body) && str_eq(a->content_type, b->content_type) && str_eq(a->accept, b->accept);
}

static struct flight *find(struct flights *flights, uint64_t hash, const struct request *request)
{
	struct flight *flight = flights->buckets[hash & (BUCKETS - 1)];

	while (flight != NULL && (flight->hash != hash || !is_same(flight->request, request)))
		flight = flight->next;
	return flight;
}

static void link_flight(struct flights *flights, struct flight *flight)
{
	struct flight **bucket = &flights->buckets[flight->hash & (BUCKETS - 1)];

	flight->next = *bucket;
	*bucket = flight;
}

static void unlink_flight(struct flights *flights, struct flight *flight)
{
	struct flight **link = &flights->buckets[flight->hash & (BUCKETS - 1)];

	while (*link != flight)
		link = &(*link)->next;
	*link = flight->next;
}

/* ---- taking another's answer ---- */

static void take_reply(struct request *request, const struct request *from)
{
	buf_add(&request->reply.body, buf_str(&from->reply.body));
	request->reply.status = from->reply.status;
	request->reply.content_type = from->reply.content_type;
	for (size_t i = 0; i < from->reply.nheaders; i++)
		reply_header(request, arena_str(request->arena, from->reply.headers[i].name),
		             arena_str(request->arena, from->reply.headers[i].value));
}

/* Its place lies in the memory of `from`, which stands until the problem is written. */
static void take_error(struct request *request, const struct error *error)
{
	struct arena *arena = request->error.arena;

	request->error = *error;
	request->error.arena = arena;
}

static bool take(struct waiter *waiter)
{
	struct request *request = waiter->request;

	request->db.usage = waiter->from->db.usage;
	if (waiter->is_good)
		take_reply(request, waiter->from);
	else
		take_error(request, &waiter->from->error);
	return waiter->is_good;
}

/* ---- waiting ---- */

static void resume(struct waiter *waiter, enum outcome outcome)
{
	waiter->outcome = outcome;
	task_resume(waiter->task);
}

static bool remove_waiter(struct waiter **list, struct waiter *waiter)
{
	for (struct waiter **link = list; *link != NULL; link = &(*link)->next)
		if (*link == waiter) {
			*link = waiter->next;
			return true;
		}
	return false;
}

/* His client is gone: nobody waits for him. */
static void leave(void *arg)
{
	struct waiter *waiter = arg;
	struct flight *flight = waiter->flight;

	if (flight == NULL)
		return;
	if (!remove_waiter(&flight->followers, waiter) && remove_waiter(&flight->waiting, waiter)) {
		flight->end = &flight->waiting;
		while (*flight->end != NULL)
			flight->end = &(*flight->end)->next;
	}
	waiter->flight = NULL;
	resume(waiter, OUTCOME_GONE);
}

static void wait_in(struct flight *flight, struct waiter *waiter)
{
	waiter->flight = flight;
	if (flight->boarding) {
		waiter->next = flight->followers;
		flight->followers = waiter;
		if (++flight->aboard >= flight->expected)
			db_pause_end(flight->boarding);
	} else {
		*flight->end = waiter;
		flight->end = &waiter->next;
	}
	waiter->request->db.on_cancel = leave;
	waiter->request->db.on_cancel_arg = waiter;
	while (waiter->outcome == OUTCOME_NONE)
		task_suspend();
	waiter->request->db.on_cancel = NULL;
}

/* ---- running ---- */

static void answer_all(struct waiter *followers, const struct request *from, bool is_good)
{
	for (struct waiter *waiter = followers, *next; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->flight = NULL;
		waiter->from = from;
		waiter->is_good = is_good;
		resume(waiter, OUTCOME_ANSWERED);
	}
}

static uint64_t boarding_after(uint64_t took)
{
	uint64_t wait = took / BOARDING_PART;

	if (took < WORTH_BOARDING)
		return 0;
	return wait < BOARDING_MOST ? wait : BOARDING_MOST;
}

static size_t count(const struct waiter *list)
{
	size_t n = 0;

	for (; list != NULL; list = list->next)
		n++;
	return n;
}

/* The first runs for the others, when those of `back` may have come back or the time is up. */
static void run_next(struct waiter *list, uint64_t boarding, const struct waiter *back)
{
	struct waiter *first = list;

	if (first == NULL)
		return;
	first->followers = first->next;
	first->flight = NULL;
	first->boarding = boarding;
	first->expected = count(list) + count(back) + 1;
	resume(first, OUTCOME_RUN);
}

static void set_flight(struct waiter *list, struct flight *flight)
{
	for (; list != NULL; list = list->next)
		list->flight = flight;
}

/* Who ran has gone away before the end: the next in line does it, for all. */
static void hand_over(struct flight *flight)
{
	struct waiter **end = &flight->followers;

	while (*end != NULL)
		end = &(*end)->next;
	*end = flight->waiting;
	run_next(flight->followers, 0, NULL);
}

static bool board(struct flight *flight, struct request *request, const struct waiter *runner)
{
	flight->expected = runner->expected;
	flight->aboard = count(flight->followers) + 1;
	flight->boarding = &request->db;
	bool is_here = db_pause(&request->db, runner->boarding, &request->error);

	flight->boarding = NULL;
	return is_here;
}

static void remember(struct flights *flights, const struct flight *flight, uint64_t boarding)
{
	struct recent *recent = &flights->recent[flight->hash & (BUCKETS - 1)];

	if (flight->followers != NULL)
		*recent = (struct recent){flight->hash, loop_clock(), boarding, count(flight->followers) + 1};
	else if (recent->hash == flight->hash)
		recent->boarding = 0;
}

/* For who finds no flight: whether those who were answered with him, as it seems, will be back at once. */
static struct waiter first_back(const struct flights *flights, uint64_t hash)
{
	const struct recent *recent = &flights->recent[hash & (BUCKETS - 1)];

	if (recent->hash != hash || loop_clock() > recent->ended + recent->boarding)
		return (struct waiter){0};
	return (struct waiter){.boarding = recent->boarding, .expected = recent->served};
}

static bool run(struct flights *flights, struct request *request, handler_fn handler, uint64_t hash,
                const struct waiter *runner)
{
	struct flight flight = {.hash = hash, .request = request, .followers = runner->followers};

	flight.end = &flight.waiting;
	set_flight(flight.followers, &flight);
	link_flight(flights, &flight);
	request->flight = &flight;
	bool is_here = runner->boarding == 0 || board(&flight, request, runner);
	/* Who has waited for nobody began when his request had been read. */
	bool has_waited = runner->task != NULL || runner->boarding != 0;
	uint64_t begun = has_waited ? loop_clock() : request->phases.parsed;
	bool is_good = is_here && handler(request);

	if (request->flight == NULL)
		return is_good;
	request->flight = NULL;
	unlink_flight(flights, &flight);
	if (!is_good && request->db.is_cancelled) {
		hand_over(&flight);
		return false;
	}
	/* Those who came later begin first: their flight is there before anybody new asks. */
	bool is_shared = flight.followers != NULL || flight.waiting != NULL;
	uint64_t boarding = is_shared ? boarding_after(loop_clock() - begun) : 0;
	remember(flights, &flight, boarding);
	run_next(flight.waiting, boarding, flight.followers);
	answer_all(flight.followers, request, is_good);
	return is_good;
}

static void send_alone(struct waiter *list)
{
	for (struct waiter *waiter = list, *next; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->flight = NULL;
		resume(waiter, OUTCOME_ALONE);
	}
}

void flight_dissolve(struct request *request)
{
	struct flight *flight = request->flight;

	if (flight == NULL)
		return;
	request->flight = NULL;
	unlink_flight(request->flights, flight);
	send_alone(flight->followers);
	send_alone(flight->waiting);
}

static bool gone(struct request *request)
{
	return error_set_nowhere(&request->error, ERROR_UNAVAILABLE, "The client is gone.");
}

bool flight_run(struct request *request, handler_fn handler)
{
	struct flights *flights = request->flights;

	if (flights == NULL || request->db.tx != NULL || request->value != NULL || request->db.is_cancelled)
		return handler(request);
	uint64_t hash = hash_of(request);
	struct flight *flight = find(flights, hash, request);

	if (flight == NULL) {
		struct waiter first = first_back(flights, hash);

		return run(flights, request, handler, hash, &first);
	}
	struct waiter waiter = {.task = task_self(), .request = request};

	wait_in(flight, &waiter);
	switch (waiter.outcome) {
	case OUTCOME_ANSWERED:
		flights->stats.shared++;
		return take(&waiter);
	case OUTCOME_RUN:
		return run(flights, request, handler, hash, &waiter);
	case OUTCOME_ALONE:
		return handler(request);
	case OUTCOME_GONE:
		return gone(request);
	case OUTCOME_NONE:
		break;
	}
	BUG("a waiter was woken for nothing");
}

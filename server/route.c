/* From a path to a handler.
 *
 * A path is cut at "/" first and percent-decoded after, so that an encoded slash is part of a
 * primary key and never of the address.  Each kind of address has one row of handlers, one for
 * each HTTP method; the Allow header is read off the same row.
 */
#include "server/route.h"

#include "orm/wire/params.h"
#include "server/handlers.h"
#include "server/health.h"
#include "server/metrics.h"

/* Handlers of one kind of address; HEAD is GET without a body. */
struct endpoint {
	handler_fn by_method[HTTP_OTHER];
};

static const struct endpoint model_endpoint = {{
	[HTTP_GET] = read_query,
	[HTTP_POST] = change_create,
	[HTTP_PATCH] = change_update_all,
	[HTTP_DELETE] = change_delete_all,
	[HTTP_QUERY] = read_query,
}};

static const struct endpoint row_endpoint = {{
	[HTTP_GET] = read_row,
	[HTTP_PUT] = change_row,
	[HTTP_PATCH] = change_row,
	[HTTP_DELETE] = change_delete_row,
}};

/* The one row at the end of a forward relation, or of a reverse one-to-one. */
static const struct endpoint related_row_endpoint = {{
	[HTTP_GET] = read_row,
}};

static const struct {
	struct str path;
	struct endpoint endpoint;
} fixed[] = {
	{STR_INIT("/"), {{[HTTP_GET] = index_reply}}},
	{STR_INIT("/api"), {{[HTTP_GET] = index_reply}}},
	{STR_INIT("/batch"), {{[HTTP_POST] = batch_run}}},
	{STR_INIT("/health/live"), {{[HTTP_GET] = health_live}}},
	{STR_INIT("/health/ready"), {{[HTTP_GET] = health_ready}}},
	{STR_INIT("/metrics"), {{[HTTP_GET] = metrics_reply}}},
};

#define FIXED (sizeof fixed / sizeof fixed[0])

/* Numbers of routes: none, the fixed ones, these, and each method of a model and of a relation. */
static const struct str plain[] = {
	STR_INIT("/api/{model}"),
	STR_INIT("/api/{model}/{pk}"),
	STR_INIT("/api/{model}/{pk}/{relation}"),
};

#define PLAIN (sizeof plain / sizeof plain[0])
#define ROUTE_COLLECTION (1 + FIXED)
#define ROUTE_ROW (2 + FIXED)
#define ROUTE_RELATION (3 + FIXED)
#define ROUTE_METHODS (1 + FIXED + PLAIN)

/* The order in which Allow names them. */
static const struct {
	enum http_method method;
	const char *name;
} allow_names[] = {
	{HTTP_GET, "GET"},     {HTTP_HEAD, "HEAD"},       {HTTP_POST, "POST"},
	{HTTP_PUT, "PUT"},     {HTTP_PATCH, "PATCH"},     {HTTP_DELETE, "DELETE"},
	{HTTP_QUERY, "QUERY"}, {HTTP_OPTIONS, "OPTIONS"},
};

#define SEGMENTS_MAX 4

struct address {
	struct str segments[SEGMENTS_MAX]; /* model, pk or method, relation, method */
	struct str raw[SEGMENTS_MAX];      /* the same before decoding */
	size_t n;
};

static handler_fn pick(const struct endpoint *endpoint, enum http_method method)
{
	return method == HTTP_OTHER ? NULL
	                            : endpoint->by_method[method == HTTP_HEAD ? HTTP_GET : method];
}

static struct str allow_of(struct arena *arena, const struct endpoint *endpoint)
{
	struct str list = STR("");

	for (size_t i = 0; i < sizeof allow_names / sizeof allow_names[0]; i++) {
		enum http_method method = allow_names[i].method;

		if (method != HTTP_OPTIONS && !pick(endpoint, method))
			continue;
		list =
			arena_printf(arena, "%.*s%s%s", STR_ARG(list), list.n ? ", " : "", allow_names[i].name);
	}
	return list;
}

static bool answer_nothing(struct request *request)
{
	request->reply.status = 204;
	request->reply.content_type = "";
	return true;
}

static bool choose(struct request *request, const struct endpoint *endpoint, handler_fn *handler)
{
	struct str allow;

	*handler = pick(endpoint, request->method);
	if (*handler)
		return true;
	allow = allow_of(request->arena, endpoint);
	if (request->method == HTTP_OPTIONS) {
		reply_header(request, STR("Allow"), allow);
		*handler = answer_nothing;
		return true;
	}
	request->error.allow = allow;
	return error_set_nowhere(&request->error, ERROR_METHOD,
	                         "%.*s is not understood at this address; it takes %.*s.",
	                         STR_ARG(request->method_text), STR_ARG(allow));
}

static bool choose_method(struct request *request, const struct method *method, handler_fn *handler)
{
	struct endpoint endpoint = {{[HTTP_POST] = method->handler}};

	request->method_name = str_of(method->name);
	request->route = (unsigned)(ROUTE_METHODS + 2 * (size_t)(method - methods) + (request->scope.relation ? 1 : 0));
	if (method->only_reads) {
		endpoint.by_method[HTTP_GET] = method->handler;
		endpoint.by_method[HTTP_QUERY] = method->handler;
	}
	return choose(request, &endpoint, handler);
}

/* Not found. */

static bool unknown(struct request *request, const char *what, struct str name, struct str nearest)
{
	request->error.suggestion = nearest;
	return error_set_nowhere(&request->error, ERROR_UNKNOWN_ADDRESS, "There is no %s \"%.*s\".",
	                         what, STR_ARG(name));
}

static bool unknown_model(struct request *request, struct str name)
{
	const struct registry *registry = request->registry;

	return unknown(request, "model", name,
	               suggest_nearest(name, registry->paths, registry->npaths));
}

struct str route_nearest_method(struct request *request, struct str name, bool is_related)
{
	struct str *names = ARENA_ARRAY(request->arena, struct str, methods_count);
	size_t n = 0;

	for (size_t i = 0; i < methods_count; i++)
		if (is_related ? methods[i].also_related || methods[i].only_related
		               : !methods[i].only_related)
			names[n++] = str_of(methods[i].name);
	return suggest_nearest(name, names, n);
}

static bool unknown_relation(struct request *request, struct str name)
{
	const struct model *model = request->model;
	size_t cap = model->nfields + model->nreverse, n = 0;
	struct str *names = ARENA_ARRAY(request->arena, struct str, cap + 1);

	for (size_t i = 0; i < model->nfields; i++)
		if (model->fields[i]->relation)
			names[n++] = model->fields[i]->name;
	for (size_t i = 0; i < model->nreverse; i++)
		if (model->reverse[i]->accessor.p)
			names[n++] = model->reverse[i]->accessor;
	request->error.suggestion = suggest_nearest(name, names, n);
	if (n == 0)
		return error_set_nowhere(&request->error, ERROR_UNKNOWN_ADDRESS,
		                         "%.*s has no relation \"%.*s\".", STR_ARG(model->name),
		                         STR_ARG(name));
	return error_set_nowhere(
		&request->error, ERROR_UNKNOWN_ADDRESS, "%.*s has no relation \"%.*s\". Choices are: %.*s.",
		STR_ARG(model->name), STR_ARG(name), STR_ARG(suggest_choices(request->arena, names, n)));
}

/* Under /api. */

static struct value loose_text(struct str text)
{
	return (struct value){.kind = VALUE_TEXT, .is_loose = true, .text = text};
}

/* The key of a row of the request's model; a composite one is its parts with commas between them, and a comma
 * inside a part is "%2C". */
static const struct value *key_value(struct request *request, const struct address *address)
{
	struct value *value = ARENA_NEW(request->arena, struct value);
	struct str rest = address->raw[1];
	size_t n = 0, most = request->model->npk_fields;

	if (request->model->pk) {
		*value = loose_text(address->segments[1]);
		return value;
	}
	struct value *parts = ARENA_ARRAY(request->arena, struct value, most + 1);

	while (rest.p && n <= most) {
		struct str text;

		if (!percent_decode(request->arena, str_cut(&rest, STR(",")), &text, &request->error))
			BUG("a part of an address decodes no longer");
		parts[n++] = loose_text(text);
	}
	*value = (struct value){.kind = VALUE_LIST, .list = {.items = parts, .n = n}};
	return value;
}

static bool route_second(struct request *request, const struct address *address, handler_fn *handler)
{
	struct str name = address->segments[1];
	const struct method *method = method_find(name);

	if (method && !method->only_related)
		return choose_method(request, method, handler);
	/* A POST is never meant for a row: its last part is a method's name gone wrong. */
	if (request->method == HTTP_POST) {
		struct str nearest = route_nearest_method(request, name, false);

		if (nearest.p)
			return unknown(request, "method", name, nearest);
	}
	request->scope.pk = key_value(request, address);
	request->has_scope = true;
	request->route = ROUTE_ROW;
	return choose(request, &row_endpoint, handler);
}

bool route_relation(struct request *request, struct str accessor, const struct value *owner)
{
	const struct relation *relation;
	bool is_reverse;

	if (!model_accessor(request->model, accessor, &relation, &is_reverse))
		return unknown_relation(request, accessor);
	request->model = relation_end(relation, is_reverse);
	request->scope.relation = relation;
	request->scope.is_reverse = is_reverse;
	request->scope.owner = owner;
	request->has_scope = true;
	return true;
}

static bool route_related(struct request *request, const struct address *address,
                          handler_fn *handler)
{
	const struct method *method;
	bool is_multiple;

	if (!route_relation(request, address->segments[2], key_value(request, address)))
		return false;
	is_multiple = relation_is_multiple(request->scope.relation, request->scope.is_reverse);
	request->route = ROUTE_RELATION;
	if (address->n == 3)
		return choose(request, is_multiple ? &model_endpoint : &related_row_endpoint, handler);
	method = method_find(address->segments[3]);
	if (!method || !(method->also_related || method->only_related))
		return unknown(request, "method", address->segments[3],
		               route_nearest_method(request, address->segments[3], true));
	if (!is_multiple && !method->only_reads) {
		request->error.allow = STR("GET, HEAD, OPTIONS");
		return error_set_nowhere(
			&request->error, ERROR_METHOD,
			"\"%.*s\" is one row and no manager; it is changed by its own address.",
			STR_ARG(address->segments[2]));
	}
	return choose_method(request, method, handler);
}

/* An empty last segment ("/api/article/") is no segment. */
static bool cut_address(struct request *request, struct str rest, struct address *address)
{
	while (rest.p) {
		struct str raw = str_cut(&rest, STR("/"));

		if (raw.n == 0 && !rest.p)
			break;
		if (raw.n == 0 || address->n == SEGMENTS_MAX)
			return unknown(request, "address", request->path, (struct str){0});
		address->raw[address->n] = raw;
		if (!percent_decode(request->arena, raw, &address->segments[address->n++], &request->error))
			return false;
	}
	return true;
}

static bool route_api(struct request *request, struct str rest, handler_fn *handler)
{
	struct address address = {0};

	if (!cut_address(request, rest, &address))
		return false;
	if (address.n == 0)
		return choose(request, &fixed[0].endpoint, handler);
	request->model = registry_path(request->registry, address.segments[0]);
	if (!request->model)
		return unknown_model(request, address.segments[0]);
	if (address.n == 1) {
		request->route = ROUTE_COLLECTION;
		return choose(request, &model_endpoint, handler);
	}
	if (address.n == 2)
		return route_second(request, &address, handler);
	return route_related(request, &address, handler);
}

/* Whether settings let it be. */
static bool is_served(const struct request *request, const struct endpoint *endpoint)
{
	return endpoint->by_method[HTTP_GET] != metrics_reply || request->settings->has_metrics;
}

static bool route_unknown(struct request *request)
{
	struct str names[FIXED + 1];
	size_t n = 0;
	const struct model *model =
		request->path.n > 1
			? registry_path(request->registry, str_sub(request->path, 1, request->path.n))
			: NULL;

	if (model)
		return unknown(request, "address", request->path,
		               arena_printf(request->arena, "/api/%.*s", STR_ARG(model->path)));
	for (size_t i = 0; i < FIXED; i++)
		if (is_served(request, &fixed[i].endpoint))
			names[n++] = fixed[i].path;
	return unknown(request, "address", request->path, suggest_nearest(request->path, names, n));
}

bool route_request(struct request *request, handler_fn *handler)
{
	for (size_t i = 0; i < FIXED; i++) {
		if (!str_eq(fixed[i].path, request->path) || !is_served(request, &fixed[i].endpoint))
			continue;
		request->route = (unsigned)i + 1;
		return choose(request, &fixed[i].endpoint, handler);
	}
	if (str_starts(request->path, STR("/api/")))
		return route_api(request, str_sub(request->path, 5, request->path.n), handler);
	return route_unknown(request);
}

/* Counting. */

size_t route_count(void)
{
	return ROUTE_METHODS + 2 * methods_count;
}

struct str route_name(struct arena *arena, unsigned route)
{
	size_t method = (route - ROUTE_METHODS) / 2;

	if (route == 0)
		return STR("none");
	if (route <= FIXED)
		return fixed[route - 1].path;
	if (route < ROUTE_METHODS)
		return plain[route - ROUTE_COLLECTION];
	return arena_printf(arena, (route - ROUTE_METHODS) % 2 ? "/api/{model}/{pk}/{relation}/%s" : "/api/{model}/%s",
	                    methods[method].name);
}

static bool answers_rows(handler_fn handler)
{
	return handler != read_count && handler != read_exists && handler != read_aggregate && handler != read_sql &&
	       handler != read_explain;
}

enum route_class route_class(const struct request *request)
{
	unsigned route = request->route;
	bool is_read = request->method == HTTP_GET || request->method == HTTP_HEAD || request->method == HTTP_QUERY;
	const struct method *method;

	if (request->is_upload)
		return ROUTE_LOAD;
	if (route == 0 || request->method == HTTP_OPTIONS)
		return ROUTE_OTHER;
	if (route <= FIXED)
		return fixed[route - 1].endpoint.by_method[HTTP_POST] == batch_run ? ROUTE_BATCH : ROUTE_OTHER;
	if (route < ROUTE_METHODS)
		return !is_read ? ROUTE_WRITE : route == ROUTE_ROW ? ROUTE_LOOKUP : ROUTE_ROWS;
	method = &methods[(route - ROUTE_METHODS) / 2];
	if (!method->only_reads)
		return ROUTE_WRITE;
	return answers_rows(method->handler) ? ROUTE_ROWS : ROUTE_VALUE;
}

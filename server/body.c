/* What a request says, as one value: its JSON body, or its query string where it has none.
 *
 * The content type is insisted on: a form that a foreign page makes a browser send cannot have it.
 */
#include "orm/wire/params.h"
#include "server/handlers.h"

/* "application/json; charset=utf-8" -> "application/json". */
static struct str media_type(struct str content_type)
{
	struct str rest = content_type;

	return str_trim(str_cut(&rest, STR(";")));
}

static bool is_json(struct str content_type)
{
	struct str type = media_type(content_type);
	struct str json = STR("+json");

	if (str_eq_nocase(type, STR("application/json")))
		return true;
	return type.n > json.n && str_eq_nocase(str_sub(type, type.n - json.n, json.n), json) &&
	       str_find(type, STR("/")) > 0;
}

enum rows_form media_rows(struct str content_type)
{
	static const struct {
		struct str type;
		enum rows_form form;
	} types[] = {
		{STR_INIT("text/csv"), ROWS_CSV},
		{STR_INIT("application/x-ndjson"), ROWS_NDJSON},
		{STR_INIT("application/ndjson"), ROWS_NDJSON},
		{STR_INIT("application/jsonl"), ROWS_NDJSON},
	};
	struct str type = media_type(content_type);

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (str_eq_nocase(type, types[i].type))
			return types[i].form;
	return ROWS_NONE;
}

static bool check_type(struct request *request)
{
	if (is_json(request->content_type))
		return true;
	if (!request->content_type.p)
		return error_set_nowhere(&request->error, ERROR_MEDIA_TYPE,
		                         "The body has no Content-Type; application/json was expected.");
	return error_set_nowhere(&request->error, ERROR_MEDIA_TYPE,
	                         "The body's Content-Type is not application/json.");
}

static bool is_read_by_address(const struct request *request)
{
	return request->method == HTTP_GET || request->method == HTTP_HEAD ||
	       request->method == HTTP_DELETE;
}

static bool only_reads(const struct request *request)
{
	const struct method *method = method_find(request->method_name);

	return request->method == HTTP_QUERY || (method && method->only_reads);
}

/* PATCH of many rows has both: its lookups stand in the address and are read by its handler. */
static bool refuse_params(struct request *request)
{
	struct str rest = request->params;
	struct str name;

	if (!rest.n || (request->method == HTTP_PATCH && !request->scope.pk))
		return true;
	name = str_cut(&rest, STR("="));
	struct pos *pos = ARENA_NEW(request->arena, struct pos);

	pos->is_parameter = true;
	if (!percent_decode(request->arena, name, &pos->key, &request->error))
		return false;
	return error_set(&request->error, ERROR_BAD_REQUEST, pos,
	                 "A request with a body takes no parameters in its address.");
}

static bool read_value(struct request *request, const char *const *own, const struct value **value)
{
	const struct settings *settings = request->settings;
	const struct json_limits *limits = only_reads(request) ? &settings->json : &settings->write_json;

	if (request->value) {
		*value = request->value;
		return true;
	}
	if (is_read_by_address(request))
		return params_read(request->arena, request->params, own, &settings->json, value, &request->error);
	if (!refuse_params(request))
		return false;
	if (request->body.n)
		return check_type(request) &&
		       json_read(request->arena, request->body, limits, value, &request->error);
	if (!only_reads(request))
		return error_set(&request->error, ERROR_BAD_REQUEST, NULL,
		                 "The request has no body; a JSON document was expected.");
	struct value *empty = ARENA_NEW(request->arena, struct value);

	empty->kind = VALUE_OBJECT;
	*value = empty;
	return true;
}

bool request_value(struct request *request, const char *const *own, const struct value **value)
{
	bool is_read = read_value(request, own, value);

	/* The operations of a batch are no part of its parsing. */
	if (!request->value)
		request->phases.parsed = loop_clock();
	return is_read;
}

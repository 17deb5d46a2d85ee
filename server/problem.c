/* struct error to problem+json, member by member; members without a value are left out.
 */
#include "server/problem.h"

#include "orm/base/log.h"

static void add_key(struct buf *out, const char *key)
{
	if (out->p[out->n - 1] != '{')
		buf_add_char(out, ',');
	buf_add_char(out, '"');
	buf_add(out, str_of(key));
	BUF_LIT(out, "\":");
}

static void add_text(struct buf *out, const char *key, struct str text)
{
	if (!text.p)
		return;
	add_key(out, key);
	buf_add_json(out, text);
}

static void add_names(struct buf *out, const struct error *error)
{
	if (error->nfields == 0)
		return;
	add_key(out, "fields");
	buf_add_char(out, '[');
	for (size_t i = 0; i < error->nfields; i++) {
		if (i)
			buf_add_char(out, ',');
		buf_add_json(out, error->fields[i]);
	}
	buf_add_char(out, ']');
}

static void add_objects(struct buf *out, const struct error *error)
{
	if (error->nobjects == 0)
		return;
	add_key(out, "objects");
	buf_add_char(out, '[');
	for (size_t i = 0; i < error->nobjects; i++) {
		if (i)
			buf_add_char(out, ',');
		BUF_LIT(out, "{\"model\":");
		buf_add_json(out, error->objects[i].model);
		BUF_LIT(out, ",\"pk\":");
		buf_add_json(out, error->objects[i].pk);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_words(struct buf *out, const struct error_field *violation, struct arena *arena)
{
	BUF_LIT(out, "\"message\":");
	buf_add_json(out, violation->message);
	BUF_LIT(out, ",\"code\":");
	buf_add_json(out, violation->code);
	if (violation->pos) {
		BUF_LIT(out, ",\"pointer\":");
		buf_add_json(out, pos_pointer(arena, violation->pos));
	}
}

static void add_violation(struct buf *out, const struct error_field *violation, struct arena *arena)
{
	buf_add_char(out, '{');
	add_words(out, violation, arena);
	buf_add_char(out, '}');
}

static bool is_first_of_field(const struct error *error, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(error->violations[i].field, error->violations[at].field))
			return false;
	return true;
}

/* The violations of one field stand together, fields in the order of their first. */
static void add_field(struct buf *out, const struct error *error, size_t first, struct arena *arena)
{
	struct str field = error->violations[first].field;

	buf_add_json(out, field);
	BUF_LIT(out, ":[");
	add_violation(out, &error->violations[first], arena);
	for (size_t i = first + 1; i < error->nviolations; i++) {
		if (!str_eq(error->violations[i].field, field))
			continue;
		buf_add_char(out, ',');
		add_violation(out, &error->violations[i], arena);
	}
	buf_add_char(out, ']');
}

/* Those of a body of rows, in the order of its lines. */
static void add_lines(struct buf *out, const struct error *error, struct arena *arena)
{
	add_key(out, "lines");
	buf_add_char(out, '[');
	for (size_t i = 0; i < error->nviolations; i++) {
		const struct error_field *violation = &error->violations[i];

		if (i)
			buf_add_char(out, ',');
		BUF_LIT(out, "{\"line\":");
		buf_add_int(out, (int64_t)violation->line);
		BUF_LIT(out, ",\"field\":");
		buf_add_json(out, violation->field);
		buf_add_char(out, ',');
		add_words(out, violation, arena);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void add_violations(struct buf *out, const struct error *error, struct arena *arena)
{
	if (error->nviolations == 0)
		return;
	if (error->violations[0].line) {
		add_lines(out, error, arena);
		return;
	}
	add_key(out, "errors");
	buf_add_char(out, '{');
	for (size_t i = 0; i < error->nviolations; i++) {
		if (!is_first_of_field(error, i))
			continue;
		if (i)
			buf_add_char(out, ',');
		add_field(out, error, i, arena);
	}
	buf_add_char(out, '}');
}

/* Which operation of a batch, counted as in the pointer. */
static void add_operation(struct buf *out, const struct error *error)
{
	if (error->operation) {
		add_key(out, "operation");
		buf_add_int(out, (int64_t)error->operation - 1);
		add_text(out, "as", error->operation_name);
	}
	if (error->attempts) {
		add_key(out, "attempts");
		buf_add_int(out, (int64_t)error->attempts);
	}
}

void problem_write(const struct error *error, struct str instance, struct arena *arena,
                   struct buf *out)
{
	buf_add_char(out, '{');
	add_text(out, "title", str_of(error_title(error->kind)));
	add_key(out, "status");
	buf_add_int(out, error_status(error->kind));
	add_text(out, "detail", error->detail);
	if (error->has_pos) {
		add_key(out, "pointer");
		buf_add_json(out, pos_pointer(arena, error->pos));
	}
	if (error->line) {
		add_key(out, "line");
		buf_add_int(out, (int64_t)error->line);
	}
	add_text(out, "suggestion", error->suggestion);
	add_operation(out, error);
	add_text(out, "constraint", error->constraint);
	add_names(out, error);
	add_objects(out, error);
	add_violations(out, error, arena);
	add_text(out, "instance", instance);
	buf_add_char(out, '}');
}

static void begin(struct request *request, int status)
{
	buf_clear(&request->reply.body);
	request->reply.nheaders = 0;
	request->reply.status = status;
	request->reply.content_type = "application/problem+json";
}

void problem_note(const struct request *request)
{
	const struct error *error = &request->error;

	/* What a client who left, or wanted the head alone, does not get is no event. */
	if (error_status(error->kind) < 500 || request->db.is_cancelled ||
	    (request->method == HTTP_HEAD && request->reply.is_begun))
		return;
	log_event(error->kind == ERROR_INTERNAL ? LOG_ERROR : LOG_WARNING, "problem",
	          LOG_FIELDS(LOG_STR("id", request->id),
	                     LOG_STR("title", str_of(error_title(error->kind))),
	                     LOG_STR("detail", error->detail)));
}

void problem_reply(struct request *request)
{
	const struct error *error = &request->error;
	int status = error_status(error->kind);

	begin(request, status);
	if (error->kind == ERROR_METHOD)
		reply_header(request, STR("Allow"), error->allow);
	if (error->kind == ERROR_UNAVAILABLE)
		reply_header(
			request, STR("Retry-After"),
			arena_printf(request->arena, "%u", error->retry_after ? error->retry_after : 1));
	problem_write(error, request->id, request->arena, &request->reply.body);
	problem_note(request);
}

static const struct {
	int status;
	const char *title;
} titles[] = {
	{400, "BadRequest"},         {403, "PermissionDenied"},     {413, "RequestTooLarge"},
	{414, "AddressTooLong"},     {415, "UnsupportedMediaType"}, {417, "ExpectationFailed"},
	{421, "MisdirectedRequest"}, {431, "HeadersTooLarge"},
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		if (titles[i].status == status)
			return titles[i].title;
	BUG("no title for status %d", status);
}

void problem_of_status(struct request *request, int status, const char *detail)
{
	struct buf *out = &request->reply.body;

	begin(request, status);
	buf_add_char(out, '{');
	add_text(out, "title", str_of(title_of(status)));
	add_key(out, "status");
	buf_add_int(out, status);
	add_text(out, "detail", str_of(detail));
	add_text(out, "instance", request->id);
	buf_add_char(out, '}');
}

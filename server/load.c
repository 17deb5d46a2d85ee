/* bulk_create by file: the rows of a CSV or NDJSON body, as they come, into a load.
 *
 * Nothing of the body is kept: a row is read, judged and handed on before the next is looked at.  Memory is
 * bounded by one row and the load's batches.
 */
#include "server/load.h"

#include "orm/base/log.h"
#include "orm/model/field_types.h"
#include "orm/wire/csv.h"
#include "orm/wire/ndjson.h"
#include "orm/write/load.h"
#include "server/handlers.h"

struct loading {
	struct request *request;
	struct load_settings settings;
	struct load *load;
	/* CSV: the header's fields, and an object of theirs that is filled anew for each row. */
	const struct field **fields;
	struct member *members;
	size_t nfields;
	bool has_header;
};

/* -- CSV ------------------------------------------------------------------------- */

static bool read_header(struct loading *loading, const struct csv *csv)
{
	struct request *request = loading->request;
	struct arena *arena = request->arena;
	struct str *names = ARENA_ARRAY(arena, struct str, csv->ncells);

	for (size_t i = 0; i < csv->ncells; i++) {
		struct str name = csv_cell(csv, i);

		names[i] = name.p ? arena_str(arena, str_trim(name)) : STR("");
	}
	loading->has_header = true;
	loading->nfields = csv->ncells;
	loading->fields = ARENA_ARRAY(arena, const struct field *, csv->ncells);
	loading->members = ARENA_ARRAY(arena, struct member, csv->ncells);
	if (!load_names(loading->load, names, csv->ncells, loading->fields))
		return load_refuse(loading->load, csv->row_line);
	for (size_t i = 0; i < csv->ncells; i++) {
		loading->members[i].key = names[i];
		loading->members[i].value.pos = pos_member(arena, NULL, names[i]);
	}
	return true;
}

static bool is_written_in_json(const struct field *field)
{
	enum type_kind kind = field->value_field->type->kind;

	return kind == TYPE_JSON || kind == TYPE_ARRAY || kind == TYPE_HSTORE || kind == TYPE_RANGE;
}

/* {"Value": …}: nothing in a file is an expression. */
static bool read_json_cell(struct loading *loading, struct str text, struct value *value,
                           struct error *error)
{
	struct arena *arena = load_arena(loading->load);
	struct member *member = ARENA_NEW(arena, struct member);
	const struct value *inner;

	if (!json_read(arena, text, &loading->request->settings->json, &inner, error))
		return false;
	*member = (struct member){.key = STR("Value"), .value = *inner};
	member->value.pos = value->pos;
	value->kind = VALUE_OBJECT;
	value->object.members = member;
	value->object.n = 1;
	return true;
}

static bool read_boolean_cell(struct str text, struct value *value)
{
	bool is_true = str_eq_nocase(text, STR("t")) || str_eq_nocase(text, STR("true"));

	if (!is_true && !str_eq_nocase(text, STR("f")) && !str_eq_nocase(text, STR("false")))
		return false;
	value->kind = VALUE_BOOL;
	value->boolean = is_true;
	return true;
}

/* False with words when the cell is no JSON and should be. */
static bool read_cell(struct loading *loading, size_t i, struct str text, struct error *error)
{
	const struct field *field = loading->fields[i];
	struct value *value = &loading->members[i].value;

	value->kind = VALUE_NULL;
	value->is_loose = false;
	if (!text.p)
		return true;
	if (is_written_in_json(field))
		return read_json_cell(loading, text, value, error);
	if (field->value_field->type->kind == TYPE_BOOLEAN && read_boolean_cell(text, value))
		return true;
	value->kind = VALUE_TEXT;
	value->is_loose = true;
	value->text = text;
	return true;
}

static bool wrong_width(struct loading *loading, const struct csv *csv)
{
	struct arena *arena = load_arena(loading->load);
	struct str message = arena_printf(arena, "The row has %zu fields where the header has %zu.",
	                                  csv->ncells, loading->nfields);

	return load_violate(loading->load, NULL, csv->row_line, STR("invalid"), message);
}

static bool take_row(struct loading *loading, const struct csv *csv)
{
	struct error scratch;

	if (csv_is_blank(csv) && loading->nfields != 1)
		return true;
	if (!loading->has_header)
		return read_header(loading, csv);
	if (csv->ncells != loading->nfields)
		return wrong_width(loading, csv);
	error_init(&scratch, load_arena(loading->load));
	for (size_t i = 0; i < csv->ncells; i++)
		if (!read_cell(loading, i, csv_cell(csv, i), &scratch))
			return load_violate(loading->load, loading->fields[i], csv->row_line, STR("invalid"),
			                    scratch.detail);
	const struct value object = {.kind = VALUE_OBJECT,
	                             .object = {.members = loading->members, .n = loading->nfields}};

	return load_row(loading->load, &object, csv->row_line);
}

static bool wrong_csv(struct loading *loading, const struct csv *csv)
{
	error_set_nowhere(&loading->request->error, ERROR_BAD_REQUEST,
	                  "The body is not CSV: line %llu: %s.", (unsigned long long)csv->line,
	                  csv->wrong);
	return load_refuse(loading->load, csv->line);
}

/* *is_over: the body has ended. */
static bool take_csv(struct loading *loading, struct csv *csv, struct str piece, bool *is_over)
{
	for (;;) {
		switch (csv_next(csv, &piece)) {
		case CSV_MORE:
			return true;
		case CSV_END:
			*is_over = true;
			if (loading->has_header)
				return true;
			return error_set_nowhere(&loading->request->error, ERROR_BAD_REQUEST,
			                         "The body is empty; a header line with the fields' names was "
			                         "expected.");
		case CSV_WRONG:
			return wrong_csv(loading, csv);
		case CSV_ROW:
			if (!take_row(loading, csv))
				return false;
		}
	}
}

static bool load_csv(struct loading *loading)
{
	bool is_over = false, is_good = true;
	struct csv csv;

	csv_init(&csv, loading->settings.delimiter, loading->request->settings->json.bytes);
	while (is_good && !is_over) {
		struct str piece;

		is_good = request_read(loading->request, &piece) &&
		          take_csv(loading, &csv, piece.n ? piece : (struct str){NULL, 0}, &is_over);
	}
	csv_release(&csv);
	return is_good;
}

/* -- NDJSON ---------------------------------------------------------------------- */

static bool wrong_json(struct loading *loading, uint64_t line, unsigned column)
{
	struct error *error = &loading->request->error;

	error->detail = arena_printf(error->arena, "Line %llu, column %u: %.*s",
	                             (unsigned long long)line, column, STR_ARG(error->detail));
	error->has_pos = false;
	return load_refuse(loading->load, line);
}

static bool take_line(struct loading *loading, struct str line, uint64_t number)
{
	struct request *request = loading->request;
	struct json_place place = {1, 1};
	const struct value *object;

	if (!json_read_placed(load_arena(loading->load), line, &request->settings->json, &object,
	                      &place, &request->error))
		return wrong_json(loading, number, place.column);
	return load_row(loading->load, object, number);
}

static bool line_too_long(struct loading *loading, const struct ndjson *ndjson)
{
	error_set_nowhere(&loading->request->error, ERROR_BAD_REQUEST,
	                  "Line %llu is longer than the %zu bytes that this server takes for a row.",
	                  (unsigned long long)ndjson->line, ndjson->max_bytes);
	return load_refuse(loading->load, ndjson->line);
}

static bool take_ndjson(struct loading *loading, struct ndjson *ndjson, struct str piece,
                        bool *is_over)
{
	struct str line;

	for (;;) {
		switch (ndjson_next(ndjson, &piece, &line)) {
		case NDJSON_MORE:
			return true;
		case NDJSON_END:
			*is_over = true;
			return true;
		case NDJSON_TOO_LONG:
			return line_too_long(loading, ndjson);
		case NDJSON_LINE:
			if (!take_line(loading, line, ndjson->line))
				return false;
		}
	}
}

static bool load_ndjson(struct loading *loading)
{
	bool is_over = false, is_good = true;
	struct ndjson ndjson;

	ndjson_init(&ndjson, loading->request->settings->json.bytes);
	while (is_good && !is_over) {
		struct str piece;

		is_good = request_read(loading->request, &piece) &&
		          take_ndjson(loading, &ndjson, piece.n ? piece : (struct str){NULL, 0}, &is_over);
	}
	ndjson_release(&ndjson);
	return is_good;
}

/* -- the request ----------------------------------------------------------------- */

static void log_load(const struct request *request, uint64_t created, uint64_t ns)
{
	double seconds = (double)ns / 1e9;

	log_event(LOG_INFO, "load",
	          LOG_FIELDS(LOG_STR("id", request->id), LOG_STR("model", request->model->name),
	                     LOG_NUM("rows", created), LOG_NUM("seconds", seconds),
	                     LOG_NUM("rows_per_s", seconds > 0 ? (double)created / seconds : 0)));
}

static bool load_body(struct loading *loading, uint64_t *created)
{
	bool is_good = loading->settings.form == ROWS_CSV ? load_csv(loading) : load_ndjson(loading);

	return is_good && load_finish(loading->load, created);
}

bool load_rows(struct request *request)
{
	struct loading loading = {.request = request};
	const struct plan_scope *scope = request->has_scope ? &request->scope : NULL;
	uint64_t began = loop_clock(), created;

	/* Whoever runs handlers again after a conflict has no second body. */
	if (request->is_taken)
		return error_set_nowhere(
			&request->error, ERROR_CONFLICT,
			"Another transaction came between; the request may be sent again.");
	request->is_taken = true;
	if (!load_settings_read(request, &loading.settings) ||
	    !load_begin(&request->db, request->model, scope, &loading.settings.options,
	                loading.settings.members, &loading.load, &request->error))
		return false;
	if (!load_body(&loading, &created)) {
		load_abandon(loading.load);
		return false;
	}
	log_load(request, created, loop_clock() - began);
	request->reply.status = 201;
	BUF_LIT(&request->reply.body, "{\"created\":");
	buf_add_int(&request->reply.body, (int64_t)created);
	buf_add_char(&request->reply.body, '}');
	return true;
}

/* The query string of a load: a table of what may stand there. */
#include "server/load.h"

#include "orm/wire/params.h"
#include "server/handlers.h"

enum form { FORM_DELIMITER, FORM_FLAG, FORM_NAMES, FORM_OPTION };

static const struct {
	const char *name;
	enum form form;
} known[] = {
	{"delimiter", FORM_DELIMITER}, {"ignore_conflicts", FORM_FLAG}, {"update_conflicts", FORM_FLAG},
	{"unique_fields", FORM_NAMES}, {"update_fields", FORM_NAMES},   {"validate", FORM_OPTION},
};
#define NKNOWN (sizeof known / sizeof *known)

static const char *const names[] = {"delimiter",
                                    "ignore_conflicts",
                                    "update_conflicts",
                                    "unique_fields",
                                    "update_fields",
                                    "validate",
                                    NULL};

/* -- the type -------------------------------------------------------------------- */

/* "text/csv; charset=utf-8; header=present": UTF-8 and a header line are what there is. */
static bool check_type(struct request *request)
{
	struct str rest = request->content_type;

	str_cut(&rest, STR(";"));
	while (rest.p) {
		struct str value = str_trim(str_cut(&rest, STR(";")));
		struct str name = str_trim(str_cut(&value, STR("=")));

		value = value.p ? str_trim(value) : STR("");
		if (value.n > 1 && value.p[0] == '"' && value.p[value.n - 1] == '"')
			value = str_sub(value, 1, value.n - 2);
		if (str_eq_nocase(name, STR("charset")) && !str_eq_nocase(value, STR("utf-8")))
			return error_set_nowhere(
				&request->error, ERROR_MEDIA_TYPE,
				"The body's charset is not UTF-8, the only one that is taken.");
		if (str_eq_nocase(name, STR("header")) && !str_eq_nocase(value, STR("present")))
			return error_set_nowhere(&request->error, ERROR_MEDIA_TYPE,
			                         "CSV needs a header line that names the fields.");
	}
	return true;
}

/* -- parameters ------------------------------------------------------------------ */

static bool read_delimiter(struct request *request, const struct value *value,
                           struct load_settings *settings)
{
	struct str text = value->kind == VALUE_TEXT ? value->text : STR("");

	if (settings->form != ROWS_CSV)
		return error_set(&request->error, ERROR_BAD_REQUEST, value->pos,
		                 "Only CSV has a delimiter; the body's Content-Type says NDJSON.");
	/* "delimiter=," is a list of two empty texts. */
	if (value->kind == VALUE_LIST)
		text = STR(",");
	if (str_is(text, "\\t") || str_eq_nocase(text, STR("tab")))
		text = STR("\t");
	if (text.n == 1 && (text.p[0] == '\t' || (text.p[0] >= ' ' && text.p[0] < 0x7f)) &&
	    text.p[0] != '"') {
		settings->delimiter = text.p[0];
		return true;
	}
	return error_set(&request->error, ERROR_VALUE, value->pos,
	                 "A delimiter is one ASCII character that is no quote, or \"tab\".");
}

static bool read_flag(struct request *request, const struct value *value, struct value *flag)
{
	bool is_true = value->kind == VALUE_TEXT && str_is(value->text, "true");

	*flag = (struct value){.kind = VALUE_BOOL, .pos = value->pos, .boolean = is_true};
	if (is_true || (value->kind == VALUE_TEXT && str_is(value->text, "false")))
		return true;
	return error_set(&request->error, ERROR_VALUE, value->pos, "Expected true or false.");
}

/* Names between commas, also where these came as %2C: no field has one in its name. */
static struct value list_of(struct request *request, const struct value *value)
{
	struct {
		struct value *items;
		size_t n, cap;
	} list = {0};
	size_t n = value->kind == VALUE_LIST ? value->list.n : 1;
	const struct value *items = value->kind == VALUE_LIST ? value->list.items : value;

	for (size_t i = 0; i < n; i++) {
		struct str rest = items[i].text;

		do
			*ARENA_PUSH(request->arena, &list) = (struct value){
				.kind = VALUE_TEXT, .pos = value->pos, .text = str_cut(&rest, STR(","))};
		while (rest.p);
	}
	return (struct value){
		.kind = VALUE_LIST, .pos = value->pos, .list = {.items = list.items, .n = list.n}};
}

/* Lookups stand together in "filter". */
static bool unknown(struct request *request, const struct member *given)
{
	struct str own[NKNOWN];

	if (str_is(given->key, "filter") && given->value.kind == VALUE_OBJECT && given->value.object.n)
		given = &given->value.object.members[0];
	for (size_t i = 0; i < NKNOWN; i++)
		own[i] = str_of(known[i].name);
	request->error.suggestion = suggest_nearest(given->key, own, NKNOWN);
	return error_set(&request->error, ERROR_BAD_REQUEST, given->value.pos,
	                 "A load takes no parameter '%.*s'. It takes delimiter, ignore_conflicts, "
	                 "update_conflicts, unique_fields, update_fields and validate.",
	                 STR_ARG(given->key));
}

static bool read_one(struct request *request, enum form form, const struct member *given,
                     struct load_settings *settings, struct value *member)
{
	switch (form) {
	case FORM_DELIMITER:
		return read_delimiter(request, &given->value, settings);
	case FORM_FLAG:
		return read_flag(request, &given->value, member);
	case FORM_NAMES:
		*member = list_of(request, &given->value);
		return true;
	case FORM_OPTION:
		return true;
	}
	BUG("form %d", (int)form);
}

static bool read_all(struct request *request, const struct value *params,
                     struct load_settings *settings)
{
	struct member *members = ARENA_ARRAY(request->arena, struct member, params->object.n);
	struct value *body = ARENA_NEW(request->arena, struct value);

	body->kind = VALUE_OBJECT;
	body->object.members = members;
	for (size_t i = 0; i < params->object.n; i++) {
		const struct member *given = &params->object.members[i];
		size_t k = 0;

		while (k < NKNOWN && !str_is(given->key, known[k].name))
			k++;
		if (k == NKNOWN)
			return unknown(request, given);
		struct value value = {0};

		if (!read_one(request, known[k].form, given, settings, &value))
			return false;
		/* A flag that is off is not said. */
		if (known[k].form == FORM_NAMES || (known[k].form == FORM_FLAG && value.boolean))
			members[body->object.n++] = (struct member){.key = given->key, .value = value};
	}
	settings->members = body;
	return true;
}

bool load_settings_read(struct request *request, struct load_settings *settings)
{
	const struct value *params, *rest;

	*settings = (struct load_settings){.form = media_rows(request->content_type), .delimiter = ','};
	if (!check_type(request))
		return false;
	if (!request->params.n)
		return true;
	return params_read(request->arena, request->params, names, &request->settings->json, &params,
	                   &request->error) &&
	       read_all(request, params, settings) &&
	       request_options(request, params, OPTION_VALIDATE, false, &rest, &settings->options);
}

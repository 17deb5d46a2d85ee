/* Query strings: taken apart at & and =, percent-decoded, and put together as the body that would ask
 * the same (PROTOCOL section 8).
 *
 * Reserved names have a row each in the table below; every other name is a lookup for the
 * resolver to judge.  Commas are cut before decoding, so that %2C is a comma inside a value.  Text made
 * here is loose: the decoder takes "5" for 5.
 */
#include "orm/wire/params.h"

#include "orm/base/map.h"
#include "orm/wire/params_expr.h"

struct members {
	struct member *items;
	size_t n, cap;
};

struct params {
	struct arena *arena;
	const struct json_limits *limits;
	struct error *error;
	struct members body;        /* clauses and a method's own members */
	struct members lookups;     /* members of "filter" */
	const struct value *filter; /* ?filter=, or NULL */
	struct map seen;
	size_t nodes;
};

/* One parameter: its name decoded, its value still percent-encoded. */
struct param {
	struct str name;
	struct str raw;
	const struct pos *pos;
};

/* ---- percent-encoding ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool decode(struct arena *arena, struct str raw, bool plus_is_space, const struct pos *pos,
                   struct str *text, struct error *error)
{
	char *p = ARENA_ARRAY(arena, char, raw.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];

		if (c == '%') {
			int high = i + 2 < raw.n ? hex_digit(raw.p[i + 1]) : -1;
			int low = i + 2 < raw.n ? hex_digit(raw.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return error_set(error, ERROR_BAD_REQUEST, pos,
				                 "\"%%\" is not followed by two hexadecimal digits");
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c == '\0')
			return error_set(error, ERROR_BAD_REQUEST, pos, "the address holds a NUL character");
		p[n++] = c;
	}
	*text = (struct str){p, n};
	if (!str_is_utf8(*text))
		return error_set(error, ERROR_BAD_REQUEST, pos, "the address is not valid UTF-8");
	return true;
}

bool percent_decode(struct arena *arena, struct str raw, struct str *text, struct error *error)
{
	return decode(arena, raw, false, NULL, text, error);
}

/* ---- values ---- */

static bool count_node(struct params *params, const struct pos *pos)
{
	if (++params->nodes <= params->limits->nodes)
		return true;
	return error_set(params->error, ERROR_BAD_REQUEST, pos,
	                 "the query string holds more than %u values", params->limits->nodes);
}

static bool read_text(struct params *params, const struct param *param, struct value *out)
{
	*out = (struct value){.kind = VALUE_TEXT, .is_loose = true, .pos = param->pos};
	return count_node(params, param->pos) &&
	       decode(params->arena, param->raw, true, param->pos, &out->text, params->error);
}

/* Comma-separated; nothing at all is an empty list. */
static bool read_list(struct params *params, const struct param *param, struct value *out)
{
	struct str rest = param->raw;
	struct value *items;
	size_t n = param->raw.n == 0 ? 0 : 1;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == ',';
	items = ARENA_ARRAY(params->arena, struct value, n);
	for (size_t i = 0; i < n; i++) {
		struct param item = {param->name, str_cut(&rest, STR(",")), param->pos};

		if (!read_text(params, &item, &items[i]))
			return false;
	}
	*out = (struct value){.kind = VALUE_LIST, .pos = param->pos, .list = {.items = items, .n = n}};
	return true;
}

static bool read_list_or_bool(struct params *params, const struct param *param, struct value *out)
{
	bool is_true = str_is(param->raw, "true");

	if (!is_true && !str_is(param->raw, "false"))
		return read_list(params, param, out);
	*out = (struct value){.kind = VALUE_BOOL, .pos = param->pos, .boolean = is_true};
	return true;
}

static bool read_text_or_null(struct params *params, const struct param *param, struct value *out)
{
	*out = (struct value){.kind = VALUE_NULL, .pos = param->pos};
	return param->raw.n == 0 || read_text(params, param, out);
}

/* The same value standing below `pos`. */
static struct value moved(struct arena *arena, const struct value *value, const struct pos *pos)
{
	struct value copy = *value;

	copy.pos = pos;
	if (value->kind == VALUE_LIST) {
		struct value *items = ARENA_ARRAY(arena, struct value, value->list.n);

		for (size_t i = 0; i < value->list.n; i++)
			items[i] = moved(arena, &value->list.items[i], pos_item(arena, pos, i));
		copy.list.items = items;
	}
	if (value->kind == VALUE_OBJECT) {
		struct member *members = ARENA_ARRAY(arena, struct member, value->object.n);

		for (size_t i = 0; i < value->object.n; i++) {
			const struct member *member = &value->object.members[i];

			members[i].key = member->key;
			members[i].value = moved(arena, &member->value, pos_member(arena, pos, member->key));
		}
		copy.object.members = members;
	}
	return copy;
}

static bool read_json(struct params *params, const struct param *param, struct value *out)
{
	const struct value *value;
	struct str text;

	if (!decode(params->arena, param->raw, true, param->pos, &text, params->error))
		return false;
	if (!json_read(params->arena, text, params->limits, &value, params->error)) {
		params->error->pos = param->pos;
		params->error->has_pos = true;
		return false;
	}
	*out = moved(params->arena, value, param->pos);
	return true;
}

static bool read_exprs(struct params *params, const struct param *param, struct value *out)
{
	struct str text;

	return count_node(params, param->pos) &&
	       decode(params->arena, param->raw, true, param->pos, &text, params->error) &&
	       params_read_exprs(params->arena, text, param->pos, params->limits->depth, out,
	                         params->error);
}

/* true, "estimated" or {"cap": n} */
static bool read_count(struct params *params, const struct param *param, struct value *out)
{
	bool is_json = param->raw.n > 0 && (param->raw.p[0] == '{' || param->raw.p[0] == '%');

	return is_json ? read_json(params, param, out) : read_text(params, param, out);
}

/* A method's own member: a list where it holds a comma. */
static bool read_own(struct params *params, const struct param *param, struct value *out)
{
	if (str_is(param->name, "aggregate"))
		return read_exprs(params, param, out);
	if (memchr(param->raw.p, ',', param->raw.n) != NULL)
		return read_list(params, param, out);
	return read_text(params, param, out);
}

/* ---- parameters ---- */

static const struct {
	const char *name;
	bool (*read)(struct params *, const struct param *, struct value *);
} reserved[] = {
	{"filter", read_json},
	{"exclude", read_json},
	{"annotate", read_exprs},
	{"values", read_list},
	{"only", read_list},
	{"defer", read_list},
	{"order_by", read_list},
	{"select_related", read_list_or_bool},
	{"prefetch_related", read_list},
	{"limit", read_text},
	{"offset", read_text},
	{"after", read_text_or_null},
	{"before", read_text_or_null},
	{"distinct", read_list_or_bool},
	{"count", read_count},
};

#define NRESERVED (sizeof reserved / sizeof *reserved)
#define OWN_MOST 16

struct str params_suggest(struct str name, const char *const *own)
{
	struct str names[NRESERVED + OWN_MOST];
	size_t n = 0;

	while (n < NRESERVED) {
		names[n] = str_of(reserved[n].name);
		n++;
	}
	for (; own != NULL && *own != NULL && n < NRESERVED + OWN_MOST; own++)
		names[n++] = str_of(*own);
	return suggest_nearest(name, names, n);
}

/* Lookups whose value is a list. */
static bool takes_list(struct str name)
{
	static const char *const lookups[] = {"__in", "__range", "__has_keys", "__has_any_keys"};

	for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++) {
		if (str_ends(name, str_of(lookups[i])))
			return true;
	}
	return false;
}

static bool read_lookup(struct params *params, const struct param *param)
{
	struct member *member = ARENA_PUSH(params->arena, &params->lookups);

	member->key = param->name;
	return takes_list(param->name) ? read_list(params, param, &member->value)
	                               : read_text(params, param, &member->value);
}

static bool is_own(struct str name, const char *const *own)
{
	for (; own != NULL && *own != NULL; own++) {
		if (str_is(name, *own))
			return true;
	}
	return false;
}

static bool read_clause(struct params *params, const struct param *param,
                        bool (*read)(struct params *, const struct param *, struct value *))
{
	struct member member = {.key = param->name};

	if (!read(params, param, &member.value))
		return false;
	*ARENA_PUSH(params->arena, &params->body) = member;
	return true;
}

static bool read_filter(struct params *params, const struct param *param)
{
	struct value *value = ARENA_NEW(params->arena, struct value);

	params->filter = value;
	return read_json(params, param, value);
}

static bool read_param(struct params *params, const struct param *param, const char *const *own)
{
	if (is_own(param->name, own))
		return read_clause(params, param, read_own);
	if (str_is(param->name, "filter"))
		return read_filter(params, param);
	for (size_t i = 0; i < NRESERVED; i++) {
		if (str_is(param->name, reserved[i].name))
			return read_clause(params, param, reserved[i].read);
	}
	return read_lookup(params, param);
}

/* "name=value" */
static bool read_pair(struct params *params, struct str pair, const char *const *own)
{
	struct str raw = pair;
	struct str raw_name = str_cut(&raw, STR("="));
	struct pos *pos = ARENA_NEW(params->arena, struct pos);
	struct param param = {.raw = raw.p == NULL ? STR("") : raw, .pos = pos};

	pos->is_parameter = true;
	pos->key = STR("");
	if (!decode(params->arena, raw_name, true, NULL, &param.name, params->error))
		return false;
	pos->key = param.name;
	if (param.name.n == 0)
		return error_set(params->error, ERROR_BAD_REQUEST, pos, "a parameter has no name");
	if (map_put(&params->seen, params->arena, param.name, pos) != NULL)
		return error_set(params->error, ERROR_BAD_REQUEST, pos,
		                 "the parameter \"%.*s\" is given twice", STR_ARG(param.name));
	return read_param(params, &param, own);
}

/* ---- the body ---- */

/* The lookups and ?filter= as one condition, so that all of it constrains the same related rows. */
static void add_filter(struct params *params)
{
	struct value condition = {.kind = VALUE_OBJECT};

	if (params->filter != NULL && params->lookups.n > 0)
		*ARENA_PUSH(params->arena, &params->lookups) = (struct member){
			STR("and"),
			{.kind = VALUE_LIST,
		     .pos = params->filter->pos,
		     .list = {.items = params->filter, .n = 1}},
		};
	condition.object.members = params->lookups.items;
	condition.object.n = params->lookups.n;
	if (params->filter != NULL && params->lookups.n == 0)
		condition = *params->filter;
	else if (params->lookups.n == 0)
		return;
	*ARENA_PUSH(params->arena, &params->body) = (struct member){STR("filter"), condition};
}

bool params_read(struct arena *arena, struct str raw, const char *const *own,
                 const struct json_limits *limits, const struct value **body, struct error *error)
{
	struct params params = {.arena = arena, .limits = limits, .error = error};
	struct value *out = ARENA_NEW(arena, struct value);
	struct str rest = raw;

	while (rest.n > 0) {
		struct str pair = str_cut(&rest, STR("&"));

		if (pair.n > 0 && !read_pair(&params, pair, own))
			return false;
	}
	add_filter(&params);
	*out = (struct value){.kind = VALUE_OBJECT,
	                      .object = {.members = params.body.items, .n = params.body.n}};
	*body = out;
	return true;
}

/* Ref: results of earlier operations in the bodies of later ones.
 *
 *	{"Ref": "role.id"}   {"Ref": "0.results.2.name"}   {"Ref": ["role", "attrs", "a.b"]}
 *
 * What a Ref stands for is marked as data (is_data), so that a text of a row is never taken for a path
 * and an object of it never for an expression.  It has the place of its Ref, where errors point.  A Ref
 * inside {"Value": …} is a literal and stays.
 */
#include "server/batch.h"

#include "orm/wire/json.h"

/* How deep a result may be that a Ref reads. */
#define RESULT_DEPTH 128

static bool is_ref(const struct value *value)
{
	return value->kind == VALUE_OBJECT && value->object.n == 1 && !value->is_data &&
	       str_is(value->object.members[0].key, "Ref");
}

static bool is_literal(const struct value *value)
{
	return value->kind == VALUE_OBJECT && value->object.n == 1 &&
	       str_is(value->object.members[0].key, "Value");
}

/* -- the steps of a Ref ------------------------------------------------------------ */

struct steps {
	const struct pos *pos;
	struct str *items;
	size_t n;
};

static bool bad_ref(struct batch *batch, const struct pos *pos)
{
	return error_set(
		&batch->request->error, ERROR_VALUE, pos,
		"A Ref is an operation's name or number and the way into its result: \"role.id\", "
		"\"0.results.2.name\", or an array of these steps.");
}

static bool steps_of_text(struct batch *batch, const struct value *text, struct steps *steps)
{
	struct str rest = text->text;
	size_t n = 1;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == '.';
	steps->items = ARENA_ARRAY(batch->scratch, struct str, n);
	while (rest.p) {
		struct str step = str_cut(&rest, STR("."));

		if (step.n == 0)
			return bad_ref(batch, text->pos);
		steps->items[steps->n++] = step;
	}
	return true;
}

static bool read_steps(struct batch *batch, const struct value *ref, struct steps *steps)
{
	const struct value *value = &ref->object.members[0].value;

	*steps = (struct steps){.pos = value->pos};
	if (value->kind == VALUE_TEXT)
		return steps_of_text(batch, value, steps);
	if (value->kind != VALUE_LIST || value->list.n == 0)
		return bad_ref(batch, value->pos);
	steps->items = ARENA_ARRAY(batch->scratch, struct str, value->list.n);
	for (size_t i = 0; i < value->list.n; i++) {
		const struct value *item = &value->list.items[i];

		if (item->kind != VALUE_TEXT && (item->kind != VALUE_INT || item->integer < 0))
			return bad_ref(batch, item->pos);
		steps->items[steps->n++] =
			item->kind == VALUE_TEXT
				? item->text
				: arena_printf(batch->scratch, "%lld", (long long)item->integer);
	}
	return true;
}

/* -- the operation that it names --------------------------------------------------- */

static bool is_number(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n > 0;
}

/* The step's number below `end`; `end` when it is none. */
static size_t index_of(struct str text, size_t end)
{
	int64_t number;

	return is_number(text) && str_to_int(text, &number) && number >= 0 && (uint64_t)number < end
	           ? (size_t)number
	           : end;
}

static bool unknown_operation(struct batch *batch, const struct steps *steps, size_t before)
{
	struct error *error = &batch->request->error;
	struct str *names = ARENA_ARRAY(batch->arena, struct str, before);
	size_t n = 0;

	for (size_t i = 0; i < before; i++)
		if (batch->operations[i].as.p)
			names[n++] = batch->operations[i].as;
	if (before == 0)
		return error_set(error, ERROR_FIELD, steps->pos,
		                 "There is no operation before the first one; a Ref names an earlier one.");
	error_set(
		error, ERROR_FIELD, steps->pos,
		"No operation before this one is called \"%.*s\". Choices are: %.*s%snumbers below %zu.",
		STR_ARG(steps->items[0]), STR_ARG(suggest_choices(batch->arena, names, n)),
		n ? ", and " : "", before);
	struct str nearest = suggest_nearest(steps->items[0], names, n);
	if (nearest.p)
		for (size_t i = 1; i < steps->n; i++)
			nearest =
				arena_printf(batch->arena, "%.*s.%.*s", STR_ARG(nearest), STR_ARG(steps->items[i]));
	error->suggestion = nearest;
	return false;
}

static bool find_operation(struct batch *batch, const struct operation *by,
                           const struct steps *steps, struct operation **found)
{
	size_t before = (size_t)(by - batch->operations);
	size_t i = index_of(steps->items[0], before);

	*found = i < before ? &batch->operations[i] : map_get(&batch->names, steps->items[0]);
	return (*found && *found < by) || unknown_operation(batch, steps, before);
}

static bool check_refs(struct batch *batch, const struct operation *operation,
                       const struct value *value)
{
	struct operation *unused;
	struct steps steps;

	if (value->kind == VALUE_LIST) {
		for (size_t i = 0; i < value->list.n; i++)
			if (!check_refs(batch, operation, &value->list.items[i]))
				return false;
		return true;
	}
	if (value->kind != VALUE_OBJECT || is_literal(value))
		return true;
	if (is_ref(value))
		return read_steps(batch, value, &steps) &&
		       find_operation(batch, operation, &steps, &unused);
	for (size_t i = 0; i < value->object.n; i++)
		if (!check_refs(batch, operation, &value->object.members[i].value))
			return false;
	return true;
}

bool batch_check_refs(struct batch *batch, const struct operation *operation)
{
	return (!operation->body || check_refs(batch, operation, operation->body)) &&
	       (!operation->pk || check_refs(batch, operation, operation->pk));
}

/* -- what it stands for ------------------------------------------------------------ */

/* "operation 2 (transfer)" */
static struct str call(struct batch *batch, const struct operation *operation)
{
	size_t number = (size_t)(operation - batch->operations);

	return operation->as.p
	           ? arena_printf(batch->arena, "operation %zu (%.*s)", number, STR_ARG(operation->as))
	           : arena_printf(batch->arena, "operation %zu", number);
}

static size_t count_values(const struct value *value)
{
	size_t n = 1;

	if (value->kind == VALUE_LIST)
		for (size_t i = 0; i < value->list.n; i++)
			n += count_values(&value->list.items[i]);
	if (value->kind == VALUE_OBJECT)
		for (size_t i = 0; i < value->object.n; i++)
			n += count_values(&value->object.members[i].value);
	return n;
}

static bool too_many(struct batch *batch, const struct steps *steps)
{
	return error_set(
		&batch->request->error, ERROR_TOO_LARGE, steps->pos,
		"What Refs read is too large or too deep; ask those operations for less (limit, values, "
		"returning).");
}

/* Its answer as a value, read once: also where it cannot be. */
static bool read_result(struct batch *batch, struct operation *operation, const struct steps *steps)
{
	struct str text = str_sub(buf_str(&batch->replies), operation->reply_at, operation->reply_n);
	struct json_limits limits = {text.n + 1, RESULT_DEPTH, (unsigned)batch->ref_values};
	struct error unused;

	if (operation->result)
		return true;
	if (operation->is_unreadable)
		return too_many(batch, steps);
	error_init(&unused, batch->results);
	if (!json_read(batch->results, text, &limits, &operation->result, &unused)) {
		operation->result = NULL;
		operation->is_unreadable = true;
		return too_many(batch, steps);
	}
	batch->ref_values -= count_values(operation->result);
	return true;
}

static bool no_member(struct batch *batch, const struct steps *steps, size_t at,
                      const struct operation *operation, const struct value *object)
{
	struct error *error = &batch->request->error;
	struct str *names = ARENA_ARRAY(batch->arena, struct str, object->object.n);
	struct str ref = steps->items[0];

	for (size_t i = 0; i < object->object.n; i++)
		names[i] = object->object.members[i].key;
	error_set(error, ERROR_FIELD, steps->pos,
	          "The result of %.*s has no \"%.*s\" there. Choices are: %.*s.",
	          STR_ARG(call(batch, operation)), STR_ARG(steps->items[at]),
	          STR_ARG(suggest_choices(batch->arena, names, object->object.n)));
	struct str nearest = suggest_nearest(steps->items[at], names, object->object.n);
	for (size_t i = 1; nearest.p && i < steps->n; i++)
		ref = arena_printf(batch->arena, "%.*s.%.*s", STR_ARG(ref),
		                   STR_ARG(i == at ? nearest : steps->items[i]));
	error->suggestion = nearest.p ? ref : nearest;
	return false;
}

static const struct value *member_of(const struct value *object, struct str key)
{
	for (size_t i = 0; i < object->object.n; i++)
		if (str_eq(object->object.members[i].key, key))
			return &object->object.members[i].value;
	return NULL;
}

/* One step further into the result. */
static bool take_step(struct batch *batch, const struct steps *steps, size_t at,
                      const struct operation *operation, const struct value **value)
{
	const struct value *from = *value;
	struct error *error = &batch->request->error;

	if (from->kind == VALUE_OBJECT) {
		*value = member_of(from, steps->items[at]);
		return *value || no_member(batch, steps, at, operation, from);
	}
	if (from->kind == VALUE_LIST && is_number(steps->items[at])) {
		size_t i = index_of(steps->items[at], from->list.n);

		if (i < from->list.n) {
			*value = &from->list.items[i];
			return true;
		}
		return error_set(
			error, ERROR_FIELD, steps->pos,
			"The result of %.*s has %zu elements there, and no element %.*s (the first is 0).",
			STR_ARG(call(batch, operation)), from->list.n, STR_ARG(steps->items[at]));
	}
	return error_set(
		error, ERROR_FIELD, steps->pos, "The result of %.*s is %s there, which has no \"%.*s\".",
		STR_ARG(call(batch, operation)), value_kind_name(from->kind), STR_ARG(steps->items[at]));
}

static bool find_result(struct batch *batch, const struct operation *by, const struct steps *steps,
                        const struct value **found)
{
	struct operation *operation;

	if (!find_operation(batch, by, steps, &operation))
		return false;
	if (operation->has_failed)
		return error_set(&batch->request->error, ERROR_VALUE, steps->pos,
		                 "There is no result: %.*s has failed.", STR_ARG(call(batch, operation)));
	if (!read_result(batch, operation, steps))
		return false;
	*found = operation->result;
	for (size_t at = 1; at < steps->n; at++)
		if (!take_step(batch, steps, at, operation, found))
			return false;
	return true;
}

/* -- substitution ------------------------------------------------------------------ */

struct filling {
	struct batch *batch;
	const struct operation *operation;
	size_t left;    /* values that Refs may still add */
	size_t bytes;   /* of text likewise */
	unsigned depth; /* of the value that is made */
};

static bool is_deeper(struct filling *f)
{
	return f->depth >= f->batch->request->settings->json.depth;
}

/* As if it stood in the body, whose limits hold for it too. */
static bool take_room(struct filling *f, const struct value *from)
{
	size_t n = from->kind == VALUE_TEXT ? from->text.n : 0;

	if (f->left == 0 || n > f->bytes || is_deeper(f))
		return false;
	f->left--;
	f->bytes -= n;
	return true;
}

/* The value as data at the place of its Ref. */
static bool copy_data(struct filling *f, const struct value *from, const struct steps *steps,
                      struct value *out)
{
	struct arena *arena = f->batch->scratch;

	if (!take_room(f, from))
		return too_many(f->batch, steps);
	f->depth++;
	*out = *from;
	out->pos = steps->pos->parent;
	out->is_data = true;
	if (from->kind == VALUE_LIST) {
		struct value *items = ARENA_ARRAY(arena, struct value, from->list.n);

		out->list.items = items;
		for (size_t i = 0; i < from->list.n; i++)
			if (!copy_data(f, &from->list.items[i], steps, &items[i]))
				return false;
	}
	if (from->kind == VALUE_OBJECT) {
		struct member *members = ARENA_ARRAY(arena, struct member, from->object.n);

		out->object.members = members;
		for (size_t i = 0; i < from->object.n; i++) {
			members[i].key = from->object.members[i].key;
			if (!copy_data(f, &from->object.members[i].value, steps, &members[i].value))
				return false;
		}
	}
	f->depth--;
	return true;
}

static bool has_ref(const struct value *value)
{
	if (value->kind == VALUE_LIST) {
		for (size_t i = 0; i < value->list.n; i++)
			if (has_ref(&value->list.items[i]))
				return true;
		return false;
	}
	if (value->kind != VALUE_OBJECT || is_literal(value))
		return false;
	if (is_ref(value))
		return true;
	for (size_t i = 0; i < value->object.n; i++)
		if (has_ref(&value->object.members[i].value))
			return true;
	return false;
}

static bool fill(struct filling *f, const struct value *from, struct value *out);

static bool fill_ref(struct filling *f, const struct value *ref, struct value *out)
{
	const struct value *found;
	struct steps steps;

	return read_steps(f->batch, ref, &steps) &&
	       find_result(f->batch, f->operation, &steps, &found) && copy_data(f, found, &steps, out);
}

static bool fill_list(struct filling *f, const struct value *from, struct value *out)
{
	struct value *items = ARENA_ARRAY(f->batch->scratch, struct value, from->list.n);

	*out = *from;
	out->list.items = items;
	for (size_t i = 0; i < from->list.n; i++)
		if (!fill(f, &from->list.items[i], &items[i]))
			return false;
	return true;
}

static bool fill_object(struct filling *f, const struct value *from, struct value *out)
{
	struct member *members = ARENA_ARRAY(f->batch->scratch, struct member, from->object.n);

	*out = *from;
	out->object.members = members;
	for (size_t i = 0; i < from->object.n; i++) {
		members[i].key = from->object.members[i].key;
		if (!fill(f, &from->object.members[i].value, &members[i].value))
			return false;
	}
	return true;
}

static bool fill(struct filling *f, const struct value *from, struct value *out)
{
	bool is_good = true;

	f->depth++;
	if (is_ref(from))
		is_good = fill_ref(f, from, out);
	else if (from->kind == VALUE_LIST)
		is_good = fill_list(f, from, out);
	else if (from->kind == VALUE_OBJECT && !is_literal(from))
		is_good = fill_object(f, from, out);
	else
		*out = *from;
	f->depth--;
	return is_good;
}

bool batch_fill(struct batch *batch, const struct operation *operation, const struct value *value,
                const struct value **filled)
{
	const struct json_limits *most = &batch->request->settings->write_json;
	struct filling f = {batch, operation, most->nodes, most->bytes, 0};
	struct value *out;

	*filled = value;
	if (!value || !has_ref(value))
		return true;
	out = ARENA_NEW(batch->scratch, struct value);
	*filled = out;
	return fill(&f, value, out);
}

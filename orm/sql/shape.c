/* Plans by the shape of their question.  See shape.h.
 *
 * A shape is written as bytes: the address of what plans it, then the body, each literal by a letter for its kind.  A
 * list of literals of one kind is one literal, whatever its length.  Behind it stand, as JSON, the literals that are
 * part of the shape: which ones is known of a body once one like it was planned (the table of families).
 */
#include "orm/sql/shape.h"

#include "orm/query/literal.h"

#include <stdlib.h>

#define SLOTS_MAX 64

/* A question as it is read: its literals in the order they are written. */
struct reading {
	struct buf *shape;
	const struct value *slots[SLOTS_MAX];
	size_t n;
	bool has_more; /* literals than slots: never kept */
};

/* Of all bodies that read alike: which literals are part of the shape, a bit each. */
struct family {
	uint64_t hash, fixed;
};

struct entry {
	struct entry *next; /* with the same bucket */
	struct entry *newer, *older;
	uint64_t hash;
	struct str shape;
	struct arena *arena;
	struct answer_plan plan;
	size_t users; /* requests whose plan was bound from it */
	bool is_dropped;
};

struct shapes {
	size_t most;
	size_t nbuckets; /* a power of two, as long as the three tables */
	struct entry **buckets;
	struct family *families;
	uint64_t *seen; /* once; the second time the plan is wanted */
	struct entry *newest, *oldest;
	struct buf shape; /* of the question that is being read */
	struct shapes_stats stats;
};

struct shapes *shapes_new(size_t most)
{
	struct shapes *shapes = calloc(1, sizeof *shapes);

	if (shapes == NULL)
		return NULL;
	shapes->most = most;
	shapes->nbuckets = 64;
	while (shapes->nbuckets < 2 * most)
		shapes->nbuckets *= 2;
	shapes->buckets = calloc(shapes->nbuckets, sizeof *shapes->buckets);
	shapes->families = calloc(shapes->nbuckets, sizeof *shapes->families);
	shapes->seen = calloc(shapes->nbuckets, sizeof *shapes->seen);
	if (shapes->buckets != NULL && shapes->families != NULL && shapes->seen != NULL)
		return shapes;
	shapes_free(shapes);
	return NULL;
}

/* ---- entries ---- */

static void entry_free(struct entry *entry)
{
	arena_free(entry->arena);
	free(entry);
}

static void entry_release(void *arg)
{
	struct entry *entry = arg;

	if (--entry->users == 0 && entry->is_dropped)
		entry_free(entry);
}

static struct entry **bucket_of(struct shapes *shapes, uint64_t hash)
{
	return &shapes->buckets[hash & (shapes->nbuckets - 1)];
}

static struct entry *entry_find(struct shapes *shapes, uint64_t hash, struct str shape)
{
	struct entry *entry = *bucket_of(shapes, hash);

	while (entry != NULL && (entry->hash != hash || !str_eq(entry->shape, shape)))
		entry = entry->next;
	return entry;
}

static void unlink_age(struct shapes *shapes, struct entry *entry)
{
	*(entry->newer != NULL ? &entry->newer->older : &shapes->newest) = entry->older;
	*(entry->older != NULL ? &entry->older->newer : &shapes->oldest) = entry->newer;
}

static void link_newest(struct shapes *shapes, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = shapes->newest;
	*(shapes->newest != NULL ? &shapes->newest->newer : &shapes->oldest) = entry;
	shapes->newest = entry;
}

static void drop(struct shapes *shapes, struct entry *entry)
{
	struct entry **link = bucket_of(shapes, entry->hash);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	unlink_age(shapes, entry);
	shapes->stats.kept--;
	entry->is_dropped = true;
	if (entry->users == 0)
		entry_free(entry);
}

void shapes_free(struct shapes *shapes)
{
	while (shapes->oldest != NULL)
		drop(shapes, shapes->oldest);
	buf_release(&shapes->shape);
	free(shapes->buckets);
	free(shapes->families);
	free(shapes->seen);
	free(shapes);
}

/* ---- reading ---- */

static char kind_letter(const struct value *value)
{
	static const char letters[] = {[VALUE_NULL] = 'n', [VALUE_BOOL] = 'b', [VALUE_INT] = 'i', [VALUE_REAL] = 'r',
	                               [VALUE_TEXT] = 't', [VALUE_LIST] = 'l', [VALUE_OBJECT] = 'o'};
	char letter = letters[value->kind];

	return value->is_loose ? (char)(letter - 'a' + 'A') : letter;
}

static bool is_scalar(const struct value *value)
{
	return value->kind == VALUE_BOOL || value->kind == VALUE_INT || value->kind == VALUE_REAL ||
	       value->kind == VALUE_TEXT;
}

static bool is_even_list(const struct value *value)
{
	const struct value *items = value->list.items;

	if (value->list.n == 0 || !is_scalar(&items[0]))
		return false;
	for (size_t i = 1; i < value->list.n; i++)
		if (items[i].kind != items[0].kind || items[i].is_loose != items[0].is_loose)
			return false;
	return true;
}

static void add_slot(struct reading *reading, const struct value *value)
{
	if (reading->n == SLOTS_MAX)
		reading->has_more = true;
	else
		reading->slots[reading->n++] = value;
}

static void add_name(struct buf *shape, struct str name)
{
	buf_add_int(shape, (int64_t)name.n);
	buf_add_char(shape, ':');
	buf_add(shape, name);
}

static void read_value(struct reading *reading, const struct value *value)
{
	buf_add_char(reading->shape, kind_letter(value));
	if (is_scalar(value)) {
		add_slot(reading, value);
	} else if (value->kind == VALUE_LIST && is_even_list(value)) {
		buf_add_char(reading->shape, kind_letter(&value->list.items[0]));
		add_slot(reading, value);
	} else if (value->kind == VALUE_LIST) {
		buf_add_char(reading->shape, '[');
		for (size_t i = 0; i < value->list.n; i++)
			read_value(reading, &value->list.items[i]);
		buf_add_char(reading->shape, ']');
	} else if (value->kind == VALUE_OBJECT) {
		buf_add_char(reading->shape, '{');
		for (size_t i = 0; i < value->object.n; i++) {
			add_name(reading->shape, value->object.members[i].key);
			read_value(reading, &value->object.members[i].value);
		}
		buf_add_char(reading->shape, '}');
	}
}

static void add_address(struct buf *shape, const void *address)
{
	buf_add(shape, (struct str){(const char *)&address, sizeof address});
}

static struct reading read_question(struct shapes *shapes, const struct question *question)
{
	struct reading self = {.shape = &shapes->shape}, *reading = &self;
	const struct plan_scope *scope = question->scope;

	buf_clear(reading->shape);
	add_address(reading->shape, question->method);
	add_address(reading->shape, question->model);
	if (scope != NULL) {
		add_address(reading->shape, scope->relation);
		buf_add_char(reading->shape, scope->is_reverse ? '<' : '>');
		buf_add_char(reading->shape, scope->pk != NULL ? 'p' : '-');
		if (scope->pk != NULL)
			read_value(reading, scope->pk);
		buf_add_char(reading->shape, scope->owner != NULL ? 'o' : '-');
		if (scope->owner != NULL)
			read_value(reading, scope->owner);
	}
	read_value(reading, question->body);
	return self;
}

static struct family *family_of(struct shapes *shapes, uint64_t hash)
{
	return &shapes->families[hash & (shapes->nbuckets - 1)];
}

/* The literals that are part of the shape, behind it, each with its number: a family may be forgotten and learnt
 * again from another question, and then others are.  Returns the hash of all. */
static uint64_t add_fixed(struct reading *reading, uint64_t fixed)
{
	for (size_t i = 0; i < reading->n; i++) {
		if ((fixed >> i & 1) == 0)
			continue;
		buf_add_char(reading->shape, '\n');
		buf_add_int(reading->shape, (int64_t)i);
		buf_add_char(reading->shape, ':');
		value_write_json(reading->slots[i], reading->shape);
	}
	return str_hash(buf_str(reading->shape));
}

/* ---- binding ---- */

struct binding {
	struct arena *arena;
	const struct reading *reading;
	struct error error; /* a value that does not fit: said by whoever plans */
};

static bool bind_statement(struct binding *binding, struct statement *statement)
{
	struct param *params = ARENA_ARRAY(binding->arena, struct param, statement->nparams);

	for (size_t i = 0; i < statement->nparams; i++) {
		params[i] = statement->params[i];
		if (params[i].slot != 0 &&
		    !literal_write(binding->arena, params[i].literal, binding->reading->slots[params[i].slot - 1],
		                   &params[i].text, &binding->error))
			return false;
	}
	statement->params = params;
	return true;
}

static bool bind_plan(struct binding *binding, const struct plan *from, const struct plan **to)
{
	struct plan *plan = ARENA_NEW(binding->arena, struct plan);
	struct prefetch_plan *prefetches = ARENA_ARRAY(binding->arena, struct prefetch_plan, from->nprefetches);

	*plan = *from;
	plan->prefetches = prefetches;
	for (size_t i = 0; i < from->nprefetches; i++) {
		prefetches[i] = from->prefetches[i];
		if (!bind_plan(binding, from->prefetches[i].plan, &prefetches[i].plan))
			return false;
	}
	*to = plan;
	return bind_statement(binding, &plan->statement) && bind_statement(binding, &plan->count_statement);
}

static bool bind(struct arena *arena, const struct reading *reading, const struct answer_plan *from,
                 struct answer_plan *to)
{
	struct binding binding = {.arena = arena, .reading = reading};

	error_init(&binding.error, arena);
	*to = *from;
	return (from->plan == NULL || bind_plan(&binding, from->plan, &to->plan)) &&
	       bind_statement(&binding, &to->statement);
}

/* ---- keeping ---- */

/* Gives each parameter its slot and says which slots parameters take. */
static void find_slots(const struct reading *reading, const struct statement *statement, uint64_t *taken)
{
	for (size_t i = 0; i < statement->nparams; i++) {
		struct param *param = &statement->params[i];

		for (size_t slot = 0; param->literal != NULL && slot < reading->n; slot++)
			if (reading->slots[slot] == param->literal->value) {
				param->slot = (unsigned)slot + 1;
				*taken |= 1ull << slot;
			}
	}
}

static void find_plan_slots(const struct reading *reading, const struct plan *plan, uint64_t *taken)
{
	find_slots(reading, &plan->statement, taken);
	find_slots(reading, &plan->count_statement, taken);
	for (size_t i = 0; i < plan->nprefetches; i++)
		find_plan_slots(reading, plan->prefetches[i].plan, taken);
}

static uint64_t all_slots(const struct reading *reading)
{
	return reading->n == SLOTS_MAX ? ~0ull : (1ull << reading->n) - 1;
}

static void add_entry(struct shapes *shapes, struct arena *kept, const struct reading *reading, uint64_t hash,
                      const struct answer_plan *plan)
{
	struct str shape = buf_str(reading->shape);
	struct entry *entry = entry_find(shapes, hash, shape);

	if (entry != NULL)
		drop(shapes, entry);
	if (shapes->stats.kept == shapes->most)
		drop(shapes, shapes->oldest);
	entry = malloc(sizeof *entry);
	if (entry == NULL) {
		arena_free(kept);
		return;
	}
	*entry = (struct entry){.next = *bucket_of(shapes, hash),
	                        .hash = hash,
	                        .shape = arena_str(kept, shape),
	                        .arena = kept,
	                        .plan = *plan};
	*bucket_of(shapes, hash) = entry;
	link_newest(shapes, entry);
	shapes->stats.kept++;
}

/* A page's cursors are sealed to the values of its statement. */
static bool can_be_kept(const struct reading *reading, const struct answer_plan *plan)
{
	return !reading->has_more && (plan->plan == NULL || plan->plan->page == NULL);
}

void shapes_keep(struct shapes *shapes, struct arena *kept, const struct question *question,
                 const struct answer_plan *plan)
{
	struct reading reading = read_question(shapes, question);
	uint64_t taken = 0;

	if (!can_be_kept(&reading, plan)) {
		arena_free(kept);
		return;
	}
	if (plan->plan != NULL)
		find_plan_slots(&reading, plan->plan, &taken);
	find_slots(&reading, &plan->statement, &taken);
	uint64_t alike = str_hash(buf_str(reading.shape));
	struct family *family = family_of(shapes, alike);
	uint64_t fixed = all_slots(&reading) & ~taken;

	*family = (struct family){alike, family->hash == alike ? family->fixed | fixed : fixed};
	add_entry(shapes, kept, &reading, add_fixed(&reading, family->fixed), plan);
}

/* ---- finding ---- */

static enum shape_state look_up(struct shapes *shapes, struct arena *arena, struct reading *reading,
                                struct answer_plan *plan)
{
	uint64_t alike = str_hash(buf_str(reading->shape));
	const struct family *family = family_of(shapes, alike);
	uint64_t hash = add_fixed(reading, family->hash == alike ? family->fixed : 0);
	struct entry *entry = entry_find(shapes, hash, buf_str(reading->shape));
	uint64_t *seen = &shapes->seen[hash & (shapes->nbuckets - 1)];

	if (entry != NULL && bind(arena, reading, &entry->plan, plan)) {
		unlink_age(shapes, entry);
		link_newest(shapes, entry);
		entry->users++;
		arena_defer(arena, entry_release, entry);
		return SHAPE_BOUND;
	}
	if (entry != NULL || *seen != hash) {
		*seen = hash;
		return SHAPE_NEW;
	}
	return SHAPE_WANTED;
}

enum shape_state shapes_find(struct shapes *shapes, struct arena *arena, const struct question *question,
                             struct answer_plan *plan)
{
	struct reading reading = read_question(shapes, question);
	enum shape_state state = SHAPE_NEW;

	if (!reading.has_more)
		state = look_up(shapes, arena, &reading, plan);
	*(state == SHAPE_BOUND ? &shapes->stats.bound : &shapes->stats.planned) += 1;
	return state;
}

void shapes_stats(const struct shapes *shapes, struct shapes_stats *stats)
{
	*stats = shapes->stats;
}

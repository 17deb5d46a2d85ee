/* Meta.constraints and Meta.indexes: which members each type takes, the fields and expressions they
 * stand on, their names.
 */
#include "orm/model/draft.h"

enum part_form {
	PARTS_NONE,
	PARTS_UNIQUE,    /* fields, or expressions */
	PARTS_INDEX,     /* the same, fields may descend */
	PARTS_EXCLUSION, /* expressions, each with its operator */
};

/* A type of constraint or index; `members` are those besides type and name, separated by spaces. */
struct row {
	const char *name;
	enum part_form parts;
	enum constraint_kind kind;
	const char *method, *suffix; /* of an index */
	const char *members;
	const char *options; /* storage parameters of an index */
};

static const struct row constraint_rows[] = {
	{"UniqueConstraint", PARTS_UNIQUE, CONSTRAINT_UNIQUE, NULL, NULL,
     "fields expressions condition deferrable include opclasses nulls_distinct "
     "violation_error_message violation_error_code",
     ""},
	{"CheckConstraint", PARTS_NONE, CONSTRAINT_CHECK, NULL, NULL,
     "check condition violation_error_message violation_error_code", ""},
	{"ExclusionConstraint", PARTS_EXCLUSION, CONSTRAINT_EXCLUSION, NULL, NULL,
     "expressions index_type condition deferrable include violation_error_message "
     "violation_error_code",
     ""},
};

#define INDEX_MEMBERS "fields expressions condition include opclasses db_tablespace"
static const struct row index_rows[] = {
	{"Index", PARTS_INDEX, 0, "btree", "idx", INDEX_MEMBERS, ""},
	{"BTreeIndex", PARTS_INDEX, 0, "btree", "btree", INDEX_MEMBERS, "fillfactor deduplicate_items"},
	{"GinIndex", PARTS_INDEX, 0, "gin", "gin", INDEX_MEMBERS, "fastupdate gin_pending_list_limit"},
	{"GistIndex", PARTS_INDEX, 0, "gist", "gist", INDEX_MEMBERS, "buffering fillfactor"},
	{"BrinIndex", PARTS_INDEX, 0, "brin", "brin", INDEX_MEMBERS, "autosummarize pages_per_range"},
	{"HashIndex", PARTS_INDEX, 0, "hash", "hash", INDEX_MEMBERS, "fillfactor"},
	{"SpGistIndex", PARTS_INDEX, 0, "spgist", "spgist", INDEX_MEMBERS, "fillfactor"},
};

#define CONSTRAINT_ROWS (sizeof constraint_rows / sizeof *constraint_rows)
#define INDEX_ROWS (sizeof index_rows / sizeof *index_rows)
enum { MEMBERS_MAX = 24 };

/* A constraint or index while it is being read. */
struct reading {
	struct build *b;
	struct draft *draft;
	const struct value *item;
	const struct row *row;
	struct index_part *parts;
	size_t nparts;
};

static size_t split_words(const char *words, struct str *list)
{
	size_t n = 0;
	struct str rest = str_of(words);
	while (rest.p && rest.n > 0)
		list[n++] = str_cut(&rest, STR(" "));
	return n;
}

static bool has_word(const char *words, struct str word)
{
	struct str list[MEMBERS_MAX];
	size_t n = split_words(words, list);
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i], word))
			return true;
	return false;
}

static const struct row *find_row(struct build *b, const struct value *item, const struct row *rows,
                                  size_t n, const char *option)
{
	struct str names[INDEX_ROWS + CONSTRAINT_ROWS];
	const struct value *type = value_get(item, "type");
	if (!type && item->kind == VALUE_OBJECT && rows == index_rows)
		return &rows[0];
	for (size_t i = 0; i < n; i++) {
		names[i] = str_of(rows[i].name);
		if (type && type->kind == VALUE_TEXT && str_eq(type->text, names[i]))
			return &rows[i];
	}
	const struct value *said = type ? type : item;
	note_near(b, said->pos, said->kind == VALUE_TEXT ? said->text : STR(""), names, n,
	          "\"%s\": expected an object whose \"type\" is one of %.*s, but got %.*s", option,
	          STR_ARG(suggest_choices(b->arena, names, n)), STR_ARG(value_shown(b, said)));
	return NULL;
}

static void check_members(struct reading *r)
{
	struct str names[MEMBERS_MAX] = {STR("type"), STR("name")};
	size_t n = 2 + split_words(r->row->members, names + 2);
	n += split_words(r->row->options, names + n);
	for (size_t i = 0; i < r->item->object.n; i++) {
		const struct member *member = &r->item->object.members[i];
		bool is_known = false;
		for (size_t k = 0; k < n; k++)
			is_known = is_known || str_eq(names[k], member->key);
		if (!is_known)
			note_near(r->b, member->value.pos, member->key, names, n, "%s has no member \"%.*s\"",
			          r->row->name, STR_ARG(member->key));
	}
}

static void need_kind(struct reading *r, const struct value *value, const char *name,
                      const char *expected)
{
	note(r->b, value->pos, "\"%s\": expected %s, but got %.*s", name, expected,
	     STR_ARG(value_shown(r->b, value)));
}

/* A text member; p == NULL when absent or of another kind (noted). */
static struct str text_member(struct reading *r, const char *name)
{
	const struct value *value = value_get(r->item, name);
	if (value && value->kind == VALUE_TEXT && value->text.n > 0)
		return value->text;
	if (value)
		need_kind(r, value, name, "a string that is not empty");
	return (struct str){NULL, 0};
}

static const struct field *find_column(struct reading *r, const struct value *name, struct str text)
{
	struct draft_field *df = draft_field_find(r->draft, text, false);
	if (!df) {
		const struct str *names;
		size_t n = draft_field_names(r->b, r->draft, &names);
		note_near(r->b, name->pos, text, names, n, "%s: %.*s has no field \"%.*s\"", r->row->name,
		          STR_ARG(r->draft->name), STR_ARG(text));
		return NULL;
	}
	if (df->field && !df->field->column.p) {
		note(r->b, name->pos, "%s: \"%.*s\" has no column of its own", r->row->name, STR_ARG(text));
		return NULL;
	}
	return df->field;
}

static void read_field_part(struct reading *r, const struct value *name, struct index_part *part)
{
	if (name->kind != VALUE_TEXT) {
		need_kind(r, name, "fields", "names of fields");
		return;
	}
	struct str text = name->text;
	part->is_descending = r->row->parts == PARTS_INDEX && str_starts(text, STR("-"));
	if (part->is_descending)
		text = str_sub(text, 1, text.n - 1);
	part->field = find_column(r, name, text);
}

static void read_opclasses(struct reading *r)
{
	const struct value *list = value_get(r->item, "opclasses");
	if (!list)
		return;
	if (list->kind != VALUE_LIST || list->list.n != r->nparts) {
		need_kind(r, list, "opclasses", "one name for each of \"fields\"");
		return;
	}
	for (size_t i = 0; i < r->nparts; i++) {
		const struct value *name = &list->list.items[i];
		if (name->kind != VALUE_TEXT)
			need_kind(r, name, "opclasses", "names");
		else if (name->text.n > 0)
			r->parts[i].opclass = name->text;
	}
}

static bool is_expression(const struct value *value)
{
	if (value->kind != VALUE_OBJECT || value->object.n != 1 || value->object.members[0].key.n == 0)
		return false;
	char c = value->object.members[0].key.p[0];
	return !(c >= 'a' && c <= 'z');
}

/* A name, an expression, {"expr", "desc"} or {"OpClass": [expression, "name"]}. */
static void read_expression_part(struct reading *r, const struct value *item,
                                 struct index_part *part)
{
	const struct value *expr = value_get(item, "expr");
	const struct value *desc = value_get(item, "desc");
	const struct value *opclass = value_get(item, "OpClass");
	if (item->kind == VALUE_TEXT) {
		part->is_descending = str_starts(item->text, STR("-"));
		size_t skip = part->is_descending ? 1 : 0;
		part->field = find_column(r, item, str_sub(item->text, skip, item->text.n - skip));
	} else if (opclass && opclass->kind == VALUE_LIST && opclass->list.n == 2 &&
	           opclass->list.items[1].kind == VALUE_TEXT) {
		read_expression_part(r, &opclass->list.items[0], part);
		part->opclass = opclass->list.items[1].text;
	} else if (expr && item->object.n == (desc ? 2u : 1u) && (!desc || desc->kind == VALUE_BOOL)) {
		read_expression_part(r, expr, part);
		part->is_descending = desc && desc->boolean;
	} else if (is_expression(item) && !opclass) {
		part->expression = item;
	} else {
		need_kind(
			r, item, "expressions",
			"a name, an expression, {\"expr\", \"desc\"} or {\"OpClass\": [expression, name]}");
	}
}

/* [expression, operator] */
static void read_exclusion_part(struct reading *r, const struct value *item,
                                struct index_part *part)
{
	bool is_pair =
		item->kind == VALUE_LIST && item->list.n == 2 && item->list.items[1].kind == VALUE_TEXT;
	if (!is_pair) {
		need_kind(r, item, "expressions", "[expression, \"operator\"]");
		return;
	}
	static const char *const operators[] = {"=",  "<>", "&&", "@>",  "<@", "<<",
	                                        ">>", "&<", "&>", "-|-", "~="};
	struct str sign = item->list.items[1].text;
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
		if (str_is(sign, operators[i]))
			part->with_operator = str_of(operators[i]);
	if (!part->with_operator.p)
		need_kind(r, &item->list.items[1], "expressions",
		          "one of the operators = <> && @> <@ << >> &< &> -|- ~=");
	read_expression_part(r, &item->list.items[0], part);
}

static void read_parts(struct reading *r)
{
	const struct value *fields = value_get(r->item, "fields");
	const struct value *expressions = value_get(r->item, "expressions");
	const struct value *list = fields ? fields : expressions;
	if (r->row->parts == PARTS_NONE)
		return;
	if (r->row->parts == PARTS_EXCLUSION)
		list = expressions;
	if (fields && expressions && r->row->parts != PARTS_EXCLUSION)
		note(r->b, expressions->pos, "%s takes \"fields\" or \"expressions\", not both",
		     r->row->name);
	if (!list) {
		note(r->b, r->item->pos, "%s needs %s", r->row->name,
		     r->row->parts == PARTS_EXCLUSION ? "\"expressions\""
		                                      : "\"fields\" or \"expressions\"");
		return;
	}
	if (list->kind != VALUE_LIST || list->list.n == 0) {
		need_kind(r, list, list == fields ? "fields" : "expressions",
		          "an array with at least one item");
		return;
	}
	r->nparts = list->list.n;
	r->parts = ARENA_ARRAY(r->b->arena, struct index_part, r->nparts);
	for (size_t i = 0; i < r->nparts; i++) {
		const struct value *item = &list->list.items[i];
		if (r->row->parts == PARTS_EXCLUSION)
			read_exclusion_part(r, item, &r->parts[i]);
		else if (list == fields)
			read_field_part(r, item, &r->parts[i]);
		else
			read_expression_part(r, item, &r->parts[i]);
	}
	read_opclasses(r);
}

static const struct field *const *read_include(struct reading *r, size_t *n)
{
	const struct value *list = value_get(r->item, "include");
	*n = 0;
	if (!list)
		return NULL;
	if (list->kind != VALUE_LIST) {
		need_kind(r, list, "include", "an array of names");
		return NULL;
	}
	const struct field **fields = ARENA_ARRAY(r->b->arena, const struct field *, list->list.n);
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *name = &list->list.items[i];
		const struct field *field = NULL;
		if (name->kind == VALUE_TEXT)
			field = find_column(r, name, name->text);
		else
			need_kind(r, name, "include", "names of fields");
		if (field)
			fields[(*n)++] = field;
	}
	return fields;
}

static const struct value *read_condition(struct reading *r, const char *name)
{
	const struct value *condition = value_get(r->item, name);
	if (condition)
		check_condition(r->b, r->draft, condition, true);
	return condition;
}

/* The name with the placeholders of abstract models filled in; p == NULL when there is none. */
static struct str read_name(struct reading *r)
{
	struct str name = text_member(r, "name");
	if (!name.p)
		return name;
	name = fill_in_names(r->b, name, r->draft->name);
	const char *fault = identifier_fault(name);
	if (fault)
		note(r->b, value_get(r->item, "name")->pos, "the name \"%.*s\" %s", STR_ARG(name), fault);
	return name;
}

static void read_deferrable(struct reading *r, struct constraint *constraint)
{
	const struct value *value = value_get(r->item, "deferrable");
	if (!value)
		return;
	struct str word = value->kind == VALUE_TEXT ? value->text : STR("");
	if (str_eq_nocase(word, STR("deferred")))
		constraint->deferrable = CONSTRAINT_DEFERRED;
	else if (str_eq_nocase(word, STR("immediate")))
		constraint->deferrable = CONSTRAINT_DEFERRABLE_IMMEDIATE;
	else
		need_kind(r, value, "deferrable", "\"deferred\" or \"immediate\"");
	if (r->row->kind != CONSTRAINT_UNIQUE)
		return;
	static const char *const others[] = {"condition", "include", "expressions", "opclasses"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (value_get(r->item, others[i]))
			note(r->b, value->pos, "\"deferrable\" and \"%s\" exclude one another", others[i]);
}

static void read_unique_options(struct reading *r, struct constraint *constraint)
{
	const struct value *distinct = value_get(r->item, "nulls_distinct");
	constraint->nulls_distinct = true;
	if (distinct && distinct->kind == VALUE_BOOL)
		constraint->nulls_distinct = distinct->boolean;
	else if (distinct)
		need_kind(r, distinct, "nulls_distinct", "true or false");
}

static void read_exclusion_options(struct reading *r, struct constraint *constraint)
{
	struct str type = text_member(r, "index_type");
	constraint->index_type = type.p ? type : STR("GIST");
	if (!str_eq_nocase(constraint->index_type, STR("GIST")) &&
	    !str_eq_nocase(constraint->index_type, STR("SPGIST")))
		need_kind(r, value_get(r->item, "index_type"), "index_type", "\"GIST\" or \"SPGIST\"");
}

static void read_check(struct reading *r, struct constraint *constraint)
{
	const struct value *check = read_condition(r, "check");
	constraint->condition = check ? check : read_condition(r, "condition");
	if (!constraint->condition)
		note(r->b, r->item->pos, "CheckConstraint needs \"condition\"");
	else if (check && value_get(r->item, "condition"))
		note(r->b, check->pos, "\"check\" is the former name of \"condition\": give one of them");
}

static bool read_constraint(struct build *b, struct draft *draft, const struct value *item,
                            struct constraint *constraint)
{
	struct reading r = {.b = b, .draft = draft, .item = item};
	r.row = find_row(b, item, constraint_rows, CONSTRAINT_ROWS, "constraints");
	if (!r.row)
		return false;
	check_members(&r);
	read_parts(&r);
	constraint->kind = r.row->kind;
	constraint->name = read_name(&r);
	if (!value_get(item, "name"))
		note(b, item->pos, "%s needs a \"name\"", r.row->name);
	constraint->parts = r.parts;
	constraint->nparts = r.nparts;
	constraint->include = read_include(&r, &constraint->ninclude);
	read_deferrable(&r, constraint);
	constraint->violation_message = text_member(&r, "violation_error_message");
	constraint->violation_code = text_member(&r, "violation_error_code");
	read_unique_options(&r, constraint);
	if (constraint->kind == CONSTRAINT_CHECK)
		read_check(&r, constraint);
	else
		constraint->condition = read_condition(&r, "condition");
	if (constraint->kind == CONSTRAINT_EXCLUSION)
		read_exclusion_options(&r, constraint);
	return true;
}

/* Storage parameters: the item's members that are the type's options. */
static const struct value *read_index_options(struct reading *r)
{
	struct member *members = ARENA_ARRAY(r->b->arena, struct member, r->item->object.n);
	size_t n = 0;
	for (size_t i = 0; i < r->item->object.n; i++) {
		const struct member *member = &r->item->object.members[i];
		if (!has_word(r->row->options, member->key))
			continue;
		if (member->value.kind != VALUE_INT && member->value.kind != VALUE_BOOL)
			note(r->b, member->value.pos, "\"%.*s\": expected an integer or a boolean",
			     STR_ARG(member->key));
		members[n++] = *member;
	}
	if (n == 0)
		return NULL;
	struct value *options = ARENA_NEW(r->b->arena, struct value);
	*options = (struct value){.kind = VALUE_OBJECT, .pos = r->item->pos};
	options->object.members = members;
	options->object.n = n;
	return options;
}

/* An index that says more than its fields has no generated name, as in Django. */
static void need_index_name(struct reading *r)
{
	static const char *const causes[] = {"expressions", "condition", "include", "opclasses"};
	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
		if (value_get(r->item, causes[i])) {
			note(r->b, r->item->pos, "%s with \"%s\" needs a \"name\"", r->row->name, causes[i]);
			return;
		}
}

static struct str generated_name(struct reading *r)
{
	struct str *columns = ARENA_ARRAY(r->b->arena, struct str, r->nparts + 1);
	for (size_t i = 0; i < r->nparts; i++) {
		const struct index_part *part = &r->parts[i];
		if (!part->field)
			return (struct str){NULL, 0};
		columns[i] = part->is_descending ? arena_concat(r->b->arena, STR("-"), part->field->column)
		                                 : part->field->column;
	}
	if (r->nparts == 0)
		return (struct str){NULL, 0};
	return django_meta_index_name(r->b->arena, r->draft->model->table, columns, r->nparts,
	                              r->row->suffix);
}

static bool read_index(struct build *b, struct draft *draft, const struct value *item,
                       struct index *index)
{
	struct reading r = {.b = b, .draft = draft, .item = item};
	r.row = find_row(b, item, index_rows, INDEX_ROWS, "indexes");
	if (!r.row)
		return false;
	check_members(&r);
	read_parts(&r);
	index->name = read_name(&r);
	if (!value_get(item, "name")) {
		need_index_name(&r);
		index->name = generated_name(&r);
	}
	index->method = str_of(r.row->method);
	index->parts = r.parts;
	index->nparts = r.nparts;
	index->condition = read_condition(&r, "condition");
	index->include = read_include(&r, &index->ninclude);
	index->options = read_index_options(&r);
	index->db_tablespace = text_member(&r, "db_tablespace");
	return true;
}

void read_constraints(struct build *b, struct draft *draft)
{
	struct model *model = draft->model;
	const struct value *list = value_get(draft->meta, "constraints");
	b->source = draft->meta_source;
	if (list && list->kind == VALUE_LIST) {
		struct constraint *constraints = ARENA_ARRAY(b->arena, struct constraint, list->list.n);
		for (size_t i = 0; i < list->list.n; i++)
			model->nconstraints +=
				read_constraint(b, draft, &list->list.items[i], &constraints[model->nconstraints]);
		model->constraints = constraints;
	}
	list = value_get(draft->meta, "indexes");
	if (list && list->kind == VALUE_LIST) {
		struct index *indexes = ARENA_ARRAY(b->arena, struct index, list->list.n);
		for (size_t i = 0; i < list->list.n; i++)
			model->nindexes +=
				read_index(b, draft, &list->list.items[i], &indexes[model->nindexes]);
		model->indexes = indexes;
	}
	b->source = draft->source;
}

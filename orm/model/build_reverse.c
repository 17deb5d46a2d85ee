/* The other side of relations: accessor and query name as Django makes them, their clashes as Django's
 * system check finds them, and the map of everything that a path may name from a model.
 */
#include "orm/model/draft.h"

#include <stdlib.h>

static struct str text_of(const struct value *value)
{
	return value && value->kind == VALUE_TEXT ? value->text : (struct str){NULL, 0};
}

/* related_name, of the field or of all of the model's fields. */
static struct str related_name(struct build *b, struct draft *draft, struct draft_field *df,
                               const struct value **said)
{
	*said = value_get(df->declaration, "related_name");
	if (!*said) {
		*said = value_get(draft->meta, "default_related_name");
		b->source = *said ? draft->meta_source : df->source;
	}
	struct str name = text_of(*said);
	return name.p ? fill_in_names(b, name, draft->name) : name;
}

static void check_name(struct build *b, struct str name, const struct value *said,
                       const char *option)
{
	const char *fault = name_fault(name);
	if (said && fault)
		note(b, said->pos, "\"%s\": the name \"%.*s\" %s", option, STR_ARG(name), fault);
}

static void name_reverse_side(struct build *b, struct draft *draft, struct draft_field *df)
{
	struct relation *relation = df->relation;
	const struct value *said;
	const struct value *said_query = value_get(df->declaration, "related_query_name");
	struct str model_name = arena_lower(b->arena, draft->name);
	bool is_one_to_one = relation->kind == RELATION_ONE_TO_ONE;
	b->source = df->source;
	/* A self-relation that stands for both directions has no other side to name, and nobody
	 * walks through the keys of an automatic join table. */
	if (relation->is_symmetrical || draft->joins)
		return;
	struct str name = related_name(b, draft, df, &said);
	if (name.p && str_ends(name, STR("+")))
		return;
	if (name.p)
		check_name(b, name, said, "related_name");
	relation->accessor = name.p          ? name
	                     : is_one_to_one ? model_name
	                                     : arena_concat(b->arena, model_name, STR("_set"));
	relation->query_name = name.p ? name : model_name;
	b->source = df->source;
	if (text_of(said_query).p) {
		relation->query_name = fill_in_names(b, said_query->text, draft->name);
		check_name(b, relation->query_name, said_query, "related_query_name");
	}
}

void name_reverse_sides(struct build *b)
{
	for (size_t i = 0; i < b->drafts.n; i++) {
		struct draft *draft = b->drafts.items[i];
		for (size_t k = 0; draft->model && k < draft->fields.n; k++) {
			struct draft_field *df = draft->fields.items[k];
			if (!df->relation || !df->relation->to)
				continue;
			name_reverse_side(b, draft, df);
			struct draft *to = draft_of(b, df->relation->to);
			*ARENA_PUSH(b->arena, &to->reverse) = df->relation;
		}
	}
}

static struct str field_label(struct build *b, const struct relation *relation)
{
	return arena_printf(b->arena, "%.*s.%.*s", STR_ARG(relation->from->name),
	                    STR_ARG(relation->field->name));
}

static void note_clash(struct build *b, const struct relation *relation, const char *side,
                       struct str name, struct str with)
{
	struct draft_field *df =
		draft_field_find(draft_of(b, relation->from), relation->field->name, false);
	b->source = df->source;
	note(b, df->pos,
	     "the reverse %s \"%.*s\" of %.*s clashes with %.*s: give it another by \"related_name\"",
	     side, STR_ARG(name), STR_ARG(field_label(b, relation)), STR_ARG(with));
}

/* With the fields of the model pointed at (Django's fields.E302 and E303). */
static void check_field_clashes(struct build *b, struct draft *to, const struct relation *relation)
{
	for (size_t i = 0; i < to->fields.n; i++) {
		const struct draft_field *df = to->fields.items[i];
		struct str label =
			arena_printf(b->arena, "the field %.*s.%.*s", STR_ARG(to->name), STR_ARG(df->name));
		bool is_attname = df->field && str_eq(df->field->attname, relation->query_name);
		if (str_eq(df->name, relation->accessor))
			note_clash(b, relation, "accessor", relation->accessor, label);
		else if (str_eq(df->name, relation->query_name) || is_attname)
			note_clash(b, relation, "query name", relation->query_name, label);
	}
}

/* With the other relations that point at the same model (fields.E304 and E305). */
static void check_reverse_clashes(struct build *b, struct draft *to,
                                  const struct relation *relation)
{
	for (size_t i = 0; i < to->reverse.n; i++) {
		const struct relation *other = to->reverse.items[i];
		if (other == relation || !other->accessor.p)
			continue;
		struct str label =
			arena_printf(b->arena, "the one of %.*s", STR_ARG(field_label(b, other)));
		if (str_eq(other->accessor, relation->accessor))
			note_clash(b, relation, "accessor", relation->accessor, label);
		else if (str_eq(other->query_name, relation->query_name))
			note_clash(b, relation, "query name", relation->query_name, label);
	}
}

static void check_clashes(struct build *b, struct draft *draft)
{
	for (size_t i = 0; i < draft->reverse.n; i++) {
		const struct relation *relation = draft->reverse.items[i];
		if (!relation->accessor.p)
			continue;
		check_field_clashes(b, draft, relation);
		check_reverse_clashes(b, draft, relation);
	}
}

static void add_member(struct build *b, struct draft *draft, struct str name, enum member_kind kind,
                       const struct field *field, const struct relation *relation)
{
	if (map_get(&draft->model->members, name))
		return; /* a clash, noted */
	struct model_member *member = ARENA_NEW(b->arena, struct model_member);
	*member = (struct model_member){name, kind, field, relation};
	map_put(&draft->model->members, b->arena, name, member);
}

/* role_id beside a foreign key role. */
static void check_attname(struct build *b, struct draft *draft, const struct draft_field *df)
{
	struct draft_field *other = draft_field_find(draft, df->field->attname, false);
	if (!other || other == df)
		return;
	b->source = other->source;
	note(b, other->pos, "the field \"%.*s\" clashes with \"%.*s\", which is kept as %.*s",
	     STR_ARG(other->name), STR_ARG(df->name), STR_ARG(df->field->attname));
}

static void check_column(struct build *b, struct draft *draft, size_t at)
{
	static const char *const system_columns[] = {"tableoid", "xmin", "cmin",
	                                             "xmax",     "cmax", "ctid"};
	struct draft_field *df = draft->fields.items[at];
	b->source = df->source;
	for (size_t i = 0; i < sizeof system_columns / sizeof *system_columns; i++)
		if (str_is(df->field->column, system_columns[i]))
			note(b, df->pos,
			     "PostgreSQL has a column \"%s\" of its own in every table: give another "
			     "name by \"db_column\"",
			     system_columns[i]);
	for (size_t i = 0; i < at; i++) {
		const struct draft_field *other = draft->fields.items[i];
		if (other->field && other->field->column.p &&
		    str_eq(other->field->column, df->field->column) &&
		    !str_eq(other->field->attname, df->field->attname))
			note(b, df->pos, "the column \"%.*s\" is that of \"%.*s\" already",
			     STR_ARG(df->field->column), STR_ARG(other->name));
	}
}

static void add_fields(struct build *b, struct draft *draft)
{
	struct model *model = draft->model;
	const struct field **fields = ARENA_ARRAY(b->arena, const struct field *, draft->fields.n + 1);
	const struct field **columns = ARENA_ARRAY(b->arena, const struct field *, draft->fields.n + 1);
	for (size_t i = 0; i < draft->fields.n; i++) {
		struct draft_field *df = draft->fields.items[i];
		if (!df->field)
			continue;
		df->field->index = model->nfields;
		fields[model->nfields++] = df->field;
		if (df->field->column.p) {
			columns[model->ncolumns++] = df->field;
			check_column(b, draft, i);
		}
		add_member(b, draft, df->name, df->relation ? MEMBER_FORWARD : MEMBER_FIELD, df->field,
		           df->relation);
	}
	model->fields = fields;
	model->columns = columns;
	for (size_t i = 0; i < draft->fields.n; i++) {
		struct draft_field *df = draft->fields.items[i];
		if (!df->field || str_eq(df->field->attname, df->name))
			continue;
		check_attname(b, draft, df);
		add_member(b, draft, df->field->attname, MEMBER_FIELD, df->field, NULL);
	}
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void list_member_names(struct build *b, struct model *model)
{
	struct str *names = ARENA_ARRAY(b->arena, struct str, model->members.n + 1);
	for (size_t i = 0; i < model->members.cap; i++)
		if (model->members.slots[i].value)
			names[model->nmember_names++] = model->members.slots[i].key;
	qsort(names, model->nmember_names, sizeof *names, by_text);
	model->member_names = names;
}

void make_members(struct build *b)
{
	for (size_t i = 0; i < b->drafts.n; i++) {
		struct draft *draft = b->drafts.items[i];
		if (!draft->model)
			continue;
		add_fields(b, draft);
		check_clashes(b, draft);
		for (size_t k = 0; k < draft->reverse.n; k++) {
			const struct relation *relation = draft->reverse.items[k];
			if (relation->query_name.p)
				add_member(b, draft, relation->query_name, MEMBER_REVERSE, relation->field,
				           relation);
		}
		list_member_names(b, draft->model);
	}
}

/* First passes: documents to drafts, and what a draft inherits from its abstract bases. */
#include "orm/model/draft.h"

static const struct str document_members[] = {STR_INIT("models"), STR_INIT("$schema"),
                                             STR_INIT("$comment")};
static const struct str model_members[] = {STR_INIT("fields"), STR_INIT("Meta"), STR_INIT("bases")};

/* Whether an object has only members of the list; notes the others. */
static void check_members(struct build *b, const struct value *object, const struct str *known,
                          size_t n, const char *what)
{
	for (size_t i = 0; i < object->object.n; i++) {
		const struct member *member = &object->object.members[i];
		bool is_known = false;
		for (size_t k = 0; k < n; k++)
			is_known = is_known || str_eq(member->key, known[k]);
		if (!is_known)
			note_near(b, member->value.pos, member->key, known, n,
			          "unknown member \"%.*s\" of %s: expected %.*s", STR_ARG(member->key), what,
			          STR_ARG(suggest_choices(b->arena, known, n)));
	}
}

/* An object member of `parent`, or NULL; notes one of another kind. */
static const struct value *object_member(struct build *b, const struct value *parent,
                                         const char *name)
{
	const struct value *value = value_get(parent, name);
	if (!value || value->kind == VALUE_OBJECT)
		return value;
	note(b, value->pos, "\"%s\": expected an object, but got %.*s", name,
	     STR_ARG(value_shown(b, value)));
	return NULL;
}

static struct draft *find_nocase(struct build *b, struct str name)
{
	for (size_t i = 0; i < b->drafts.n; i++)
		if (str_eq_nocase(b->drafts.items[i]->name, name))
			return b->drafts.items[i];
	return NULL;
}

static bool check_model_name(struct build *b, const struct member *member)
{
	const char *fault = name_fault(member->key);
	struct draft *other = find_nocase(b, member->key);
	if (fault)
		note(b, member->value.pos, "the model's name \"%.*s\" %s", STR_ARG(member->key), fault);
	else if (other && str_eq(other->name, member->key))
		note(b, member->value.pos, "model %.*s is declared twice", STR_ARG(member->key));
	else if (other)
		note(b, member->value.pos, "models %.*s and %.*s differ only in upper and lower case",
		     STR_ARG(other->name), STR_ARG(member->key));
	return !fault && !other;
}

static void read_model(struct build *b, const struct member *member)
{
	if (!check_model_name(b, member))
		return;
	if (member->value.kind != VALUE_OBJECT) {
		note(b, member->value.pos, "model %.*s: expected an object with \"fields\", but got %.*s",
		     STR_ARG(member->key), STR_ARG(value_shown(b, &member->value)));
		return;
	}
	struct draft *draft = ARENA_NEW(b->arena, struct draft);
	draft->name = member->key;
	draft->declaration = &member->value;
	draft->pos = member->value.pos;
	draft->source = draft->meta_source = b->source;
	check_members(b, &member->value, model_members, sizeof model_members / sizeof *model_members,
	              "a model");
	draft->meta = object_member(b, &member->value, "Meta");
	const struct value *is_abstract = value_get(draft->meta, "abstract");
	draft->is_abstract = is_abstract && is_abstract->kind == VALUE_BOOL && is_abstract->boolean;
	*ARENA_PUSH(b->arena, &b->drafts) = draft;
}

static void read_document(struct build *b, const struct value *document)
{
	if (document->kind != VALUE_OBJECT) {
		note(b, NULL, "expected an object with \"models\", but got %.*s",
		     STR_ARG(value_shown(b, document)));
		return;
	}
	check_members(b, document, document_members, sizeof document_members / sizeof *document_members,
	              "a model file");
	const struct value *models = object_member(b, document, "models");
	if (!value_get(document, "models"))
		note(b, NULL, "expected a member \"models\"");
	for (size_t i = 0; models && i < models->object.n; i++)
		read_model(b, &models->object.members[i]);
}

void read_documents(struct build *b, const struct value *const *documents, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		b->source = i;
		read_document(b, documents[i]);
	}
}

static void remove_field(struct draft *draft, struct draft_field *df)
{
	size_t i = 0;
	while (draft->fields.items[i] != df)
		i++;
	draft->fields.n--;
	memmove(draft->fields.items + i, draft->fields.items + i + 1,
	        (draft->fields.n - i) * sizeof *draft->fields.items);
}

/* The base's fields, as fields of the draft's own; what an earlier base gave stays. */
static void inherit(struct build *b, struct draft *draft, struct draft *base)
{
	for (size_t i = 0; i < base->fields.n; i++) {
		struct draft_field *theirs = base->fields.items[i];
		if (draft_field_find(draft, theirs->name, false))
			continue;
		b->source = theirs->source;
		draft_add_field(b, draft, theirs->name, theirs->declaration);
	}
	if (!draft->meta && base->meta) {
		draft->meta = base->meta;
		draft->meta_source = base->meta_source;
	}
	b->source = draft->source;
}

static void gather(struct build *b, struct draft *draft);

static void inherit_from(struct build *b, struct draft *draft, const struct value *name)
{
	b->source = draft->source;
	if (name->kind != VALUE_TEXT) {
		note(b, name->pos, "\"bases\": expected the name of an abstract model, but got %.*s",
		     STR_ARG(value_shown(b, name)));
		return;
	}
	struct draft *base = draft_find(b, name->text);
	if (!base) {
		struct str *names = ARENA_ARRAY(b->arena, struct str, b->drafts.n);
		for (size_t i = 0; i < b->drafts.n; i++)
			names[i] = b->drafts.items[i]->name;
		note_near(b, name->pos, name->text, names, b->drafts.n,
		          "\"bases\": there is no model \"%.*s\"", STR_ARG(name->text));
		return;
	}
	if (!base->is_abstract) {
		note(b, name->pos,
		     "\"bases\": %.*s is not abstract; only fields of an abstract model can be inherited",
		     STR_ARG(base->name));
		return;
	}
	if (base->state == DRAFT_OPEN) {
		note(b, name->pos, "\"bases\": %.*s inherits from itself", STR_ARG(base->name));
		return;
	}
	gather(b, base);
	inherit(b, draft, base);
}

static void add_own_field(struct build *b, struct draft *draft, const struct member *member)
{
	struct draft_field *inherited = draft_field_find(draft, member->key, false);
	const char *fault = name_fault(member->key);
	if (inherited)
		remove_field(draft, inherited);
	if (member->value.kind == VALUE_NULL && inherited)
		return; /* "name": null takes an inherited field away */
	if (fault) {
		note(b, member->value.pos, "the field's name \"%.*s\" %s", STR_ARG(member->key), fault);
		return;
	}
	if (str_is(member->key, "pk")) {
		note(b, member->value.pos,
		     "\"pk\" always means the primary key: no field can have the name");
		return;
	}
	draft_add_field(b, draft, member->key, &member->value);
}

static void gather(struct build *b, struct draft *draft)
{
	if (draft->state != DRAFT_UNSEEN)
		return;
	draft->state = DRAFT_OPEN;
	b->source = draft->source;
	const struct value *bases = value_get(draft->declaration, "bases");
	if (bases && bases->kind != VALUE_LIST)
		note(b, bases->pos, "\"bases\": expected an array of names, but got %.*s",
		     STR_ARG(value_shown(b, bases)));
	for (size_t i = 0; bases && bases->kind == VALUE_LIST && i < bases->list.n; i++)
		inherit_from(b, draft, &bases->list.items[i]);
	b->source = draft->source;
	const struct value *fields = object_member(b, draft->declaration, "fields");
	for (size_t i = 0; fields && i < fields->object.n; i++)
		add_own_field(b, draft, &fields->object.members[i]);
	draft->state = DRAFT_GATHERED;
}

void gather_fields(struct build *b)
{
	for (size_t i = 0; i < b->drafts.n; i++)
		gather(b, b->drafts.items[i]);
}

/* Paths and conditions inside declarations: whether their names exist.  What lookups and expressions
 * mean is the query room's affair; here only the way to the field is followed.
 */
#include "orm/model/draft.h"

static const struct relation *find_reverse(struct draft *draft, struct str name)
{
	for (size_t i = 0; i < draft->reverse.n; i++)
		if (draft->reverse.items[i]->query_name.p &&
		    str_eq(draft->reverse.items[i]->query_name, name))
			return draft->reverse.items[i];
	return NULL;
}

static bool note_unknown(struct build *b, struct draft *draft, struct str part,
                         const struct pos *pos)
{
	const struct model *model = draft->model;
	note_near(b, pos, part, model->member_names, model->nmember_names,
	          "%.*s has no field \"%.*s\"; its names are: %.*s", STR_ARG(draft->name),
	          STR_ARG(part),
	          STR_ARG(suggest_choices(b->arena, model->member_names, model->nmember_names)));
	return false;
}

/* One step from *draft, which moves on when a relation is walked through. */
static bool step(struct build *b, struct draft **draft, struct str part, const struct pos *pos,
                 struct path_end *end)
{
	end->is_relation = false;
	struct str name = part;
	if (str_is(part, "pk") && (*draft)->model->pk)
		name = (*draft)->model->pk->name;
	struct draft_field *df = draft_field_find(*draft, name, true);
	if (df) {
		end->field = df->field;
		end->is_relation = df->relation && str_eq(df->name, name);
		if (!df->field || (df->relation && !df->relation->to))
			return false;
		if (end->is_relation)
			*draft = draft_of(b, df->relation->to);
		return true;
	}
	const struct relation *reverse = find_reverse(*draft, part);
	if (!reverse)
		return note_unknown(b, *draft, part, pos);
	end->field = NULL;
	end->is_relation = true;
	*draft = draft_of(b, reverse->from);
	return true;
}

/* Behind a relation may stand a field of the other model, or a lookup on its key. */
static bool is_key_lookup(struct draft *draft, struct str part)
{
	static const char *const lookups[] = {"in", "isnull", "exact", "range",
	                                      "gt", "gte",    "lt",    "lte"};
	if (draft_field_find(draft, part, true) || find_reverse(draft, part))
		return false;
	for (size_t i = 0; i < sizeof lookups / sizeof *lookups; i++)
		if (str_is(part, lookups[i]))
			return true;
	return false;
}

bool path_follow(struct build *b, struct draft *draft, struct str path, const struct pos *pos,
                 struct path_end *end)
{
	*end = (struct path_end){.rest = path};
	bool was_relation = true;
	while (end->rest.p && was_relation) {
		struct str part = str_cut(&end->rest, STR("__"));
		if (end->is_relation && is_key_lookup(draft, part)) {
			end->rest = part;
			return true;
		}
		end->steps += end->is_relation;
		if (!step(b, &draft, part, pos, end))
			return false;
		was_relation = end->is_relation;
	}
	return true;
}

static bool is_capital(struct str s)
{
	return s.n > 0 && s.p[0] >= 'A' && s.p[0] <= 'Z';
}

static void check_conditions(struct build *b, struct draft *draft, const struct value *list,
                             bool is_of_row)
{
	if (list->kind != VALUE_LIST) {
		note(b, list->pos, "expected an array of conditions, but got %.*s",
		     STR_ARG(value_shown(b, list)));
		return;
	}
	for (size_t i = 0; i < list->list.n; i++)
		check_condition(b, draft, &list->list.items[i], is_of_row);
}

static void check_path_member(struct build *b, struct draft *draft, const struct member *member,
                              bool is_of_row)
{
	struct path_end end;
	if (!path_follow(b, draft, member->key, member->value.pos, &end) || !is_of_row)
		return;
	if (end.steps > 0 || (end.is_relation && !end.field))
		note(b, member->value.pos,
		     "\"%.*s\": a constraint or index looks at its own row, not at related ones",
		     STR_ARG(member->key));
}

void check_condition(struct build *b, struct draft *draft, const struct value *condition,
                     bool is_of_row)
{
	if (condition->kind != VALUE_OBJECT) {
		note(b, condition->pos, "expected a condition (an object), but got %.*s",
		     STR_ARG(value_shown(b, condition)));
		return;
	}
	for (size_t i = 0; i < condition->object.n; i++) {
		const struct member *member = &condition->object.members[i];
		if (str_is(member->key, "and") || str_is(member->key, "or") || str_is(member->key, "xor"))
			check_conditions(b, draft, &member->value, is_of_row);
		else if (str_is(member->key, "not"))
			check_condition(b, draft, &member->value, is_of_row);
		else if (!is_capital(member->key) && !str_is(member->key, "lookup"))
			check_path_member(b, draft, member, is_of_row);
	}
}

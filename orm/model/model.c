/* Looking things up in a registry. */
#include "orm/model/model.h"

#include "orm/base/error.h"

const struct model *registry_model(const struct registry *registry, struct str name)
{
	const struct model *model = map_get(&registry->by_name, name);
	char lower[256];
	if (model || name.n > sizeof lower)
		return model;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	return map_get(&registry->by_name, (struct str){lower, name.n});
}

const struct model *registry_path(const struct registry *registry, struct str path)
{
	return map_get(&registry->by_path, path);
}

const struct model_member *model_member(const struct model *model, struct str name)
{
	if (str_eq(name, STR("pk")))
		return model->pk ? map_get(&model->members, model->pk->name) : NULL;
	return map_get(&model->members, name);
}

bool model_accessor(const struct model *model, struct str accessor,
                    const struct relation **relation, bool *is_reverse)
{
	const struct model_member *member = map_get(&model->members, accessor);
	if (member && member->kind == MEMBER_FORWARD) {
		*relation = member->relation;
		*is_reverse = false;
		return true;
	}
	for (size_t i = 0; i < model->nreverse; i++) {
		if (!model->reverse[i]->accessor.p || !str_eq(model->reverse[i]->accessor, accessor))
			continue;
		*relation = model->reverse[i];
		*is_reverse = true;
		return true;
	}
	return false;
}

const struct field *model_field(const struct model *model, struct str name)
{
	const struct model_member *member = map_get(&model->members, name);
	return member && member->kind != MEMBER_REVERSE ? member->field : NULL;
}

const struct model *relation_end(const struct relation *relation, bool is_reverse)
{
	return is_reverse ? relation->from : relation->to;
}

bool relation_is_multiple(const struct relation *relation, bool is_reverse)
{
	switch (relation->kind) {
	case RELATION_FOREIGN_KEY:
		return is_reverse;
	case RELATION_ONE_TO_ONE:
		return false;
	case RELATION_MANY_TO_MANY:
		return true;
	}
	BUG("relation kind %d", (int)relation->kind);
}

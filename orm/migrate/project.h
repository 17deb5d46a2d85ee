/* The models as data: what migration files describe, operations change, and detection compares.
 *
 * A project is a list of models, each a name, fields in order and the members of Meta, in one
 * form only: every field an object with "type" first, options that say what holds anyway left out,
 * bases merged in, an automatic id written down, indexes and constraints with their names.  So
 * two projects mean the same when they are the same.  Pure: no file and no database.
 */
#ifndef QUERN_MIGRATE_PROJECT_H
#define QUERN_MIGRATE_PROJECT_H

#include "orm/base/error.h"
#include "orm/model/model.h"

struct project_field {
	struct str name;
	const struct value *declaration;
};

struct project_model {
	struct str name;
	struct {
		struct project_field *items;
		size_t n, cap;
	} fields;
	const struct value *meta; /* an object, never NULL */
};

struct project {
	struct arena *arena;
	struct {
		struct project_model **items;
		size_t n, cap;
	} models;
};

void project_init(struct project *project, struct arena *arena);
/* One that can be changed without the other noticing. */
void project_copy(struct project *copy, const struct project *project);
/* What the model files say. */
void project_of_registry(struct project *project, const struct registry *registry,
                         struct arena *arena);
/* {"Author": {"fields": {…}, "Meta": {…}}}, as in a model file. */
const struct value *project_declarations(const struct project *project);
/* The registry as far as a database knows of it: without defaults of reverse names, choices,
 * ordering and the like, which an operation on its way may leave dangling.  ERROR_CONFLICT when
 * the models do not hold together. */
bool project_registry(const struct project *project, const struct registry **registry,
                      struct error *error);
/* False for the id that a registry gives a model whose project has no key at the moment. */
bool project_has_field(const struct field *field);

/* By name, letters of any case; NULL when there is none. */
struct project_model *project_model(const struct project *project, struct str name);
struct project_field *project_field(const struct project_model *model, struct str name);
void project_remove_model(struct project *project, const struct project_model *model);
void project_remove_field(struct project_model *model, const struct project_field *field);
/* The place of an index or constraint of that name in the list `option` of Meta; -1: none. */
ptrdiff_t project_find_named(const struct project_model *model, const char *option, struct str name);

/* Whether Meta leaves its table to us. */
bool project_is_managed(const struct project_model *model);

/* A field's declaration in the one form. */
const struct value *project_declaration(struct arena *arena, const struct field *field);
/* Whether the declaration's type relates to another model; many-to-many ones are relations too. */
bool declaration_is_relation(const struct value *declaration);
bool declaration_is_many(const struct value *declaration);

#endif

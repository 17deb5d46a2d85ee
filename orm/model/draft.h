/* Models on their way from declarations to the registry: what the build_*.c files share.
 *
 * The build is a row of passes over all drafts (registry_build() in build.c lists them).  A pass
 * may rely on what earlier passes made, unless a field is broken: a mistake about it has been noted, and
 * later passes leave it alone so that one mistake is not reported twice in other words.
 */
#ifndef QUERN_MODEL_DRAFT_H
#define QUERN_MODEL_DRAFT_H

#include "orm/model/build.h"
#include "orm/model/field_types.h"
#include "orm/model/options.h"

/* One field of a draft. */
struct draft_field {
	struct str name;
	const struct value *declaration; /* NULL for what Django adds by itself */
	const struct pos *pos;           /* place of the declaration */
	size_t source;                   /* its document; an inherited field keeps its own */
	bool is_broken;
	bool is_open;        /* its value_field is being looked for: meeting it again is a cycle */
	struct field *field; /* NULL until made, and when its type is unknown */
	struct relation *relation; /* what field->relation points at */
};

struct draft {
	struct str name;
	const struct value *declaration; /* NULL for an automatic join table */
	const struct value *meta;        /* own or inherited; NULL when there is none */
	size_t source, meta_source;
	const struct pos *pos;
	bool is_abstract;
	enum { DRAFT_UNSEEN, DRAFT_OPEN, DRAFT_GATHERED } state;
	const struct draft_field *joins; /* automatic join table: the many-to-many it serves */
	struct {
		struct draft_field **items;
		size_t n, cap;
	} fields;
	struct {
		const struct relation **items;
		size_t n, cap;
	} reverse;
	struct model *model; /* NULL when abstract */
};

struct build {
	struct arena *arena;
	struct registry *registry;
	size_t source; /* document of what is being read */
	struct {
		struct mistake *items;
		size_t n, cap;
	} mistakes;
	struct {
		struct draft **items;
		size_t n, cap;
	} drafts;
};

/* Notes a mistake in the document b->source; the same one twice (an inherited field) is noted once. */
void note(struct build *b, const struct pos *pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* With the nearest of the candidates to `word` as suggestion. */
void note_near(struct build *b, const struct pos *pos, struct str word,
               const struct str *candidates, size_t n, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* The value as text for a message, shortened. */
struct str value_shown(struct build *b, const struct value *value);
/* What is wrong with a model's or field's name ("must begin with a letter"); NULL when nothing is. */
const char *name_fault(struct str name);
/* The same for a table's, column's, index's or constraint's name. */
const char *identifier_fault(struct str name);
/* text with %(class)s, %(model_name)s and %(app_label)s filled in. */
struct str fill_in_names(struct build *b, struct str text, struct str model_name);

struct draft *draft_find(struct build *b, struct str name);
struct draft *draft_of(struct build *b, const struct model *model);
/* By name, or by attname when `takes_attname`. */
struct draft_field *draft_field_find(struct draft *draft, struct str name, bool takes_attname);
struct draft_field *draft_add_field(struct build *b, struct draft *draft, struct str name,
                                    const struct value *declaration);
size_t draft_field_names(struct build *b, struct draft *draft, const struct str **names);
size_t draft_names(struct build *b, const struct str **names);

/* Where a path of a declaration leads. */
struct path_end {
	const struct field *field; /* the last field met; NULL for the other side of a relation */
	bool is_relation;          /* the path ends at a relation or its key */
	unsigned steps;            /* relations walked through to another model */
	struct str rest;           /* transforms and lookups behind the field; p == NULL when none */
};

/* Follows a path as far as it names fields and relations.  False when a step is unknown (noted) or
 * leads through something broken (noted where it stands). */
bool path_follow(struct build *b, struct draft *draft, struct str path, const struct pos *pos,
                 struct path_end *end);
/* Follows the paths on the left sides of a condition.  One of a constraint or index
 * (`is_of_row`) looks at no other row. */
void check_condition(struct build *b, struct draft *draft, const struct value *condition,
                     bool is_of_row);

/* The passes. */
void read_documents(struct build *b, const struct value *const *documents, size_t n);
void gather_fields(struct build *b);
void make_models(struct build *b);
void make_fields(struct build *b, struct draft *draft);
void make_keys(struct build *b, struct draft *draft);
void resolve_relations(struct build *b);
void resolve_targets(struct build *b);
void name_reverse_sides(struct build *b);
void make_members(struct build *b);
void check_values(struct build *b, struct draft *draft);
void read_meta(struct build *b, struct draft *draft);
void read_constraints(struct build *b, struct draft *draft);
void check_names(struct build *b);

/* One field from its declaration; used for base_field and output_field too.  NULL when its
 * type is unknown. */
enum field_place { PLACE_MODEL, PLACE_ELEMENT, PLACE_OUTPUT };
struct field *make_field(struct build *b, struct draft_field *df, enum field_place place);
/* on_delete of a relation's declaration. */
void read_on_delete(struct build *b, struct draft_field *df);
/* The lists of a field that hold values of its type. */
void read_choices(struct build *b, struct draft_field *df);
void read_validators(struct build *b, struct draft_field *df);

#endif

/* Reading a nest, shared by nested_verbs.c, nested_read.c and nested_read_links.c. */
#ifndef QUERN_WRITE_NESTED_READ_H
#define QUERN_WRITE_NESTED_READ_H

#include "orm/write/nested_level.h"

/* Where a verb can stand. */
enum place {
	ON_REFERENCE = 1, /* a foreign key */
	ON_SINGLE = 2,    /* the other side of a one-to-one */
	ON_CHILDREN = 4,  /* the other side of a foreign key */
	ON_LINKS = 8,     /* many-to-many */
	ON_MANY = ON_CHILDREN | ON_LINKS,
	ON_ALL = 15,
};

struct verb {
	enum nested_verb verb;
	struct str name;
	unsigned places;
	bool wants_old; /* the row must have been there before */
};

/* Whether the nest's rows were there before this write. */
bool nest_is_old(const struct nest *nest);
/* The member of an object that is a verb, where there is no other but through_defaults. */
const struct member *nested_verb_member(const struct value *value);
/* The verb that a member names, where it can stand at this place; NULL with words otherwise. */
const struct verb *nested_verb_here(const struct nest *nest, const struct nested_member *of,
                                    const struct member *member, unsigned place);
/* "add, create, …": what can stand there. */
struct str nested_choices(const struct nest *nest, unsigned place);
/* False, with words: "Here stands `what`, not …". */
bool nested_wrong_kind(const struct nest *nest, const struct value *value, const char *what);
/* False unless it is true. */
bool nested_says_true(const struct nest *nest, const struct value *body);
/* PUT may be repeated, and a bare list would then be made a second time; returns false. */
bool nested_refuse_whole(const struct nest *nest, const struct nested_member *of);

/* An object, or the items of a list. */
size_t nested_items(const struct value *value, const struct value **items);
/* The level of that relation, made when it is the first row's. */
struct nested_level *nested_level_for(struct nest *nest, struct nested_levels *levels,
                                      enum nested_kind kind, const struct nested_member *of,
                                      const struct field *field);
/* Reads one more row of the level, with all that it brings along. */
bool nested_add_row(struct nested_level *level, const struct value *object, size_t parent);
struct nested_act *nested_add_act(struct nest *nest, size_t row, const struct nested_member *of,
                                  enum nested_verb verb, const struct value *body);
/* {"id": 3, "title": "x"}, or a list of such: new values for related rows. */
bool nested_add_updates(struct nest *nest, size_t row, const struct nested_member *of,
                        const struct value *body);
/* A verb that children and links have in common. */
bool nested_do_to_many(struct nest *nest, size_t row, const struct nested_member *of,
                       enum nested_verb verb, const struct value *body);
/* A many-to-many member. */
bool nested_take_links(struct nest *nest, size_t row, const struct nested_member *of);

#endif

/* Shapes: the same question with other values is not planned again.
 *
 * A question's shape is its body with the literals replaced by their kinds.  Of a shape that comes again the plan is
 * kept, and with each parameter which literal it is made of (query/literal); the next question of that shape is bound:
 * its literals are written as the plan's parameters.  A literal on which more than a parameter's text depends (a field's
 * name, a limit, a year that becomes a range) is part of the shape by its value.
 *
 * One cache belongs to one worker and one registry.  Bounded: what was used longest ago makes room.
 */
#ifndef QUERN_SQL_SHAPE_H
#define QUERN_SQL_SHAPE_H

#include "orm/sql/plan.h"

struct shapes;

/* Who asks what of which rows. */
struct question {
	const void *method; /* by address: what distinguishes one way of planning from another */
	const struct model *model;
	const struct plan_scope *scope; /* NULL: none */
	const struct value *body;
};

/* What planning makes; a method fills what it uses. */
struct answer_plan {
	const struct plan *plan;
	bool is_page;   /* asked for by cursor */
	bool is_random; /* draws by chance: each who asks is to have his own */
	struct statement statement;
	struct layout layout;
};

/* At most `most` plans. */
struct shapes *shapes_new(size_t most);
void shapes_free(struct shapes *shapes);

enum shape_state {
	SHAPE_BOUND,  /* *plan is the question's, in `arena` */
	SHAPE_NEW,    /* plan it */
	SHAPE_WANTED, /* plan it, and once more for shapes_keep() */
};
enum shape_state shapes_find(struct shapes *shapes, struct arena *arena, const struct question *question,
                             struct answer_plan *plan);
/* Takes over `kept`, which holds the question's scope and body and the plan that was made of them. */
void shapes_keep(struct shapes *shapes, struct arena *kept, const struct question *question,
                 const struct answer_plan *plan);

/* For metrics and tests. */
struct shapes_stats {
	uint64_t bound, planned;
	size_t kept;
};
void shapes_stats(const struct shapes *shapes, struct shapes_stats *stats);

#endif

/* Rows on their way into bulk_create, batch by batch: where COPY cannot be used. */
#ifndef QUERN_WRITE_LOAD_INSERT_H
#define QUERN_WRITE_LOAD_INSERT_H

#include "orm/write/write.h"

struct load_insert {
	struct db_session *session;
	const struct model *model;
	const struct plan_scope *scope;
	struct write_options options;
	const struct value *members; /* of bulk_create's body, beside "objects"; NULL: none */
	struct arena *arena;         /* of the batch */
	struct value *objects;
	uint64_t *lines;
	size_t n;
	uint64_t nrows;
	struct error *error;
};

void load_insert_init(struct load_insert *load, struct db_session *session,
                      const struct model *model, const struct plan_scope *scope,
                      const struct write_options *options, const struct value *members,
                      struct error *error);
void load_insert_release(struct load_insert *load);
/* A copy of the object joins the batch; its places become those of the `index`th row of a list. */
void load_insert_add(struct load_insert *load, const struct value *object, uint64_t index,
                     uint64_t line);
bool load_insert_is_full(const struct load_insert *load);
/* Waits.  In the session's open transaction; errors name the line. */
bool load_insert_flush(struct load_insert *load);

#endif

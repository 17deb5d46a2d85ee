/* The rows that a write's statements gave, as its answer. */
#ifndef QUERN_WRITE_ANSWER_H
#define QUERN_WRITE_ANSWER_H

#include "orm/write/returning.h"
#include "orm/write/write.h"

/* Rows and counts of all batches, one behind the other; a statement that only reads counts what it found. */
void written_take(struct arena *arena, struct written *written, const struct returning *returning,
                  const struct db_rows *batches, size_t n);

#endif

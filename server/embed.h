/* Writes whose answer shows related rows: {"title": …, "vote_set": [{…}]} answers the votes as well. */
#ifndef QUERN_SERVER_EMBED_H
#define QUERN_SERVER_EMBED_H

#include "orm/fetch/fetch.h"
#include "orm/write/write.h"
#include "server/request.h"

/* The rows of a write as a reader with prefetch_related sees them. */
struct embedding {
	struct fetched *fetched; /* NULL: nothing was written along */
	size_t *rows;            /* for each of written->rows its row there */
};

/* Waits.  write(arg), which fills *written; where `is_nested` it runs in one transaction with the reading of what
 * it wrote along. */
bool embed_write(struct request *request, bool is_nested, bool (*write)(void *arg), void *arg,
                 struct written *written, struct embedding *embedding);
/* The row with its related rows, or as the write answered it (`embedding` may be NULL). */
void embed_row(const struct embedding *embedding, const struct written *written, size_t i,
               struct buf *out);

#endif

/* Errors as the client sees them: application/problem+json (RFC 9457).
 */
#ifndef QUERN_SERVER_PROBLEM_H
#define QUERN_SERVER_PROBLEM_H

#include "server/request.h"

/* Makes the reply of request->error: whatever the reply held is dropped. */
void problem_reply(struct request *request);
/* Logs an error that is not the client's fault. */
void problem_note(const struct request *request);
/* A problem of HTTP itself, which no struct error stands for (414, 417, 431 …). */
void problem_of_status(struct request *request, int status, const char *detail);
/* The body alone, for tests. */
void problem_write(const struct error *error, struct str instance, struct arena *arena,
                   struct buf *out);

#endif

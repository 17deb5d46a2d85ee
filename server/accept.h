/* Which kind of answer the client takes. */
#ifndef QUERN_SERVER_ACCEPT_H
#define QUERN_SERVER_ACCEPT_H

#include "server/request.h"

/* Whether application/json is welcome; ERROR_NOT_ACCEPTABLE otherwise.  No Accept header welcomes all. */
bool accept_json(struct request *request);
/* Whether an Accept header (RFC 9110, section 12.5.1) welcomes the type, "application/json". */
bool accept_has(struct str accept, struct str type);

#endif

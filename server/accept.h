/* Which kind of answer the client takes. */
#ifndef QUERN_SERVER_ACCEPT_H
#define QUERN_SERVER_ACCEPT_H

#include "server/request.h"

/* Chooses the form of an answer of rows: request->form and the reply's content type; ERROR_NOT_ACCEPTABLE when the
 * client takes none. */
bool accept_rows(struct request *request);
/* For an answer that accept_rows() has not judged: whether application/json is welcome; ERROR_NOT_ACCEPTABLE otherwise.  No Accept header welcomes all. */
bool accept_json(struct request *request);
/* Whether an Accept header (RFC 9110, section 12.5.1) welcomes the type, "application/json". */
bool accept_has(struct str accept, struct str type);

/* The q of a range's parameters (";"-separated), in thousandths. */
unsigned accept_q(struct str params);

#endif

/* The prefetch levels below a result. */
#ifndef QUERN_FETCH_LEVELS_H
#define QUERN_FETCH_LEVELS_H

#include "orm/fetch/fetch.h"

/* Waits.  Fills the slots of `top`, whose rows are there, and of everything below it; all that is made
 * lives in the session's arena. */
bool fetch_levels(struct db_session *session, struct fetched *top, struct error *error);

#endif

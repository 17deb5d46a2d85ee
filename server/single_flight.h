/* Identical reads share one execution.
 *
 * Who asks what another is being answered waits; when that answer is there, all who wait are answered by one more
 * execution, which begins after the last of them came: nobody is given anything older than his own arrival.  What is
 * asked is the whole request, byte by byte, of the same address; a worker's requests alone meet.
 */
#ifndef QUERN_SERVER_SINGLE_FLIGHT_H
#define QUERN_SERVER_SINGLE_FLIGHT_H

#include "server/request.h"

struct flights *flights_new(void);
void flights_free(struct flights *flights);

/* Waits.  As handler(request), which only reads. */
bool flight_run(struct request *request, handler_fn handler);

/* The reply is about to be sent in parts, at its reader's pace, or is drawn by chance: those who wait for it run by
 * themselves. */
void flight_dissolve(struct request *request);

struct flights_stats {
	uint64_t shared; /* requests answered by another's execution */
};
void flights_stats(const struct flights *flights, struct flights_stats *stats);

#endif

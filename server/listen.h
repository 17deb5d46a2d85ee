/* Listening sockets.
 */
#ifndef QUERN_SERVER_LISTEN_H
#define QUERN_SERVER_LISTEN_H

#include "orm/base/error.h"

/* Opens `n` sockets on one address and port, each with its own queue (SO_REUSEPORT), non-blocking,
 * listening.  *port 0 becomes the free port that was picked.  An address that somebody else
 * listens on is refused, also another quern: it would otherwise get half of our connections. */
bool listen_open(const char *address, unsigned *port, int *fds, size_t n, struct error *error);
/* Whether only this machine can reach it. */
bool listen_is_loopback(const char *address);

#endif

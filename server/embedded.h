/* The private PostgreSQL of `quern dev`: a cluster of our own in a data folder, run as a
 * child process that ends with us.
 *
 * It listens on a unix socket in a folder that only its user may enter, and nowhere else.
 * Started by root it runs as `postgres` (else `nobody`), who must be able to reach the data
 * folder.  Everything here blocks and forks: call it from the main thread, before other
 * threads start (the child is told of our end by the end of the thread that started it).
 *
 * The data folder holds
 *   quern.lock    held while a quern uses the folder
 *   postgres/     the cluster
 *   run/          the socket (a private folder in /tmp where the path would be too long)
 *   postgres.log  what the server said since it started; postgres.log.1: the time before
 */
#ifndef QUERN_SERVER_EMBEDDED_H
#define QUERN_SERVER_EMBEDDED_H

#include "orm/base/error.h"

#include <sys/types.h>

struct embedded;

/* The data folder of the models at `models` where --data does not name one: one folder for
 * each models path, NAME-HASH in $XDG_DATA_HOME/quern (~/.local/share/quern), for root in
 * /var/lib/quern (a home folder of root's is closed to the user that the server runs as).
 * The text lives in error->arena. */
bool embedded_default_data(const char *models, const char **data_dir, struct error *error);

/* Makes the folder and the cluster where there are none, starts the server, waits until it
 * answers, and makes the database `quern`.  *embedded is the caller's, for embedded_stop().
 * On false nothing runs any more, and the error says what stands in the way: no server
 * programs, a folder in use, of another version, or out of reach. */
bool embedded_start(const char *data_dir, struct embedded **embedded, struct error *error);

/* A libpq connection string; valid until embedded_stop(). */
const char *embedded_conninfo(const struct embedded *embedded);

/* The server's process; it is our child, and only this module may wait for it. */
pid_t embedded_pid(const struct embedded *embedded);

/* A descriptor that becomes readable when the server has ended, for epoll; -1 where the
 * kernel has none (embedded_is_alive() tells, too).  Closed by embedded_stop(). */
int embedded_fd(const struct embedded *embedded);

/* False once the server has ended, whoever ended it. */
bool embedded_is_alive(struct embedded *embedded);

/* How it ended and the last lines that it logged, for a person; "" while it runs. */
struct str embedded_ending(struct embedded *embedded, struct arena *arena);

/* Ends the server (fast shutdown, waited for; at once when that takes too long), releases
 * the folder and frees the handle.  NULL is allowed. */
void embedded_stop(struct embedded *embedded);

#endif

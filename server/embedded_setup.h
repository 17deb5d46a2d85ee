/* What has to be there before an embedded PostgreSQL can start: its programs, a user that may
 * run them, a folder that this user can reach, and the cluster in it.  Private to
 * server/embedded.
 */
#ifndef QUERN_SERVER_EMBEDDED_SETUP_H
#define QUERN_SERVER_EMBEDDED_SETUP_H

#include "orm/base/error.h"

#include <sys/types.h>

/* Who the server runs as. */
struct server_user {
	bool is_other; /* not we: the child changes to it, folders are given to it */
	uid_t uid;
	gid_t gid;
	const char *name;
};

struct server_programs {
	const char *bindir;
	unsigned major; /* 15 */
};

struct server_place {
	const char *dir;     /* absolute, without symbolic links */
	const char *cluster; /* DIR/postgres */
	const char *socket;  /* folder of the socket */
	const char *log;
	bool socket_is_temporary; /* to be removed at the end */
	int lock;                 /* descriptor that holds DIR/quern.lock */
};

/* A program to run as the server's user. */
struct server_command {
	const char *const *argv; /* argv[0] is the path */
	const struct server_user *user;
	const char *folder; /* where it runs; NULL: "/" */
	int output;         /* its standard output and error */
	int death_signal;   /* sent to it when the calling thread ends */
};

/* postgres, else nobody, when we are root; ourselves otherwise. */
bool server_user_find(struct server_user *user, struct error *error);

/* The server programs of major version `wanted` if there are any, else the newest; wanted
 * 0: the newest. */
bool server_programs_find(unsigned wanted, struct server_programs *programs, struct error *error);

/* Makes and locks the data folder, and the socket's folder. */
bool server_place_open(const char *data_dir, const struct server_user *user,
                       struct server_place *place, struct error *error);
/* Removes a temporary socket folder and gives up the lock. */
void server_place_close(struct server_place *place);

/* The major version that made the cluster; 0 when there is no cluster yet. */
bool server_cluster_version(const struct server_place *place, unsigned *major, struct error *error);
/* initdb. */
bool server_cluster_make(const struct server_place *place, const struct server_user *user,
                         const struct server_programs *programs, struct error *error);
/* Waits for a server that a dead quern left behind to end, and removes a
 * pid file that would keep a new one from starting. */
bool server_cluster_claim(const struct server_place *place, struct error *error);

/* The child in a process group of its own, or -1 with errno. */
pid_t server_spawn(const struct server_command *command);
/* waitpid() that is not stopped by signals. */
int server_wait(pid_t pid);

/* The last lines of a log file, at most `limit` bytes. */
struct str server_log_tail(struct arena *arena, const char *path, size_t limit);

#endif

/* Starts, watches and ends the private PostgreSQL of `quern dev`.
 *
 * Finding programs and making folders is embedded_setup.c's.  The server is always our direct
 * child: while a struct embedded lives either it runs or `has_ended` is true and it has been
 * waited for.
 */
#include "server/embedded.h"

#include "orm/base/log.h"
#include "server/embedded_setup.h"

#include <libpq-fe.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	START_SECONDS = 120, /* a crashed cluster replays its log first */
	FAST_SECONDS = 60,   /* a fast shutdown writes a checkpoint */
	QUIT_SECONDS = 10,
	TICK_MS = 10,
};

struct embedded {
	struct arena *arena;
	struct server_user user;
	struct server_programs programs;
	struct server_place place;
	pid_t pid;
	int fd;
	const char *conninfo;
	bool has_ended;
	int status; /* as waitpid() gives it, once ended */
};

/* ---- the default folder ---- */

/* FNV-1a: the name of a folder on disk must not change with the hash tables' function. */
static uint32_t name_hash(const char *text)
{
	uint32_t hash = 2166136261u;
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash;
}

static const char *data_root(struct arena *arena)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	if (geteuid() == 0)
		return "/var/lib/quern";
	if (data && data[0] == '/')
		return arena_printf(arena, "%s/quern", data).p;
	if (home && home[0] == '/')
		return arena_printf(arena, "%s/.local/share/quern", home).p;
	return NULL;
}

/* The last part of a path without ".json", as a name that is safe in any path. */
static const char *folder_name(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct str part = str_of(slash ? slash + 1 : path);
	if (str_ends(part, STR(".json")))
		part.n -= 5;
	char *name = arena_cstr(arena, str_sub(part, 0, 40));
	for (char *c = name; *c; c++) {
		bool is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		                (*c >= '0' && *c <= '9') || *c == '_' || *c == '-';
		if (!is_plain)
			*c = '_';
	}
	return name;
}

bool embedded_default_data(const char *models, const char **data_dir, struct error *error)
{
	char resolved[PATH_MAX];
	const char *root = data_root(error->arena);
	if (!root)
		return error_set_nowhere(
			error, ERROR_INTERNAL,
			"Neither XDG_DATA_HOME nor HOME says where data may be kept: name a "
			"folder with --data.");
	const char *path = realpath(models, resolved) ? resolved : models;
	*data_dir = arena_printf(error->arena, "%s/%s-%08x", root, folder_name(error->arena, path),
	                         name_hash(path))
	                .p;
	return true;
}

/* ---- watching ---- */

static void take_notice(struct embedded *embedded)
{
	if (!embedded->has_ended && waitpid(embedded->pid, &embedded->status, WNOHANG) == embedded->pid)
		embedded->has_ended = true;
}

bool embedded_is_alive(struct embedded *embedded)
{
	take_notice(embedded);
	return !embedded->has_ended;
}

struct str embedded_ending(struct embedded *embedded, struct arena *arena)
{
	if (embedded_is_alive(embedded))
		return STR("");
	struct str tail = server_log_tail(arena, embedded->place.log, 2000);
	int status = embedded->status;
	if (WIFSIGNALED(status))
		return arena_printf(arena, "PostgreSQL was ended by signal %d (%s); its log:\n%.*s",
		                    WTERMSIG(status), strsignal(WTERMSIG(status)), STR_ARG(tail));
	return arena_printf(arena, "PostgreSQL ended with exit code %d; its log:\n%.*s",
	                    WEXITSTATUS(status), STR_ARG(tail));
}

/* Waits until the server has ended, at most that long. */
static bool wait_end(struct embedded *embedded, int seconds)
{
	for (int ticks = seconds * 1000 / TICK_MS; ticks > 0; ticks--) {
		if (!embedded_is_alive(embedded))
			return true;
		if (embedded->fd >= 0)
			poll(&(struct pollfd){.fd = embedded->fd, .events = POLLIN}, 1, TICK_MS);
		else
			poll(NULL, 0, TICK_MS);
	}
	return !embedded_is_alive(embedded);
}

/* ---- starting ---- */

static void open_log(const struct embedded *embedded, int *fd)
{
	char earlier[PATH_MAX];
	snprintf(earlier, sizeof earlier, "%s.1", embedded->place.log);
	rename(embedded->place.log, earlier);
	*fd = open(embedded->place.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* A GUC that is a list of folders: quotes keep spaces and commas in a name. */
static const char *quote_folder(struct arena *arena, const char *folder)
{
	struct buf text = {0};
	BUF_LIT(&text, "--unix_socket_directories=\"");
	for (; *folder; folder++) {
		if (*folder == '"')
			buf_add_char(&text, '"');
		buf_add_char(&text, *folder);
	}
	buf_add_char(&text, '"');
	const char *quoted = arena_cstr(arena, buf_str(&text));
	buf_release(&text);
	return quoted;
}

static bool spawn_server(struct embedded *embedded, struct error *error)
{
	struct arena *arena = embedded->arena;
	int log_fd;
	open_log(embedded, &log_fd);
	if (log_fd < 0)
		return error_set_nowhere(error, ERROR_INTERNAL, "Cannot write %s: %s.", embedded->place.log,
		                         strerror(errno));
	long connections = 100 + 32 * sysconf(_SC_NPROCESSORS_ONLN);
	const char *argv[] = {
		arena_printf(arena, "%s/postgres", embedded->programs.bindir).p,
		"-D",
		embedded->place.cluster,
		"--port=5432",
		"--listen_addresses=",
		quote_folder(arena, embedded->place.socket),
		"--unix_socket_permissions=0700",
		arena_printf(arena, "--max_connections=%ld", connections).p,
		"--cluster_name=quern",
		NULL,
	};
	/* SIGINT is the fast shutdown: when we die without a word the data is still left clean. */
	struct server_command command = {.argv = argv,
	                                 .user = &embedded->user,
	                                 .folder = embedded->place.cluster,
	                                 .output = log_fd,
	                                 .death_signal = SIGINT};
	embedded->pid = server_spawn(&command);
	close(log_fd);
	if (embedded->pid < 0)
		return error_set_nowhere(error, ERROR_INTERNAL, "Cannot start PostgreSQL: %s.",
		                         strerror(errno));
	embedded->has_ended = false;
	embedded->fd = pidfd_open(embedded->pid, 0);
	return true;
}

/* Everything is said here, so that PG* variables of the environment have no say. */
static const char *make_conninfo(struct arena *arena, const char *folder, const char *database)
{
	struct buf text = {0};
	BUF_LIT(&text, "host='");
	for (; *folder; folder++) {
		if (*folder == '\'' || *folder == '\\')
			buf_add_char(&text, '\\');
		buf_add_char(&text, *folder);
	}
	buf_printf(&text,
	           "' hostaddr='' port=5432 user=quern dbname=%s options='' sslmode=disable "
	           "channel_binding=disable target_session_attrs=any",
	           database);
	const char *conninfo = arena_cstr(arena, buf_str(&text));
	buf_release(&text);
	return conninfo;
}

static bool wait_ready(struct embedded *embedded, struct error *error)
{
	const char *conninfo = make_conninfo(embedded->arena, embedded->place.socket, "postgres");
	for (int ticks = START_SECONDS * 1000 / TICK_MS; ticks > 0; ticks--) {
		if (!embedded_is_alive(embedded)) {
			struct str ending = embedded_ending(embedded, error->arena);
			return error_set_nowhere(error, ERROR_INTERNAL, "%.*s", STR_ARG(ending));
		}
		if (PQping(conninfo) == PQPING_OK)
			return true;
		poll(NULL, 0, TICK_MS);
	}
	return error_set_nowhere(error, ERROR_UNAVAILABLE,
	                         "PostgreSQL has not become ready within %d seconds; see %s.",
	                         START_SECONDS, embedded->place.log);
}

static bool make_database(struct embedded *embedded, struct error *error)
{
	PGconn *conn = PQconnectdb(make_conninfo(embedded->arena, embedded->place.socket, "postgres"));
	PGresult *found = PQexec(conn, "SELECT 1 FROM pg_database WHERE datname = 'quern'");
	bool ok = PQresultStatus(found) == PGRES_TUPLES_OK;
	if (ok && PQntuples(found) == 0) {
		PGresult *made = PQexec(conn, "CREATE DATABASE quern");
		ok = PQresultStatus(made) == PGRES_COMMAND_OK;
		PQclear(made);
	}
	PQclear(found);
	if (!ok) {
		struct str reason = str_trim(str_of(PQerrorMessage(conn)));
		error_set_nowhere(error, ERROR_UNAVAILABLE, "Cannot make the database quern: %.*s",
		                  STR_ARG(reason));
	}
	PQfinish(conn);
	return ok;
}

static bool prepare_cluster(struct embedded *embedded, struct error *error)
{
	unsigned major;
	if (!server_cluster_version(&embedded->place, &major, error) ||
	    !server_programs_find(major, &embedded->programs, error))
		return false;
	if (major && major != embedded->programs.major)
		return error_set_nowhere(
			error, ERROR_INTERNAL,
			"The data folder %s was made by PostgreSQL %u, but this machine has "
			"PostgreSQL %u (%s). Install postgresql-%u, or move the folder away to "
			"start with an empty database.",
			embedded->place.dir, major, embedded->programs.major, embedded->programs.bindir, major);
	if (major)
		return server_cluster_claim(&embedded->place, error);
	log_message(LOG_INFO, "making a private PostgreSQL %u in %s", embedded->programs.major,
	            embedded->place.dir);
	return server_cluster_make(&embedded->place, &embedded->user, &embedded->programs, error);
}

static bool bring_up(struct embedded *embedded, const char *data_dir, struct error *error)
{
	return server_user_find(&embedded->user, error) &&
	       server_place_open(data_dir, &embedded->user, &embedded->place, error) &&
	       prepare_cluster(embedded, error) && spawn_server(embedded, error) &&
	       wait_ready(embedded, error) && make_database(embedded, error);
}

bool embedded_start(const char *data_dir, struct embedded **embedded, struct error *error)
{
	struct arena *arena = arena_new();
	struct embedded *made = ARENA_NEW(arena, struct embedded);
	*made = (struct embedded){.arena = arena, .fd = -1, .has_ended = true, .place.lock = -1};
	struct error own;
	error_init(&own, arena);
	if (!bring_up(made, data_dir, &own)) {
		error_set_nowhere(error, own.kind, "%.*s", STR_ARG(own.detail));
		embedded_stop(made);
		return false;
	}
	made->conninfo = make_conninfo(arena, made->place.socket, "quern");
	*embedded = made;
	return true;
}

const char *embedded_conninfo(const struct embedded *embedded)
{
	return embedded->conninfo;
}

pid_t embedded_pid(const struct embedded *embedded)
{
	return embedded->pid;
}

int embedded_fd(const struct embedded *embedded)
{
	return embedded->fd;
}

/* ---- ending ---- */

static void end_server(struct embedded *embedded)
{
	if (!embedded_is_alive(embedded))
		return;
	kill(embedded->pid, SIGINT);
	if (wait_end(embedded, FAST_SECONDS))
		return;
	log_message(LOG_WARNING, "PostgreSQL takes too long to shut down; it is made to stop at once");
	kill(embedded->pid, SIGQUIT);
	if (wait_end(embedded, QUIT_SECONDS))
		return;
	kill(-embedded->pid, SIGKILL);
	wait_end(embedded, QUIT_SECONDS);
}

void embedded_stop(struct embedded *embedded)
{
	if (!embedded)
		return;
	end_server(embedded);
	if (embedded->fd >= 0)
		close(embedded->fd);
	server_place_close(&embedded->place);
	arena_free(embedded->arena);
}

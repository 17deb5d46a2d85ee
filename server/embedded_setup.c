/* Finds the PostgreSQL server programs, the user to run them as and the folder to run them in,
 * and makes the cluster.  It does not start the server: embedded.c does.
 *
 * Everything that the server's user writes is made by that user's own child process or given
 * to it here; nothing of it is reachable for anyone else (0700).
 */
#include "server/embedded_setup.h"

#include "orm/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* "/.s.PGSQL.5432" and a NUL must fit behind it in the 108 bytes of sun_path. */
#define SOCKET_FOLDER_MAX 92

#define LEFT_BEHIND_SECONDS 20

/* ---- running programs ---- */

static void become(const struct server_user *user)
{
	if (!user->is_other)
		return;
	if (initgroups(user->name, user->gid) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)
		_exit(126);
}

/* libpq's and the server's own variables would change what a private cluster is. */
static void forget_pg_variables(void)
{
	static const char *const names[] = {"PGDATA",      "PGPORT",           "PGHOST",
	                                    "PGHOSTADDR",  "PGUSER",           "PGDATABASE",
	                                    "PGOPTIONS",   "PGSERVICE",        "PGTZ",
	                                    "PGDATESTYLE", "PGCLIENTENCODING", "PG_OOM_ADJUST_FILE"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

static _Noreturn void run_in_child(const struct server_command *command, pid_t parent)
{
	setpgid(0, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	become(command->user);
	/* After the change of user, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, command->death_signal) != 0 || getppid() != parent)
		_exit(126);
	forget_pg_variables();
	umask(077);
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(command->output, STDOUT_FILENO) < 0 ||
	    dup2(command->output, STDERR_FILENO) < 0)
		_exit(126);
	if (chdir(command->folder ? command->folder : "/") != 0)
		_exit(126);
	execv(command->argv[0], (char *const *)(uintptr_t)command->argv);
	_exit(127);
}

pid_t server_spawn(const struct server_command *command)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		run_in_child(command, parent);
	return pid;
}

int server_wait(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}

static void read_all(int fd, struct buf *output)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(output, 4096), 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		output->n += (size_t)n;
	}
}

/* Runs a program to its end; true when it ended with 0. */
static bool run_to_end(const char *const *argv, const struct server_user *user, struct buf *output)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	struct server_command command = {
		.argv = argv, .user = user, .output = ends[1], .death_signal = SIGTERM};
	pid_t pid = server_spawn(&command);
	close(ends[1]);
	if (pid > 0)
		read_all(ends[0], output);
	close(ends[0]);
	return pid > 0 && server_wait(pid) == 0;
}

/* ---- who ---- */

bool server_user_find(struct server_user *user, struct error *error)
{
	*user = (struct server_user){.uid = geteuid(), .gid = getegid(), .name = ""};
	if (user->uid != 0)
		return true;
	const struct passwd *entry = getpwnam("postgres");
	if (!entry)
		entry = getpwnam("nobody");
	if (!entry)
		return error_set_nowhere(error, ERROR_INTERNAL,
		                         "PostgreSQL does not run as root, and this machine has neither a "
		                         "user \"postgres\" nor \"nobody\" to run it as.");
	user->is_other = true;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	user->name = arena_cstr(error->arena, str_of(entry->pw_name));
	return true;
}

/* ---- which programs ---- */

static const char *path_join(struct arena *arena, const char *folder, const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name).p;
}

static bool has_programs(struct arena *arena, const char *bindir)
{
	return access(path_join(arena, bindir, "postgres"), X_OK) == 0 &&
	       access(path_join(arena, bindir, "initdb"), X_OK) == 0;
}

/* The 15 of "postgres (PostgreSQL) 15.18 (Debian …)"; 0 when it cannot be told. */
static unsigned program_version(struct arena *arena, const char *bindir)
{
	const char *argv[] = {path_join(arena, bindir, "postgres"), "--version", NULL};
	struct server_user nobody_else = {0};
	struct buf output = {0};
	unsigned major = 0;
	if (run_to_end(argv, &nobody_else, &output)) {
		buf_add_char(&output, '\0');
		const char *number = strstr(output.p, ") ");
		major = number ? (unsigned)strtoul(number + 2, NULL, 10) : 0;
	}
	buf_release(&output);
	return major;
}

/* Takes the folder when it is better than what is there: the wanted version beats any other,
 * and what was found first beats what comes later. */
static void consider(struct arena *arena, const char *bindir, unsigned wanted,
                     struct server_programs *best)
{
	if (best->major && (wanted == 0 || best->major == wanted))
		return;
	if (!has_programs(arena, bindir))
		return;
	unsigned major = program_version(arena, bindir);
	if (major && (!best->major || major == wanted))
		*best = (struct server_programs){.bindir = bindir, .major = major};
}

static void consider_path(struct arena *arena, unsigned wanted, struct server_programs *best)
{
	struct str rest = str_of(getenv("PATH"));
	while (rest.p) {
		struct str folder = str_cut(&rest, STR(":"));
		if (folder.n > 0 && folder.p[0] == '/')
			consider(arena, arena_cstr(arena, folder), wanted, best);
	}
}

static int by_number_descending(const void *a, const void *b)
{
	double x = strtod(*(const char *const *)a, NULL), y = strtod(*(const char *const *)b, NULL);
	return (x < y) - (x > y);
}

/* Debian keeps the server programs of each version out of PATH. */
static void consider_debian(struct arena *arena, unsigned wanted, struct server_programs *best)
{
	static const char root[] = "/usr/lib/postgresql";
	struct {
		const char **items;
		size_t n, cap;
	} versions = {0};
	DIR *folder = opendir(root);
	if (!folder)
		return;
	for (const struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			*ARENA_PUSH(arena, &versions) = arena_cstr(arena, str_of(entry->d_name));
	}
	closedir(folder);
	if (versions.n > 0)
		qsort(versions.items, versions.n, sizeof *versions.items, by_number_descending);
	for (size_t i = 0; i < versions.n; i++)
		consider(arena, arena_printf(arena, "%s/%s/bin", root, versions.items[i]).p, wanted, best);
}

static void consider_pg_config(struct arena *arena, unsigned wanted, struct server_programs *best)
{
	static const char *const argv[] = {"/usr/bin/env", "pg_config", "--bindir", NULL};
	struct server_user nobody_else = {0};
	struct buf output = {0};
	if (run_to_end(argv, &nobody_else, &output))
		consider(arena, arena_cstr(arena, str_trim(buf_str(&output))), wanted, best);
	buf_release(&output);
}

bool server_programs_find(unsigned wanted, struct server_programs *programs, struct error *error)
{
	*programs = (struct server_programs){0};
	consider_path(error->arena, wanted, programs);
	consider_debian(error->arena, wanted, programs);
	consider_pg_config(error->arena, wanted, programs);
	if (!programs->major)
		return error_set_nowhere(
			error, ERROR_INTERNAL,
			"No PostgreSQL server programs were found (postgres and initdb, in PATH, "
			"/usr/lib/postgresql/*/bin or pg_config --bindir). On Debian: "
			"apt install postgresql");
	return true;
}

/* ---- where ---- */

static bool make_folders(const char *path)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	if (n >= sizeof part) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		/* Folders on the way stay open to be passed through; the last is closed below. */
		if (mkdir(part, i == n ? 0700 : 0755) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

static void blocked_folder(const char *dir, char *blocked)
{
	size_t n = strlen(dir);
	for (size_t i = 1; i <= n; i++) {
		if (dir[i] != '/' && dir[i] != '\0')
			continue;
		memcpy(blocked, dir, i);
		blocked[i] = '\0';
		if (access(blocked, X_OK) != 0)
			return;
	}
	blocked[0] = '\0';
}

/* The first folder on the way to dir that the user may not enter, "" when there is none; asked
 * as that user, so that groups and access lists count as the kernel counts them. */
static void ask_as_user(const char *dir, const struct server_user *user, char blocked[PATH_MAX])
{
	int ends[2];
	blocked[0] = '\0';
	if (pipe2(ends, O_CLOEXEC) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		become(user);
		blocked_folder(dir, blocked);
		ssize_t written = write(ends[1], blocked, strlen(blocked) + 1);
		_exit(written > 0 ? 0 : 1);
	}
	close(ends[1]);
	ssize_t n = pid > 0 ? read(ends[0], blocked, PATH_MAX - 1) : 0;
	blocked[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	if (pid > 0)
		server_wait(pid);
}

static bool check_reach(const char *dir, const struct server_user *user, struct error *error)
{
	char blocked[PATH_MAX];
	if (!user->is_other)
		return true;
	ask_as_user(dir, user, blocked);
	if (blocked[0] == '\0')
		return true;
	return error_set_nowhere(
		error, ERROR_INTERNAL,
		"PostgreSQL runs as the user \"%s\" because root may not run it, and this "
		"user cannot enter %s. Give another folder with --data, or let others "
		"pass through that one (chmod o+x).",
		user->name, blocked);
}

static bool cannot(struct error *error, const char *doing, const char *path)
{
	const char *reason = strerror(errno);
	return error_set_nowhere(error, ERROR_INTERNAL, "Cannot %s %s: %s.", doing, path, reason);
}

static bool give_folder(const char *dir, const struct server_user *user, struct error *error)
{
	if (user->is_other && chown(dir, user->uid, user->gid) != 0)
		return cannot(error, "give to the user of PostgreSQL the folder", dir);
	if (chmod(dir, 0700) != 0)
		return cannot(error, "close to others the folder", dir);
	return true;
}

/* Entries of an empty folder; the last is that of a volume's root. */
static bool is_nothing(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

static bool is_empty_or_ours(struct arena *arena, const char *dir)
{
	if (access(path_join(arena, dir, "quern.lock"), F_OK) == 0)
		return true;
	DIR *folder = opendir(dir);
	if (!folder)
		return false;
	bool is_empty = true;
	for (const struct dirent *entry; (entry = readdir(folder));) {
		if (!is_nothing(entry->d_name))
			is_empty = false;
	}
	closedir(folder);
	return is_empty;
}

/* The lock goes with its descriptor, so that a quern that was killed leaves none behind. */
static bool take_lock(struct server_place *place, struct error *error)
{
	const char *path = path_join(error->arena, place->dir, "quern.lock");
	place->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (place->lock < 0)
		return cannot(error, "open", path);
	if (flock(place->lock, LOCK_EX | LOCK_NB) == 0) {
		if (ftruncate(place->lock, 0) == 0)
			dprintf(place->lock, "%ld\n", (long)getpid());
		return true;
	}
	char holder[32] = "";
	ssize_t n = pread(place->lock, holder, sizeof holder - 1, 0);
	holder[n > 0 ? n : 0] = '\0';
	close(place->lock);
	place->lock = -1;
	return error_set_nowhere(
		error, ERROR_INTERNAL,
		"The data folder %s is in use by another quern (process %ld). Stop that one, "
		"or give this one a folder of its own with --data.",
		place->dir, strtol(holder, NULL, 10));
}

/* A comma would make two hosts of it in a connection string. */
static bool make_socket_folder(struct server_place *place, const struct server_user *user,
                               struct error *error)
{
	place->socket = path_join(error->arena, place->dir, "run");
	if (strlen(place->socket) <= SOCKET_FOLDER_MAX && !strchr(place->socket, ',')) {
		if (mkdir(place->socket, 0700) != 0 && errno != EEXIST)
			return cannot(error, "make", place->socket);
		return give_folder(place->socket, user, error);
	}
	char name[] = "/tmp/quern-XXXXXX";
	if (!mkdtemp(name))
		return cannot(error, "make a folder for the socket as", name);
	place->socket = arena_cstr(error->arena, str_of(name));
	place->socket_is_temporary = true;
	return give_folder(place->socket, user, error);
}

bool server_place_open(const char *data_dir, const struct server_user *user,
                       struct server_place *place, struct error *error)
{
	char resolved[PATH_MAX];
	*place = (struct server_place){.lock = -1};
	if (!make_folders(data_dir) || !realpath(data_dir, resolved))
		return cannot(error, "make the data folder", data_dir);
	place->dir = arena_cstr(error->arena, str_of(resolved));
	place->cluster = path_join(error->arena, place->dir, "postgres");
	place->log = path_join(error->arena, place->dir, "postgres.log");
	if (!is_empty_or_ours(error->arena, place->dir))
		return error_set_nowhere(
			error, ERROR_INTERNAL,
			"The folder %s holds other things. The data folder has to be new, empty, "
			"or one that quern made.",
			place->dir);
	if (!take_lock(place, error))
		return false;
	if (give_folder(place->dir, user, error) && check_reach(place->dir, user, error) &&
	    make_socket_folder(place, user, error))
		return true;
	server_place_close(place);
	return false;
}

void server_place_close(struct server_place *place)
{
	if (place->socket_is_temporary) {
		char path[PATH_MAX];
		static const char *const leftovers[] = {".s.PGSQL.5432", ".s.PGSQL.5432.lock"};
		for (size_t i = 0; i < 2; i++) {
			snprintf(path, sizeof path, "%s/%s", place->socket, leftovers[i]);
			unlink(path);
		}
		rmdir(place->socket);
		place->socket_is_temporary = false;
	}
	if (place->lock >= 0)
		close(place->lock);
	place->lock = -1;
}

/* ---- the cluster ---- */

/* A small file as text; false when it cannot be read. */
static bool read_small(struct arena *arena, const char *folder, const char *name, char *text,
                       size_t size)
{
	FILE *file = fopen(path_join(arena, folder, name), "re");
	if (!file)
		return false;
	size_t n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
	return true;
}

bool server_cluster_version(const struct server_place *place, unsigned *major, struct error *error)
{
	char text[32];
	*major = 0;
	if (access(place->cluster, F_OK) != 0)
		return true;
	if (read_small(error->arena, place->cluster, "PG_VERSION", text, sizeof text))
		*major = (unsigned)strtoul(text, NULL, 10);
	if (*major == 0)
		return error_set_nowhere(
			error, ERROR_INTERNAL,
			"The folder %s does not hold a PostgreSQL cluster that can be read "
			"(PG_VERSION is missing). Move it away to start with an empty database.",
			place->cluster);
	return true;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static bool has_locale(const char *name)
{
	locale_t locale = newlocale(LC_ALL_MASK, name, (locale_t)0);
	if (!locale)
		return false;
	freelocale(locale);
	return true;
}

/* Made beside its place and then moved there: what initdb did not finish is never a cluster. */
bool server_cluster_make(const struct server_place *place, const struct server_user *user,
                         const struct server_programs *programs, struct error *error)
{
	struct arena *arena = error->arena;
	const char *fresh = path_join(arena, place->dir, "postgres.new");
	nftw(fresh, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	const char *argv[] = {path_join(arena, programs->bindir, "initdb"),
	                      "--pgdata",
	                      fresh,
	                      "--encoding=UTF8",
	                      has_locale("C.UTF-8") ? "--locale=C.UTF-8" : "--locale=C",
	                      "--auth=trust",
	                      "--username=quern",
	                      NULL};
	struct buf output = {0};
	bool made = run_to_end(argv, user, &output);
	struct str said = arena_str(arena, str_trim(buf_str(&output)));
	buf_release(&output);
	if (!made)
		return error_set_nowhere(error, ERROR_INTERNAL,
		                         "initdb could not make a cluster in %s: %.*s", place->dir,
		                         STR_ARG(said));
	if (rename(fresh, place->cluster) != 0)
		return cannot(error, "rename the new cluster to", place->cluster);
	return true;
}

/* Whether the process is a server on this very cluster: a server works in its data folder. */
static bool is_server_of(struct arena *arena, pid_t pid, const char *cluster)
{
	char folder[PATH_MAX];
	const char *link = arena_printf(arena, "/proc/%ld/cwd", (long)pid).p;
	ssize_t n = readlink(link, folder, sizeof folder - 1);
	if (n < 0)
		return false;
	folder[n] = '\0';
	return strcmp(folder, cluster) == 0;
}

bool server_cluster_claim(const struct server_place *place, struct error *error)
{
	char text[64];
	if (!read_small(error->arena, place->cluster, "postmaster.pid", text, sizeof text))
		return true;
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	for (int tries = 0; pid > 1 && is_server_of(error->arena, pid, place->cluster); tries++) {
		if (tries == 0)
			log_message(LOG_INFO,
			            "waiting for the PostgreSQL of an earlier run (process %ld) to end",
			            (long)pid);
		if (tries >= LEFT_BEHIND_SECONDS * 10)
			return error_set_nowhere(
				error, ERROR_INTERNAL,
				"A PostgreSQL server (process %ld) still runs on %s. Stop it with: "
				"kill -INT %ld",
				(long)pid, place->cluster, (long)pid);
		nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
	}
	/* A stale file is PostgreSQL's to judge, which also knows of shared memory still in use; but
	 * it would give up where the number meanwhile belongs to any other process. */
	if (pid <= 1 || (kill(pid, 0) != 0 && errno == ESRCH))
		return true;
	const char *path = path_join(error->arena, place->cluster, "postmaster.pid");
	if (unlink(path) != 0 && errno != ENOENT)
		return cannot(error, "remove", path);
	return true;
}

/* ---- the log ---- */

struct str server_log_tail(struct arena *arena, const char *path, size_t limit)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return STR("");
	fseek(file, 0, SEEK_END);
	long size = ftell(file);
	long from = size > (long)limit ? size - (long)limit : 0;
	fseek(file, from, SEEK_SET);
	char *text = arena_alloc(arena, limit + 1);
	size_t n = fread(text, 1, limit, file);
	fclose(file);
	struct str tail = {text, n};
	if (from > 0)
		str_cut(&tail, STR("\n"));
	return str_trim(tail);
}

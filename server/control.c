/* See control.h. */
#include "server/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ASKED_MS = 5000, ANSWERED_MS = 120000, WORD_MOST = 64, ANSWER_MOST = 1 << 20 };

bool control_folder(struct arena *arena, struct str *folder, struct error *error)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat info;

	*folder = runtime && runtime[0] == '/'
	              ? arena_printf(arena, "%s/quern", runtime)
	              : arena_printf(arena, "/tmp/quern-%u", (unsigned)geteuid());
	if (mkdir(folder->p, 0700) != 0 && errno != EEXIST)
		return error_set_nowhere(error, ERROR_INTERNAL, "%s: %s", folder->p, strerror(errno));
	if (lstat(folder->p, &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid() ||
	    (info.st_mode & 077) != 0)
		return error_set_nowhere(error, ERROR_INTERNAL,
		                         "%s is not a folder of this user alone; remove it", folder->p);
	return true;
}

static bool address_of(struct str path, struct sockaddr_un *address, struct error *error)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path.n >= sizeof address->sun_path)
		return error_set_nowhere(error, ERROR_INTERNAL, "%.*s: the path is too long for a socket",
		                         STR_ARG(path));
	memcpy(address->sun_path, path.p, path.n);
	return true;
}

bool control_open(struct control *control, struct arena *arena, struct error *error)
{
	struct sockaddr_un address;
	struct str folder;

	*control = (struct control){.fd = -1};
	if (!control_folder(arena, &folder, error))
		return false;
	control->path = arena_printf(arena, "%.*s/%ld.sock", STR_ARG(folder), (long)getpid());
	if (!address_of(control->path, &address, error))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* One that is there was left by a process of the same number that has ended. */
	unlink(control->path.p);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 8) != 0) {
		error_set_nowhere(error, ERROR_INTERNAL, "%s: %s", control->path.p, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	control->fd = fd;
	return true;
}

void control_close(struct control *control)
{
	if (control->fd < 0)
		return;
	close(control->fd);
	unlink(control->path.p);
	control->fd = -1;
}

/* ---- lines ---- */

static bool is_ready(int fd, short events, int ms)
{
	struct pollfd poller = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&poller, 1, ms);
	while (n < 0 && errno == EINTR);
	return n > 0;
}

/* Up to the end of the line, or of all when `is_whole`. */
static struct str read_text(int fd, struct arena *arena, size_t most, bool is_whole, int ms)
{
	struct buf text = {0};

	while (text.n < most && is_ready(fd, POLLIN, ms)) {
		char *room = buf_reserve(&text, 4096);
		ssize_t n = read(fd, room, 4096);

		if (n <= 0)
			break;
		text.n += (size_t)n;
		if (!is_whole && room[n - 1] == '\n')
			break;
	}
	struct str copy = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

static void write_text(int fd, struct str text)
{
	while (text.n > 0 && is_ready(fd, POLLOUT, ASKED_MS)) {
		ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		text = str_sub(text, n > 0 ? (size_t)n : 0, text.n - (n > 0 ? (size_t)n : 0));
	}
}

int control_accept(struct control *control, struct arena *arena, struct str *word)
{
	int client = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return -1;
	*word = str_trim(read_text(client, arena, WORD_MOST, false, ASKED_MS));
	return client;
}

void control_answer(int client, bool is_done, struct str text)
{
	write_text(client, is_done ? STR("done\n") : STR("not done\n"));
	write_text(client, text);
	close(client);
}

/* ---- asking ---- */

static int reach(struct str path, struct error *error)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address_of(path, &address, error))
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	/* Left by a server that was killed. */
	if (errno == ECONNREFUSED)
		unlink(path.p);
	close(fd);
	return -1;
}

struct servers {
	long pids[64];
	int fds[64];
	size_t n;
};

static void find_servers(struct arena *arena, struct str folder, struct servers *servers,
                         struct error *error)
{
	DIR *dir = opendir(folder.p);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && servers->n < 64) {
		struct str name = str_of(entry->d_name);
		int64_t pid;

		if (!str_ends(name, STR(".sock")) || !str_to_int(str_sub(name, 0, name.n - 5), &pid))
			continue;
		int fd = reach(arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name)), error);
		if (fd < 0)
			continue;
		servers->pids[servers->n] = (long)pid;
		servers->fds[servers->n++] = fd;
	}
	if (dir)
		closedir(dir);
}

static bool choose(struct arena *arena, const struct servers *servers, long pid, size_t *chosen,
                   struct error *error)
{
	struct str list = STR("");

	for (size_t i = 0; i < servers->n; i++) {
		*chosen = i;
		if (servers->pids[i] == pid)
			return true;
		list = arena_printf(arena, "%.*s%s%ld", STR_ARG(list), i > 0 ? ", " : "", servers->pids[i]);
	}
	if (pid == 0 && servers->n == 1)
		return true;
	if (servers->n == 0)
		return error_set_nowhere(error, ERROR_UNAVAILABLE, "No server of this user runs here.");
	if (pid == 0)
		return error_set_nowhere(error, ERROR_UNAVAILABLE,
		                         "Several servers run: say which by --pid. They are: %.*s",
		                         STR_ARG(list));
	return error_set_nowhere(error, ERROR_UNAVAILABLE, "No server has the process number %ld; there are: %.*s",
	                         pid, STR_ARG(list));
}

bool control_ask(struct arena *arena, long pid, const char *word, bool *is_done, struct str *answer,
                 struct error *error)
{
	struct servers servers = {.n = 0};
	struct str folder;
	size_t chosen = 0;

	if (!control_folder(arena, &folder, error))
		return false;
	find_servers(arena, folder, &servers, error);
	bool ok = choose(arena, &servers, pid, &chosen, error);
	for (size_t i = 0; i < servers.n; i++)
		if (!ok || i != chosen)
			close(servers.fds[i]);
	if (!ok)
		return false;
	write_text(servers.fds[chosen], arena_printf(arena, "%s\n", word));
	*answer = read_text(servers.fds[chosen], arena, ANSWER_MOST, true, ANSWERED_MS);
	close(servers.fds[chosen]);
	*is_done = str_starts(*answer, STR("done\n"));
	if (!str_cut(answer, STR("\n")).n)
		return error_set_nowhere(error, ERROR_UNAVAILABLE, "The server did not answer.");
	return true;
}

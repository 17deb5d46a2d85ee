/* The ceiling: libmicrohttpd answering every request with the same bytes, run as Quern's server runs it.
 *
 *   static PORT FILE
 *
 * Two threads, each with a listening socket of its own on the same port (SO_REUSEPORT), an epoll daemon of the
 * library and a loop around it.  The reply is the content of FILE.  It looks at nothing of the request.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define THREADS 2
#define BACKLOG 4096
#define CONNECTIONS 16384
#define REPLY_MAX 65536

static char reply[REPLY_MAX];
static size_t reply_bytes;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *n, void **context)
{
	static int seen;
	struct MHD_Response *response;
	enum MHD_Result queued;

	(void)cls, (void)url, (void)method, (void)version, (void)data, (void)n;
	if (*context == NULL) {
		*context = &seen;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(reply_bytes, reply, MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

static int listen_on(unsigned short port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0)
		fail("listen");
	return fd;
}

static void *serve(void *arg)
{
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, answer, NULL, MHD_OPTION_LISTEN_SOCKET,
		(MHD_socket)listen_on(*(unsigned short *)arg), MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
		MHD_OPTION_END);
	struct epoll_event event = {.events = EPOLLIN};
	const union MHD_DaemonInfo *info;
	int loop = epoll_create1(EPOLL_CLOEXEC);

	if (daemon == NULL || loop < 0)
		fail("daemon");
	info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || epoll_ctl(loop, EPOLL_CTL_ADD, info->epoll_fd, &event) != 0)
		fail("epoll");
	for (;;) {
		MHD_UNSIGNED_LONG_LONG ms;
		int wait = -1;

		MHD_run(daemon);
		if (MHD_get_timeout(daemon, &ms) == MHD_YES)
			wait = ms > 1000 ? 1000 : (int)ms;
		epoll_wait(loop, &event, 1, wait);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	pthread_t threads[THREADS];
	unsigned short port;
	FILE *file;

	if (argc != 3 || (file = fopen(argv[2], "r")) == NULL)
		fail("usage: static PORT FILE");
	reply_bytes = fread(reply, 1, sizeof reply, file);
	fclose(file);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	port = (unsigned short)atoi(argv[1]);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, serve, &port) != 0)
			fail("thread");
	pthread_join(threads[0], NULL);
	return 0;
}

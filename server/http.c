/* The daemon in the loop: started, run when it has something to do, stopped without losing anybody.
 *
 * libmicrohttpd's own epoll set is edge-triggered inside: after each MHD_run it is asked for its
 * timeout, and zero means that it must run again, or requests lie unserved.  It has no timeouts of its
 * own here; all deadlines are in http_clock.c.
 */
#include "server/http.h"

#include "server/http_exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#define HEADERS_MAX 64
/* A connection's memory inside the library: address and header fields as they came, the list of the
 * fields, the reply's head. */
#define POOL_EXTRA ((size_t)8 << 10)
#define POOL_LEAST ((size_t)16 << 10)
#define RUNS_A_TURN 4
#define BARREN_TURNS 8
#define NUDGE_NS (1000u * 1000)

/* The library's callbacks. */

/* The request line has been read: the library is about to cut it up in place. */
/* The library would list the parameters, too, and with some hundreds of them run out of the connection's
 * memory and never answer.  It cuts its copy of the address in place itself; an empty list is as good to it. */
static void hide_parameters(const char *uri)
{
	char *mark = strchr(uri, '?');

	if (mark != NULL)
		mark[1] = '\0';
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct http *http = cls;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *client = info ? info->socket_context : NULL;
	struct exchange *exchange = client ? exchange_new(http, client) : NULL;

	if (!exchange)
		return NULL;
	exchange->connection = connection;
	if (uri != NULL) {
		exchange->uri = arena_str(exchange->request.arena, str_of(uri));
		hide_parameters(uri);
	}
	client->exchange = exchange;
	client->is_idle = false;
	clock_allow(exchange, http->worker->setup->settings->header_timeout);
	return exchange;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
	struct http *http = cls;
	struct exchange *exchange = *context;

	(void)connection;
	if (!exchange)
		return;
	*context = NULL;
	wait_unpark(exchange);
	wait_unwatch(exchange);
	exchange->connection = NULL;
	exchange->client->exchange = NULL;
	exchange->client->is_idle = true;
	clock_allow(exchange, http->worker->setup->settings->idle_timeout);
	exchange->client = NULL;
	if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK)
		exchange->is_gone = true;
	if (exchange->has_task)
		reply_abandon(exchange);
	else
		exchange_settle(exchange);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
	struct http *http = cls;
	struct client *client = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		client = calloc(1, sizeof *client);
		*context = client;
		if (!client)
			return;
		client->fd =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		clock_welcome(http, client);
		return;
	}
	if (client)
		clock_farewell(http, client);
	free(client);
	*context = NULL;
	http_check_stopped(http);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static void on_library_log(void *cls, const char *format, va_list args)
{
	char line[256];

	(void)cls;
	if (!log_enabled(LOG_DEBUG))
		return;
	vsnprintf(line, sizeof line, format, args);
	log_message(LOG_DEBUG, "libmicrohttpd: %s", line);
}

/* The loop. */

static bool has_more(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	return MHD_get_timeout(http->daemon, &ms) == MHD_YES && ms == 0;
}

/* With a parked connection the library always has more to do, by its own account: to ask again.  So it has with one
 * whose buffer is full of what it cannot use, see is_stuck() of http_clock.c.  Then it is run again while there is
 * progress, and after a millisecond, in case that it has more than that. */
static void run_daemon(struct loop_work *work)
{
	struct http *http = (struct http *)((char *)work - offsetof(struct http, work));

	for (int i = 0; i < RUNS_A_TURN; i++) {
		http->has_progressed = false;
		MHD_run(http->daemon);
		http->has_more = has_more(http);
		if (!http->has_more || !http->has_progressed)
			break;
	}
	if (!http->has_more || http->has_progressed) {
		http->nbarren = 0;
		return;
	}
	if (http->nparked == 0 && ++http->nbarren < BARREN_TURNS)
		return;
	http->has_more = false;
	if (!http->nudge.heap_index)
		loop_timer_set(http->loop, &http->nudge, NUDGE_NS);
}

static void nudge(struct loop_timer *timer)
{
	http_poke((struct http *)((char *)timer - offsetof(struct http, nudge)));
}

void http_poke(struct http *http)
{
	loop_defer(http->loop, &http->work);
}

static void on_ready(struct loop_watch *watch, uint32_t events)
{
	struct http *http = (struct http *)((char *)watch - offsetof(struct http, watch));

	(void)events;
	http->nbarren = 0;
	http_poke(http);
}

/* What the daemon still has to do waits for the next turn, so that others get theirs. */
static int prepare(void *arg)
{
	struct http *http = arg;

	/* The lines of this turn's requests, together. */
	log_flush();
	if (!http->has_more)
		return -1;
	http_poke(http);
	return 0;
}

static struct MHD_Daemon *start_daemon(struct http *http)
{
	const struct settings *settings = http->worker->setup->settings;
	/* The library clears all of it after each request: with 24 KiB 2 % more point lookups than with 32. */
	size_t pool = settings->url_bytes + settings->header_bytes + POOL_EXTRA;

	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, request_take, http,
		MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET,
		(MHD_socket)http->worker->listen_fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
		http, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_CONNECTION_LIMIT,
		settings->max_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		pool < POOL_LEAST ? POOL_LEAST : pool, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_END);
}

static void set_limits(struct http *http)
{
	const struct worker_setup *setup = http->worker->setup;

	http->limits = (struct gate_limits){
		.url_bytes = setup->settings->url_bytes,
		.header_bytes = setup->settings->header_bytes,
		.nheaders = HEADERS_MAX,
		.is_local_only = setup->is_local_only,
	};
	if (getrandom(&http->id_prefix, sizeof http->id_prefix, 0) < 0)
		http->id_prefix = (uint32_t)loop_clock();
}

struct http *http_new(struct worker *worker)
{
	struct http *http = calloc(1, sizeof *http);
	const union MHD_DaemonInfo *info;

	if (!http)
		return NULL;
	http->worker = worker;
	http->loop = worker->loop;
	http->work.run = run_daemon;
	http->nudge.fire = nudge;
	http->watch = (struct loop_watch){.ready = on_ready, .fd = -1};
	set_limits(http);
	http->daemon = start_daemon(http);
	if (!http->daemon) {
		free(http);
		return NULL;
	}
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || !loop_watch_set(http->loop, &http->watch, info->epoll_fd, EPOLLIN)) {
		MHD_stop_daemon(http->daemon);
		free(http);
		worker->listen_fd = -1;
		return NULL;
	}
	wait_setup(http);
	clock_setup(http);
	loop_on_prepare(http->loop, prepare, http);
	/* The first run puts the listening socket into the daemon's epoll set. */
	http_poke(http);
	return http;
}

/* Stopping. */

static bool has_callers(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	return poll(&poller, 1, 0) > 0;
}

/* Who has already connected is served: closing the socket would reset them. */
static void stop_accepting(struct http *http)
{
	MHD_socket fd;

	for (int i = 0; i < 100 && has_callers(http->worker->listen_fd); i++)
		MHD_run(http->daemon);
	fd = MHD_quiesce_daemon(http->daemon);
	if (fd != MHD_INVALID_SOCKET)
		close(fd);
	http->worker->listen_fd = -1;
	http_poke(http);
}

void http_stop(struct http *http, bool now)
{
	if (!http->is_stopping)
		stop_accepting(http);
	http->is_stopping = true;
	clock_stop(http, now);
	http_check_stopped(http);
}

void http_check_stopped(struct http *http)
{
	if (http->is_stopping && http->nclients == 0 && http->nrunning == 0)
		loop_stop(http->loop);
}

bool http_is_idle(const struct http *http)
{
	return http->nrunning == 0;
}

void http_stats(const struct http *http, struct http_stats *stats)
{
	*stats = (struct http_stats){http->nclients, http->nrunning, http->nparked};
}

void http_free(struct http *http)
{
	/* With a suspended connection the library would abort the process. */
	ASSERT(http_is_idle(http));
	MHD_run(http->daemon);
	loop_unwatch(&http->watch);
	loop_undefer(http->loop, &http->work);
	MHD_stop_daemon(http->daemon);
	if (http->worker->listen_fd >= 0)
		close(http->worker->listen_fd);
	loop_on_prepare(http->loop, NULL, NULL);
	loop_timer_clear(&http->sweep);
	loop_timer_clear(&http->overdue);
	loop_timer_clear(&http->nudge);
	while (http->free) {
		struct exchange *exchange = http->free;

		http->free = exchange->next_free;
		exchange_free(exchange);
	}
	encoders_free(&http->encoders);
	free(http);
}

/* Deadlines of connections: absolute ones, which a byte now and then does not move.
 *
 * A deadline is a number in the connection; one timer a worker looks at all of them twice a
 * second.  So a request costs the hot path two stores, and a deadline is kept to half a second.
 * A connection that is past it is shut down; the library then sees its end and cleans up.
 */
#include "server/http_exchange.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define MS 1000000ull
#define SWEEP_NS (500 * MS)
#define SWEEP_STOPPING_NS (20 * MS)
/* Bytes a second below which a line is not slow but an attack: of a body that comes, of a reply
 * that goes. */
#define LEAST_RATE (16u << 10)
#define LEAST_WRITE_RATE (1u << 10)
/* Of an upload, whose rows somebody may be making as they go. */
#define LEAST_UPLOAD_RATE (1u << 10)
/* At which a connection's bytes have lain unread until it is given up. */
#define STUCK_LOOKS 3
/* What a connection that waits for its next request gets when the server stops. */
#define IDLE_GRACE_NS (200 * MS)
/* What requests get to notice that the drain is over. */
#define LAST_GRACE_NS (1000 * MS)

void clock_allow(struct exchange *exchange, unsigned ms)
{
	exchange->client->is_writing = false;
	exchange->client->deadline = loop_now(exchange->http->loop) + ms * MS;
}

/* Never more than the time of a body's start, however fast it was: what came long ago earns nothing. */
static void earn(struct exchange *exchange, size_t n, unsigned rate)
{
	uint64_t now = loop_now(exchange->http->loop);
	uint64_t most = now + exchange->http->worker->setup->settings->body_timeout * MS;
	uint64_t *deadline = &exchange->client->deadline;

	exchange->client->is_writing = false;
	*deadline = *deadline ? *deadline + n * 1000 * MS / rate : most;
	if (*deadline > most)
		*deadline = most;
}

void clock_body(struct exchange *exchange, size_t n)
{
	earn(exchange, n, LEAST_RATE);
}

void clock_upload(struct exchange *exchange, size_t n)
{
	earn(exchange, n, LEAST_UPLOAD_RATE);
}

/* Looked at twice in the time allowed: the first look only takes the mark. */
static uint64_t write_period(const struct http *http)
{
	return http->worker->setup->settings->write_timeout * MS / 2;
}

#define NOT_LOOKED UINT64_MAX

void clock_write(struct exchange *exchange)
{
	struct client *client = exchange->client;

	client->deadline = loop_now(exchange->http->loop) + write_period(exchange->http);
	client->is_writing = true;
	client->taken = NOT_LOOKED;
}

/* What the peer has acknowledged: the socket's buffer is large, so what the library could write
 * says little about what the client has read. */
static uint64_t bytes_taken(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof info;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return 0;
	return info.tcpi_bytes_acked;
}

/* Whether a client that is past its deadline gets more time. */
static bool takes_enough(const struct http *http, struct client *client, uint64_t now)
{
	uint64_t period = write_period(http);
	uint64_t before = client->taken;

	if (!client->is_writing)
		return false;
	client->taken = bytes_taken(client->fd);
	if (before != NOT_LOOKED &&
	    client->taken - before < period / (1000 * MS) * LEAST_WRITE_RATE + 1)
		return false;
	client->deadline = now + period;
	return true;
}

void clock_welcome(struct http *http, struct client *client)
{
	client->is_idle = true;
	client->deadline = loop_now(http->loop) + http->worker->setup->settings->header_timeout * MS;
	client->next = http->clients;
	if (client->next)
		client->next->prev = client;
	http->clients = client;
	http->nclients++;
}

void clock_farewell(struct http *http, struct client *client)
{
	*(client->prev ? &client->prev->next : &http->clients) = client->next;
	if (client->next)
		client->next->prev = client->prev;
	http->nclients--;
}

static void shut(struct client *client)
{
	struct exchange *exchange = client->exchange;

	shutdown(client->fd, SHUT_RDWR);
	client->deadline = 0;
	if (!exchange || !exchange->has_task)
		return;
	exchange->is_gone = true;
	/* Last: the task may end in it, and the exchange with the task. */
	db_session_cancel(&exchange->request.db);
}

/* libmicrohttpd 0.9.75 has no end for a chunk's size that is longer than its buffer (with an extension, say): it takes
 * nothing more and waits, and it does not notice that the client leaves.  What lies unread shows it, but not at the
 * first look: those bytes may just have come. */
static bool is_stuck(const struct client *client)
{
	struct exchange *exchange = client->exchange;
	int unread = 0;

	if (!exchange || (exchange->phase != PHASE_BODY && exchange->phase != PHASE_UPLOAD))
		return false;
	if (exchange->is_suspended || exchange->seen != exchange->received ||
	    ioctl(client->fd, FIONREAD, &unread) != 0 || unread == 0)
		exchange->nstuck = 0;
	else
		exchange->nstuck++;
	exchange->seen = exchange->received;
	return exchange->nstuck >= STUCK_LOOKS;
}

static bool is_overdue(const struct http *http, struct client *client, uint64_t now)
{
	if (client->deadline && client->deadline <= now && !takes_enough(http, client, now))
		return true;
	if (!http->is_stopping)
		return false;
	return now >= http->stop_at || (client->is_idle && now >= http->stop_began + IDLE_GRACE_NS);
}

static void sweep(struct loop_timer *timer)
{
	struct http *http = (struct http *)((char *)timer - offsetof(struct http, sweep));
	uint64_t now = loop_now(http->loop);

	worker_publish(http->worker);
	for (struct client *client = http->clients; client; client = client->next) {
		if (!is_stuck(client) && !is_overdue(http, client, now))
			continue;
		shut(client);
		http_poke(http);
	}
	if (http->is_stopping && now >= http->stop_at + LAST_GRACE_NS)
		loop_stop(http->loop);
	else
		loop_timer_set(http->loop, timer, http->is_stopping ? SWEEP_STOPPING_NS : SWEEP_NS);
}

void clock_setup(struct http *http)
{
	http->sweep.fire = sweep;
	loop_timer_set(http->loop, &http->sweep, SWEEP_NS);
}

void clock_stop(struct http *http, bool now)
{
	uint64_t began = loop_now(http->loop);
	uint64_t after = now ? 0 : http->worker->setup->settings->drain_timeout * MS;

	if (!http->stop_began)
		http->stop_began = began;
	http->stop_at = began + after;
	loop_timer_set(http->loop, &http->sweep, 1);
}

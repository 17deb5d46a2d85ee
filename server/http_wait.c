/* Connections whose request waits.
 *
 * For the first moments such a connection is parked: libmicrohttpd is told nothing and calls us
 * again at each of its runs, which costs a function call.  A request that waits longer is
 * suspended: taken out of the library's epoll set, which costs system calls, and then does not notice
 * that the client goes away.  So its socket is watched here.  Point lookups, answered within a
 * millisecond, are never suspended.
 */
#include "server/http_exchange.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#define PATIENCE_NS (20u * 1000 * 1000)

/* Parked. */

void wait_park(struct exchange *exchange)
{
	struct http *http = exchange->http;

	exchange->is_parked = true;
	exchange->parked_at = loop_now(http->loop);
	exchange->park_prev = http->parked_last;
	exchange->park_next = NULL;
	*(http->parked_last ? &http->parked_last->park_next : &http->parked) = exchange;
	http->parked_last = exchange;
	http->nparked++;
	if (!http->overdue.heap_index)
		loop_timer_set(http->loop, &http->overdue, PATIENCE_NS);
}

static void unlink_parked(struct exchange *exchange)
{
	struct http *http = exchange->http;

	*(exchange->park_prev ? &exchange->park_prev->park_next : &http->parked) = exchange->park_next;
	*(exchange->park_next ? &exchange->park_next->park_prev : &http->parked_last) =
		exchange->park_prev;
	exchange->park_prev = exchange->park_next = NULL;
}

void wait_unpark(struct exchange *exchange)
{
	if (!exchange->is_parked)
		return;
	if (!exchange->is_overdue)
		unlink_parked(exchange);
	exchange->is_parked = exchange->is_overdue = false;
	exchange->http->nparked--;
}

/* Only the library's callback may suspend: it is told to call. */
static void mark_overdue(struct loop_timer *timer)
{
	struct http *http = (struct http *)((char *)timer - offsetof(struct http, overdue));
	uint64_t now = loop_now(http->loop);
	struct exchange *exchange;

	while ((exchange = http->parked) && exchange->parked_at + PATIENCE_NS <= now) {
		unlink_parked(exchange);
		exchange->is_overdue = true;
		http_poke(http);
	}
	if (exchange)
		loop_timer_set(http->loop, timer, exchange->parked_at + PATIENCE_NS - now);
}

void wait_setup(struct http *http)
{
	http->overdue.fire = mark_overdue;
}

/* Suspended. */

/* The client has closed, or half closed, its side. */
static void on_hangup(struct loop_watch *watch, uint32_t events)
{
	struct exchange *exchange =
		(struct exchange *)((char *)watch - offsetof(struct exchange, hangup));

	(void)events;
	loop_unwatch(watch);
	exchange->is_gone = true;
	/* The library may have taken the end of the stream for a pause: this it sees. */
	if (exchange->phase == PHASE_UPLOAD && !exchange->is_suspended)
		shutdown(exchange->client->fd, SHUT_RDWR);
	if (exchange->waits_for_room)
		loop_defer(exchange->http->loop, &exchange->room);
	db_session_cancel(&exchange->request.db);
}

void wait_watch(struct exchange *exchange)
{
	exchange->hangup.ready = on_hangup;
	/* Without the watch a hang-up is noticed when the reply is sent. */
	if (!exchange->is_gone)
		loop_watch_set(exchange->http->loop, &exchange->hangup, exchange->client->fd, EPOLLRDHUP);
}

void wait_unwatch(struct exchange *exchange)
{
	if (exchange->hangup.fd >= 0)
		loop_unwatch(&exchange->hangup);
}

void wait_suspend(struct exchange *exchange)
{
	wait_unpark(exchange);
	MHD_suspend_connection(exchange->connection);
	exchange->is_suspended = true;
	wait_watch(exchange);
}

void wait_resume(struct exchange *exchange)
{
	if (exchange->phase != PHASE_UPLOAD)
		wait_unwatch(exchange);
	exchange->is_suspended = false;
	MHD_resume_connection(exchange->connection);
	http_poke(exchange->http);
}

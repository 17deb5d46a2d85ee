/* Connections whose request waits.
 *
 * libmicrohttpd takes a suspended connection out of its epoll set and does not notice when the
 * client goes away.  We do, but only for a request that has waited a while: a point lookup
 * answered in a millisecond pays for two list operations and nothing else.
 */
#include "server/http_exchange.h"

#include <sys/epoll.h>

#define PATIENCE_NS (20u * 1000 * 1000)

static void unlink_waiting(struct exchange *exchange)
{
	struct http *http = exchange->http;

	if (!exchange->is_waiting)
		return;
	*(exchange->wait_prev ? &exchange->wait_prev->wait_next : &http->waiting) = exchange->wait_next;
	*(exchange->wait_next ? &exchange->wait_next->wait_prev : &http->waiting_last) =
	    exchange->wait_prev;
	exchange->wait_prev = exchange->wait_next = NULL;
	exchange->is_waiting = false;
}

static void link_waiting(struct exchange *exchange)
{
	struct http *http = exchange->http;

	exchange->wait_prev = http->waiting_last;
	exchange->wait_next = NULL;
	*(http->waiting_last ? &http->waiting_last->wait_next : &http->waiting) = exchange;
	http->waiting_last = exchange;
	exchange->is_waiting = true;
}

/* The client has closed, or half closed, its side. */
static void on_hangup(struct loop_watch *watch, uint32_t events)
{
	struct exchange *exchange =
	    (struct exchange *)((char *)watch - offsetof(struct exchange, hangup));

	(void)events;
	loop_unwatch(watch);
	exchange->is_gone = true;
	db_session_cancel(&exchange->request.db);
}

static void watch_overdue(struct loop_timer *timer)
{
	struct http *http = (struct http *)((char *)timer - offsetof(struct http, hangups));
	uint64_t now = loop_now(http->loop);
	struct exchange *exchange;

	while ((exchange = http->waiting) && exchange->waits_since + PATIENCE_NS <= now) {
		unlink_waiting(exchange);
		loop_watch_set(http->loop, &exchange->hangup, exchange->client->fd, EPOLLRDHUP);
	}
	if (exchange)
		loop_timer_set(http->loop, timer, exchange->waits_since + PATIENCE_NS - now);
}

void wait_setup(struct http *http)
{
	http->hangups.fire = watch_overdue;
}

void wait_begin(struct exchange *exchange)
{
	struct http *http = exchange->http;

	MHD_suspend_connection(exchange->connection);
	exchange->is_suspended = true;
	exchange->hangup.ready = on_hangup;
	exchange->waits_since = loop_now(http->loop);
	link_waiting(exchange);
	if (!http->hangups.heap_index)
		loop_timer_set(http->loop, &http->hangups, PATIENCE_NS);
}

void wait_end(struct exchange *exchange)
{
	unlink_waiting(exchange);
	if (exchange->hangup.fd >= 0)
		loop_unwatch(&exchange->hangup);
	exchange->is_suspended = false;
	MHD_resume_connection(exchange->connection);
	http_poke(exchange->http);
}

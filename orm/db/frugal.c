/* What a slow statement leaves to the quick ones: it goes without parallel workers where they would take the
 * processors that these need.
 *
 * PostgreSQL gives a report two helpers, without asking what else the machine has to do.  On a machine of two
 * processors, shared with us, that is all of it: the report ends a quarter sooner, and what is quick waits three
 * times as long.  So while the quick lane is busy a statement of the slow one that reads has its transaction's
 * max_parallel_workers at 0, which a plan that is kept heeds as well.  Elsewhere, and when nobody else asks, it has
 * what the database's settings give.
 *
 * A database on the same machine is known by its unix socket or by its address, which is ours; in a container of its
 * own it has another.
 */
#include "orm/db/engine.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#define WINDOW (100 * MS)
/* Quick flights in one to two windows: some 500 a second of one worker, of which each may bring many questions. */
#define BUSY 50
/* The setting came with PostgreSQL 10. */
#define LEAST_VERSION 100000

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
	struct sockaddr_storage storage;
};

static bool is_own_address(const union address *own, const union address *peer)
{
	if (own->any.sa_family != peer->any.sa_family)
		return false;
	switch (own->any.sa_family) {
	case AF_UNIX:
		return true;
	case AF_INET:
		return own->ip4.sin_addr.s_addr == peer->ip4.sin_addr.s_addr;
	case AF_INET6:
		return memcmp(&own->ip6.sin6_addr, &peer->ip6.sin6_addr, sizeof own->ip6.sin6_addr) == 0;
	default:
		return false;
	}
}

static bool is_on_this_machine(int fd)
{
	union address own = {0}, peer = {0};
	socklen_t own_size = sizeof own, peer_size = sizeof peer;

	return getsockname(fd, &own.any, &own_size) == 0 && getpeername(fd, &peer.any, &peer_size) == 0 &&
	       is_own_address(&own, &peer);
}

/* That we may use, which is what a container of few has. */
static bool has_few_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) <= FEW_PROCESSORS;
}

void frugal_connected(struct conn *conn)
{
	conn->shares_processors = PQserverVersion(conn->pg) >= LEAST_VERSION && has_few_processors() &&
	                          is_on_this_machine(PQsocket(conn->pg));
}

void frugal_note_quick(struct db *db)
{
	uint64_t now = loop_now(db->loop);

	if (now >= db->window_at + WINDOW) {
		db->quick_before = now < db->window_at + 2 * WINDOW ? db->quick_now : 0;
		db->quick_now = 0;
		db->window_at = now;
	}
	db->quick_now++;
}

static bool is_busy(const struct db *db)
{
	uint64_t age = loop_now(db->loop) - db->window_at;

	if (age >= 2 * WINDOW)
		return false;
	return db->quick_now + (age < WINDOW ? db->quick_before : 0) >= BUSY;
}

void frugal_begin(struct conn *conn)
{
	static const struct statement alone = {
		.sql = STR_INIT("SELECT pg_catalog.set_config('max_parallel_workers', '0', true)")};

	if (conn->shares_processors && is_busy(conn->db))
		flight_add_own(conn, &alone);
}

/* One port, several sockets: the kernel deals connections out among the workers. */
#include "server/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static struct addrinfo *find_address(const char *address, unsigned port, struct error *error)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *found = NULL;
	char service[16];
	int failed;

	snprintf(service, sizeof service, "%u", port);
	failed = getaddrinfo(address[0] ? address : NULL, service, &hints, &found);
	if (!failed)
		return found;
	error_set_nowhere(error, ERROR_VALUE, "The address %s to listen on is not known: %s.", address,
	                  gai_strerror(failed));
	return NULL;
}

static bool set_option(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

static int open_socket(const struct addrinfo *address, bool is_shared)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	if (set_option(fd, SOL_SOCKET, SO_REUSEADDR) &&
	    (!is_shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT)) &&
	    bind(fd, address->ai_addr, address->ai_addrlen) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void set_port(struct addrinfo *address, unsigned port)
{
	if (address->ai_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)address->ai_addr)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)address->ai_addr)->sin_port = htons((uint16_t)port);
}

static unsigned port_of(int fd)
{
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;

	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
		return 0;
	if (bound.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)(void *)&bound)->sin6_port);
	return ntohs(((struct sockaddr_in *)(void *)&bound)->sin_port);
}

/* Without SO_REUSEPORT the port is ours only when nobody has it. */
static bool claim_port(struct addrinfo *address, unsigned *port)
{
	int fd = open_socket(address, false);

	if (fd < 0)
		return false;
	*port = port_of(fd);
	set_port(address, *port);
	close(fd);
	return true;
}

static bool open_all(const struct addrinfo *address, int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fds[i] = open_socket(address, true);
		if (fds[i] >= 0 && listen(fds[i], BACKLOG) == 0)
			continue;
		for (size_t k = 0; k <= i; k++)
			if (fds[k] >= 0)
				close(fds[k]);
		return false;
	}
	return true;
}

bool listen_open(const char *address, unsigned *port, int *fds, size_t n, struct error *error)
{
	struct addrinfo *found = find_address(address, *port, error);
	bool is_open;

	if (!found)
		return false;
	is_open = claim_port(found, port) && open_all(found, fds, n);
	freeaddrinfo(found);
	if (is_open)
		return true;
	if (errno == EADDRINUSE)
		return error_set_nowhere(
			error, ERROR_UNAVAILABLE,
			"Port %u on %s is in use by another program; --port picks another one.", *port,
			address);
	return error_set_nowhere(error, ERROR_UNAVAILABLE, "Cannot listen on %s, port %u: %s.", address,
	                         *port, strerror(errno));
}

bool listen_is_loopback(const char *address)
{
	struct str text = str_of(address);

	return str_starts(text, STR("127.")) || str_is(text, "::1") || str_is(text, "localhost");
}

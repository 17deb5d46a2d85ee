/* The program: prepares the process, then the command line has the word. */
#include "server/cli.h"

#include "orm/wire/json.h"

#include <signal.h>
#include <sys/resource.h>

/* A connection is a descriptor: as many as the system lets us have. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	/* A socket that is closed under us is an error to handle, not a reason to end. */
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	json_setup();
	return cli_main(argc, argv);
}

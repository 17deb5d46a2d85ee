/* The program: prepares the process, then the command line has the word. */
#include "server/cli.h"

#include "orm/wire/json.h"

#include <malloc.h>
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

/* Rows that stream are allocated and freed again a hundred at a time: by glibc's own rule, which gives a free end of
 * more than 128 KiB back, each of their pages would be asked of the kernel anew, and sending rows take three times the
 * time. */
static void keep_freed_memory(void)
{
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

int main(int argc, char **argv)
{
	/* A socket that is closed under us is an error to handle, not a reason to end. */
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	keep_freed_memory();
	json_setup();
	return cli_main(argc, argv);
}

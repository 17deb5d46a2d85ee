/* --output FILE: what a command writes goes there whole or not at all; without it to standard output.
 * What is no ordinary file (a pipe, /dev/null) is written to as it is.
 */
#include "server/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const char *path)
{
	fprintf(stderr, "quern: %s: %s\n", path, strerror(errno));
	return false;
}

static bool is_special(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

/* What a link leads to is written, not the link. */
static const char *follow(struct cli *cli, const char *path)
{
	char *real = realpath(path, NULL);
	const char *target = real ? arena_cstr(cli->arena, str_of(real)) : path;

	free(real);
	return target;
}

FILE *cli_open_output(struct cli *cli, struct cli_output *output)
{
	*output = (struct cli_output){.path = cli_extra(cli, "--output")};
	if (!output->path || strcmp(output->path, "-") == 0) {
		output->path = NULL;
		return output->file = stdout;
	}
	output->path = follow(cli, output->path);
	if (!is_special(output->path))
		output->draft = arena_printf(cli->arena, "%s.%d.part", output->path, (int)getpid()).p;
	const char *path = output->draft ? output->draft : output->path;
	output->file = fopen(path, output->draft ? "wx" : "w");
	if (!output->file)
		complain(path);
	return output->file;
}

bool cli_close_output(struct cli_output *output, bool is_whole)
{
	bool is_good = !ferror(output->file) && fflush(output->file) == 0;

	if (!output->path)
		return (is_good || complain("standard output")) && is_whole;
	is_good = (!is_whole || !output->draft || fsync(fileno(output->file)) == 0) && is_good;
	is_good = fclose(output->file) == 0 && is_good;
	if (!output->draft)
		return (is_good || complain(output->path)) && is_whole;
	if (is_good && is_whole && rename(output->draft, output->path) == 0)
		return true;
	if (is_whole)
		complain(output->path);
	unlink(output->draft);
	return false;
}

bool cli_write_output(struct cli *cli, struct str text)
{
	struct cli_output output;

	if (!cli_open_output(cli, &output))
		return false;
	fwrite(text.p, 1, text.n, output.file);
	return cli_close_output(&output, true);
}

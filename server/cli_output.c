/* --output FILE: what a command writes goes there whole or not at all; without it to standard output. */
#include "server/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool complain(const char *path)
{
	fprintf(stderr, "quern: %s: %s\n", path, strerror(errno));
	return false;
}

FILE *cli_open_output(struct cli *cli, struct cli_output *output)
{
	*output = (struct cli_output){.path = cli_extra(cli, "--output")};
	if (!output->path || strcmp(output->path, "-") == 0) {
		output->path = NULL;
		return output->file = stdout;
	}
	output->draft = arena_printf(cli->arena, "%s.%d.part", output->path, (int)getpid()).p;
	output->file = fopen(output->draft, "wx");
	if (!output->file)
		complain(output->draft);
	return output->file;
}

bool cli_close_output(struct cli_output *output, bool is_whole)
{
	bool is_good = !ferror(output->file) && fflush(output->file) == 0;

	if (!output->path)
		return (is_good || complain("standard output")) && is_whole;
	is_good = (!is_whole || fsync(fileno(output->file)) == 0) && is_good;
	is_good = fclose(output->file) == 0 && is_good;
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

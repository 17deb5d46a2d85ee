/* `quern reload`: has a running server read its model files again, and says what came of it. */
#include "server/cli.h"
#include "server/control.h"

#include <stdio.h>

int cli_reload(struct cli *cli)
{
	const char *pid = cli_extra(cli, "--pid");
	struct error error;
	struct str answer;
	int64_t number = 0;
	bool is_done;

	error_init(&error, cli->arena);
	if (pid && (!str_to_int(str_of(pid), &number) || number <= 0)) {
		fprintf(stderr, "quern reload: --pid is a process number, not \"%s\"\n", pid);
		return CLI_USAGE;
	}
	if (!control_ask(cli->arena, (long)number, "reload", &is_done, &answer, &error))
		return cli_fail(&error);
	printf("%.*s", STR_ARG(answer));
	return is_done ? CLI_OK : CLI_FAILED;
}

/* `quern flush`: empties the tables of the models, when it is meant. */
#include "orm/migrate/fixture.h"
#include "server/cli_database.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_meant(const struct cli *cli)
{
	char answer[16];

	if (cli_extra(cli, "--no-input"))
		return true;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "quern flush: nobody is here to be asked; say --no-input to delete all rows.\n");
		return false;
	}
	printf("This deletes every row of every model, and cannot be undone.\n"
	       "Type 'yes' to go on, anything else to stop: ");
	fflush(stdout);
	return fgets(answer, sizeof answer, stdin) && strcmp(answer, "yes\n") == 0;
}

int cli_flush(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct error error;

	error_init(&error, cli->arena);
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	struct migrate_options options = cli_database(&settings);
	if (!is_meant(cli)) {
		fprintf(stderr, "Nothing was deleted.\n");
		return CLI_FAILED;
	}
	if (!fixture_flush(&options, registry, &error))
		return cli_fail(&error);
	printf("All tables of the models are empty.\n");
	return CLI_OK;
}

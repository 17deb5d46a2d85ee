/* `quern migrate`: the database is brought to what the models say. */
#include "server/cli.h"

#include "orm/migrate/migrate.h"
#include "server/cli_database.h"

#include <stdio.h>

void cli_report_line(void *context, const char *line)
{
	size_t *lines = context;

	++*lines;
	printf("  %s\n", line);
}

static int print_plan(const struct migrate_options *options, const struct registry *registry,
                      struct error *error)
{
	struct str sql;

	if (!migrate_plan(options, registry, &sql, error))
		return cli_fail(error);
	if (sql.n)
		printf("%.*s\n", STR_ARG(sql));
	else
		printf("-- nothing to do\n");
	return CLI_OK;
}

int cli_migrate(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct error error;
	size_t lines = 0;

	error_init(&error, cli->arena);
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	struct migrate_options options = {
		.conninfo = settings.databases[0].url,
		.search_path = settings.databases[0].search_path,
		.report = cli_report_line,
		.context = &lines,
	};
	if (cli->only_plans)
		return print_plan(&options, registry, &error);
	if (!migrate_apply(&options, registry, &error))
		return cli_fail(&error);
	if (lines == 0)
		printf("Nothing to do: the database has what the models need.\n");
	return CLI_OK;
}

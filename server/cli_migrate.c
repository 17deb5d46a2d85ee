/* `quern migrate`: the database is brought to what the models say, by migration files where there is a
 * folder of them. */
#include "server/cli.h"

#include "orm/migrate/migrate.h"
#include "server/cli_database.h"
#include "server/cli_files.h"

#include <stdio.h>

struct migrate_options cli_database(const struct settings *settings)
{
	return (struct migrate_options){
		.conninfo = settings->databases[0].url,
		.search_path = settings->databases[0].search_path,
	};
}

void cli_report_line(void *context, const char *line)
{
	size_t *lines = context;

	++*lines;
	printf("  %s\n", line);
	/* Whoever reads along sees a step before it is run. */
	fflush(stdout);
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

static int apply_models(struct cli *cli, const struct migrate_options *options,
                        const struct registry *registry, const size_t *lines)
{
	struct error error;

	error_init(&error, cli->arena);
	if (cli->nwords > 0 || cli_extra(cli, "--fake") || cli_extra(cli, "--fake-initial")) {
		fprintf(stderr, "quern migrate: there are no migration files; `quern makemigrations` "
		                "writes the first.\n");
		return CLI_FAILED;
	}
	if (cli->only_plans)
		return print_plan(options, registry, &error);
	if (!migrate_apply(options, registry, &error))
		return cli_fail(&error);
	if (*lines == 0)
		printf("Nothing to do: the database has what the models need.\n");
	return CLI_OK;
}

/* ---- by files ---- */

static bool read_resume(struct cli *cli, enum resuming *resuming)
{
	const char *how = cli_extra(cli, "--resume");

	*resuming = RESUME_ASK;
	if (!how)
		return true;
	*resuming = str_is(str_of(how), "skip") ? RESUME_SKIP : RESUME_AGAIN;
	if (str_is(str_of(how), "skip") || str_is(str_of(how), "again"))
		return true;
	fprintf(stderr, "quern migrate: --resume is again or skip\n");
	return false;
}

static bool read_timeout(struct cli *cli, unsigned *timeout)
{
	const char *text = cli_extra(cli, "--lock-timeout");
	int64_t number = LOCK_TIMEOUT_DEFAULT;

	if (text && (!str_to_int(str_of(text), &number) || number < 1 || number > 3600000)) {
		fprintf(stderr, "quern migrate: --lock-timeout is a number of milliseconds\n");
		return false;
	}
	*timeout = (unsigned)number;
	return true;
}

static int plan_files(const struct migrate_options *options, struct migrate_request *request,
                      struct error *error)
{
	struct str text;

	if (!migrate_files_plan(options, request, &text, error))
		return cli_fail(error);
	printf("%.*s", STR_ARG(text.n ? text : STR("-- nothing to do\n")));
	return CLI_OK;
}

static int apply_files(struct cli *cli, const struct migrate_options *options,
                       const struct registry *registry, struct files *files, const size_t *lines)
{
	struct migrate_request request = {
		.migrations = files->items,
		.n = files->n,
		.target = cli->nwords > 0 ? str_of(cli->words[0]) : (struct str){0},
		.is_fake = cli_extra(cli, "--fake") != NULL,
		.fakes_initial = cli_extra(cli, "--fake-initial") != NULL,
	};
	struct error error;

	error_init(&error, cli->arena);
	if (!read_resume(cli, &request.resuming) || !read_timeout(cli, &request.lock_timeout))
		return CLI_USAGE;
	if (cli->only_plans)
		return plan_files(options, &request, &error);
	if (!migrate_files_apply(options, &request, &error))
		return cli_fail(&error);
	if (*lines == 0)
		printf("Nothing to do: the migrations are applied.\n");
	if (cli->nwords == 0 && cli_models_are_ahead(cli, files, registry))
		printf("%s\n", CLI_AHEAD);
	return CLI_OK;
}

int cli_migrate(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct files files;
	size_t lines = 0;

	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry) ||
	    !cli_load_files(cli, &settings, &files))
		return CLI_FAILED;
	struct migrate_options options = cli_database(&settings);

	options.report = cli_report_line;
	options.context = &lines;
	if (files.folder.exists)
		return apply_files(cli, &options, registry, &files, &lines);
	return apply_models(cli, &options, registry, &lines);
}

bool cli_migrate_private(struct cli *cli, const struct settings *settings,
                         const struct registry *registry, struct error *error)
{
	size_t lines = 0;
	struct files files;
	struct migrate_options options = {
		.conninfo = settings->databases[0].url,
		.report = cli_report_line,
		.context = &lines,
	};

	if (!cli_load_files(cli, settings, &files))
		return error_set_nowhere(error, ERROR_CONFLICT, "the migration files cannot be read");
	if (!files.folder.exists)
		return migrate_apply(&options, registry, error);
	struct migrate_request request = {
		.migrations = files.items, .n = files.n, .is_plain = true, .lock_timeout = 60000};
	if (!migrate_files_apply(&options, &request, error))
		return false;
	if (cli_models_are_ahead(cli, &files, registry))
		printf("%s\n", CLI_AHEAD);
	return true;
}

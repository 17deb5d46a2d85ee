/* `quern dev`: everything at once: a private PostgreSQL, the tables, the server. */
#include "server/cli_database.h"
#include "server/embedded.h"
#include "server/listen.h"

#include <stdio.h>
#include <unistd.h>

static void started(struct serving *serving, unsigned port)
{
	const struct registry *registry = serving->registry;
	struct str url = cli_url(serving->arena, serving->settings, port);
	struct str path = registry->nmodels ? registry->models[0]->path : STR("");

	printf("serving %zu models on %.*s\n", cli_count_models(registry), STR_ARG(url));
	printf("try:  curl '%.*s/api/%.*s?limit=3'\n", STR_ARG(url), STR_ARG(path));
	printf("Ctrl-C stops it.\n");
	fflush(stdout);
}

static int serve_embedded(struct cli *cli, struct settings *settings,
                          const struct registry *registry, struct embedded *embedded)
{
	struct database_setting database = {.alias = "default", .url = embedded_conninfo(embedded)};
	struct error error;
	int code;

	error_init(&error, cli->arena);
	settings->databases = &database;
	settings->ndatabases = 1;
	if (!cli_migrate_private(cli, settings, registry, &error))
		return cli_fail(&error);
	struct serving serving = {
		.registry = registry,
		.settings = settings,
		.is_local_only = listen_is_loopback(settings->listen),
		.ended_fd = embedded_fd(embedded),
		.started = started,
		.arena = cli->arena,
	};
	code = cli_serve_until_told(&serving);
	if (code != CLI_OK && !embedded_is_alive(embedded)) {
		struct str ending = embedded_ending(embedded, cli->arena);

		fprintf(stderr, "quern: the private PostgreSQL has ended: %.*s\n", STR_ARG(ending));
	}
	return code;
}

/* Told before a cluster is made for nothing; the server's own attempt decides. */
static bool is_port_free(const struct settings *settings, struct error *error)
{
	unsigned port = settings->port;
	int fd;

	if (!listen_open(settings->listen, &port, &fd, 1, error))
		return false;
	close(fd);
	return true;
}

int cli_dev(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct embedded *embedded;
	struct error error;
	int code;

	error_init(&error, cli->arena);
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	if (!is_port_free(&settings, &error))
		return cli_fail(&error);
	if (!cli->data && !embedded_default_data(settings.models, &cli->data, &error))
		return cli_fail(&error);
	printf("starting the private PostgreSQL in %s\n", cli->data);
	fflush(stdout);
	if (!embedded_start(cli->data, &embedded, &error))
		return cli_fail(&error);
	code = serve_embedded(cli, &settings, registry, embedded);
	embedded_stop(embedded);
	return code;
}

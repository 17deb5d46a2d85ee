/* Settings and models for a command, and how mistakes in them are told. */
#include "server/cli.h"

#include "config/models_file.h"

#include <stdio.h>
#include <string.h>

bool cli_load_settings(struct cli *cli, struct settings *settings)
{
	struct settings_flags flags = {cli->settings, cli->nsettings};
	struct buf report = {0};
	bool is_right = settings_load(cli->arena, cli->config, &flags, settings, &report);

	if (report.n)
		fprintf(stderr, "%.*s", (int)report.n, report.p);
	buf_release(&report);
	if (is_right)
		log_setup(settings->log_level, settings->log_format);
	return is_right;
}

bool cli_load_models(struct cli *cli, const struct settings *settings,
                     const struct registry **registry)
{
	struct buf report = {0};

	if (!settings->models || !settings->models[0]) {
		fprintf(stderr,
		        "quern: no models: name a model file or a folder of them with --models PATH.\n");
		return false;
	}
	*registry = models_load(cli->arena, settings->models, &report);
	if (!*registry)
		fprintf(stderr, "%.*s", (int)report.n, report.p);
	buf_release(&report);
	return *registry != NULL;
}

int cli_fail(const struct error *error)
{
	fprintf(stderr, "quern: %.*s\n", STR_ARG(error->detail));
	return CLI_FAILED;
}

struct str cli_url(struct arena *arena, const struct settings *settings, unsigned port)
{
	bool is_v6 = strchr(settings->listen, ':') != NULL;

	return arena_printf(arena, is_v6 ? "http://[%s]:%u" : "http://%s:%u", settings->listen, port);
}

size_t cli_count_models(const struct registry *registry)
{
	size_t n = 0;

	for (size_t i = 0; i < registry->nmodels; i++)
		n += !registry->models[i]->is_auto;
	return n;
}

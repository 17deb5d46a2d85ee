/* `quern check`: whether settings and models are right, all mistakes in one run. */
#include "server/cli.h"

#include <stdio.h>

int cli_check(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	bool are_settings_right;

	settings_defaults(&settings);
	are_settings_right = cli_load_settings(cli, &settings);
	/* Mistakes in the settings do not hide those in the models. */
	for (size_t i = 0; !are_settings_right && i < cli->nsettings; i++)
		if (str_is(str_of(cli->settings[i].key), "models"))
			settings.models = cli->settings[i].text;
	if (!are_settings_right && !settings.models)
		return CLI_FAILED;
	if (!cli_load_models(cli, &settings, &registry) || !are_settings_right)
		return CLI_FAILED;
	printf("%zu models, no mistakes.\n", cli_count_models(registry));
	return CLI_OK;
}

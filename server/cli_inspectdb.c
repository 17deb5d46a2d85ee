/* `quern inspectdb`: a model file of a database that is there. */
#include "orm/migrate/edit.h"
#include "orm/migrate/inspect.h"
#include "server/cli_database.h"

#include <stdio.h>

static void print_notes(const struct inspection *inspection)
{
	for (size_t i = 0; i < inspection->notes.n; i++)
		fprintf(stderr, "note: %.*s\n", STR_ARG(inspection->notes.items[i]));
}

int cli_inspectdb(struct cli *cli)
{
	struct settings settings;
	struct inspection inspection;
	struct error error;
	struct buf text = {0};

	error_init(&error, cli->arena);
	if (!cli_load_settings(cli, &settings))
		return CLI_FAILED;
	struct migrate_options options = cli_database(&settings);
	struct inspect_options what = {
		.request = {.schema = cli_extra(cli, "--schema"),
	                .with_views = cli_extra(cli, "--include-views") || cli->nwords > 0},
		.tables = cli->words,
		.ntables = cli->nwords,
	};
	if (!inspect_database(&options, &what, &inspection, &error))
		return cli_fail(&error);
	print_notes(&inspection);
	edit_write_pretty(inspection.document, 0, &text);
	buf_add_char(&text, '\n');
	bool is_written = cli_write_output(cli, buf_str(&text));
	buf_release(&text);
	return is_written ? CLI_OK : CLI_FAILED;
}

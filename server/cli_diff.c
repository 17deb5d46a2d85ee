/* `quern diff`: how a database differs from its models, for a person or as JSON. */
#include "orm/migrate/diff.h"
#include "server/cli_database.h"

#include <stdio.h>

static void print_words(const struct difference *d)
{
	if (!d->models.p)
		printf("in the database alone: %.*s", STR_ARG(d->database));
	else if (!d->database.p)
		printf("not in the database: %.*s", STR_ARG(d->models));
	else
		printf("%.*s in the database, %.*s in the models", STR_ARG(d->database), STR_ARG(d->models));
}

static void print_difference(const struct difference *d, struct str *heading)
{
	if (d->model.p && !str_eq(d->model, *heading)) {
		printf("%.*s (table %.*s)\n", STR_ARG(d->model), STR_ARG(d->table));
		*heading = d->model;
	}
	printf("%s%s%.*s%s", d->model.p ? "  " : "", d->is_note ? "note: " : "",
	       STR_ARG(d->subject.p ? d->subject : STR("the table")), ": ");
	print_words(d);
	printf("\n");
}

static void print_text(const struct differences *differences)
{
	struct str heading = STR("");

	for (size_t i = 0; i < differences->n; i++)
		print_difference(&differences->items[i], &heading);
	if (differences->ndrifts == 0)
		printf("No drift: the database is as the models say.\n");
	else
		printf("%zu difference%s.\n", differences->ndrifts, differences->ndrifts == 1 ? "" : "s");
}

static void add_member(struct buf *out, const char *name, struct str text)
{
	buf_printf(out, ", \"%s\": ", name);
	if (text.p)
		buf_add_json(out, text);
	else
		BUF_LIT(out, "null");
}

static void print_json(const struct differences *differences)
{
	struct buf out = {0};

	buf_printf(&out, "{\"drift\": %zu, \"differences\": [", differences->ndrifts);
	for (size_t i = 0; i < differences->n; i++) {
		const struct difference *d = &differences->items[i];

		buf_printf(&out, "%s\n  {\"level\": \"%s\"", i > 0 ? "," : "", d->is_note ? "note" : "drift");
		add_member(&out, "model", d->model);
		add_member(&out, "table", d->table);
		add_member(&out, "subject", d->subject);
		add_member(&out, "database", d->database);
		add_member(&out, "models", d->models);
		BUF_LIT(&out, "}");
	}
	BUF_LIT(&out, "]}\n");
	fwrite(out.p, 1, out.n, stdout);
	buf_release(&out);
}

int cli_diff(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct differences differences;
	struct error error;

	error_init(&error, cli->arena);
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	struct migrate_options options = cli_database(&settings);
	if (!migrate_diff(&options, registry, &differences, &error))
		return cli_fail(&error);
	if (cli_extra(cli, "--json"))
		print_json(&differences);
	else
		print_text(&differences);
	return differences.ndrifts > 0 ? CLI_FAILED : CLI_OK;
}

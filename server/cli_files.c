/* The folder of migration files for a command, and mistakes in them told with file, line and column. */
#include "server/cli_files.h"

#include "orm/wire/json.h"

#include <stdio.h>

static void say_mistake(const struct migration_file *file, const struct error *error)
{
	unsigned line = 1, column = 1;
	json_locate(file->text, error->pos, &line, &column);
	fprintf(stderr, "%.*s:%u:%u: %.*s", STR_ARG(file->path), line, column, STR_ARG(error->detail));
	if (error->suggestion.p)
		fprintf(stderr, " (did you mean \"%.*s\"?)", STR_ARG(error->suggestion));
	fprintf(stderr, "\n");
}

static struct str folder_of(struct cli *cli, const struct settings *settings)
{
	const char *said = cli_extra(cli, "--migrations");
	return said ? str_of(said) : migration_folder_path(cli->arena, settings->models);
}

static bool check_name(const struct cli *cli)
{
	const char *name = cli_extra(cli, "--name");
	if (!name || migration_is_name(str_of(name)))
		return true;
	fprintf(stderr, "quern: --name: expected at most 150 letters (a-z, A-Z), digits, _ and -\n");
	return false;
}

bool cli_load_files(struct cli *cli, const struct settings *settings, struct files *files)
{
	struct buf report = {0};
	bool ok = true;
	*files = (struct files){0};
	if (!check_name(cli))
		return false;
	if (!settings->models || !settings->models[0])
		return true;
	if (!migration_folder_read(cli->arena, folder_of(cli, settings), &files->folder, &report)) {
		fprintf(stderr, "%.*s", (int)report.n, report.p);
		buf_release(&report);
		return false;
	}
	buf_release(&report);
	files->items = ARENA_ARRAY(cli->arena, struct migration, files->folder.n + 1);
	for (size_t i = 0; i < files->folder.n; i++) {
		const struct migration_file *file = &files->folder.items[i];
		struct migration_document document = {file->name, file->document};
		struct error error;
		error_init(&error, cli->arena);
		if (migration_read(cli->arena, &document, &files->items[files->n++], &error))
			continue;
		say_mistake(file, &error);
		ok = false;
	}
	return ok;
}

bool cli_files_project(struct cli *cli, const struct files *files, struct graph *graph,
                       struct project *project, struct error *error)
{
	struct names none = {0};
	return graph_build(cli->arena, files->items, files->n, &none, graph, error) &&
	       graph_project(graph, NULL, project, error);
}

bool cli_models_are_ahead(struct cli *cli, const struct files *files,
                          const struct registry *registry)
{
	struct graph graph;
	struct project from, to;
	struct questions questions;
	struct questioner questioner;
	struct operations operations;
	struct error error;
	error_init(&error, cli->arena);
	if (!cli_files_project(cli, files, &graph, &from, &error))
		return true;
	project_of_registry(&to, registry, cli->arena);
	questions_init(&questions, cli, true, &questioner);
	return !detect_changes(&from, &to, &questioner, &operations, &error) || operations.n > 0;
}

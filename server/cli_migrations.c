/* `quern showmigrations`, `sqlmigrate` and `squashmigrations`: looking at migration files, and putting
 * several into one. */
#include "server/cli_database.h"
#include "server/cli_files.h"

#include <stdio.h>

static bool load(struct cli *cli, struct settings *settings, struct files *files)
{
	if (!cli_load_settings(cli, settings) || !cli_load_files(cli, settings, files))
		return false;
	if (files->folder.exists)
		return true;
	fprintf(stderr, "quern: there is no folder %.*s; `quern makemigrations` makes it.\n",
	        STR_ARG(files->folder.path.p ? files->folder.path : STR("migrations")));
	return false;
}

int cli_showmigrations(struct cli *cli)
{
	struct settings settings;
	struct files files;
	struct graph graph;
	struct progress progress;
	struct error error;
	error_init(&error, cli->arena);
	if (!load(cli, &settings, &files))
		return CLI_FAILED;
	struct migrate_options options = cli_database(&settings);
	if (!migrate_files_look(&options, files.items, files.n, &graph, &progress, &error))
		return cli_fail(&error);
	for (size_t i = 0; i < graph.n; i++) {
		const struct migration *migration = graph.items[i];
		bool is_half = progress.name.p && str_eq(progress.name, migration->name);
		printf("[%c] %.*s", is_half ? '~' : migration->is_applied ? 'X' : ' ',
		       STR_ARG(migration->name));
		if (is_half)
			printf(" (%zu of %zu steps %s)", progress.done, progress.total,
			       progress.is_backward ? "undone" : "done");
		if (migration->replaces.n > 0)
			printf(" (stands for %zu)", migration->replaces.n);
		printf("\n");
	}
	if (graph.n == 0)
		printf("There are no migration files yet.\n");
	return CLI_OK;
}

int cli_sqlmigrate(struct cli *cli)
{
	struct settings settings;
	struct files files;
	struct str sql;
	struct error error;
	error_init(&error, cli->arena);
	if (!load(cli, &settings, &files))
		return CLI_FAILED;
	if (!migrate_files_sql(files.items, files.n, str_of(cli->words[0]),
	                       cli_extra(cli, "--backwards") != NULL, &sql, &error))
		return cli_fail(&error);
	printf("%.*s", STR_ARG(sql.n ? sql : STR("-- changes no table\n")));
	return CLI_OK;
}

/* ---- squashing ---- */

/* What stands between two places of the graph, both included. */
static void gather(struct cli *cli, const struct graph *graph, size_t first, size_t last,
                   struct migration *squashed)
{
	for (size_t i = first; i <= last; i++) {
		const struct migration *migration = graph->items[i];
		if (!graph_depends(graph, last, i) || !graph_depends(graph, i, first))
			continue;
		*ARENA_PUSH(cli->arena, &squashed->replaces) = migration->name;
		for (size_t k = 0; k < migration->operations.n; k++)
			*ARENA_PUSH(cli->arena, &squashed->operations) = migration->operations.items[k];
	}
	for (size_t i = first; i <= last; i++)
		for (size_t k = 0; names_have(&squashed->replaces, graph->items[i]->name) &&
		                   k < graph->items[i]->dependencies.n; k++) {
			struct str name = graph->items[i]->dependencies.items[k];
			if (!names_have(&squashed->replaces, name) && !names_have(&squashed->dependencies, name))
				*ARENA_PUSH(cli->arena, &squashed->dependencies) = name;
		}
}

static bool check_replaced(const struct graph *graph, const struct migration *squashed,
                           struct error *error)
{
	for (size_t i = 0; i < graph->n; i++)
		if (names_have(&squashed->replaces, graph->items[i]->name) && graph->items[i]->replaces.n > 0)
			return error_set_nowhere(error, ERROR_CONFLICT,
			                         "%.*s is a squashed migration itself: when every database has it, "
			                         "delete the files that it replaces and its \"replaces\", then "
			                         "squash again",
			                         STR_ARG(graph->items[i]->name));
	return true;
}

static struct str squashed_name(struct cli *cli, const struct migration *squashed)
{
	const char *said = cli_extra(cli, "--name");
	struct str first = squashed->replaces.items[0];
	struct str last = squashed->replaces.items[squashed->replaces.n - 1];
	if (said)
		return arena_printf(cli->arena, "%04u_%s", migration_number(first), said);
	return arena_printf(cli->arena, "%04u_squashed_%.*s", migration_number(first), STR_ARG(last));
}

static int write_squashed(struct cli *cli, const struct files *files, struct migration *squashed,
                          size_t before)
{
	struct str text = migration_write(cli->arena, squashed);
	if (cli_extra(cli, "--dry-run")) {
		printf("%.*s", STR_ARG(text));
		return CLI_OK;
	}
	const char *problem = migration_folder_write(cli->arena, &files->folder, squashed->name, text);
	if (problem) {
		fprintf(stderr, "quern: cannot write %.*s: %s\n", STR_ARG(squashed->name), problem);
		return CLI_FAILED;
	}
	printf("  %.*s/%.*s.json: %zu operations instead of %zu, for %zu files\n",
	       STR_ARG(files->folder.path), STR_ARG(squashed->name), squashed->operations.n, before,
	       squashed->replaces.n);
	return CLI_OK;
}

int cli_squashmigrations(struct cli *cli)
{
	struct settings settings;
	struct files files;
	struct graph graph;
	struct project project;
	struct migration squashed = {0};
	struct error error;
	size_t first = 0, last;
	error_init(&error, cli->arena);
	if (!load(cli, &settings, &files))
		return CLI_FAILED;
	if (!cli_files_project(cli, &files, &graph, &project, &error) ||
	    !graph_find(&graph, str_of(cli->words[cli->nwords - 1]), &last, &error) ||
	    (cli->nwords == 2 && !graph_find(&graph, str_of(cli->words[0]), &first, &error)))
		return cli_fail(&error);
	if (first > last || !graph_depends(&graph, last, first)) {
		fprintf(stderr, "quern: %.*s does not stand on %.*s.\n", STR_ARG(graph.items[last]->name),
		        STR_ARG(graph.items[first]->name));
		return CLI_FAILED;
	}
	gather(cli, &graph, first, last, &squashed);
	if (!check_replaced(&graph, &squashed, &error))
		return cli_fail(&error);
	size_t before = squashed.operations.n;
	optimize_operations(cli->arena, &squashed.operations);
	squashed.name = squashed_name(cli, &squashed);
	return write_squashed(cli, &files, &squashed, before);
}

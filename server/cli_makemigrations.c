/* `quern makemigrations`: the next migration file, from the models and the files there are. */
#include "server/cli_files.h"

#include <stdio.h>

struct making {
	struct cli *cli;
	struct files files;
	struct graph graph;
	struct project from, to;
	struct migration migration;
	struct error error;
};

static unsigned next_number(const struct making *m)
{
	unsigned number = 0;
	for (size_t i = 0; i < m->files.n; i++) {
		unsigned other = migration_number(m->files.items[i].name);
		number = other > number ? other : number;
	}
	return number + 1;
}

static void depend_on_leaves(struct making *m)
{
	for (size_t i = 0; i < m->graph.leaves.n; i++)
		*ARENA_PUSH(m->cli->arena, &m->migration.dependencies) = m->graph.leaves.items[i];
}

static void say_operations(const struct making *m)
{
	for (size_t i = 0; i < m->migration.operations.n; i++)
		printf("    %.*s\n",
		       STR_ARG(operation_label(m->cli->arena, &m->migration.operations.items[i])));
}

static int write_file(struct making *m)
{
	struct arena *arena = m->cli->arena;
	struct str text = migration_write(arena, &m->migration);
	const char *problem;
	if (cli_extra(m->cli, "--dry-run")) {
		printf("-- %.*s/%.*s.json\n%.*s", STR_ARG(m->files.folder.path), STR_ARG(m->migration.name),
		       STR_ARG(text));
		return CLI_OK;
	}
	problem = migration_folder_write(arena, &m->files.folder, m->migration.name, text);
	if (problem) {
		fprintf(stderr, "quern: cannot write %.*s/%.*s.json: %s\n",
		        STR_ARG(m->files.folder.path), STR_ARG(m->migration.name), problem);
		return CLI_FAILED;
	}
	printf("  %.*s/%.*s.json\n", STR_ARG(m->files.folder.path), STR_ARG(m->migration.name));
	say_operations(m);
	return CLI_OK;
}

static void name_it(struct making *m)
{
	const char *name = cli_extra(m->cli, "--name");
	bool is_worded = name || !cli_extra(m->cli, "--empty");
	m->migration.name = migration_name(m->cli->arena, next_number(m), &m->migration.operations,
	                                   str_of(is_worded ? (name ? name : "") : "custom"));
}

/* ---- --merge ---- */

static int merge(struct making *m)
{
	struct str words = STR("merge");
	const char *name = cli_extra(m->cli, "--name");
	if (m->graph.leaves.n < 2) {
		printf("Nothing to merge: the migrations have one end.\n");
		return CLI_OK;
	}
	for (size_t i = 0; i < m->graph.leaves.n; i++)
		words = arena_printf(m->cli->arena, "%.*s_%.*s", STR_ARG(words),
		                     STR_ARG(m->graph.leaves.items[i]));
	if (words.n > 100)
		words = STR("merge");
	depend_on_leaves(m);
	m->migration.name = migration_name(m->cli->arena, next_number(m), &m->migration.operations,
	                                   name ? str_of(name) : words);
	return write_file(m);
}

/* ---- changes ---- */

static int refuse_undecided(const struct questions *questions)
{
	fprintf(stderr,
	        "quern: something is gone and something like it is new. Was it renamed? Say so with\n"
	        "%.*s  or --no-renames, to remove the old and add the new. Nothing was written.\n",
	        STR_ARG(questions->undecided));
	return CLI_FAILED;
}

/* Whether the file does what it should: applied, nothing is left to be done, and its SQL can be made. */
static bool check_it(struct making *m)
{
	struct questions questions;
	struct questioner questioner;
	struct operations rest;
	struct project after;
	struct str sql;
	size_t n = m->files.n;
	struct migration *all = ARENA_ARRAY(m->cli->arena, struct migration, n + 1);
	project_copy(&after, &m->from);
	if (!migration_apply(&m->migration, &after, &m->error))
		return false;
	questions_init(&questions, m->cli, true, &questioner);
	if (!detect_changes(&after, &m->to, &questioner, &rest, &m->error))
		return false;
	if (rest.n > 0)
		return error_set_nowhere(&m->error, ERROR_INTERNAL,
		                         "the changes cannot be made in one file: %.*s is left over. Make "
		                         "them in two steps.",
		                         STR_ARG(operation_label(m->cli->arena, &rest.items[0])));
	copy_bytes(all, m->files.items, n * sizeof *all);
	all[n] = m->migration;
	return migrate_files_sql(all, n + 1, m->migration.name, false, &sql, &m->error);
}

static int make(struct making *m)
{
	struct questions questions;
	struct questioner questioner;
	bool only_checks = cli_extra(m->cli, "--check") != NULL;
	bool only_looks = only_checks || cli_extra(m->cli, "--dry-run");
	questions_init(&questions, m->cli, only_looks, &questioner);
	bool is_found =
		detect_changes(&m->from, &m->to, &questioner, &m->migration.operations, &m->error);
	if (questions.undecided.n > 0)
		return refuse_undecided(&questions);
	if (!is_found)
		return cli_fail(&m->error);
	if (m->migration.operations.n == 0) {
		printf("No changes.\n");
		return CLI_OK;
	}
	depend_on_leaves(m);
	name_it(m);
	if (only_checks) {
		printf("%.*s is missing:\n", STR_ARG(m->migration.name));
		say_operations(m);
		return CLI_FAILED;
	}
	if (!check_it(m))
		return cli_fail(&m->error);
	return write_file(m);
}

int cli_makemigrations(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct making m = {.cli = cli};
	error_init(&m.error, cli->arena);
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry) ||
	    !cli_load_files(cli, &settings, &m.files))
		return CLI_FAILED;
	if (!cli_files_project(cli, &m.files, &m.graph, &m.from, &m.error))
		return cli_fail(&m.error);
	project_of_registry(&m.to, registry, cli->arena);
	if (cli_extra(cli, "--merge"))
		return merge(&m);
	if (!graph_check_fork(&m.graph, &m.error))
		return cli_fail(&m.error);
	if (!cli_extra(cli, "--empty"))
		return make(&m);
	depend_on_leaves(&m);
	name_it(&m);
	return write_file(&m);
}

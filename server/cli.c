/* The commands: one row each, and the way to them. */
#include "server/cli.h"

#include <stdio.h>
#include <string.h>

#ifndef QUERN_VERSION
#define QUERN_VERSION "unknown"
#endif

const struct cli_command cli_commands[] = {
	{"dev", "", "start a private PostgreSQL, make the tables, serve",
     "Everything to try a model file: starts a PostgreSQL of its own that only this\n"
     "program can reach (the server programs must be installed), makes the tables of\n"
     "the models and serves them. Ctrl-C or SIGTERM stops all of it. The data stay in\n"
     "the data folder for the next time.",
     CLI_MODELS | CLI_CONFIG | CLI_DATA | CLI_LISTENING | CLI_LOGGING | CLI_FOLDER, 0, 0,
     cli_dev},
	{"serve", "", "serve the models from an existing database",
     "Serves a database named by the settings, by QUERN_DATABASE_URL (any libpq\n"
     "connection string) or by libpq's PG* variables. Tables that do not fit the models\n"
     "are named at the start, and served as they are. SIGTERM or Ctrl-C finishes the\n"
     "requests in flight; a second one does not.",
     CLI_MODELS | CLI_CONFIG | CLI_LISTENING | CLI_LOGGING, 0, 0, cli_serve},
	{"migrate", "[TARGET]", "bring the tables to what the models say",
     "With a folder of migration files beside the models: applies those that are not\n"
     "applied, or goes forward or back to TARGET (a file's name or the beginning of it, or\n"
     "zero). Safe on a table in use; --plan shows what each step locks. What is\n"
     "interrupted is continued by the next run.\n\n"
     "Without one: creates in one transaction what the models need and the database does\n"
     "not have, and records it; changed models are refused, with nothing touched.\n\n"
     "The database is named as for 'quern serve'.",
     CLI_MODELS | CLI_CONFIG | CLI_PLAN | CLI_LOGGING | CLI_FOLDER | CLI_APPLYING, 0, 1,
     cli_migrate},
	{"makemigrations", "", "write the changes of the models as a migration file",
     "Compares the models with what the files in the folder 'migrations' beside them\n"
     "describe, and writes the next file. No database is asked. What may be a rename is\n"
     "asked for at a terminal; elsewhere --rename or --no-renames decides.",
     CLI_MODELS | CLI_CONFIG | CLI_FOLDER | CLI_MAKING | CLI_WRITING, 0, 0, cli_makemigrations},
	{"showmigrations", "", "list the migration files and which are applied",
     "[X] is applied, [ ] is not, [~] is half done.",
     CLI_MODELS | CLI_CONFIG | CLI_LOGGING | CLI_FOLDER, 0, 0, cli_showmigrations},
	{"sqlmigrate", "NAME", "show the SQL of one migration file",
     "Prints the statements of the migration as they would run on a table in use. No\n"
     "database is asked: names that only one knows are those that a new one would have.",
     CLI_MODELS | CLI_CONFIG | CLI_FOLDER | CLI_BACKWARDS, 1, 1, cli_sqlmigrate},
	{"squashmigrations", "[FIRST] LAST", "write one migration file for many",
     "The new file replaces those from FIRST (or the first of all) to LAST: databases that\n"
     "have all of them count it as applied, new ones run it alone. When every database has\n"
     "it, the old files and its \"replaces\" can go.",
     CLI_MODELS | CLI_CONFIG | CLI_FOLDER | CLI_WRITING, 1, 2, cli_squashmigrations},
	{"inspectdb", "[TABLE]...", "write a model file of a database",
     "Prints models of the tables that a database has: keys, relations, constraints,\n"
     "indexes, defaults, comments. What no field type of Django's says is kept by db_type\n"
     "and RawSQL; what cannot be carried at all is told on standard error and in the\n"
     "file's $comment. The file serves the database as it is.",
     CLI_CONFIG | CLI_LOGGING | CLI_OUTPUT | CLI_INSPECTING, 0, CLI_WORDS_MAX, cli_inspectdb},
	{"dumpdata", "[MODEL]...", "write rows as a fixture of Django's form",
     "Prints the rows of all models (or of those named) as one moment sees them, each\n"
     "behind the rows that it refers to. Memory does not grow with the data. Django's\n"
     "loaddata reads the file with --app LABEL.",
     CLI_MODELS | CLI_CONFIG | CLI_LOGGING | CLI_OUTPUT | CLI_DUMPING, 0, CLI_WORDS_MAX,
     cli_dumpdata},
	{"loaddata", "FILE...|-", "load fixtures: all of them or nothing",
     "Reads files that dumpdata wrote, here or in Django: JSON, or NDJSON with an object a\n"
     "line. A row whose key is there already is replaced. Foreign keys are checked at the\n"
     "end where the database can defer them; sequences are set behind the greatest key.",
     CLI_MODELS | CLI_CONFIG | CLI_LOGGING | CLI_LOADING, 1, CLI_WORDS_MAX, cli_loaddata},
	{"flush", "", "delete all rows of all models",
     "Empties the tables of all managed models and numbers from 1 again. Asks before it\n"
     "does, at a terminal; elsewhere --no-input is needed.",
     CLI_MODELS | CLI_CONFIG | CLI_LOGGING | CLI_FLUSHING, 0, 0, cli_flush},
	{"import-django", "[APP|FOLDER|models.py]...", "write a model file of a Django project",
     "Has Django read its models and prints them as a model file: of the project whose\n"
     "settings are named (--settings, DJANGO_SETTINGS_MODULE, the folder of a manage.py), of\n"
     "an application's folder or of a models.py alone. What a model file cannot say (code,\n"
     "functions as defaults) is named on standard error and in the file's $comment.",
     CLI_OUTPUT | CLI_IMPORTING, 0, CLI_WORDS_MAX, cli_import_django},
	{"reload", "", "have a running server read its models again",
     "The server builds the models aside and takes them for requests that come from then\n"
     "on; requests in flight end on the old ones. A mistake changes nothing and is told\n"
     "here. SIGHUP does the same and tells the log.",
     CLI_RELOADING, 0, 0, cli_reload},
	{"diff", "", "tell how a database differs from the models",
     "Compares tables, columns, defaults, constraints, indexes and comments. The exit\n"
     "code is 1 when something differs; a note is a difference that does not matter to\n"
     "serving (a name, how a foreign key acts). Changes nothing.",
     CLI_MODELS | CLI_CONFIG | CLI_LOGGING | CLI_JSON, 0, 0, cli_diff},
	{"check", "", "look for mistakes in models and settings",
     "Reads the model files and the settings and names every mistake with its place.\n"
     "The exit code is 1 when there is one. No database is asked.",
     CLI_MODELS | CLI_CONFIG, 0, 0, cli_check},
	{"sql", "MODEL [METHOD] [BODY|-]", "show the SQL of a query",
     "Prints the statements and parameters that a query body becomes, without a\n"
     "database. METHOD is query (the default), get, first, last, count or exists; BODY\n"
     "is the JSON that a client would post, or - to read it from standard input.\n\n"
     "  quern sql --models news.json article '{\"filter\": {\"vote__author__handle\": \"jane\"}}'",
     CLI_MODELS | CLI_CONFIG, 1, 3, cli_sql},
};

const size_t cli_commands_count = sizeof cli_commands / sizeof cli_commands[0];

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < cli_commands_count; i++)
		if (strcmp(cli_commands[i].name, name) == 0)
			return &cli_commands[i];
	return NULL;
}

static bool asks_for(int argc, char **argv, const char *option)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], option) == 0)
			return true;
	return false;
}

static int unknown_command(const char *name)
{
	struct str names[sizeof cli_commands / sizeof cli_commands[0]];
	struct str nearest;

	for (size_t i = 0; i < cli_commands_count; i++)
		names[i] = str_of(cli_commands[i].name);
	nearest = suggest_nearest(str_of(name), names, cli_commands_count);
	fprintf(stderr, "quern: there is no command \"%s\"", name);
	if (nearest.p)
		fprintf(stderr, "; did you mean %.*s?", STR_ARG(nearest));
	fprintf(stderr, "\nTry 'quern --help'.\n");
	return CLI_USAGE;
}

static int run_command(const struct cli_command *command, char **arguments, size_t n)
{
	struct cli cli = {.arena = arena_new()};
	int code = CLI_USAGE;

	if (cli_read(&cli, command, arguments, n))
		code = command->run(&cli);
	arena_free(cli.arena);
	return code;
}

int cli_main(int argc, char **argv)
{
	const struct cli_command *command = argc > 1 ? find_command(argv[1]) : NULL;

	if (asks_for(argc, argv, "--version")) {
		printf("quern %s\n", QUERN_VERSION);
		return CLI_OK;
	}
	if (command && asks_for(argc, argv, "--help")) {
		cli_command_help(command);
		return CLI_OK;
	}
	if (argc < 2 || asks_for(argc, argv, "--help") || strcmp(argv[1], "help") == 0) {
		cli_help();
		return argc < 2 ? CLI_USAGE : CLI_OK;
	}
	if (!command)
		return unknown_command(argv[1]);
	return run_command(command, argv + 2, (size_t)(argc - 2));
}

/* Options and help texts: one table, so that what is read and what is explained cannot differ. */
#include "server/cli.h"

#include "orm/base/arena.h"
#include "orm/base/buf.h"

#include <stdio.h>
#include <string.h>

#ifndef QUERN_VERSION
#define QUERN_VERSION "unknown"
#endif

struct option {
	const char *name;
	const char *value;   /* its value's name in help; NULL: takes none */
	const char *setting; /* the setting it gives; NULL: a member of struct cli */
	unsigned bit;
	const char *help;
};

static const struct option options[] = {
	{"--models", "PATH", "models", CLI_MODELS, "model file, or folder of model files"},
	{"--config", "FILE", NULL, CLI_CONFIG, "settings file (also QUERN_CONFIG)"},
	{"--data", "DIR", NULL, CLI_DATA, "where the private PostgreSQL keeps its data"},
	{"--port", "N", "port", CLI_LISTENING, "port to listen on; 0 picks a free one (8080)"},
	{"--listen", "ADDR", "listen", CLI_LISTENING, "address to listen on (127.0.0.1)"},
	{"--workers", "N", "workers", CLI_LISTENING, "threads; 0 is one a processor (0)"},
	{"--log-level", "LEVEL", "log_level", CLI_LOGGING, "debug, info, warning or error (info)"},
	{"--log-format", "FORMAT", "log_format", CLI_LOGGING, "text or json (text)"},
	{"--plan", NULL, NULL, CLI_PLAN, "print the SQL that would be run, change nothing"},
	{"--migrations", "DIR", NULL, CLI_FOLDER, "migration files (migrations, beside the models)"},
	{"--name", "NAME", NULL, CLI_WRITING, "the file's name behind its number"},
	{"--dry-run", NULL, NULL, CLI_WRITING, "print the file, write nothing"},
	{"--check", NULL, NULL, CLI_MAKING, "write nothing; exit code 1 when a file is missing"},
	{"--rename", "OLD=NEW", NULL, CLI_MAKING, "Author=Writer, or Author.name=title"},
	{"--no-renames", NULL, NULL, CLI_MAKING, "what looks renamed is removed and added"},
	{"--default", "M.F=VALUE", NULL, CLI_MAKING, "for rows that are there, in a new NOT NULL field"},
	{"--empty", NULL, NULL, CLI_MAKING, "a file to be filled by hand"},
	{"--merge", NULL, NULL, CLI_MAKING, "a file that brings ends together"},
	{"--fake", NULL, NULL, CLI_APPLYING, "only record, touch no table"},
	{"--fake-initial", NULL, NULL, CLI_APPLYING, "record the first, if its tables are there"},
	{"--lock-timeout", "MS", NULL, CLI_APPLYING, "how long others may wait behind a lock (400)"},
	{"--resume", "HOW", NULL, CLI_APPLYING, "again or skip: an interrupted RunSQL"},
	{"--output", "FILE", NULL, CLI_OUTPUT, "where to write (standard output)"},
	{"--schema", "NAME", NULL, CLI_INSPECTING, "the tables of this schema (those of the search path)"},
	{"--include-views", NULL, NULL, CLI_INSPECTING, "views and foreign tables too"},
	{"--json", NULL, NULL, CLI_JSON, "differences as JSON"},
	{"--format", "FORMAT", NULL, CLI_DUMPING | CLI_LOADING, "json or ndjson"},
	{"--indent", "N", NULL, CLI_DUMPING, "spaces before a member"},
	{"--natural-foreign", NULL, NULL, CLI_DUMPING, "unique values in place of foreign keys"},
	{"--natural-primary", NULL, NULL, CLI_DUMPING, "no primary key where unique values do"},
	{"--exclude", "MODEL", NULL, CLI_DUMPING, "all but this model; may be repeated"},
	{"--app", "LABEL", NULL, CLI_DUMPING, "Django's label in front of a model's name"},
	{"--ignore-nonexistent", NULL, NULL, CLI_LOADING, "pass over unknown models and fields"},
	{"--no-input", NULL, NULL, CLI_FLUSHING, "do not ask"},
	{"--pid", "N", NULL, CLI_RELOADING, "of the server, where several run"},
	{"--settings", "MODULE", NULL, CLI_IMPORTING, "Django's settings (DJANGO_SETTINGS_MODULE)"},
	{"--python", "PROGRAM", NULL, CLI_IMPORTING, "the Python that has Django (python3)"},
	{"--backwards", NULL, NULL, CLI_BACKWARDS, "the SQL of the way back"},
};

#define NOPTIONS (sizeof options / sizeof options[0])

/* Reading. */

static bool wrong(const struct cli_command *command, const char *format, const char *what)
{
	fprintf(stderr, "quern %s: ", command->name);
	fprintf(stderr, format, what);
	fprintf(stderr, "\nTry 'quern %s --help'.\n", command->name);
	return false;
}

static const struct option *find_option(const struct cli_command *command, struct str name)
{
	for (size_t i = 0; i < NOPTIONS; i++)
		if ((command->options & options[i].bit) && str_is(name, options[i].name))
			return &options[i];
	return NULL;
}

static bool unknown_option(const struct cli_command *command, struct str name, struct arena *arena)
{
	struct str names[NOPTIONS];
	size_t n = 0;
	struct str nearest;

	for (size_t i = 0; i < NOPTIONS; i++)
		if (command->options & options[i].bit)
			names[n++] = str_of(options[i].name);
	nearest = suggest_nearest(name, names, n);
	if (!nearest.p)
		return wrong(command, "there is no option %s", arena_cstr(arena, name));
	return wrong(
		command, "there is no option %s",
		arena_printf(arena, "%.*s; did you mean %.*s?", STR_ARG(name), STR_ARG(nearest)).p);
}

static void take_value(struct cli *cli, const struct option *option, const char *text)
{
	if (option->setting)
		cli->settings[cli->nsettings++] = (struct settings_flag){option->setting, text};
	else if (option->bit >= CLI_FOLDER)
		cli->extras[cli->nextras++] = (struct settings_flag){option->name, text ? text : ""};
	else if (option->bit == CLI_CONFIG)
		cli->config = text;
	else if (option->bit == CLI_DATA)
		cli->data = text;
	else if (option->bit == CLI_PLAN)
		cli->only_plans = true;
}

/* "--port=80" or "--port 80"; *used is how many arguments it took. */
static bool read_option(struct cli *cli, const struct cli_command *command, char **arguments,
                        size_t n, size_t *used)
{
	struct str rest = str_of(arguments[0]);
	struct str name = str_cut(&rest, STR("="));
	const struct option *option = find_option(command, name);

	*used = 1;
	if (!option)
		return unknown_option(command, name, cli->arena);
	if (cli->nsettings == CLI_SETTINGS_MAX || cli->nextras == CLI_EXTRAS_MAX)
		return wrong(command, "%s: too many options", option->name);
	if (!option->value && rest.p)
		return wrong(command, "%s takes no value", option->name);
	if (!option->value || rest.p) {
		take_value(cli, option, rest.p);
		return true;
	}
	if (n < 2)
		return wrong(command, "%s needs a value", option->name);
	take_value(cli, option, arguments[1]);
	*used = 2;
	return true;
}

const char *cli_extra(const struct cli *cli, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < cli->nextras; i++)
		if (strcmp(cli->extras[i].key, name) == 0)
			found = cli->extras[i].text;
	return found;
}

bool cli_read(struct cli *cli, const struct cli_command *command, char **arguments, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t used = 1;
		bool is_option = arguments[i][0] == '-' && arguments[i][1] == '-';

		if (is_option && !read_option(cli, command, arguments + i, n - i, &used))
			return false;
		if (!is_option && cli->nwords == command->max_words)
			return wrong(command, "\"%s\" is one argument too many", arguments[i]);
		if (!is_option)
			cli->words[cli->nwords++] = arguments[i];
		i += used;
	}
	if (cli->nwords < command->min_words)
		return wrong(command, "%s is missing", command->arguments);
	return true;
}

/* Help. */

void cli_help(void)
{
	printf("quern %s: your models as a query server over HTTP, on PostgreSQL\n\n"
	       "usage: quern COMMAND [options]\n\n",
	       QUERN_VERSION);
	for (size_t i = 0; i < cli_commands_count; i++)
		printf("  %-16s %s\n", cli_commands[i].name, cli_commands[i].summary);
	printf("\n'quern COMMAND --help' explains a command. To begin with:\n\n"
	       "  quern dev --models models.json\n");
}

void cli_command_help(const struct cli_command *command)
{
	struct buf settings = {0};

	printf("usage: quern %s [options]%s%s\n\n%s\n\noptions:\n", command->name,
	       command->arguments[0] ? " " : "", command->arguments, command->help);
	for (size_t i = 0; i < NOPTIONS; i++) {
		char left[40];

		if (!(command->options & options[i].bit))
			continue;
		snprintf(left, sizeof left, "%s %s", options[i].name,
		         options[i].value ? options[i].value : "");
		printf("  %-20s %s\n", left, options[i].help);
	}
	if (!(command->options & CLI_CONFIG))
		return;
	settings_describe(&settings);
	printf("\nsettings, in the file or in the environment:\n%.*s", (int)settings.n, settings.p);
	buf_release(&settings);
}

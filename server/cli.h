/* The command line: `quern COMMAND [options]`.
 *
 * Options are read here into one struct for all commands; a command says which of them it takes.
 */
#ifndef QUERN_SERVER_CLI_H
#define QUERN_SERVER_CLI_H

#include "config/settings.h"
#include "orm/model/model.h"

#include <stdio.h>

#define CLI_SETTINGS_MAX 16
#define CLI_WORDS_MAX 64
#define CLI_EXTRAS_MAX 64

/* Exit codes. */
#define CLI_OK 0
#define CLI_FAILED 1 /* what was asked could not be done, or mistakes were found */
#define CLI_USAGE 2

struct cli {
	struct arena *arena;
	const char *config; /* NULL: none given */
	const char *data;   /* NULL: none given */
	bool only_plans;    /* --plan */
	/* Options that are settings. */
	struct settings_flag settings[CLI_SETTINGS_MAX];
	size_t nsettings;
	/* Options of single commands, as given: "--rename" and its value, "" for one without. */
	struct settings_flag extras[CLI_EXTRAS_MAX];
	size_t nextras;
	const char *words[CLI_WORDS_MAX]; /* what is no option */
	size_t nwords;
};

enum cli_option_bit {
	CLI_CONFIG = 1 << 0,
	CLI_MODELS = 1 << 1,
	CLI_LISTENING = 1 << 2, /* --port, --listen, --workers */
	CLI_DATA = 1 << 3,
	CLI_PLAN = 1 << 4,
	CLI_LOGGING = 1 << 5,
	CLI_DATABASE = 1 << 6,
	CLI_FOLDER = 1 << 7,    /* --migrations */
	CLI_MAKING = 1 << 8,    /* --rename, --default … */
	CLI_APPLYING = 1 << 9,  /* --fake … */
	CLI_BACKWARDS = 1 << 10,
	CLI_WRITING = 1 << 11, /* --name, --dry-run */
	CLI_OUTPUT = 1 << 12,
	CLI_INSPECTING = 1 << 13, /* --schema, --include-views */
	CLI_JSON = 1 << 14,
	CLI_DUMPING = 1 << 15,
	CLI_LOADING = 1 << 16,
	CLI_FLUSHING = 1 << 17,
	CLI_RELOADING = 1 << 18,
	CLI_IMPORTING = 1 << 19,
};

struct cli_command {
	const char *name;
	const char *arguments; /* behind the options, for the usage line */
	const char *summary;   /* one line */
	const char *help;      /* paragraphs */
	unsigned options;      /* CLI_… */
	size_t min_words, max_words;
	int (*run)(struct cli *cli);
};

extern const struct cli_command cli_commands[];
extern const size_t cli_commands_count;

/* Runs the command that the arguments name; returns the exit code. */
int cli_main(int argc, char **argv);

/* cli_options.c.  False with a message on standard error. */
bool cli_read(struct cli *cli, const struct cli_command *command, char **arguments, size_t n);
void cli_help(void);
void cli_command_help(const struct cli_command *command);

/* The value of the last such option, "" for one without; NULL when it was not given. */
const char *cli_extra(const struct cli *cli, const char *name);

/* cli_load.c: what several commands begin with; false after saying on standard error all that is
 * wrong. */
bool cli_load_settings(struct cli *cli, struct settings *settings);
/* Also says that models are missing altogether. */
bool cli_load_models(struct cli *cli, const struct settings *settings,
                     const struct registry **registry);
/* The error on standard error, as "quern: …"; returns CLI_FAILED. */
int cli_fail(const struct error *error);
/* Where it can be reached: "http://127.0.0.1:8080"; an IPv6 address in brackets. */
struct str cli_url(struct arena *arena, const struct settings *settings, unsigned port);
/* Models that somebody declared: automatic join tables do not count. */
size_t cli_count_models(const struct registry *registry);

/* cli_output.c: --output FILE, or standard output. */
struct cli_output {
	const char *path, *draft; /* NULL: standard output */
	FILE *file;
};
/* NULL after saying why. */
FILE *cli_open_output(struct cli *cli, struct cli_output *output);
/* The file takes its place only when it `is_whole`; false when it did not. */
bool cli_close_output(struct cli_output *output, bool is_whole);
bool cli_write_output(struct cli *cli, struct str text);

/* cli_*.c */
int cli_dev(struct cli *cli);
int cli_serve(struct cli *cli);
int cli_migrate(struct cli *cli);
int cli_check(struct cli *cli);
int cli_inspectdb(struct cli *cli);
int cli_diff(struct cli *cli);
int cli_import_django(struct cli *cli);
int cli_dumpdata(struct cli *cli);
int cli_loaddata(struct cli *cli);
int cli_flush(struct cli *cli);
int cli_reload(struct cli *cli);
int cli_makemigrations(struct cli *cli);
int cli_showmigrations(struct cli *cli);
int cli_sqlmigrate(struct cli *cli);
int cli_squashmigrations(struct cli *cli);
int cli_sql(struct cli *cli);

#endif

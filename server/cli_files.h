/* What the commands about migration files share: the folder, the graph, the questions. */
#ifndef QUERN_SERVER_CLI_FILES_H
#define QUERN_SERVER_CLI_FILES_H

#include "config/migration_files.h"
#include "orm/migrate/detect.h"
#include "orm/migrate/migrate_files.h"
#include "server/cli.h"

struct files {
	struct migration_folder folder;
	struct migration *items;
	size_t n;
};

/* The folder that --migrations names, or the one beside the models.  False after saying on standard
 * error what is wrong with a file, or with a --name. */
bool cli_load_files(struct cli *cli, const struct settings *settings, struct files *files);
/* The models after all files. */
bool cli_files_project(struct cli *cli, const struct files *files, struct graph *graph,
                       struct project *project, struct error *error);
/* Whether the models say something that no file does. */
bool cli_models_are_ahead(struct cli *cli, const struct files *files,
                          const struct registry *registry);
#define CLI_AHEAD "The models have changes that no migration file makes: run `quern makemigrations`."

/* cli_questions.c: answers from --rename, --no-renames and --default; at a terminal, from a person. */
struct questions {
	struct cli *cli;
	bool only_looks; /* nothing is written: what is not decided counts as no rename and no value */
	bool is_terminal;
	struct str undecided; /* renames that nobody decided, a line each */
};
void questions_init(struct questions *questions, struct cli *cli, bool only_looks,
                    struct questioner *questioner);

#endif

/* What the commands that speak to a database share.
 */
#ifndef QUERN_SERVER_CLI_DATABASE_H
#define QUERN_SERVER_CLI_DATABASE_H

#include "orm/migrate/migrate.h"
#include "server/cli.h"
#include "server/server.h"

/* The first database, nobody listening. */
struct migrate_options cli_database(const struct settings *settings);
/* migrate_options.report: prints the line, indented, and counts it in *(size_t *)context. */
void cli_report_line(void *context, const char *line);

/* Brings the private database of `quern dev` to the migration files, or without any to the models. */
bool cli_migrate_private(struct cli *cli, const struct settings *settings,
                         const struct registry *registry, struct error *error);

/* Serves until SIGTERM or SIGINT: then finishes what is in flight; at a second signal stops at once.
 * `ended_fd` (-1: none) becoming readable stops it too, and makes the exit code CLI_FAILED.
 * `started` (may be NULL) is called when the port is open. */
struct serving {
	const struct registry *registry;
	const struct settings *settings;
	bool is_local_only;
	int ended_fd;
	bool reloads_on_hangup; /* SIGHUP reads the models again; else it ends the server, as a terminal that closes */
	void (*started)(struct serving *serving, unsigned port);
	struct arena *arena;
};
int cli_serve_until_told(struct serving *serving);

#endif

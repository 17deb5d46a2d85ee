/* `quern serve`: a database from the settings; and the waiting for signals that `quern dev` shares.
 *
 * Serving does not depend on the database: a server that starts before it answers 503 until it is
 * there.  The schema is compared on the side, by a thread that nobody waits for.
 */
#include "orm/migrate/migrate.h"
#include "server/cli_database.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Signals. */

/* A terminal that closes ends us in order, too, unless we were told to outlive it (nohup). */
static bool is_hangup_ignored(void)
{
	struct sigaction now;

	return sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (!is_hangup_ignored())
		sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* True for a signal, false when `ended_fd` spoke first. */
static bool wait_for_signal(int signals, int ended_fd)
{
	struct signalfd_siginfo info;
	struct pollfd pollers[2] = {{.fd = signals, .events = POLLIN},
	                            {.fd = ended_fd, .events = POLLIN}};

	while (poll(pollers, 2, -1) < 0)
		if (errno != EINTR)
			BUG("poll failed: %d", errno);
	if (!(pollers[0].revents & POLLIN))
		return false;
	return read(signals, &info, sizeof info) == (ssize_t)sizeof info;
}

struct joiner {
	struct server *server;
	int done[2]; /* a pipe: its end is closed when the workers have ended */
};

static void *join_workers(void *arg)
{
	struct joiner *joiner = arg;

	server_join(joiner->server);
	close(joiner->done[1]);
	return NULL;
}

/* Finishes what is in flight, unless a second signal comes. */
static void stop_server(struct server *server, int signals)
{
	struct joiner joiner = {.server = server};
	struct pollfd pollers[2] = {{.fd = signals, .events = POLLIN}, {.events = POLLIN}};
	pthread_t thread;

	server_stop(server, STOPPING_DRAIN);
	if (pipe(joiner.done) != 0 || pthread_create(&thread, NULL, join_workers, &joiner) != 0) {
		server_join(server);
		server_free(server);
		return;
	}
	pollers[1].fd = joiner.done[0];
	while (!pollers[1].revents) {
		if (poll(pollers, 2, -1) < 0)
			continue;
		if (!(pollers[0].revents & POLLIN) || pollers[1].revents)
			continue;
		server_stop(server, STOPPING_NOW);
		pollers[0].fd = -1;
	}
	pthread_join(thread, NULL);
	close(joiner.done[0]);
	server_free(server);
}

int cli_serve_until_told(struct serving *serving)
{
	struct server server = {0};
	struct error error;
	int signals = open_signals();
	bool is_told;

	error_init(&error, serving->arena);
	if (signals < 0)
		BUG("signalfd failed: %d", errno);
	if (!server_start(&server, serving->registry, serving->settings, serving->is_local_only,
	                  &error)) {
		close(signals);
		return cli_fail(&error);
	}
	serving->started(serving, server.port);
	is_told = wait_for_signal(signals, serving->ended_fd);
	if (is_told)
		log_message(LOG_INFO, "stopping: finishing what is in flight");
	stop_server(&server, signals);
	close(signals);
	return is_told ? CLI_OK : CLI_FAILED;
}

/* The schema. */

struct schema_check {
	const struct settings *settings;
	const struct registry *registry;
};

static void report_misfit(void *context, const char *line)
{
	(void)context;
	log_message(LOG_WARNING, "the database does not fit the models: %s", line);
}

static void *check_schema(void *arg)
{
	struct schema_check *check = arg;
	struct arena *arena = arena_new();
	struct migrate_options options = {
		.conninfo = check->settings->databases[0].url,
		.search_path = check->settings->databases[0].search_path,
		.report = report_misfit,
	};
	struct error error;
	size_t misfits = 0;

	error_init(&error, arena);
	if (!migrate_check(&options, check->registry, &misfits, &error))
		log_message(LOG_WARNING, "the database could not be looked at: %.*s",
		            STR_ARG(error.detail));
	else if (misfits)
		log_message(LOG_WARNING, "%zu misfits; 'quern migrate' makes what is missing", misfits);
	arena_free(arena);
	return NULL;
}

/* Signals are for the main thread: a thread that would take SIGTERM in its default way would end
 * the process out of order. */
static bool start_checker(pthread_t *checker, struct schema_check *check)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool is_started = pthread_create(checker, NULL, check_schema, check) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return is_started;
}

static void started(struct serving *serving, unsigned port)
{
	printf("serving %zu models on %.*s\n", cli_count_models(serving->registry),
	       STR_ARG(cli_url(serving->arena, serving->settings, port)));
	fflush(stdout);
}

int cli_serve(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	pthread_t checker;
	int code;

	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	struct schema_check check = {&settings, registry};
	struct serving serving = {
		.registry = registry,
		.settings = &settings,
		.ended_fd = -1,
		.started = started,
		.arena = cli->arena,
	};
	bool has_checker = start_checker(&checker, &check);

	code = cli_serve_until_told(&serving);
	/* A database that does not answer must not hold up our end. */
	if (has_checker && pthread_tryjoin_np(checker, NULL) != 0)
		_exit(code);
	return code;
}

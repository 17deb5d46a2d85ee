/* `quern serve`: a database from the settings; and the waiting for signals that `quern dev` shares.
 *
 * Serving does not depend on the database: a server that starts before it answers 503 until it is
 * there.  The schema is compared on the side, by a thread that nobody waits for.
 */
#include "config/models_file.h"
#include "orm/migrate/migrate.h"
#include "server/cli_database.h"
#include "server/control.h"

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

static int open_signals(bool reloads_on_hangup)
{
	sigset_t set;

	if (reloads_on_hangup)
		signal(SIGHUP, SIG_DFL);

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (!is_hangup_ignored())
		sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Reloading. */

/* The model files once more: served from now on, or told what is wrong with them.  *text lives in `scratch`. */
static bool reload(struct serving *serving, struct server *server, struct arena *scratch,
                   struct str *text)
{
	struct arena *arena = arena_new();
	struct buf report = {0};
	const struct registry *registry = models_load(arena, serving->settings->models, &report);

	if (registry) {
		*text = arena_printf(scratch, "%zu models are served now.\n", cli_count_models(registry));
		log_message(LOG_INFO, "models read again: %zu models", cli_count_models(registry));
		server_reload(server, registry, arena);
	} else {
		*text = arena_str(scratch, buf_str(&report));
		log_message(LOG_ERROR, "models not read again, the old ones are served on: %.*s",
		            STR_ARG(str_trim(*text)));
		arena_free(arena);
	}
	buf_release(&report);
	return registry != NULL;
}

static void answer_control(struct serving *serving, struct server *server, struct control *control)
{
	struct arena *scratch = arena_new();
	struct str word, text;
	int client = control_accept(control, scratch, &word);

	if (client >= 0 && str_is(word, "reload")) {
		bool is_done = reload(serving, server, scratch, &text);
		control_answer(client, is_done, text);
	} else if (client >= 0) {
		control_answer(client, false, STR("The only question is \"reload\".\n"));
	}
	arena_free(scratch);
}

static void reload_for_signal(struct serving *serving, struct server *server)
{
	struct arena *scratch = arena_new();
	struct str text;

	reload(serving, server, scratch, &text);
	arena_free(scratch);
}

/* True when a signal ends the server, false when `ended_fd` spoke first. */
static bool wait_for_end(struct serving *serving, struct server *server, int signals,
                         struct control *control)
{
	struct signalfd_siginfo info;
	struct pollfd pollers[3] = {{.fd = signals, .events = POLLIN},
	                            {.fd = serving->ended_fd, .events = POLLIN},
	                            {.fd = control->fd, .events = POLLIN}};

	for (;;) {
		if (poll(pollers, 3, -1) < 0) {
			if (errno != EINTR)
				BUG("poll failed: %d", errno);
			continue;
		}
		if (pollers[2].revents & POLLIN)
			answer_control(serving, server, control);
		if (pollers[0].revents & POLLIN) {
			bool is_read = read(signals, &info, sizeof info) == (ssize_t)sizeof info;

			if (!is_read || info.ssi_signo != SIGHUP || !serving->reloads_on_hangup)
				return is_read;
			reload_for_signal(serving, server);
		} else if (pollers[1].revents) {
			return false;
		}
	}
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
	struct control control;
	struct error error;
	int signals = open_signals(serving->reloads_on_hangup);
	bool is_told;

	error_init(&error, serving->arena);
	if (signals < 0)
		BUG("signalfd failed: %d", errno);
	if (!server_start(&server, serving->registry, serving->settings, serving->is_local_only,
	                  &error)) {
		close(signals);
		return cli_fail(&error);
	}
	if (!control_open(&control, serving->arena, &error)) {
		log_message(LOG_WARNING, "'quern reload' will not find this server: %.*s",
		            STR_ARG(error.detail));
		error_clear(&error);
	}
	serving->started(serving, server.port);
	is_told = wait_for_end(serving, &server, signals, &control);
	control_close(&control);
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
	struct migrate_options options = cli_database(check->settings);
	struct error error;
	size_t misfits = 0;

	options.report = report_misfit;
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
		.reloads_on_hangup = true,
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

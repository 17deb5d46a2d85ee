/* `quern import-django`: a Django project's models as a model file.
 *
 * Django reads its own declarations: server/import_django.py, which is part of this program's text, is
 * given to Python on a pipe.  What comes back is judged by the same rules as any model file.
 */
#include "config/models_file.h"
#include "orm/migrate/edit.h"
#include "orm/wire/json.h"
#include "server/cli.h"

#include <errno.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The file's bytes, put here by the assembler. */
__asm__(".pushsection .rodata\n"
        "import_django_script: .incbin \"" QUERN_IMPORT_DJANGO "\"\n"
        "import_django_end: .byte 0\n"
        ".popsection\n");
extern const char import_django_script[] __attribute__((visibility("hidden")));
extern const char import_django_end[] __attribute__((visibility("hidden")));

static const struct json_limits limits = {.bytes = 64 << 20, .depth = 100, .nodes = 4000000};

struct child {
	pid_t pid;
	int to, from; /* its standard input and output */
};

static char **arguments_of(struct cli *cli)
{
	const char **argv = ARENA_ARRAY(cli->arena, const char *, cli->nwords + 6);
	const char *settings = cli_extra(cli, "--settings"), *python = cli_extra(cli, "--python");
	size_t n = 0;

	argv[n++] = python ? python : "python3";
	argv[n++] = "-";
	if (settings) {
		argv[n++] = "--settings";
		argv[n++] = settings;
	}
	for (size_t i = 0; i < cli->nwords; i++)
		argv[n++] = cli->words[i];
	argv[n] = NULL;
	return (char **)argv;
}

static _Noreturn void become(char **argv, const int to[2], const int from[2])
{
	dup2(to[0], STDIN_FILENO);
	dup2(from[1], STDOUT_FILENO);
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
	execvp(argv[0], argv);
	fprintf(stderr, "quern: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static bool start(struct child *child, char **argv)
{
	int to[2], from[2];

	if (pipe(to) != 0 || pipe(from) != 0)
		return false;
	child->pid = fork();
	if (child->pid < 0)
		return false;
	if (child->pid == 0)
		become(argv, to, from);
	close(to[0]);
	close(from[1]);
	child->to = to[1];
	child->from = from[0];
	return true;
}

static void send_script(int fd)
{
	const size_t script_size = (size_t)(import_django_end - import_django_script);
	size_t sent = 0;

	while (sent < script_size) {
		ssize_t n = write(fd, import_django_script + sent, script_size - sent);

		if (n < 0 && errno != EINTR)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	close(fd);
}

static void take_answer(int fd, struct buf *out)
{
	for (;;) {
		char *room = buf_reserve(out, 1 << 16);
		ssize_t n = read(fd, room, 1 << 16);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || out->n > limits.bytes)
			break;
		out->n += (size_t)n;
	}
	close(fd);
}

/* Django's answer, or false after somebody has said why. */
static bool run(struct cli *cli, struct buf *answer)
{
	struct child child;
	int status = 0;

	signal(SIGPIPE, SIG_IGN);
	if (!start(&child, arguments_of(cli))) {
		fprintf(stderr, "quern: Python could not be started: %s\n", strerror(errno));
		return false;
	}
	send_script(child.to);
	take_answer(child.from, answer);
	while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	fprintf(stderr, "quern: the models could not be imported.\n");
	return false;
}

/* The mistakes, in the file that is going to be. */
static void tell(struct cli *cli, struct str report, struct str path)
{
	const char *output = cli_extra(cli, "--output");
	ptrdiff_t at;

	fprintf(stderr, "The file needs a hand before it can be served:\n");
	while ((at = str_find(report, path)) >= 0) {
		fprintf(stderr, "%.*s%s", (int)at, report.p, output ? output : "the file");
		report = str_sub(report, (size_t)at + path.n, report.n - (size_t)at - path.n);
	}
	fprintf(stderr, "%.*s", STR_ARG(report));
}

/* Mistakes are told, and the file is written all the same: a person can mend it. */
static bool judge(struct cli *cli, struct str text)
{
	char path[] = "/tmp/quern-import-XXXXXX.json";
	struct buf report = {0};
	int fd = mkstemps(path, 5);
	bool is_right = true;

	if (fd < 0)
		return true;
	if (write(fd, text.p, text.n) == (ssize_t)text.n)
		is_right = models_load(cli->arena, path, &report) != NULL;
	close(fd);
	unlink(path);
	if (!is_right)
		tell(cli, buf_str(&report), str_of(path));
	buf_release(&report);
	return is_right;
}

int cli_import_django(struct cli *cli)
{
	struct buf answer = {0}, text = {0};
	const struct value *document;
	struct error error;
	int code = CLI_FAILED;

	error_init(&error, cli->arena);
	if (run(cli, &answer)) {
		if (!json_read(cli->arena, buf_str(&answer), &limits, &document, &error)) {
			cli_fail(&error);
		} else {
			edit_write_pretty(document, 0, &text);
			buf_add_char(&text, '\n');
			bool is_right = judge(cli, buf_str(&text));
			if (cli_write_output(cli, buf_str(&text)) && is_right)
				code = CLI_OK;
		}
	}
	buf_release(&answer);
	buf_release(&text);
	return code;
}

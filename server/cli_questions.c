/* What only a person can know: whether something was renamed, and what rows that are there already
 * get.  Flags answer; then a person at a terminal; otherwise nobody, and nothing is guessed. */
#include "orm/migrate/edit.h"
#include "orm/wire/json.h"
#include "server/cli_files.h"

#include <stdio.h>
#include <unistd.h>

static struct str ask(struct questions *q, const char *question)
{
	char line[4096];
	printf("%s", question);
	fflush(stdout);
	if (!fgets(line, sizeof line, stdin))
		return (struct str){0};
	return arena_str(q->cli->arena, str_trim(str_of(line)));
}

static bool ask_yes(struct questions *q, const char *question)
{
	struct str answer = ask(q, question);
	return answer.n > 0 && (answer.p[0] == 'y' || answer.p[0] == 'Y');
}

/* Whether --rename says it: `whole` is "Author.name" or "Author", `to` the new name, alone or behind the
 * model's. */
static bool is_said(struct questions *q, struct str whole, struct str model, struct str to)
{
	for (size_t i = 0; i < q->cli->nextras; i++) {
		struct str right = str_of(q->cli->extras[i].text);
		struct str left = str_trim(str_cut(&right, STR("=")));
		if (strcmp(q->cli->extras[i].key, "--rename") != 0 || !right.p)
			continue;
		right = str_trim(right);
		struct str prefix = arena_concat(q->cli->arena, model, STR("."));
		if (model.n > 0 && str_starts(right, prefix))
			right = str_sub(right, prefix.n, right.n - prefix.n);
		if (str_eq(left, whole) && str_eq(right, to))
			return true;
	}
	return false;
}

static bool decide(struct questions *q, struct str whole, struct str model, struct str to,
                   const char *question)
{
	if (is_said(q, whole, model, to))
		return true;
	if (cli_extra(q->cli, "--no-renames") || q->only_looks)
		return false;
	if (q->is_terminal)
		return ask_yes(q, question);
	q->undecided = arena_printf(q->cli->arena, "%.*s  --rename %.*s=%.*s\n", STR_ARG(q->undecided),
	                            STR_ARG(whole), STR_ARG(to));
	return false;
}

static bool is_model_renamed(void *context, struct str from, struct str to)
{
	struct questions *q = context;
	const char *question = arena_printf(q->cli->arena, "Was the model %.*s renamed to %.*s? [y/N] ",
	                                    STR_ARG(from), STR_ARG(to)).p;
	return decide(q, from, STR(""), to, question);
}

static bool is_field_renamed(void *context, struct str model, struct str from, struct str to)
{
	struct questions *q = context;
	struct arena *arena = q->cli->arena;
	struct str whole = arena_printf(arena, "%.*s.%.*s", STR_ARG(model), STR_ARG(from));
	const char *question = arena_printf(arena, "Was %.*s renamed to %.*s.%.*s? [y/N] ",
	                                    STR_ARG(whole), STR_ARG(model), STR_ARG(to)).p;
	return decide(q, whole, model, to, question);
}

/* JSON where it is some, else text. */
static const struct value *value_of(struct questions *q, struct str text)
{
	static const struct json_limits limits = {.bytes = 1 << 20, .depth = 50, .nodes = 10000};
	const struct value *value;
	struct error error;
	error_init(&error, q->cli->arena);
	struct str list = arena_printf(q->cli->arena, "[%.*s]", STR_ARG(text));
	if (json_read(q->cli->arena, list, &limits, &value, &error) && value->list.n == 1)
		return &value->list.items[0];
	return edit_text(q->cli->arena, text);
}

static const struct value *said_default(struct questions *q, struct str place)
{
	for (size_t i = 0; i < q->cli->nextras; i++) {
		struct str right = str_of(q->cli->extras[i].text);
		struct str left = str_trim(str_cut(&right, STR("=")));
		if (strcmp(q->cli->extras[i].key, "--default") == 0 && right.p && str_eq(left, place))
			return value_of(q, right);
	}
	return NULL;
}

static bool one_off(void *context, struct str model, struct str field, bool is_added,
                    const struct value **value, struct error *error)
{
	struct questions *q = context;
	struct str place = arena_printf(q->cli->arena, "%.*s.%.*s", STR_ARG(model), STR_ARG(field));
	*value = said_default(q, place);
	if (*value || q->only_looks || (!is_added && !q->is_terminal))
		return true;
	if (q->is_terminal) {
		const char *question =
			arena_printf(q->cli->arena,
		                 "%.*s may not be null. Rows that are there already get (JSON, or text%s): ",
		                 STR_ARG(place), is_added ? "" : "; nothing: they have no null").p;
		struct str answer = ask(q, question);
		if (answer.n > 0)
			*value = value_of(q, answer);
		if (*value || !is_added)
			return true;
	}
	return error_set_nowhere(
		error, ERROR_CONFLICT,
		"%.*s is new and may not be null: what do rows get that are there already? Give the field a "
		"\"default\" or, for as long as older servers insert rows, a \"db_default\"; or \"null\": "
		"true; or say it for this once with --default %.*s=VALUE. Nothing was written.",
		STR_ARG(place), STR_ARG(place));
}

void questions_init(struct questions *questions, struct cli *cli, bool only_looks,
                    struct questioner *questioner)
{
	*questions = (struct questions){
		.cli = cli,
		.only_looks = only_looks,
		.is_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
	};
	*questioner = (struct questioner){questions, is_model_renamed, is_field_renamed, one_off};
}

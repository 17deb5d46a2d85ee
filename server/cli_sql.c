/* `quern sql`: from a query body to its SQL, on the way that a request takes, and no further. */
#include "server/cli.h"

#include "orm/query/decode.h"
#include "orm/sql/plan.h"
#include "server/sql_text.h"

#include <stdio.h>

static bool read_input(struct buf *text, const char *word)
{
	if (!str_is(str_of(word), "-")) {
		buf_add(text, str_of(word));
		return true;
	}
	for (;;) {
		size_t got = fread(buf_reserve(text, 65536), 1, 65536, stdin);

		text->n += got;
		if (got == 0)
			return !ferror(stdin);
	}
}

static void print_statement(const struct statement *statement)
{
	struct buf out = {0};

	sql_text_write(statement, &out);
	printf("%.*s\n", (int)out.n, out.p);
	buf_release(&out);
}

/* The statement, and those of its prefetches below it. */
static void print_plan(const struct plan *plan)
{
	if (plan->is_empty) {
		printf("-- no row can match: nothing is sent\n");
		return;
	}
	print_statement(&plan->statement);
	if (plan->count != COUNT_NONE) {
		printf("\n-- the count beside the page\n");
		print_statement(&plan->count_statement);
	}
	for (size_t i = 0; i < plan->nprefetches; i++) {
		printf("\n-- prefetch, for all rows above\n");
		print_plan(plan->prefetches[i].plan);
	}
}

struct asked {
	struct arena *arena;
	const struct model *model;
	const struct query *query;
	struct str secret; /* of cursors */
	struct error *error;
};

static bool show_plan(bool is_made, const struct plan *plan)
{
	if (is_made)
		print_plan(plan);
	return is_made;
}

static bool show_statement(bool is_made, const struct statement *statement)
{
	if (is_made)
		print_statement(statement);
	return is_made;
}

static bool show_query(const struct asked *asked)
{
	const struct plan *plan = NULL;
	bool is_made = plan_page(asked->arena, asked->model, NULL, asked->query, asked->secret, 0,
	                         &plan, asked->error);

	return show_plan(is_made, plan);
}

static bool show_pick(const struct asked *asked, enum plan_pick pick)
{
	const struct plan *plan = NULL;
	bool is_made =
		plan_pick(asked->arena, asked->model, NULL, asked->query, pick, &plan, asked->error);

	return show_plan(is_made, plan);
}

static bool show_get(const struct asked *asked)
{
	return show_pick(asked, PLAN_GET);
}

static bool show_first(const struct asked *asked)
{
	return show_pick(asked, PLAN_FIRST);
}

static bool show_last(const struct asked *asked)
{
	return show_pick(asked, PLAN_LAST);
}

static bool show_count(const struct asked *asked)
{
	struct statement statement;
	bool is_made =
		plan_count(asked->arena, asked->model, NULL, asked->query, &statement, asked->error);

	return show_statement(is_made, &statement);
}

static bool show_exists(const struct asked *asked)
{
	struct statement statement;
	bool is_made =
		plan_exists(asked->arena, asked->model, NULL, asked->query, &statement, asked->error);

	return show_statement(is_made, &statement);
}

static const struct shown_method {
	const char *name;
	bool (*show)(const struct asked *asked);
} shown_methods[] = {
	{"query", show_query}, {"get", show_get},     {"first", show_first},
	{"last", show_last},   {"count", show_count}, {"exists", show_exists},
};

#define NSHOWN (sizeof shown_methods / sizeof shown_methods[0])

static const struct shown_method *find_shown(const char *name)
{
	for (size_t i = 0; i < NSHOWN; i++)
		if (str_is(str_of(name), shown_methods[i].name))
			return &shown_methods[i];
	return NULL;
}

/* MODEL [METHOD] [BODY|-]: a method's name cannot begin a JSON document. */
static bool read_words(struct cli *cli, const struct shown_method **method, const char **body)
{
	size_t next = 1;

	*method = &shown_methods[0];
	*body = "{}";
	if (next < cli->nwords && find_shown(cli->words[next]))
		*method = find_shown(cli->words[next++]);
	if (next < cli->nwords)
		*body = cli->words[next++];
	if (next == cli->nwords)
		return true;
	fprintf(stderr, "quern sql: \"%s\" is no method whose SQL can be shown.\n", cli->words[1]);
	return false;
}

static int fail_at_place(struct cli *cli, const struct error *error)
{
	fprintf(stderr, "quern: %s: %.*s\n", error_title(error->kind), STR_ARG(error->detail));
	if (error->has_pos)
		fprintf(stderr, "    at \"%.*s\"\n", STR_ARG(pos_pointer(cli->arena, error->pos)));
	if (error->suggestion.p)
		fprintf(stderr, "    did you mean \"%.*s\"?\n", STR_ARG(error->suggestion));
	return CLI_FAILED;
}

static const struct model *find_model(const struct registry *registry, struct str name)
{
	const struct model *model = registry_path(registry, name);

	return model ? model : registry_model(registry, name);
}

static int unknown_model(const struct registry *registry, struct str name)
{
	struct str nearest = suggest_nearest(name, registry->paths, registry->npaths);

	fprintf(stderr, "quern: there is no model \"%.*s\"", STR_ARG(name));
	if (nearest.p)
		fprintf(stderr, "; did you mean \"%.*s\"?", STR_ARG(nearest));
	fprintf(stderr, "\n");
	return CLI_FAILED;
}

static int show(struct cli *cli, const struct settings *settings, const struct model *model,
                const struct shown_method *method, struct str text)
{
	static const char *const no_members[] = {NULL};
	const struct value *body;
	struct error error;
	struct asked asked = {
		.arena = cli->arena, .model = model, .secret = str_of(settings->secret), .error = &error};

	error_init(&error, cli->arena);
	if (!json_read(cli->arena, text, &settings->json, &body, &error) ||
	    !decode_query(cli->arena, body, no_members, &asked.query, &error) || !method->show(&asked))
		return fail_at_place(cli, &error);
	return CLI_OK;
}

int cli_sql(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	const struct shown_method *method;
	const struct model *model;
	const char *body;
	struct buf text = {0};
	int code = CLI_FAILED;

	if (!read_words(cli, &method, &body))
		return CLI_USAGE;
	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	model = find_model(registry, str_of(cli->words[0]));
	if (!model)
		return unknown_model(registry, str_of(cli->words[0]));
	if (read_input(&text, body))
		code = show(cli, &settings, model, method, buf_str(&text));
	else
		fprintf(stderr, "quern sql: standard input cannot be read.\n");
	buf_release(&text);
	return code;
}

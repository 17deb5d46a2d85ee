/* `quern dumpdata`: rows of the models as a fixture, to a file or standard output. */
#include "orm/migrate/fixture.h"
#include "server/cli_database.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What of the models was asked for. */
struct selection {
	const struct cli *cli;
	const struct model **named, **excluded;
	size_t nnamed, nexcluded;
};

struct writing {
	FILE *file;
	bool is_lines; /* NDJSON */
	uint64_t n;
	struct arena *arena;
	unsigned indent; /* 0: an object a line */
};

static const struct model *find_model(const struct registry *registry, const char *word)
{
	struct str name = str_of(word);
	const char *dot = strrchr(word, '.');
	const struct model *model = registry_model(registry, name);

	if (!model && dot)
		model = registry_model(registry, str_of(dot + 1));
	if (model && !model->is_auto)
		return model;
	struct str near = suggest_nearest(name, registry->paths, registry->npaths);
	fprintf(stderr, "quern: there is no model \"%s\"", word);
	if (near.p)
		fprintf(stderr, "; did you mean %.*s?", STR_ARG(near));
	fprintf(stderr, "\n");
	return NULL;
}

static bool is_in(const struct model *const *models, size_t n, const struct model *model)
{
	for (size_t i = 0; i < n; i++)
		if (models[i] == model)
			return true;
	return false;
}

/* Those of the words, else all but views; none of --exclude. */
static bool is_chosen(void *context, const struct model *model)
{
	const struct selection *choice = context;

	if (is_in(choice->excluded, choice->nexcluded, model))
		return false;
	if (choice->cli->nwords > 0)
		return is_in(choice->named, choice->nnamed, model);
	return model->is_managed;
}

static bool read_choice(struct cli *cli, const struct registry *registry, struct selection *choice)
{
	*choice = (struct selection){.cli = cli};
	choice->named = ARENA_ARRAY(cli->arena, const struct model *, cli->nwords + 1);
	choice->excluded = ARENA_ARRAY(cli->arena, const struct model *, cli->nextras + 1);
	for (size_t i = 0; i < cli->nwords; i++)
		if (!(choice->named[choice->nnamed++] = find_model(registry, cli->words[i])))
			return false;
	for (size_t i = 0; i < cli->nextras; i++)
		if (strcmp(cli->extras[i].key, "--exclude") == 0 &&
		    !(choice->excluded[choice->nexcluded++] = find_model(registry, cli->extras[i].text)))
			return false;
	return true;
}

/* With --indent every member of an object stands on a line of its own; texts are passed over. */
static void write_indented(const struct writing *writing, struct str object)
{
	unsigned depth = 1;
	bool is_text = false;

	fprintf(writing->file, "%*s", (int)writing->indent, "");
	for (size_t i = 0; i < object.n; i++) {
		char c = object.p[i];

		if (is_text) {
			fputc(c, writing->file);
			if (c == '\\' && i + 1 < object.n)
				fputc(object.p[++i], writing->file);
			is_text = c != '"';
			continue;
		}
		is_text = c == '"';
		if (c == '{' && i + 1 < object.n && object.p[i + 1] == '}') {
			fputs("{}", writing->file);
			i++;
			continue;
		}
		depth -= c == '}';
		if (c == '}')
			fprintf(writing->file, "\n%*s", (int)(depth * writing->indent), "");
		fputc(c, writing->file);
		depth += c == '{';
		bool ends_member = c == ',' && i + 2 < object.n && object.p[i + 1] == ' ' &&
		                   object.p[i + 2] == '"' && depth <= 3;
		if (c == '{' || ends_member)
			fprintf(writing->file, "\n%*s", (int)(depth * writing->indent), "");
		if (ends_member)
			i++;
	}
}

static bool write_object(void *context, struct str object)
{
	struct writing *writing = context;

	if (!writing->is_lines)
		fputs(writing->n > 0 ? ",\n" : "[\n", writing->file);
	writing->n++;
	if (writing->indent > 0 && !writing->is_lines)
		write_indented(writing, object);
	else
		fwrite(object.p, 1, object.n, writing->file);
	if (writing->is_lines)
		fputc('\n', writing->file);
	return !ferror(writing->file);
}

static bool read_writing(struct cli *cli, struct writing *writing)
{
	const char *format = cli_extra(cli, "--format"), *output = cli_extra(cli, "--output");
	const char *indent = cli_extra(cli, "--indent");
	bool is_named_lines = output && (str_ends(str_of(output), STR(".ndjson")) ||
	                                 str_ends(str_of(output), STR(".jsonl")));
	int64_t spaces = 0;

	writing->is_lines = format ? strcmp(format, "ndjson") == 0 : is_named_lines;
	if (format && !writing->is_lines && strcmp(format, "json") != 0) {
		fprintf(stderr, "quern dumpdata: --format is json or ndjson, not \"%s\"\n", format);
		return false;
	}
	if (indent && (!str_to_int(str_of(indent), &spaces) || spaces < 0 || spaces > 16)) {
		fprintf(stderr, "quern dumpdata: --indent is a number from 0 to 16, not \"%s\"\n", indent);
		return false;
	}
	writing->indent = (unsigned)spaces;
	return true;
}

static int dump(struct cli *cli, const struct settings *settings, struct fixture_dump *what,
                struct writing *writing)
{
	struct migrate_options options = cli_database(settings);
	struct cli_output output;
	struct error error;

	error_init(&error, cli->arena);
	writing->file = cli_open_output(cli, &output);
	if (!writing->file)
		return CLI_FAILED;
	bool ok = fixture_dump(&options, what, &error);
	if (ok && !writing->is_lines)
		fputs(writing->n > 0 ? "\n]\n" : "[]\n", writing->file);
	bool is_written = cli_close_output(&output, ok);
	if (!ok)
		return cli_fail(&error);
	return is_written ? CLI_OK : CLI_FAILED;
}

int cli_dumpdata(struct cli *cli)
{
	struct settings settings;
	const struct registry *registry;
	struct selection choice;
	struct writing writing = {.arena = cli->arena};

	if (!cli_load_settings(cli, &settings) || !cli_load_models(cli, &settings, &registry))
		return CLI_FAILED;
	if (!read_writing(cli, &writing) || !read_choice(cli, registry, &choice))
		return CLI_USAGE;
	struct fixture_dump what = {
		.natural_foreign = cli_extra(cli, "--natural-foreign") != NULL,
		.natural_primary = cli_extra(cli, "--natural-primary") != NULL,
		.label = cli_extra(cli, "--app"),
		.write = write_object,
		.context = &writing,
	};
	what.nmodels = fixture_order(cli->arena, registry, is_chosen, &choice, &what.models);
	return dump(cli, &settings, &what, &writing);
}

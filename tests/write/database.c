/* See database.h. */
#include "tests/write/database.h"

#include "orm/base/task.h"
#include "orm/migrate/migrate.h"
#include "orm/query/decode.h"
#include "orm/wire/encode.h"

#include <stdio.h>

const struct registry *registry;

static struct loop *loop;
static struct db *db;
static struct arena *models_arena;
static size_t running;

struct job {
	void (*fn)(void *);
	void *arg;
};

static void run_job(void *arg)
{
	struct job *job = arg;
	job->fn(job->arg);
	running--;
}

void as_tasks(void (*fn)(void *arg), void *args[], size_t n)
{
	struct job *jobs = calloc(n, sizeof *jobs);
	ck_assert_ptr_nonnull(jobs);
	running = n;
	for (size_t i = 0; i < n; i++) {
		jobs[i] = (struct job){fn, args[i]};
		task_start(run_job, &jobs[i]);
	}
	while (running)
		loop_turn(loop, 1000);
	free(jobs);
}

void as_task(void (*fn)(void *arg), void *arg)
{
	as_tasks(fn, &arg, 1);
}

static void empty(void *arg)
{
	struct client c;
	(void)arg;
	client_open(&c);
	run_sql(&c, "DROP SCHEMA public CASCADE");
	run_sql(&c, "CREATE SCHEMA public");
	client_close(&c);
}

void database_open(const char *models)
{
	const char *url = getenv("QUERN_TEST_DATABASE_URL");
	ck_assert_msg(url != NULL, "QUERN_TEST_DATABASE_URL is not set");
	struct db_settings settings = {.conninfo = url,
	                               .pool_size = 4,
	                               .acquire_timeout_ms = 5000,
	                               .statement_timeout_ms = 20000,
	                               .statement_cache = 100,
	                               .application_name = "quern-test"};
	struct migrate_options options = {.conninfo = url};
	struct error error;

	models_arena = arena_new();
	registry = models_from(models_arena, models);
	loop = loop_new();
	db = db_new(loop, &settings);
	as_task(empty, NULL);
	error_init(&error, models_arena);
	if (!migrate_apply(&options, registry, &error))
		ck_abort_msg("%.*s", STR_ARG(error.detail));
}

void database_close(void)
{
	db_free(db);
	loop_free(loop);
	task_thread_end();
	arena_free(models_arena);
}

/* -- clients ----------------------------------------------------------------------- */

void client_open(struct client *client)
{
	client->arena = arena_new();
	db_session_init(&client->session, db, client->arena);
	error_init(&client->error, client->arena);
}

void client_close(struct client *client)
{
	arena_free(client->arena);
}

void client_again(struct client *client)
{
	client->session.usage = (struct db_usage){0};
	error_clear(&client->error);
}

static void query(struct client *client, const char *sql, struct db_rows *rows)
{
	struct statement statement = {.sql = str_of(sql)};
	struct error error;

	error_init(&error, client->arena);
	if (!db_query(&client->session, &statement, false, rows, &error))
		ck_abort_msg("%s: %.*s", sql, STR_ARG(error.detail));
}

void run_sql(struct client *client, const char *sql)
{
	struct db_rows rows;
	query(client, sql, &rows);
}

const char *rows_of(struct client *client, const char *sql)
{
	struct db_rows rows;
	struct buf text = {0};

	query(client, sql, &rows);
	for (size_t row = 0; row < rows.nrows; row++) {
		if (row)
			buf_add_char(&text, '|');
		for (size_t column = 0; column < rows.ncolumns; column++) {
			struct str cell = db_cell(&rows, row, column);
			if (column)
				buf_add_char(&text, ',');
			buf_add(&text, cell.p ? cell : STR("-"));
		}
	}
	const char *copy = arena_cstr(client->arena, buf_str(&text));
	buf_release(&text);
	return copy;
}

/* -- answers ----------------------------------------------------------------------- */

static const char *kept(struct client *client, struct buf *text)
{
	const char *copy = arena_cstr(client->arena, buf_str(text));
	buf_release(text);
	return copy;
}

static const char *failed(struct client *client)
{
	struct buf text = {0};
	buf_printf(&text, "%s: %.*s", error_title(client->error.kind), STR_ARG(client->error.detail));
	return kept(client, &text);
}

static const char *answered(struct client *client, const struct written *written)
{
	struct buf text = {0};
	for (size_t i = 0; i < written->nrows; i++) {
		if (i)
			buf_add_char(&text, ',');
		encode_object(&written->layout, written->rows[i].batch, written->rows[i].row, &text);
	}
	return kept(client, &text);
}

static const struct query *query_from(struct client *client, const char *json)
{
	const struct query *query;
	struct error error;
	error_init(&error, client->arena);
	if (!decode_query(client->arena, value_from(client->arena, json), NULL, &query, &error))
		ck_abort_msg("%s: %.*s", json, STR_ARG(error.detail));
	return query;
}

static const struct value *key_from(struct client *client, const char *pk)
{
	struct value *value = ARENA_NEW(client->arena, struct value);
	*value = (struct value){.kind = VALUE_TEXT, .is_loose = true, .text = str_of(pk)};
	return value;
}

const char *create(struct client *client, const char *model, const char *json)
{
	struct written written;
	client_again(client);
	return write_create(&client->session, model_named(registry, model), NULL, NULL,
	                    value_from(client->arena, json), &written, &client->error)
	           ? answered(client, &written)
	           : failed(client);
}

const char *bulk_create(struct client *client, const char *model, const char *json)
{
	struct written written;
	client_again(client);
	return write_bulk_create(&client->session, model_named(registry, model), NULL, NULL,
	                         value_from(client->arena, json), &written, &client->error)
	           ? answered(client, &written)
	           : failed(client);
}

static const char *number(struct client *client, uint64_t n)
{
	struct buf text = {0};
	buf_add_int(&text, (int64_t)n);
	return kept(client, &text);
}

const char *update(struct client *client, const char *model, const char *json, const char *set)
{
	struct written written;
	client_again(client);
	return write_update(&client->session, model_named(registry, model), NULL, NULL,
	                    query_from(client, json), value_from(client->arena, set), &written,
	                    &client->error)
	           ? number(client, written.affected)
	           : failed(client);
}

const char *change_row(struct client *client, const char *model, const char *pk, const char *set,
                       bool is_whole)
{
	struct plan_scope scope = {.pk = key_from(client, pk)};
	struct written written;
	client_again(client);
	return write_row(&client->session, model_named(registry, model), &scope, NULL,
	                 value_from(client->arena, set), is_whole, &written, &client->error)
	           ? answered(client, &written)
	           : failed(client);
}

const char *delete_rows(struct client *client, const char *model, const char *json)
{
	struct deleted deleted;
	struct buf text = {0};
	client_again(client);
	if (!write_delete(&client->session, model_named(registry, model), NULL, NULL,
	                  query_from(client, json), &deleted, &client->error))
		return failed(client);
	buf_add_int(&text, (int64_t)deleted.total);
	for (size_t i = 0; i < deleted.nmodels; i++)
		buf_printf(&text, " %.*s=%llu", STR_ARG(deleted.per_model[i].model->name),
		           (unsigned long long)deleted.per_model[i].n);
	return kept(client, &text);
}

const char *get_or_create(struct client *client, const char *model, const char *json)
{
	struct written written;
	bool is_created;
	client_again(client);
	if (!write_get_or_create(&client->session, model_named(registry, model), NULL, NULL,
	                         value_from(client->arena, json), &is_created, &written,
	                         &client->error))
		return failed(client);
	struct buf text = {0};
	buf_printf(&text, "%s %s", is_created ? "created" : "found", answered(client, &written));
	return kept(client, &text);
}

const char *update_or_create(struct client *client, const char *model, const char *json)
{
	struct written written;
	bool is_created;
	client_again(client);
	if (!write_update_or_create(&client->session, model_named(registry, model), NULL, NULL,
	                            value_from(client->arena, json), &is_created, &written,
	                            &client->error))
		return failed(client);
	struct buf text = {0};
	buf_printf(&text, "%s %s", is_created ? "created" : "changed", answered(client, &written));
	return kept(client, &text);
}

struct plan_scope scope_of(struct client *client, const char *model, const char *pk,
                           const char *accessor)
{
	struct plan_scope scope = {.owner = key_from(client, pk)};
	ck_assert(model_accessor(model_named(registry, model), str_of(accessor), &scope.relation,
	                         &scope.is_reverse));
	return scope;
}

const char *create_related(struct client *client, const char *model, const char *pk,
                           const char *accessor, const char *json)
{
	struct plan_scope scope = scope_of(client, model, pk, accessor);
	struct written written;
	client_again(client);
	return write_create(&client->session, relation_end(scope.relation, scope.is_reverse), &scope, NULL,
	                    value_from(client->arena, json), &written, &client->error)
	           ? answered(client, &written)
	           : failed(client);
}

const char *related(struct client *client, enum related_change change, const char *model,
                    const char *pk, const char *accessor, const char *json)
{
	struct plan_scope scope = scope_of(client, model, pk, accessor);
	struct related_changed changed;
	struct buf text = {0};
	client_again(client);
	if (!write_related(&client->session, &scope, NULL, change,
	                   json ? value_from(client->arena, json) : NULL, &changed, &client->error))
		return failed(client);
	buf_printf(&text, "+%llu -%llu", (unsigned long long)changed.added,
	           (unsigned long long)changed.removed);
	return kept(client, &text);
}

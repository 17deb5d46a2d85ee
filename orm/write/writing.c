/* Running a write's statements; see writing.h. */
#include "orm/write/writing.h"

#include "orm/write/integrity.h"
#include "orm/write/validate.h"
#include "orm/write/write.h"
#include "orm/write/notify.h"
#include "orm/write/overflow.h"

#define ATTEMPTS 3

void writing_init(struct writing *writing, struct db_session *session,
                  const struct registry *registry, const struct write_options *options,
                  struct error *error)
{
	static const struct write_options none;

	*writing = (struct writing){.session = session,
	                            .arena = session->arena,
	                            .registry = registry,
	                            .options = options ? options : &none,
	                            .error = error};
}

static bool done(struct writing *writing, bool is_good)
{
	if (is_good)
		return true;
	integrity_explain_update(writing->registry, writing->is_deleting, writing->assigned,
	                         writing->nassigned, writing->error);
	overflow_explain(writing->assigned, writing->nassigned, writing->error);
	return false;
}

/* What PostgreSQL ended for a deadlock it has rolled back: it may be sent again, unless it was a part of more. */
static bool run_again(struct writing *writing, const struct statement *statements, size_t n,
                      struct db_rows *rows)
{
	bool is_whole = !writing->session->tx;

	for (unsigned i = 1; !db_run(writing->session, statements, n, false, rows, writing->error); i++) {
		if (!is_whole || writing->error->kind != ERROR_CONFLICT || i == ATTEMPTS)
			return false;
		error_clear(writing->error);
		memset(rows, 0, n * sizeof *rows);
	}
	return true;
}

bool writing_run(struct writing *writing, const struct statement *statements, size_t n,
                 struct db_rows *rows)
{
	const struct statement *sent = notify_statements(writing->arena, statements, n);

	if (!done(writing, run_again(writing, sent, n, rows)))
		return false;
	notify_settle(statements, sent, n, rows);
	return true;
}

bool writing_query(struct writing *writing, const struct statement *statement, struct db_rows *rows)
{
	return writing_run(writing, statement, 1, rows);
}

bool writing_read(struct writing *writing, const struct statement *statements, size_t n,
                  struct db_rows *rows)
{
	return db_run(writing->session, statements, n, true, rows, writing->error);
}

static bool attempt(struct writing *writing, bool (*body)(struct writing *, void *), void *arg)
{
	struct db_tx *tx;

	if (!db_begin(writing->session, DB_READ_COMMITTED, &tx, writing->error))
		return false;
	if (!body(writing, arg)) {
		db_rollback(tx);
		return false;
	}
	/* Deferred foreign keys speak here. */
	return done(writing, db_commit(tx, writing->error));
}

bool writing_atomically(struct writing *writing, bool (*body)(struct writing *writing, void *arg),
                        void *arg)
{
	if (writing->session->tx)
		return body(writing, arg);
	for (unsigned i = 1; !attempt(writing, body, arg); i++) {
		if (writing->error->kind != ERROR_CONFLICT || i == ATTEMPTS)
			return false;
		error_clear(writing->error);
	}
	return true;
}

void writing_validation(const struct writing *writing, struct validation *validation)
{
	validation_init(validation, writing->arena);
	validation->is_bare = writing->options && writing->options->is_unvalidated;
}

bool writing_none_found(struct writing *writing, const struct model *model, const struct pos *pos)
{
	if (!pos)
		return error_set_nowhere(writing->error, ERROR_DOES_NOT_EXIST,
		                         "%.*s matching query does not exist.", STR_ARG(model->name));
	return error_set(writing->error, ERROR_DOES_NOT_EXIST, pos,
	                 "%.*s matching query does not exist.", STR_ARG(model->name));
}

bool writing_many_found(struct writing *writing, const struct model *model, const struct pos *pos,
                        size_t n)
{
	struct str many = n > 20 ? STR("more than 20") : arena_printf(writing->arena, "%zu", n);

	return error_set(writing->error, ERROR_MULTIPLE, pos,
	                 "get() returned more than one %.*s -- it returned %.*s!", STR_ARG(model->name),
	                 STR_ARG(many));
}

bool writing_can_refer(struct writing *writing, const struct field *target, struct str key,
                       const struct pos *pos)
{
	static const char words[] =
		"This %.*s has no '%.*s' (it is null), by which other rows could refer to it.";
	const struct model *model = target->model;

	if (key.p)
		return true;
	if (!pos)
		return error_set_nowhere(writing->error, ERROR_VALUE, words, STR_ARG(model->name),
		                         STR_ARG(target->name));
	return error_set(writing->error, ERROR_VALUE, pos, words, STR_ARG(model->name),
	                 STR_ARG(target->name));
}

struct public_body {
	bool (*body)(void *arg);
	void *arg;
};

static bool run_public(struct writing *writing, void *arg)
{
	const struct public_body *body = arg;

	(void)writing;
	return body->body(body->arg);
}

bool write_atomically(struct db_session *session, const struct registry *registry,
                      bool (*body)(void *arg), void *arg, struct error *error)
{
	struct public_body public = {body, arg};
	struct writing writing;

	writing_init(&writing, session, registry, NULL, error);
	return writing_atomically(&writing, run_public, &public);
}

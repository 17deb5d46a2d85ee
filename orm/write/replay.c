/* Statements over quern_idempotency; see replay.h.
 *
 * Invariant: a row without a status is visible to nobody but the transaction that made it, because the
 * status is written before the commit.  All texts are constants; values are parameters.
 */
#include "orm/write/replay.h"

#include "orm/sql/writer.h"

#define ATTEMPTS 3


static void add_text(struct sql *sql, struct str text)
{
	sql_param(sql, text, 0, STR("text"));
}

static void add_int(struct sql *sql, unsigned number)
{
	sql_param(sql, arena_printf(sql->arena, "%u", number), 0, STR("int"));
}

/* " WHERE identity = … AND key = …" */
static void add_where(struct sql *sql, const struct replay_key *key)
{
	sql_lit(sql, " WHERE q.identity = ");
	add_text(sql, key->identity);
	sql_lit(sql, " AND q.key = ");
	add_text(sql, key->key);
}

bool replay_has_table(struct db_session *session, bool *has_table, struct error *error)
{
	struct statement statement;
	struct db_rows rows;
	struct sql sql;

	sql_init(&sql, session->arena);
	sql_lit(&sql, "SELECT to_regclass('quern_idempotency') IS NOT NULL");
	sql_finish(&sql, 1, &statement);
	if (!db_query(session, &statement, true, &rows, error))
		return false;
	*has_table = str_is(db_cell(&rows, 0, 0), "t");
	return true;
}

/* -- claiming -------------------------------------------------------------------- */

/* Waits inside PostgreSQL for a transaction that inserts the same key.  An expired key is taken over. */
static void emit_claim(struct arena *arena, const struct replay_key *key,
                       struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "INSERT INTO quern_idempotency AS q (identity, key, fingerprint, expires_at) VALUES (");
	add_text(&sql, key->identity);
	sql_lit(&sql, ", ");
	add_text(&sql, key->key);
	sql_lit(&sql, ", ");
	add_text(&sql, key->fingerprint);
	sql_lit(&sql, ", now() + make_interval(secs => ");
	add_int(&sql, key->ttl);
	sql_lit(&sql, ")) ON CONFLICT (identity, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
	              "created_at = now(), expires_at = excluded.expires_at, status = NULL, "
	              "content_type = NULL, headers = NULL, body = NULL "
	              "WHERE q.expires_at <= now() RETURNING true");
	sql_finish(&sql, 1, statement);
}

static void emit_find(struct arena *arena, const struct replay_key *key,
                      struct statement *statement)
{
	struct sql sql;

	sql_init(&sql, arena);
	sql_lit(&sql, "SELECT q.fingerprint, q.status, q.content_type, q.headers, q.body "
	              "FROM quern_idempotency AS q");
	add_where(&sql, key);
	sql_finish(&sql, 5, statement);
}

static void read_replay(const struct db_rows *rows, struct replay *replay)
{
	int64_t status;

	if (!str_to_int(db_cell(rows, 0, 1), &status))
		BUG("a kept reply has no status");
	*replay = (struct replay){.status = (int)status,
	                          .content_type = db_cell(rows, 0, 2),
	                          .headers = db_cell(rows, 0, 3),
	                          .body = db_cell(rows, 0, 4)};
}

bool replay_claim(struct db_session *session, const struct replay_key *key,
                  enum replay_claim *claim, struct replay *replay, struct error *error)
{
	struct statement statements[2];
	struct db_rows rows[2];

	emit_claim(session->arena, key, &statements[0]);
	emit_find(session->arena, key, &statements[1]);
	for (unsigned i = 0; i < ATTEMPTS; i++) {
		if (!db_run(session, statements, 2, false, rows, error))
			return false;
		*claim = REPLAY_CLAIMED;
		if (rows[0].nrows)
			return true;
		/* Between the two statements the key may expire and be purged: once more. */
		if (!rows[1].nrows)
			continue;
		*claim = REPLAY_FOREIGN;
		if (!str_eq(db_cell(&rows[1], 0, 0), key->fingerprint))
			return true;
		*claim = REPLAY_FOUND;
		read_replay(&rows[1], replay);
		return true;
	}
	return error_set_nowhere(error, ERROR_CONFLICT,
	                         "The idempotency key expires just now; the request may be sent again.");
}

bool replay_keep(struct db_session *session, const struct replay_key *key,
                 const struct replay *replay, struct error *error)
{
	struct statement statement;
	struct db_rows rows;
	struct sql sql;

	sql_init(&sql, session->arena);
	sql_lit(&sql, "UPDATE quern_idempotency AS q SET status = ");
	add_int(&sql, (unsigned)replay->status);
	sql_lit(&sql, ", content_type = ");
	add_text(&sql, replay->content_type);
	sql_lit(&sql, ", headers = ");
	add_text(&sql, replay->headers);
	sql_lit(&sql, ", body = ");
	add_text(&sql, replay->body);
	add_where(&sql, key);
	sql_finish(&sql, 0, &statement);
	return db_query(session, &statement, false, &rows, error);
}

/* -- purging --------------------------------------------------------------------- */

bool replay_purge(struct db_session *session, bool *more, struct error *error)
{
	struct statement statement;
	struct db_rows rows;
	struct db_tx *tx;
	struct sql sql;

	*more = false;
	sql_init(&sql, session->arena);
	sql_lit(&sql, "DELETE FROM quern_idempotency WHERE ctid = ANY(ARRAY("
	              "SELECT ctid FROM quern_idempotency WHERE expires_at <= now() "
	              "ORDER BY expires_at LIMIT ");
	sql_param(&sql, arena_printf(session->arena, "%u", REPLAY_PURGE_ROWS), 0, STR("int"));
	sql_lit(&sql, " FOR UPDATE SKIP LOCKED))");
	sql_finish(&sql, 0, &statement);
	/* On a connection of its own: nobody's statement waits behind it. */
	if (!db_begin(session, DB_READ_COMMITTED, &tx, error))
		return false;
	if (!db_query(session, &statement, false, &rows, error)) {
		db_rollback(tx);
		return false;
	}
	*more = rows.affected == REPLAY_PURGE_ROWS;
	return db_commit(tx, error);
}

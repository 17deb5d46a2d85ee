/* The rows of a stream within a transaction: a cursor of PostgreSQL on the transaction's connection.
 *
 * Single-row mode would keep the connection to itself until the last row was read; between two
 * FETCHes of a cursor anything else may run, other cursors too.  Each helping is asked for when the
 * last one is used up, and is as large as the rows before it suggest; a result that fits into the
 * first costs one round trip.  Invariant: one helping is held at a time, in an arena of the cursor's
 * own.
 */
#include "orm/db/engine.h"

#include <stdio.h>

/* A helping: rows of the first, and what later ones aim at. */
#define FIRST_ROWS 64
#define MOST_ROWS 2048
#define HELPING_BYTES (128 * 1024)

struct cursor {
	struct db_session *session;
	struct db_tx *tx;
	struct arena *arena;
	struct str zone;
	const struct pos *zone_pos;
	unsigned number;
	unsigned asked; /* rows of the next FETCH: a power of two, so that its texts are few */
	struct db_rows rows;
	bool has_rows; /* that nobody has taken yet */
	bool is_ended;
};

static struct statement fetch_statement(const struct cursor *cursor)
{
	struct str sql =
		arena_printf(cursor->arena, "FETCH %u FROM quern_%u", cursor->asked, cursor->number);
	return (struct statement){.sql = sql, .zone = cursor->zone, .zone_pos = cursor->zone_pos};
}

static void look_at(struct cursor *cursor, const struct db_rows *rows)
{
	size_t bytes = 0;
	unsigned next = 1;
	for (size_t row = 0; row < rows->nrows; row++)
		for (size_t column = 0; column < rows->ncolumns; column++)
			bytes += db_cell(rows, row, column).n;
	cursor->is_ended = rows->nrows < cursor->asked;
	if (cursor->is_ended)
		return;
	size_t fitting = bytes == 0 ? MOST_ROWS : HELPING_BYTES * rows->nrows / bytes;
	while (next < MOST_ROWS && next * 2 <= fitting && next < cursor->asked * 8)
		next *= 2;
	cursor->asked = next;
}

/* Runs with results in the cursor's own arena, uncounted: a stream is one statement. */
static bool run(struct cursor *cursor, const struct statement *statements, size_t n,
                struct error *error)
{
	struct db_session *session = cursor->session;
	struct arena *arena = session->arena;
	unsigned counted = session->usage.statements;
	struct db_rows rows[2];
	session->arena = cursor->arena;
	bool is_good = db_tx_run(cursor->tx, statements, n, rows, error);
	session->arena = arena;
	session->usage.statements = counted;
	if (!is_good)
		return false;
	cursor->rows = rows[n - 1];
	cursor->has_rows = true;
	look_at(cursor, &cursor->rows);
	return true;
}

bool cursor_open(struct db_session *session, const struct statement *statement, struct cursor **out,
                 struct error *error)
{
	struct cursor *cursor = ARENA_NEW(session->arena, struct cursor);
	*cursor = (struct cursor){.session = session,
	                          .tx = session->tx,
	                          .arena = arena_new(),
	                          .zone = statement->zone,
	                          .zone_pos = statement->zone_pos,
	                          .number = tx_take_cursor(session->tx),
	                          .asked = FIRST_ROWS};
	struct statement statements[2] = {*statement, fetch_statement(cursor)};
	statements[0].sql = arena_printf(cursor->arena, "DECLARE quern_%u NO SCROLL CURSOR FOR %.*s",
	                                 cursor->number, STR_ARG(statement->sql));
	if (!run(cursor, statements, 2, error)) {
		cursor_close(cursor);
		return false;
	}
	session->usage.statements++;
	*out = cursor;
	return true;
}

bool cursor_next(struct cursor *cursor, struct db_rows *rows, struct error *error)
{
	if (!cursor->has_rows && !cursor->is_ended) {
		arena_reset(cursor->arena);
		struct statement fetch = fetch_statement(cursor);
		if (!run(cursor, &fetch, 1, error))
			return false;
	}
	*rows = cursor->has_rows ? cursor->rows : (struct db_rows){0};
	cursor->has_rows = false;
	return true;
}

/* In a transaction that has failed there is nothing to close, and CLOSE means nothing. */
void cursor_close(struct cursor *cursor)
{
	char sql[32];
	snprintf(sql, sizeof sql, "CLOSE quern_%u", cursor->number);
	tx_send_quiet(cursor->tx, sql);
	tx_free_cursor(cursor->tx, cursor->number);
	arena_free(cursor->arena);
}

/* What a server's error means for a client: ONE table from SQLSTATE to kind and words.
 *
 * The server's own words may quote values, SQL and names that a client has no business with: they
 * go to the log (not at all where they may quote a value) and never to the client.
 * https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
#include "orm/db/engine.h"

#include "orm/base/log.h"

struct sqlstate_row {
	const char *code; /* five letters, or two for the rest of a class */
	enum error_kind kind;
	bool quotes_values; /* the server's message may hold a value: not logged */
	const char *words;
};

/* The first row that fits counts. */
static const struct sqlstate_row rows[] = {
	{"08", ERROR_UNAVAILABLE, false, "The connection to the database was lost."},
	{"0A", ERROR_NOT_SUPPORTED, false, "The database does not support this combination."},
	{"21", ERROR_VALUE, false, "A subquery used as a value gives more than one row."},
	{"22000", ERROR_VALUE, true, "A range begins after its end, or is not of one piece."},
	{"22001", ERROR_VALUE, true, "A text is too long for its column."},
	{"22003", ERROR_VALUE, true, "A number is out of range."},
	{"22007", ERROR_VALUE, true, "A date or time is not well formed."},
	{"22008", ERROR_VALUE, true, "A date or time is out of range."},
	{"22012", ERROR_VALUE, true, "Division by zero."},
	{"2201B", ERROR_VALUE, true, "A regular expression is not well formed."},
	{"22021", ERROR_VALUE, true, "A text holds characters that the database cannot keep."},
	{"22P02", ERROR_VALUE, true, "A value is not of its column's type."},
	{"22P05", ERROR_VALUE, true, "A text holds characters that the database cannot keep."},
	{"22", ERROR_VALUE, true, "A value cannot be worked with: wrong form or out of range."},
	{"23502", ERROR_INTEGRITY, true, "A required value is missing."},
	{"23503", ERROR_INTEGRITY, true,
     "A related row does not exist, or rows still refer to this one."},
	{"23505", ERROR_INTEGRITY, true, "A row with these values exists already."},
	{"23514", ERROR_INTEGRITY, true, "The row breaks a check constraint."},
	{"23P01", ERROR_INTEGRITY, true, "The row conflicts with a row that exists already."},
	{"23", ERROR_INTEGRITY, true, "A constraint of the database is broken."},
	{"25006", ERROR_UNAVAILABLE, false, "The database takes no changes at the moment."},
	{"26", ERROR_UNAVAILABLE, false, "The database has changed; try again."},
	{"28", ERROR_UNAVAILABLE, false, "The database refuses the connection."},
	{"40001", ERROR_CONFLICT, true,
     "Another transaction came between; the request may be sent again."},
	{"40P01", ERROR_CONFLICT, true,
     "Two transactions blocked each other; the request may be sent again."},
	{"40", ERROR_CONFLICT, true, "The transaction was rolled back; the request may be sent again."},
	{"428C9", ERROR_VALUE, false, "A generated column cannot be written."},
	{"42501", ERROR_PERMISSION, false, "The database does not allow this."},
	{"42804", ERROR_TYPE, false, "These types do not go together."},
	{"42846", ERROR_TYPE, false, "A value of this type cannot be converted."},
	{"42883", ERROR_TYPE, false, "No such operation for these types."},
	{"42P18", ERROR_TYPE, false, "The type of a value cannot be determined."},
	{"42P05", ERROR_UNAVAILABLE, false, "The database has changed; try again."},
	{"42P01", ERROR_UNAVAILABLE, false, "The database's tables do not fit the models."},
	{"42703", ERROR_UNAVAILABLE, false, "The database's tables do not fit the models."},
	{"3F", ERROR_UNAVAILABLE, false, "The database's tables do not fit the models."},
	{"44", ERROR_INTEGRITY, true, "The row breaks the condition of a view."},
	{"53", ERROR_UNAVAILABLE, false, "The database has run out of resources."},
	{"54", ERROR_BAD_REQUEST, false, "The query is too complex for the database."},
	{"55P03", ERROR_LOCKED, false, "A row is locked by another transaction."},
	{"57014", ERROR_TIMEOUT, false, "The database took too long to answer."},
	{"57P", ERROR_UNAVAILABLE, false, "The database is restarting."},
	{"P0", ERROR_INTEGRITY, true, "A rule of the database refuses this."},
};

static const struct sqlstate_row unknown = {"", ERROR_INTERNAL, false,
                                            "The database failed to answer."};
static const struct sqlstate_row lost = {"", ERROR_UNAVAILABLE, false,
                                         "The connection to the database was lost."};

static struct str field_of(const PGresult *result, int code)
{
	return str_of(PQresultErrorField(result, code));
}

static const struct sqlstate_row *row_of(struct str code)
{
	if (code.p == NULL)
		return &lost;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (str_starts(code, str_of(rows[i].code)))
			return &rows[i];
	return &unknown;
}

bool sqlstate_is(const PGresult *result, const char *code)
{
	return str_is(field_of(result, PG_DIAG_SQLSTATE), code);
}

bool sqlstate_is_class(const PGresult *result, const char *class)
{
	return str_starts(field_of(result, PG_DIAG_SQLSTATE), str_of(class));
}

bool sqlstate_is_stale(const PGresult *result)
{
	/* 0A000 is generic; the function that raised it is not, and is never translated. */
	if (sqlstate_is(result, "0A000"))
		return str_is(field_of(result, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery");
	return sqlstate_is(result, "26000") || sqlstate_is(result, "42P05");
}

static enum log_level level_of(enum error_kind kind)
{
	bool is_ours = kind == ERROR_INTERNAL || kind == ERROR_UNAVAILABLE ||
	               kind == ERROR_PERMISSION || kind == ERROR_TYPE || kind == ERROR_NOT_SUPPORTED;
	return is_ours ? LOG_WARNING : LOG_DEBUG;
}

static void log_server_text(const PGresult *result, const struct sqlstate_row *row)
{
	enum log_level level = level_of(row->kind);
	if (!log_enabled(level))
		return;
	struct str message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
	struct str code = field_of(result, PG_DIAG_SQLSTATE);
	if (row->quotes_values || message.p == NULL)
		message = str_of(row->words);
	if (code.p == NULL)
		code = STR("");
	log_event(level, "database error",
	          LOG_FIELDS(LOG_STR("sqlstate", code), LOG_STR("message", message)));
}

static struct str kept(struct error *error, struct str s)
{
	return s.p == NULL ? s : arena_str(error->arena, s);
}

void sqlstate_set(const PGresult *result, struct error *error)
{
	const struct sqlstate_row *row = row_of(field_of(result, PG_DIAG_SQLSTATE));
	log_server_text(result, row);
	error_set_nowhere(error, row->kind, "%s", row->words);
	error->sqlstate = kept(error, field_of(result, PG_DIAG_SQLSTATE));
	if (row->kind == ERROR_UNAVAILABLE)
		error->retry_after = 1;
	if (row->kind != ERROR_INTEGRITY)
		return;
	error->constraint = kept(error, field_of(result, PG_DIAG_CONSTRAINT_NAME));
	error->table = kept(error, field_of(result, PG_DIAG_TABLE_NAME));
	error->column = kept(error, field_of(result, PG_DIAG_COLUMN_NAME));
}

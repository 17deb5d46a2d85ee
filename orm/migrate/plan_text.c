/* Prints steps; see plan_text.h. */
#include "orm/migrate/plan_text.h"

#include <stdlib.h>

static const char *lock_name(enum step_lock lock)
{
	switch (lock) {
	case LOCK_NONE:
		return "none";
	case LOCK_ROW_EXCLUSIVE:
		return "ROW EXCLUSIVE (reading and writing go on)";
	case LOCK_SHARE_UPDATE_EXCLUSIVE:
		return "SHARE UPDATE EXCLUSIVE (reading and writing go on)";
	case LOCK_SHARE_ROW_EXCLUSIVE:
		return "SHARE ROW EXCLUSIVE (reading goes on)";
	case LOCK_ACCESS_EXCLUSIVE:
		return "ACCESS EXCLUSIVE (nothing goes on)";
	}
	BUG("lock %d", (int)lock);
}

static bool estimate_rows(struct connection *connection, struct arena *arena, struct str table,
                          int64_t *rows)
{
	const char *params[] = {arena_cstr(arena, table), NULL};
	PGresult *result;
	*rows = -1;
	/* Where nobody has counted yet, the table's size says about how many. */
	if (!connection_query(connection,
	                      "SELECT CASE WHEN reltuples >= 0 THEN reltuples ELSE "
	                      "pg_relation_size(oid) / 100 END::bigint FROM pg_class "
	                      "WHERE oid = to_regclass($1)",
	                      params, "look at a table", &result))
		return false;
	if (PQntuples(result) > 0)
		*rows = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return true;
}

static struct str sql_of(struct arena *arena, const struct step *step, struct str name)
{
	if (!step->finder)
		return step->sql;
	if (step->unless.p && str_eq(name, quoted_name(arena, step->unless)))
		return STR("-- it is called so already");
	return arena_printf(arena, "%.*s%.*s%.*s", STR_ARG(step->sql), STR_ARG(name),
	                    STR_ARG(step->tail));
}

/* Behind a remark in a person's SQL a semicolon would be part of it. */
static const char *end_of(struct str sql)
{
	for (size_t i = sql.n; i > 1 && sql.p[i - 1] != '\n'; i--)
		if (sql.p[i - 1] == '-' && sql.p[i - 2] == '-')
			return "\n;\n";
	return ";\n";
}

static const char *way_of(const struct step *step)
{
	if (step->kind == STEP_BACKFILL)
		return "; 1000 rows at a time";
	if (step->rewrites)
		return "; WRITES EVERY ROW AGAIN under the lock";
	if (step->scans && (step->lock == LOCK_ACCESS_EXCLUSIVE || step->lock == LOCK_SHARE_ROW_EXCLUSIVE))
		return "; READS EVERY ROW under the lock";
	if (step->scans)
		return "; reads every row";
	return "; for a moment";
}

static bool add_step(struct connection *connection, struct arena *arena, const struct step *step,
                     size_t number, struct buf *out)
{
	struct names names = {0};
	struct str name = step->finder ? quoted_name(arena, step->finder->name) : STR("");
	int64_t rows;
	buf_printf(out, "-- step %zu: %.*s\n", number, STR_ARG(step->label));
	if (step->table.n > 0) {
		if (!estimate_rows(connection, arena, step->table, &rows))
			return false;
		buf_printf(out, "--   lock on %.*s: %s%s", STR_ARG(step->table), lock_name(step->lock),
		           way_of(step));
		if (rows >= 0)
			buf_printf(out, "; about %lld rows", (long long)rows);
		BUF_LIT(out, "\n");
	}
	if (step->finder && !find_names(connection, arena, step->finder, &names))
		return false;
	if (names.n > 0)
		name = names.items[0];
	struct str sql = sql_of(arena, step, name);
	buf_printf(out, "%.*s%s", STR_ARG(sql), end_of(sql));
	return true;
}

/* What stands between two steps: the ends of transactions. */
static void add_border(const struct steps *steps, size_t i, struct buf *out)
{
	bool is_together = i < steps->n && !steps->items[i].is_apart;
	bool was_together = i > 0 && !steps->items[i - 1].is_apart;
	if (was_together && !is_together)
		BUF_LIT(out, "COMMIT;\n");
	if (is_together && !was_together)
		BUF_LIT(out, "BEGIN;\n");
}

bool plan_text(struct connection *connection, struct arena *arena, struct str name,
               bool is_backward, const struct steps *steps, struct buf *out)
{
	buf_printf(out, "-- %.*s%s\n", STR_ARG(name), is_backward ? ", backwards" : "");
	for (size_t i = 0; i < steps->n; i++) {
		add_border(steps, i, out);
		if (!add_step(connection, arena, &steps->items[i], i + 1, out))
			return false;
	}
	if (steps->n == 0)
		BUF_LIT(out, "-- changes no table\n");
	add_border(steps, steps->n, out);
	BUF_LIT(out, "\n");
	return true;
}

struct str steps_script(struct arena *arena, const struct steps *steps)
{
	struct buf text = {0};
	for (size_t i = 0; i < steps->n; i++) {
		const struct step *step = &steps->items[i];
		struct str name = step->finder ? quoted_name(arena, step->finder->name) : STR("");
		add_border(steps, i, &text);
		struct str sql = sql_of(arena, step, name);
		buf_printf(&text, "%.*s%s", STR_ARG(sql), end_of(sql));
	}
	if (steps->n > 0)
		add_border(steps, steps->n, &text);
	struct str script = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return script;
}

void error_set_migration(struct error *error, struct arena *arena, struct str name)
{
	error->detail = arena_printf(arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(error->detail));
}

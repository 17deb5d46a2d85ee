/* One row read and locked, for who compares it before he writes it. */
#include "orm/write/lock.h"

#include "orm/write/parts.h"

bool write_lock_row(struct db_session *session, const struct model *model,
                    const struct plan_scope *scope, struct locked_row *row, struct error *error)
{
	struct statement statement;
	const struct plan *plan;
	struct sql sql;

	ASSERT(session->tx && scope && scope->pk && !scope->relation);
	if (!plan_query(session->arena, model, scope, query_all(session->arena), &plan, error))
		return false;
	sql_init(&sql, session->arena);
	part_statement(&sql, &plan->statement);
	sql_lit(&sql, " FOR UPDATE");
	sql_finish(&sql, plan->statement.ncolumns, &statement);
	row->layout = plan->layout;
	if (!db_query(session, &statement, false, &row->rows, error))
		return false;
	if (row->rows.nrows)
		return true;
	return error_set_nowhere(error, ERROR_DOES_NOT_EXIST, "%.*s matching query does not exist.",
	                         STR_ARG(model->name));
}

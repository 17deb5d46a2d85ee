/* Shared pieces of SQL; see parts.h. */
#include "orm/write/parts.h"

#include "orm/base/error.h"

void part_statement(struct sql *sql, const struct statement *statement)
{
	ASSERT(sql->n == 0);
	if (statement->told) {
		sql->told = statement->told;
		sql->verb_at = sql->text.n + statement->verb_at;
		sql->table_end = sql->text.n + statement->table_end;
	}
	buf_add(&sql->text, statement->sql);
	for (size_t i = 0; i < statement->nparams; i++)
		*ARENA_PUSH(sql->arena, sql) = statement->params[i];
}

void part_returning(struct sql *sql, const struct model *model)
{
	for (size_t i = 0; i < model->ncolumns; i++) {
		sql_const(sql, i ? ", " : " RETURNING ");
		sql_name(sql, model->columns[i]->column);
	}
}

void part_pk_columns(struct sql *sql, const struct model *model)
{
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (i)
			sql_lit(sql, ", ");
		sql_name(sql, model->pk_fields[i]->column);
	}
}

struct str part_array_text(struct arena *arena, const struct str *items, size_t n)
{
	struct buf text = {0};

	buf_add_char(&text, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&text, ',');
		if (!items[i].p) {
			BUF_LIT(&text, "NULL");
			continue;
		}
		buf_add_char(&text, '"');
		for (size_t c = 0; c < items[i].n; c++) {
			if (items[i].p[c] == '"' || items[i].p[c] == '\\')
				buf_add_char(&text, '\\');
			buf_add_char(&text, items[i].p[c]);
		}
		buf_add_char(&text, '"');
	}
	buf_add_char(&text, '}');
	struct str whole = arena_str(arena, buf_str(&text));
	buf_release(&text);
	return whole;
}

/* The SQL writer.  See writer.h for what it allows; nothing else may make SQL text. */
#include "orm/sql/writer.h"

#include "orm/base/error.h"
#include "orm/model/field_types.h"
#include "orm/model/model.h"

void sql_init(struct sql *sql, struct arena *arena)
{
	*sql = (struct sql){.arena = arena};
}

void sql_name(struct sql *sql, struct str name)
{
	buf_add_char(&sql->text, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"')
			buf_add_char(&sql->text, '"');
		buf_add_char(&sql->text, name.p[i]);
	}
	buf_add_char(&sql->text, '"');
}

/* Django's convention for a schema: a db_table of  news"."vote  becomes "news"."vote". */
static void add_table_name(struct sql *sql, const struct model *model)
{
	struct str rest = model->table;
	struct str part = str_cut(&rest, STR("\".\""));

	sql_name(sql, part);
	if (rest.p == NULL)
		return;
	sql_lit(sql, ".");
	sql_name(sql, rest);
}

/* Whether the text ends with the verb of a change, and where that begins. */
static bool ends_with_verb(const struct sql *sql, size_t *at)
{
	static const struct str verbs[] = {STR_INIT("INSERT INTO "), STR_INIT("UPDATE "),
	                                   STR_INIT("DELETE FROM ")};
	struct str text = buf_str(&sql->text);

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (!str_ends(text, verbs[i]))
			continue;
		*at = text.n - verbs[i].n;
		return true;
	}
	return false;
}

void sql_table(struct sql *sql, const struct model *model)
{
	bool is_told = model->notify_channel.p != NULL && ends_with_verb(sql, &sql->verb_at);

	add_table_name(sql, model);
	if (!is_told)
		return;
	sql->told = model;
	sql->table_end = sql->text.n;
}

void sql_alias(struct sql *sql, unsigned alias)
{
	sql_lit(sql, "t");
	buf_add_int(&sql->text, alias);
}

void sql_number(struct sql *sql, unsigned number)
{
	buf_add_int(&sql->text, number);
}

void sql_const(struct sql *sql, const char *table_text)
{
	buf_add(&sql->text, str_of(table_text));
}

static void add_constant(struct sql *sql, struct str text)
{
	if (text.p == NULL) {
		sql_lit(sql, "NULL");
		return;
	}
	bool has_backslash = memchr(text.p, '\\', text.n) != NULL;

	if (has_backslash)
		sql_lit(sql, "E");
	buf_add_char(&sql->text, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'' || text.p[i] == '\\')
			buf_add_char(&sql->text, text.p[i]);
		buf_add_char(&sql->text, text.p[i]);
	}
	buf_add_char(&sql->text, '\'');
}

void sql_param(struct sql *sql, struct str text, unsigned oid, struct str cast)
{
	if (sql->is_inline) {
		add_constant(sql, text);
	} else {
		*ARENA_PUSH(sql->arena, sql) = (struct param){.text = text, .oid = oid};
		buf_add_char(&sql->text, '$');
		buf_add_int(&sql->text, (int64_t)sql->n);
	}
	if (cast.p != NULL) {
		sql_lit(sql, "::");
		buf_add(&sql->text, cast);
	}
}

/* A constant in schema SQL carries its type; varchar's length would cut the value, so text
 * and numbers lose their modifiers. */
static struct str inline_cast(struct sql *sql, const struct field *field)
{
	switch (field->value_field->type->kind) {
	case TYPE_TEXT:
		return STR("text");
	case TYPE_DECIMAL:
		return STR("numeric");
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_BOOLEAN:
	case TYPE_UUID:
	case TYPE_INET:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_DURATION:
	case TYPE_BINARY:
	case TYPE_JSON:
	case TYPE_ARRAY:
	case TYPE_HSTORE:
	case TYPE_RANGE:
	case TYPE_RELATION:
		break;
	}
	return field_column_type(sql->arena, field->value_field);
}

void sql_field_param(struct sql *sql, const struct field *field, struct str text)
{
	if (sql->is_inline) {
		sql_param(sql, text, 0, inline_cast(sql, field));
		return;
	}
	sql_param(sql, text, field_param_oid(field), field_param_cast(sql->arena, field));
}

void sql_field_param_again(struct sql *sql, const struct field *field, size_t number)
{
	struct str cast = field_param_cast(sql->arena, field);

	buf_add_char(&sql->text, '$');
	buf_add_int(&sql->text, (int64_t)number);
	if (cast.p == NULL)
		return;
	sql_lit(sql, "::");
	buf_add(&sql->text, cast);
}

void sql_field_array_param(struct sql *sql, const struct field *field, struct str array_text)
{
	unsigned oid = field_param_array_oid(field);
	struct str cast = field_param_cast(sql->arena, field);

	if (sql->is_inline)
		cast = inline_cast(sql, field);
	if (cast.p != NULL)
		cast = arena_concat(sql->arena, cast, STR("[]"));
	sql_param(sql, array_text, oid, cast);
}

void sql_finish(struct sql *sql, size_t ncolumns, struct statement *statement)
{
	*statement = (struct statement){
	    .sql = arena_str(sql->arena, buf_str(&sql->text)),
	    .params = sql->items,
	    .nparams = sql->n,
	    .ncolumns = ncolumns,
	    .told = sql->told,
	    .verb_at = sql->verb_at,
	    .table_end = sql->table_end,
	};
	buf_release(&sql->text);
	sql->told = NULL;
	sql->items = NULL;
	sql->n = sql->cap = 0;
}

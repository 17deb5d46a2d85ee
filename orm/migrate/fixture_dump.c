/* Dumping: one SELECT a model whose columns are ready JSON; rows are only put together here, each as it comes. */
#include "orm/migrate/fixture.h"

#include "orm/migrate/connection.h"
#include "orm/model/field_types.h"
#include "orm/sql/writer.h"

/* ---- natural keys ---- */

static bool is_never_null(const struct field *const *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!fields[i] || fields[i]->is_null || fields[i]->is_generated)
			return false;
	return n > 0;
}

static size_t take_fields(const struct field *const *from, size_t n, const struct field **fields,
                          size_t most)
{
	if (n > most || !is_never_null(from, n))
		return 0;
	copy_bytes(fields, from, n * sizeof *fields);
	return n;
}

static size_t key_of_constraint(const struct constraint *constraint, const struct field **fields,
                                size_t most)
{
	const struct field *found[FIXTURE_NATURAL_MOST];

	if (constraint->kind != CONSTRAINT_UNIQUE || constraint->condition ||
	    constraint->deferrable != CONSTRAINT_IMMEDIATE_ONLY ||
	    constraint->nparts > FIXTURE_NATURAL_MOST)
		return 0;
	for (size_t i = 0; i < constraint->nparts; i++)
		found[i] = constraint->parts[i].field;
	return take_fields(found, constraint->nparts, fields, most);
}

size_t fixture_natural_key(const struct model *model, const struct field **fields, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < model->ncolumns && n == 0; i++)
		if (model->columns[i]->is_unique && !model->columns[i]->is_primary_key)
			n = take_fields(&model->columns[i], 1, fields, most);
	for (size_t i = 0; i < model->nunique_together && n == 0; i++) {
		size_t length = 0;

		while (model->unique_together[i][length])
			length++;
		n = take_fields(model->unique_together[i], length, fields, most);
	}
	for (size_t i = 0; i < model->nconstraints && n == 0; i++)
		n = key_of_constraint(&model->constraints[i], fields, most);
	return n;
}

/* Whether a row can be named by it: its foreign keys lead to such models, and never back. */
static bool can_be_named(const struct model *model, unsigned depth)
{
	const struct field *fields[FIXTURE_NATURAL_MOST];
	size_t n = fixture_natural_key(model, fields, FIXTURE_NATURAL_MOST);

	for (size_t i = 0; i < n; i++)
		if (fields[i]->relation &&
		    (depth > 8 || !can_be_named(fields[i]->relation->to, depth + 1)))
			return false;
	return n > 0;
}

/* ---- values ---- */

struct joins;

struct dumping {
	const struct fixture_dump *dump;
	struct connection connection;
	struct arena *arena;
	const struct model *model;
	struct sql sql;
	unsigned alias;
	const struct joins *joins; /* of the natural key that is being written */
};

static void column(struct dumping *d, unsigned alias, const struct field *field)
{
	sql_alias(&d->sql, alias);
	sql_lit(&d->sql, ".");
	sql_name(&d->sql, field->column);
}

static void duration(struct dumping *d, unsigned alias, const struct field *field)
{
	/* "1 02:00:03.5" as Django writes it; months have no place there. */
	sql_lit(&d->sql, "(SELECT to_json(CASE WHEN date_part('year', v) = 0 AND date_part('month', v) = 0 "
	                 "THEN CASE WHEN e >= 0 AND e < 86400 THEN '' ELSE floor(e / 86400)::bigint || ' ' END "
	                 "|| to_char(make_interval(secs => (e - floor(e / 86400) * 86400)::double precision), "
	                 "'HH24:MI:SS.US') ELSE v::text END) FROM (SELECT x.v, extract(epoch FROM x.v)::numeric "
	                 "AS e FROM (SELECT ");
	column(d, alias, field);
	sql_lit(&d->sql, " AS v) AS x) AS y)");
}

static void range(struct dumping *d, unsigned alias, const struct field *field)
{
	sql_lit(&d->sql, "(SELECT to_json((CASE WHEN v IS NULL THEN NULL WHEN isempty(v) THEN json_build_object('empty', true) ELSE "
	                 "json_build_object('lower', to_json(lower(v)) #>> '{}', 'upper', to_json(upper(v)) "
	                 "#>> '{}', 'bounds', CASE WHEN lower_inc(v) THEN '[' ELSE '(' END || CASE WHEN "
	                 "upper_inc(v) THEN ']' ELSE ')' END) END)::text) FROM (SELECT ");
	column(d, alias, field);
	sql_lit(&d->sql, " AS v) AS x)");
}

/* `before` column `behind` */
#define AROUND(d, before, alias, field, behind)                                                    \
	(sql_lit(&(d)->sql, before), column(d, alias, field), sql_lit(&(d)->sql, behind))

static void array(struct dumping *d, unsigned alias, const struct field *field)
{
	const struct field *element = field->value_field->base_field;

	if (element->type->kind == TYPE_ARRAY)
		AROUND(d, "to_json(", alias, field, ")");
	else
		AROUND(d, "to_json(to_json((", alias, field, ")::text[])::text)");
}

/* The JSON of a column; SQL NULL where the column is NULL. */
static void value(struct dumping *d, unsigned alias, const struct field *field)
{
	switch (field->value_field->type->kind) {
	case TYPE_INTEGER:
	case TYPE_FLOAT:
	case TYPE_BOOLEAN:
	case TYPE_DATE:
	case TYPE_DATETIME:
	case TYPE_TIME:
	case TYPE_UUID:
		AROUND(d, "to_json(", alias, field, ")");
		return;
	case TYPE_DECIMAL:
	case TYPE_TEXT:
		AROUND(d, "to_json((", alias, field, ")::text)");
		return;
	case TYPE_INET:
		AROUND(d, "to_json(abbrev(", alias, field, "))");
		return;
	case TYPE_BINARY:
		AROUND(d, "to_json(translate(encode(", alias, field, ", 'base64'), chr(10), ''))");
		return;
	case TYPE_JSON:
		AROUND(d, "(", alias, field, ")::json");
		return;
	case TYPE_HSTORE:
		AROUND(d, "to_json(hstore_to_json(", alias, field, ")::text)");
		return;
	case TYPE_DURATION:
		duration(d, alias, field);
		return;
	case TYPE_RANGE:
		range(d, alias, field);
		return;
	case TYPE_ARRAY:
		array(d, alias, field);
		return;
	case TYPE_RELATION:
		break;
	}
	BUG("a column without a type");
}

/* ---- what rows are named by ---- */

static void natural_values(struct dumping *d, unsigned alias, const struct model *model);

/* The items of the natural key of the row that a foreign key holds, for the inside of json_build_array(). */
static void natural_items(struct dumping *d, unsigned alias, const struct field *field)
{
	/* Each item by itself, since a key may be made of other rows' keys. */
	if (field->relation)
		natural_values(d, alias, field->relation->to);
	else
		value(d, alias, field);
}

/* Joins the tables of foreign keys in the natural key of `model` (at `alias`), depth first, giving
 * each an alias in the order of natural_values(). */
struct joins {
	struct {
		const struct field *field;
		unsigned from, to;
	} items[64];
	size_t n;
};

static void find_joins(struct dumping *d, struct joins *joins, unsigned alias,
                       const struct model *model)
{
	const struct field *fields[FIXTURE_NATURAL_MOST];
	size_t n = fixture_natural_key(model, fields, FIXTURE_NATURAL_MOST);

	for (size_t i = 0; i < n; i++) {
		if (!fields[i]->relation || joins->n == 64)
			continue;
		unsigned to = ++d->alias;
		joins->items[joins->n].field = fields[i];
		joins->items[joins->n].from = alias;
		joins->items[joins->n++].to = to;
		find_joins(d, joins, to, fields[i]->relation->to);
	}
}

static unsigned joined_alias(const struct dumping *d, unsigned from, const struct field *field)
{
	for (size_t i = 0; i < d->joins->n; i++)
		if (d->joins->items[i].from == from && d->joins->items[i].field == field)
			return d->joins->items[i].to;
	BUG("a natural key's table is not joined");
}

static void natural_values(struct dumping *d, unsigned alias, const struct model *model)
{
	const struct field *fields[FIXTURE_NATURAL_MOST];
	size_t n = fixture_natural_key(model, fields, FIXTURE_NATURAL_MOST);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			sql_lit(&d->sql, ", ");
		natural_items(d, fields[i]->relation ? joined_alias(d, alias, fields[i]) : alias, fields[i]);
	}
}

/* FROM the table of `to`, and those that its natural key needs. */
static void from_named(struct dumping *d, const struct joins *joins, unsigned alias,
                       const struct model *to)
{
	sql_table(&d->sql, to);
	sql_lit(&d->sql, " AS ");
	sql_alias(&d->sql, alias);
	for (size_t i = 0; i < joins->n; i++) {
		const struct field *field = joins->items[i].field;

		sql_lit(&d->sql, " JOIN ");
		sql_table(&d->sql, field->relation->to);
		sql_lit(&d->sql, " AS ");
		sql_alias(&d->sql, joins->items[i].to);
		sql_lit(&d->sql, " ON ");
		column(d, joins->items[i].to, field->relation->target);
		sql_lit(&d->sql, " = ");
		column(d, joins->items[i].from, field);
	}
}

static void natural_reference(struct dumping *d, const struct field *field)
{
	const struct model *to = field->relation->to;
	unsigned alias = ++d->alias;
	struct joins joins = {.n = 0};

	find_joins(d, &joins, alias, to);
	d->joins = &joins;
	sql_lit(&d->sql, "(SELECT json_build_array(");
	natural_values(d, alias, to);
	sql_lit(&d->sql, ") FROM ");
	from_named(d, &joins, alias, to);
	sql_lit(&d->sql, " WHERE ");
	column(d, alias, field->relation->target);
	sql_lit(&d->sql, " = ");
	column(d, 0, field);
	sql_lit(&d->sql, ")");
	d->joins = NULL;
}

static void many(struct dumping *d, const struct field *field)
{
	const struct relation *relation = field->relation;
	bool is_natural = d->dump->natural_foreign && can_be_named(relation->to, 0);
	unsigned join = ++d->alias, alias = ++d->alias;
	struct joins joins = {.n = 0};

	if (is_natural)
		find_joins(d, &joins, alias, relation->to);
	d->joins = &joins;
	sql_lit(&d->sql, "(SELECT coalesce(json_agg(");
	if (is_natural) {
		sql_lit(&d->sql, "json_build_array(");
		natural_values(d, alias, relation->to);
		sql_lit(&d->sql, ")");
	} else {
		value(d, join, relation->through_to);
	}
	sql_lit(&d->sql, " ORDER BY ");
	column(d, join, relation->through_to);
	sql_lit(&d->sql, "), '[]') FROM ");
	sql_table(&d->sql, relation->through);
	sql_lit(&d->sql, " AS ");
	sql_alias(&d->sql, join);
	if (is_natural) {
		sql_lit(&d->sql, ", ");
		from_named(d, &joins, alias, relation->to);
	}
	sql_lit(&d->sql, " WHERE ");
	column(d, join, relation->through_from);
	sql_lit(&d->sql, " = ");
	column(d, 0, relation->through_from->relation->target);
	if (is_natural) {
		sql_lit(&d->sql, " AND ");
		column(d, alias, relation->through_to->relation->target);
		sql_lit(&d->sql, " = ");
		column(d, join, relation->through_to);
	}
	sql_lit(&d->sql, ")");
	d->joins = NULL;
}

/* ---- one model ---- */

static bool is_key(const struct model *model, const struct field *field)
{
	for (size_t i = 0; i < model->npk_fields; i++)
		if (model->pk_fields[i] == field)
			return true;
	return false;
}

/* A composite key's columns stand among the fields as well: they may be relations. */
static bool is_dumped(const struct model *model, const struct field *field)
{
	if (field->is_generated)
		return false;
	if (!field->column.p)
		return field->relation->is_auto;
	return model->npk_fields > 1 || !is_key(model, field);
}

static void key(struct dumping *d, const struct model *model)
{
	if (model->npk_fields == 1) {
		value(d, 0, model->pk_fields[0]);
		return;
	}
	sql_lit(&d->sql, "json_build_array(");
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (i > 0)
			sql_lit(&d->sql, ", ");
		value(d, 0, model->pk_fields[i]);
	}
	sql_lit(&d->sql, ")");
}

static void one_field(struct dumping *d, const struct field *field)
{
	if (!field->column.p)
		many(d, field);
	else if (field->relation && d->dump->natural_foreign && can_be_named(field->relation->to, 0))
		natural_reference(d, field);
	else
		value(d, 0, field);
}

static void order(struct dumping *d, const struct model *model)
{
	sql_lit(&d->sql, " ORDER BY ");
	for (size_t i = 0; i < model->npk_fields; i++) {
		if (i > 0)
			sql_lit(&d->sql, ", ");
		column(d, 0, model->pk_fields[i]);
	}
}

static const char *question(struct dumping *d, const struct model *model)
{
	struct statement statement;

	sql_init(&d->sql, d->arena);
	d->sql.is_inline = true;
	d->alias = 0;
	sql_lit(&d->sql, "SELECT ");
	key(d, model);
	for (size_t i = 0; i < model->nfields; i++) {
		if (!is_dumped(model, model->fields[i]))
			continue;
		sql_lit(&d->sql, ", ");
		one_field(d, model->fields[i]);
	}
	sql_lit(&d->sql, " FROM ");
	sql_table(&d->sql, model);
	sql_lit(&d->sql, " AS t0");
	order(d, model);
	sql_finish(&d->sql, 0, &statement);
	return statement.sql.p;
}

static void add_label(struct dumping *d, struct str name, struct buf *out)
{
	struct buf label = {0};

	if (d->dump->label)
		buf_printf(&label, "%s.", d->dump->label);
	for (size_t i = 0; i < name.n; i++)
		buf_add_char(&label, name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32) : name.p[i]);
	buf_add_json(out, buf_str(&label));
	buf_release(&label);
}

static void add_cell(const PGresult *result, int row, int at, struct buf *out)
{
	if (PQgetisnull(result, row, at))
		BUF_LIT(out, "null");
	else
		buf_add(out, (struct str){PQgetvalue(result, row, at), (size_t)PQgetlength(result, row, at)});
}

static void add_row(struct dumping *d, const struct model *model, const PGresult *result, int row,
                    struct buf *out)
{
	bool is_named = d->dump->natural_primary && can_be_named(model, 0);
	int at = 1;

	BUF_LIT(out, "{\"model\": ");
	add_label(d, model->name, out);
	if (!is_named) {
		BUF_LIT(out, ", \"pk\": ");
		add_cell(result, row, 0, out);
	}
	BUF_LIT(out, ", \"fields\": {");
	for (size_t i = 0; i < model->nfields; i++) {
		if (!is_dumped(model, model->fields[i]))
			continue;
		if (at > 1)
			BUF_LIT(out, ", ");
		buf_add_json(out, model->fields[i]->name);
		BUF_LIT(out, ": ");
		add_cell(result, row, at++, out);
	}
	BUF_LIT(out, "}}");
}

static bool dump_row(struct dumping *d, const struct model *model, const PGresult *result,
                     struct buf *text)
{
	buf_clear(text);
	add_row(d, model, result, 0, text);
	return d->dump->write(d->dump->context, buf_str(text)) ||
	       error_set_nowhere(d->connection.error, ERROR_INTERNAL, "What was dumped could not be written.");
}

/* Row by row: many wide ones are never in memory together.  What is not read ends with the connection. */
static bool dump_model(struct dumping *d, const struct model *model)
{
	struct buf text = {0};
	PGresult *result;
	bool ok = PQsendQuery(d->connection.pg, question(d, model)) && PQsetSingleRowMode(d->connection.pg);

	if (!ok)
		connection_fail(&d->connection, NULL, "read rows");
	while (ok && (result = PQgetResult(d->connection.pg))) {
		ExecStatusType status = PQresultStatus(result);

		if (status == PGRES_SINGLE_TUPLE)
			ok = dump_row(d, model, result, &text);
		else if (status != PGRES_TUPLES_OK)
			ok = connection_fail(&d->connection, result, "read rows");
		PQclear(result);
	}
	buf_release(&text);
	return ok;
}

bool fixture_dump(const struct migrate_options *options, const struct fixture_dump *dump,
                  struct error *error)
{
	static const char *const statements[] = {
		"SET TimeZone = 'UTC'", "SET DateStyle = 'ISO'", "SET IntervalStyle = 'iso_8601'",
		"SET extra_float_digits = 1", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
	struct dumping d = {.dump = dump, .arena = error->arena};

	if (!connection_open(&d.connection, options, error))
		return false;
	bool ok = true;
	for (size_t i = 0; ok && i < sizeof statements / sizeof *statements; i++)
		ok = connection_run(&d.connection, statements[i], "begin to read");
	for (size_t i = 0; ok && i < dump->nmodels; i++)
		ok = dump_model(&d, dump->models[i]);
	connection_close(&d.connection);
	return ok;
}

/* ---- order ---- */

struct ordering {
	const struct model **items;
	size_t n;
	bool *is_seen;
	bool (*chosen)(void *context, const struct model *model);
	void *context;
};

static void visit(struct ordering *o, const struct model *model)
{
	if (o->is_seen[model->index])
		return;
	o->is_seen[model->index] = true;
	for (size_t i = 0; i < model->nfields; i++)
		if (model->fields[i]->relation)
			visit(o, model->fields[i]->relation->to);
	if (!model->is_auto && (!o->chosen || o->chosen(o->context, model)))
		o->items[o->n++] = model;
}

size_t fixture_order(struct arena *arena, const struct registry *registry,
                     bool (*chosen)(void *context, const struct model *model), void *context,
                     const struct model *const **models)
{
	struct ordering o = {.items = ARENA_ARRAY(arena, const struct model *, registry->nmodels + 1),
	                     .is_seen = ARENA_ARRAY(arena, bool, registry->nmodels + 1),
	                     .chosen = chosen,
	                     .context = context};

	for (size_t i = 0; i < registry->nmodels; i++)
		visit(&o, registry->models[i]);
	*models = o.items;
	return o.n;
}

/* A load: rows in, one transaction out; see load.h.  COPY text is made in load_copy.c, batches for bulk_create in
 * load_insert.c; here rows are read and judged, and the transaction begins and ends.
 */
#include "orm/write/load.h"

#include "orm/sql/writer.h"
#include "orm/write/integrity.h"
#include "orm/write/link.h"
#include "orm/write/load_copy.h"
#include "orm/write/load_insert.h"
#include "orm/write/load_place.h"
#include "orm/write/notify.h"

/* What row after row leaves behind before it is forgotten. */
#define SCRATCH_BYTES ((size_t)64 << 10)

struct load {
	struct db_session *session;
	const struct model *model;
	const struct plan_scope *scope;
	struct arena *lasting; /* the session's */
	struct arena *scratch; /* of rows that were read */
	struct error *error;
	struct writing writing;
	struct row_reader reader;
	struct row_nested nested;
	struct str owner;          /* a related manager's: the key of its row */
	const struct field *owned; /* the field that holds it; NULL: none */
	uint64_t nread;            /* rows */
	struct {
		struct error_field *items;
		size_t n, cap;
	} violations;
	size_t nviolations;
	bool inserts; /* by bulk_create, from here on */
	bool has_tx;  /* begun here */
	bool is_begun;
	bool is_over;
	struct load_copy copy;
	struct load_insert insert;
};

struct arena *load_arena(struct load *load)
{
	return load->scratch;
}

/* -- the transaction ------------------------------------------------------------- */

/* A row may refer to one that comes later only where the table refers to itself. */
static bool refers_to_itself(const struct model *model)
{
	for (size_t i = 0; i < model->ncolumns; i++)
		if (model->columns[i]->relation && model->columns[i]->relation->to == model)
			return true;
	return false;
}

/* Foreign keys are judged behind each batch, where the line of a row is still known. */
static bool judge_early(struct load *load)
{
	struct statement statement = {.sql = STR("SET CONSTRAINTS ALL IMMEDIATE")};
	struct db_rows rows;

	return refers_to_itself(load->model) ||
	       db_query(load->session, &statement, false, &rows, load->error);
}

static bool begin(struct load *load)
{
	struct db_tx *tx;

	if (load->is_begun)
		return true;
	if (!load->session->tx) {
		if (!db_begin(load->session, DB_READ_COMMITTED, &tx, load->error))
			return false;
		load->has_tx = true;
	}
	load->is_begun = true;
	return judge_early(load);
}

void load_abandon(struct load *load)
{
	if (load->is_over)
		return;
	load->is_over = true;
	load_copy_abandon(&load->copy);
	if (load->has_tx)
		db_rollback(load->session->tx);
	load->has_tx = false;
}

static bool commit(struct load *load)
{
	load->is_over = true;
	if (!load->has_tx)
		return true;
	load->has_tx = false;
	if (db_commit(load->session->tx, load->error))
		return true;
	integrity_explain(load->model->registry, false, load->error);
	return false;
}

/* -- beginning ------------------------------------------------------------------- */

static void ask_table(struct load *load, struct statement *statement)
{
	struct str rest = load->model->table;
	struct str first = str_cut(&rest, STR("\".\""));
	struct str name =
		rest.p ? arena_printf(load->lasting, "\"%.*s\".\"%.*s\"", STR_ARG(first), STR_ARG(rest))
			   : arena_printf(load->lasting, "\"%.*s\"", STR_ARG(first));
	struct sql sql;

	sql_init(&sql, load->lasting);
	sql_lit(&sql, "SELECT now()::text, now()::date::text, now()::time::text,"
	              " c.relkind IN ('r', 'p') AND NOT pg_catalog.row_security_active(c.oid)"
	              " FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass(");
	sql_param(&sql, name, 25, (struct str){NULL, 0});
	sql_lit(&sql, ")");
	sql_finish(&sql, 4, statement);
}

/* The time of the load, and whether the table takes COPY. */
static bool ask(struct load *load)
{
	struct statement statement;
	struct db_rows rows;

	ask_table(load, &statement);
	if (!db_query(load->session, &statement, true, &rows, load->error))
		return false;
	if (rows.nrows == 0) {
		load->inserts = true;
		return true;
	}
	load->copy.moment = (struct load_moment){
		.now = db_cell(&rows, 0, 0), .day = db_cell(&rows, 0, 1), .time = db_cell(&rows, 0, 2)};
	load->inserts = load->inserts || !str_is(db_cell(&rows, 0, 3), "t");
	return true;
}

static bool find_owner(struct load *load)
{
	const struct plan_scope *scope = load->scope;

	if (!scope || !scope->relation)
		return true;
	if (!scope_is_manager(&load->writing, scope))
		return false;
	if (scope->relation->kind == RELATION_MANY_TO_MANY) {
		load->inserts = true;
		return true;
	}
	load->owned = scope->relation->field;
	load->reader.preset[0] = load->owned;
	return owner_read(&load->writing, scope, scope->relation->target, &load->owner);
}

static void release(void *object)
{
	struct load *load = object;

	load_copy_release(&load->copy);
	load_insert_release(&load->insert);
	arena_free(load->scratch);
}

bool load_begin(struct db_session *session, const struct model *model,
                const struct plan_scope *scope, const struct write_options *options,
                const struct value *members, struct load **out, struct error *error)
{
	struct load *load = ARENA_NEW(session->arena, struct load);

	*out = load;
	*load = (struct load){.session = session,
	                      .model = model,
	                      .scope = scope,
	                      .lasting = session->arena,
	                      .scratch = arena_new(),
	                      .error = error};
	writing_init(&load->writing, session, model->registry, options, error);
	load->writing.arena = load->scratch;
	row_reader_init(&load->reader, &load->writing, model, ROW_NEW);
	load->reader.nested = &load->nested;
	load->reader.own.lasting = load->lasting;
	load_copy_init(&load->copy, &load->writing, model);
	load_insert_init(&load->insert, session, model, scope, options, members, error);
	arena_defer(load->lasting, release, load);
	load->inserts = model->order_with_respect_to.n || (members && members->object.n);
	return find_owner(load) && ask(load);
}

/* -- violations ------------------------------------------------------------------ */

static const struct pos *root_of(struct load *load)
{
	return pos_item(load->lasting, NULL, (size_t)(load->nread - 1));
}

static void keep_violation(struct load *load, const struct error_field *violation, uint64_t line)
{
	load->nviolations++;
	if (load->violations.n == VIOLATIONS_MAX)
		return;
	*ARENA_PUSH(load->lasting, &load->violations) =
		(struct error_field){.field = arena_str(load->lasting, violation->field),
	                         .message = arena_str(load->lasting, violation->message),
	                         .code = arena_str(load->lasting, violation->code),
	                         .pos = place_rooted(load->lasting, violation->pos, root_of(load)),
	                         .line = line};
}

static void take_violations(struct load *load, uint64_t line)
{
	struct validation *validation = &load->reader.own;

	for (size_t i = 0; i < validation->violations.n; i++)
		keep_violation(load, &validation->violations.items[i], line);
	validation->nviolations = 0;
	validation->violations.items = NULL;
	validation->violations.n = validation->violations.cap = 0;
}

/* False with ERROR_VALIDATION when a row was not valid. */
static bool judge(struct load *load)
{
	const struct error_field *first = load->violations.items;
	struct error *error = load->error;

	if (!load->nviolations)
		return true;
	error_set(error, ERROR_VALIDATION, first->pos, "Line %llu, %.*s: %.*s",
	          (unsigned long long)first->line, STR_ARG(first->field), STR_ARG(first->message));
	if (load->nviolations > 1)
		error->detail = arena_printf(error->arena, "%zu values are not valid; the first: %.*s",
		                             load->nviolations, STR_ARG(error->detail));
	error->line = first->line;
	error->violations = first;
	error->nviolations = load->violations.n;
	return false;
}

/* The load ends with its error; what was wrong before that comes first.  Is false. */
static bool stop(struct load *load)
{
	load_abandon(load);
	if (load->nviolations) {
		error_clear(load->error);
		return judge(load);
	}
	ASSERT(error_is_set(load->error));
	return false;
}

/* Nothing more is sent; whether to read on. */
static bool go_on_judging(struct load *load)
{
	load_abandon(load);
	arena_reset(load->scratch);
	return load->nviolations < VIOLATIONS_MAX || stop(load);
}

bool load_violate(struct load *load, const struct field *field, uint64_t line, struct str code,
                  struct str message)
{
	const struct error_field violation = {
		.field = field ? field->name : STR("__all__"),
		.message = message,
		.code = code,
		.pos = field ? pos_member(load->scratch, NULL, field->name) : NULL,
	};

	load->nread++;
	keep_violation(load, &violation, line);
	return go_on_judging(load);
}

/* -- names ----------------------------------------------------------------------- */

static bool is_named_before(const struct field *const *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fields[i] == fields[n])
			return true;
	return false;
}

bool load_names(struct load *load, const struct str *names, size_t n, const struct field **fields)
{
	struct error *error = load->error;

	for (size_t i = 0; i < n; i++) {
		const struct member member = {.key = names[i]};
		bool by_key, is_known;

		is_known = row_member_field(&load->writing, load->model, &member, &fields[i], &by_key);
		error->has_pos = false;
		if (!is_known)
			return false;
		if (is_named_before(fields, i))
			return error_set_nowhere(
				error, ERROR_FIELD,
				"The field '%.*s' is given twice; '%.*s' is another name of it.",
				STR_ARG(fields[i]->name), STR_ARG(names[i]));
	}
	return true;
}

/* -- rows ------------------------------------------------------------------------ */

static bool insert_row(struct load *load, const struct value *object, uint64_t line)
{
	if (load_insert_is_full(&load->insert) && !(begin(load) && load_insert_flush(&load->insert)))
		return stop(load);
	load_insert_add(&load->insert, object, load->nread - 1, line);
	return true;
}

/* From here on by bulk_create, in the same transaction. */
static bool change_over(struct load *load)
{
	if (!begin(load) || !load_copy_flush(&load->copy))
		return false;
	load->inserts = true;
	return true;
}

static bool copy_row(struct load *load, const struct value *object, const struct row *row,
                     uint64_t line)
{
	if (load->nested.n || !load_copy_takes(load->model, row))
		return change_over(load) ? insert_row(load, object, line) : stop(load);
	if (load_copy_is_full(&load->copy, row) && !begin(load))
		return stop(load);
	return load_copy_row(&load->copy, row, line) || stop(load);
}

bool load_refuse(struct load *load, uint64_t line)
{
	load->error->line = line;
	return stop(load);
}

/* The error of a row that cannot even be judged. */
static bool refuse_row(struct load *load, uint64_t line)
{
	if (load->error->has_pos)
		load->error->pos = place_rooted(load->lasting, load->error->pos, root_of(load));
	return load_refuse(load, line);
}

bool load_row(struct load *load, const struct value *object, uint64_t line)
{
	struct row row;
	bool is_good;

	load->nread++;
	load->nested = (struct row_nested){0};
	if (!row_read(&load->reader, object, &row))
		return refuse_row(load, line);
	if (load->reader.own.nviolations)
		take_violations(load, line);
	if (load->nviolations)
		return go_on_judging(load);
	if (load->owned)
		row.cells[load->owned->index] = (struct cell){.kind = CELL_TEXT, .text = load->owner};
	is_good = load->inserts ? insert_row(load, object, line) : copy_row(load, object, &row, line);
	if (arena_used(load->scratch) > SCRATCH_BYTES)
		arena_reset(load->scratch);
	return is_good;
}

/* Listeners, of what came in by COPY. */
static bool tell(struct load *load)
{
	struct statement statement;
	struct db_rows rows;

	if (!load->model->notify_channel.p || !load->copy.nrows)
		return true;
	notify_loaded(load->lasting, load->model, load->copy.nrows, &statement);
	return db_query(load->session, &statement, false, &rows, load->error);
}

bool load_finish(struct load *load, uint64_t *created)
{
	*created = 0;
	if (!judge(load))
		return false;
	if (!load->nread) {
		load->is_over = true;
		return true;
	}
	if (!begin(load) || !load_copy_flush(&load->copy) || !load_insert_flush(&load->insert) ||
	    !tell(load))
		return stop(load);
	*created = load->copy.nrows + load->insert.nrows;
	return commit(load);
}

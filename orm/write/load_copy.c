/* Batches of COPY text; see load_copy.h. */
#include "orm/write/load_copy.h"

#include "orm/model/field_types.h"
#include "orm/sql/writer.h"
#include "orm/write/integrity.h"

#include <stdlib.h>
#include <sys/random.h>

void load_copy_init(struct load_copy *load, struct writing *writing, const struct model *model)
{
	*load = (struct load_copy){.writing = writing, .model = model};
	for (int i = 0; i < 2; i++) {
		struct load_batch *batch = &load->batches[i];

		batch->is_given = calloc(model->ncolumns + 1, sizeof *batch->is_given);
		batch->lines = malloc(LOAD_BATCH_ROWS * sizeof *batch->lines);
		if (!batch->is_given || !batch->lines)
			BUG("no memory");
	}
}

void load_copy_release(struct load_copy *load)
{
	for (int i = 0; i < 2; i++) {
		struct load_batch *batch = &load->batches[i];

		buf_release(&batch->sql);
		buf_release(&batch->text);
		free(batch->is_given);
		free(batch->lines);
		*batch = (struct load_batch){0};
	}
}

/* -- rows as text ---------------------------------------------------------------- */

static const struct cell *cell_of(const struct load_copy *load, const struct row *row,
                                  size_t column)
{
	return &row->cells[load->model->columns[column]->index];
}

bool load_copy_takes(const struct model *model, const struct row *row)
{
	bool is_given = false;

	for (size_t i = 0; i < model->ncolumns; i++) {
		switch (row->cells[model->columns[i]->index].kind) {
		case CELL_ABSENT:
			continue;
		case CELL_TEXT:
		case CELL_NOW:
		case CELL_UUID:
			is_given = true;
			continue;
		case CELL_ORDER:
		case CELL_FIND:
		case CELL_EXPR:
		case CELL_NESTED:
			return false;
		}
	}
	/* COPY cannot say that every column takes its default. */
	return is_given;
}

static size_t plain_prefix(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\\' || (c <= '\r' && (c == '\n' || c == '\t' || c == '\r')))
			return i;
	}
	return text.n;
}

static void add_escaped(struct buf *out, struct str text)
{
	for (;;) {
		size_t n = plain_prefix(text);

		buf_add(out, str_sub(text, 0, n));
		if (n == text.n)
			return;
		char c = text.p[n];

		buf_add_char(out, '\\');
		buf_add_char(out, c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : c);
		text = (struct str){text.p + n + 1, text.n - n - 1};
	}
}

static void add_uuid(struct load_copy *load, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	char text[36], *p = text;

	if (load->nrandom < 16) {
		if (getrandom(load->random, sizeof load->random, 0) != (ssize_t)sizeof load->random)
			BUG("no random numbers");
		load->nrandom = sizeof load->random;
	}
	unsigned char *bytes = load->random + load->nrandom - 16;

	load->nrandom -= 16;
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[bytes[i] >> 4];
		*p++ = digits[bytes[i] & 15];
	}
	buf_add(out, (struct str){text, sizeof text});
}

static struct str moment_of(const struct load_copy *load, const struct field *field)
{
	enum type_kind kind = field->value_field->type->kind;

	if (kind == TYPE_DATE)
		return load->moment.day;
	return kind == TYPE_TIME ? load->moment.time : load->moment.now;
}

static void add_cell(struct load_copy *load, struct buf *out, const struct field *field,
                     const struct cell *cell)
{
	if (cell->kind == CELL_NOW)
		buf_add(out, moment_of(load, field));
	else if (cell->kind == CELL_UUID)
		add_uuid(load, out);
	else if (!cell->text.p)
		BUF_LIT(out, "\\N");
	else
		add_escaped(out, cell->text);
}

static void add_row(struct load_copy *load, struct load_batch *batch, const struct row *row,
                    uint64_t line)
{
	bool is_first = true;

	for (size_t i = 0; i < load->model->ncolumns; i++) {
		if (!batch->is_given[i])
			continue;
		if (!is_first)
			buf_add_char(&batch->text, '\t');
		is_first = false;
		add_cell(load, &batch->text, load->model->columns[i], cell_of(load, row, i));
	}
	buf_add_char(&batch->text, '\n');
	batch->lines[batch->n++] = line;
}

/* -- batches --------------------------------------------------------------------- */

static bool same_columns(const struct load_copy *load, const struct load_batch *batch,
                         const struct row *row)
{
	for (size_t i = 0; i < load->model->ncolumns; i++)
		if (batch->is_given[i] != (cell_of(load, row, i)->kind != CELL_ABSENT))
			return false;
	return true;
}

/* COPY "vote" ("article_id", "author_id") FROM STDIN */
static void begin_batch(struct load_copy *load, struct load_batch *batch, const struct row *row)
{
	struct statement statement;
	struct sql sql;
	const char *between = " (";

	sql_init(&sql, load->writing->arena);
	sql_lit(&sql, "COPY ");
	sql_table(&sql, load->model);
	for (size_t i = 0; i < load->model->ncolumns; i++) {
		batch->is_given[i] = cell_of(load, row, i)->kind != CELL_ABSENT;
		if (!batch->is_given[i])
			continue;
		sql_const(&sql, between);
		sql_name(&sql, load->model->columns[i]->column);
		between = ", ";
	}
	sql_lit(&sql, ") FROM STDIN");
	sql_finish(&sql, 0, &statement);
	buf_clear(&batch->sql);
	buf_add(&batch->sql, statement.sql);
	buf_add_char(&batch->sql, '\0');
}

static struct load_batch *filling(struct load_copy *load)
{
	return &load->batches[load->filling];
}

bool load_copy_is_full(const struct load_copy *load, const struct row *row)
{
	const struct load_batch *batch = &load->batches[load->filling];

	return batch->n == LOAD_BATCH_ROWS || batch->text.n >= LOAD_BATCH_BYTES ||
	       (batch->n && !same_columns(load, batch, row));
}

/* -- errors ---------------------------------------------------------------------- */

/* A column of a row's text; p == NULL when there are fewer. */
static struct str column_text(struct str row, size_t column)
{
	for (; row.p && column; column--)
		str_cut(&row, STR("\t"));
	return row.p ? str_cut(&row, STR("\t")) : row;
}

/* PostgreSQL names the value of a foreign key in words of any language: `…(role_id)=(17)…`. */
static bool names_value(struct str detail, struct str value)
{
	ptrdiff_t at = str_find(detail, STR(")=("));

	if (at < 0 || !value.n)
		return false;
	detail = str_sub(detail, (size_t)at + 3, detail.n);
	return str_starts(detail, value) && detail.n > value.n && detail.p[value.n] == ')';
}

static size_t position_of(const struct load_copy *load, const struct load_batch *batch,
                          struct str name)
{
	size_t position = 0;

	for (size_t i = 0; i < load->model->ncolumns; i++) {
		if (batch->is_given[i] && str_eq(load->model->columns[i]->name, name))
			return position;
		position += batch->is_given[i];
	}
	return SIZE_MAX;
}

/* The first row (from 1) whose key is the one that PostgreSQL misses; 0: none. */
static size_t find_value(const struct load_copy *load, const struct load_batch *batch,
                         struct str detail, struct str field)
{
	size_t column = position_of(load, batch, field);
	struct str rest = buf_str(&batch->text);

	for (size_t i = 0; i < batch->n && column != SIZE_MAX; i++)
		if (names_value(detail, column_text(str_cut(&rest, STR("\n")), column)))
			return i + 1;
	return 0;
}

/* A value that the column refuses: the column is what PostgreSQL names. */
static void name_column(struct load_copy *load, struct str column)
{
	struct error *error = load->writing->error;

	for (size_t i = 0; i < load->model->ncolumns && !error->nfields; i++) {
		if (!str_eq(load->model->columns[i]->column, column))
			continue;
		error->fields = &load->model->columns[i]->name;
		error->nfields = 1;
	}
}

/* The place and the line of a row of the batch, from 1; what is said of fields is said of them there. */
static void name_row(struct error *error, const struct load_batch *batch, size_t row)
{
	struct error_field *violations =
		ARENA_ARRAY(error->arena, struct error_field, error->nviolations);
	const struct pos *pos = pos_item(error->arena, NULL, (size_t)batch->first + row - 1);

	error->line = batch->lines[row - 1];
	error->has_pos = true;
	error->pos = error->nfields == 1 ? pos_member(error->arena, pos, error->fields[0]) : pos;
	for (size_t i = 0; i < error->nviolations; i++) {
		violations[i] = error->violations[i];
		violations[i].line = error->line;
		violations[i].pos = error->pos;
	}
	error->violations = violations;
}

static bool explain(struct load_copy *load, const struct load_batch *batch,
                    const struct db_copy_failure *failure)
{
	struct error *error = load->writing->error;
	size_t row = 0;

	integrity_explain(load->writing->registry, false, error);
	if (failure->line > 0 && failure->line <= batch->n)
		row = (size_t)failure->line;
	else if (failure->detail.p && error->nfields == 1)
		row = find_value(load, batch, failure->detail, error->fields[0]);
	if (failure->column.p)
		name_column(load, failure->column);
	if (row)
		name_row(error, batch, row);
	return false;
}

/* -- sending --------------------------------------------------------------------- */

static bool take_answer(struct load_copy *load)
{
	struct load_batch *sent = &load->batches[!load->filling];
	struct db_copy_failure failure;
	uint64_t nrows;

	if (!load->is_sent)
		return true;
	load->is_sent = false;
	if (!db_copy_answer(load->copy, &nrows, load->writing->error, &failure))
		return explain(load, sent, &failure);
	load->nrows += nrows;
	sent->n = 0;
	buf_clear(&sent->text);
	return true;
}

/* The filled batch goes out as soon as the one before is answered. */
static bool send_batch(struct load_copy *load)
{
	struct load_batch *batch = filling(load);
	struct db_copy_failure failure;

	if (!load->copy && !db_copy_enter(load->writing->session, &load->copy, load->writing->error))
		return false;
	if (!take_answer(load))
		return false;
	if (!db_copy_send(load->copy, batch->sql.p, buf_str(&batch->text), load->writing->error,
	                  &failure))
		return explain(load, batch, &failure);
	load->is_sent = true;
	load->filling = !load->filling;
	return true;
}

bool load_copy_row(struct load_copy *load, const struct row *row, uint64_t line)
{
	if (load_copy_is_full(load, row) && !send_batch(load))
		return false;
	struct load_batch *batch = filling(load);

	if (!batch->n) {
		begin_batch(load, batch, row);
		batch->first = load->nadded;
	}
	load->nadded++;
	add_row(load, batch, row, line);
	return true;
}

void load_copy_abandon(struct load_copy *load)
{
	if (load->copy)
		db_copy_leave(load->copy);
	load->copy = NULL;
	load->is_sent = false;
}

bool load_copy_flush(struct load_copy *load)
{
	bool is_good = (!filling(load)->n || send_batch(load)) && take_answer(load);

	load_copy_abandon(load);
	return is_good;
}

/* The CSV machine; see csv.h.  Knows no header line and no fields: a row is its cells. */
#include "orm/wire/csv.h"

#include "orm/base/error.h"

#include <stdlib.h>

void csv_init(struct csv *csv, char delimiter, size_t max_bytes)
{
	*csv = (struct csv){.delimiter = delimiter, .max_bytes = max_bytes, .line = 1, .row_line = 1};
}

void csv_release(struct csv *csv)
{
	buf_release(&csv->text);
	free(csv->cells);
	csv->cells = NULL;
}

struct str csv_cell(const struct csv *csv, size_t i)
{
	const struct csv_cell *cell = &csv->cells[i];

	if (cell->n == 0)
		return cell->is_quoted ? STR("") : (struct str){NULL, 0};
	return (struct str){csv->text.p + cell->at, cell->n};
}

bool csv_is_blank(const struct csv *csv)
{
	return csv->ncells == 1 && csv->cells[0].n == 0 && !csv->cells[0].is_quoted;
}

static enum csv_result refuse(struct csv *csv, const char *wrong)
{
	csv->wrong = wrong;
	return CSV_WRONG;
}

/* -- fields and rows ------------------------------------------------------------- */

static bool end_field(struct csv *csv, bool is_quoted)
{
	if (csv->ncells == CSV_CELLS_MAX)
		return false;
	if (csv->ncells == csv->cap) {
		csv->cap = csv->cap ? csv->cap * 2 : 16;
		csv->cells = realloc(csv->cells, csv->cap * sizeof *csv->cells);
		if (!csv->cells)
			BUG("no memory");
	}
	csv->cells[csv->ncells++] = (struct csv_cell){csv->begun, csv->text.n - csv->begun, is_quoted};
	csv->begun = csv->text.n;
	csv->state = CSV_AT_FIELD;
	return true;
}

/* The line has been counted, and the row is the one before. */
static enum csv_result refuse_row(struct csv *csv, const char *wrong)
{
	csv->line = csv->row_line;
	return refuse(csv, wrong);
}

static enum csv_result give_row(struct csv *csv)
{
	struct str text = buf_str(&csv->text);

	csv->is_row_given = true;
	if (text.n && memchr(text.p, '\0', text.n))
		return refuse_row(csv, "there is a NUL character, which no text can hold");
	if (!str_is_utf8(text))
		return refuse_row(csv, "the text is not valid UTF-8");
	return CSV_ROW;
}

static void forget_row(struct csv *csv)
{
	csv->is_row_given = false;
	csv->ncells = 0;
	csv->begun = 0;
	buf_clear(&csv->text);
	csv->row_line = csv->line;
}

static const char too_many[] = "a row has more fields than a table can have columns";

/* -- bytes ----------------------------------------------------------------------- */

/* How many bytes from here stand for themselves. */
static size_t plain_run(const struct csv *csv, struct str chunk)
{
	size_t n = 0;

	if (csv->state == CSV_IN_QUOTES) {
		const char *quote = memchr(chunk.p, '"', chunk.n);

		return quote ? (size_t)(quote - chunk.p) : chunk.n;
	}
	while (n < chunk.n) {
		char c = chunk.p[n];

		if (c == csv->delimiter || c == '\n' || c == '\r' || c == '"')
			break;
		n++;
	}
	return n;
}

static void count_lines(struct csv *csv, struct str text)
{
	const char *at = text.p, *end = text.p + text.n;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		csv->line++;
		at++;
	}
}

static enum csv_result take_run(struct csv *csv, struct str *chunk)
{
	struct str run = str_sub(*chunk, 0, plain_run(csv, *chunk));

	if (run.n > csv->max_bytes - csv->text.n)
		return refuse(csv, "a row is longer than this server takes; a quote may not be closed");
	buf_add(&csv->text, run);
	if (csv->state == CSV_IN_QUOTES)
		count_lines(csv, run);
	*chunk = (struct str){chunk->p + run.n, chunk->n - run.n};
	return CSV_MORE;
}

/* A byte behind a field that has no quotes, or behind the closing quote of one that has. */
static enum csv_result take_mark(struct csv *csv, char c, bool is_quoted)
{
	if (c == csv->delimiter)
		return end_field(csv, is_quoted) ? CSV_MORE : refuse(csv, too_many);
	if (c == '\n') {
		if (!end_field(csv, is_quoted))
			return refuse(csv, too_many);
		csv->line++;
		return give_row(csv);
	}
	if (c == '\r') {
		if (!end_field(csv, is_quoted))
			return refuse(csv, too_many);
		csv->state = CSV_AT_CR;
		return CSV_MORE;
	}
	return refuse(csv, is_quoted
	                       ? "behind a closing quote stands neither a delimiter nor a line's end; "
	                         "a quote inside quotes is doubled"
	                       : "there is a quote inside a field that does not begin with one");
}

static enum csv_result take_byte(struct csv *csv, char c)
{
	switch (csv->state) {
	case CSV_AT_START:
	case CSV_OVER:
		break;
	case CSV_AT_FIELD:
		if (c == '"') {
			csv->state = CSV_IN_QUOTES;
			return CSV_MORE;
		}
		return take_mark(csv, c, false);
	case CSV_IN_FIELD:
		return take_mark(csv, c, false);
	case CSV_IN_QUOTES:
		csv->state = CSV_AT_QUOTE;
		return CSV_MORE;
	case CSV_AT_QUOTE:
		if (c != '"')
			return take_mark(csv, c, true);
		if (csv->text.n == csv->max_bytes)
			return refuse(csv, "a row is longer than this server takes; a quote may not be closed");
		buf_add_char(&csv->text, '"');
		csv->state = CSV_IN_QUOTES;
		return CSV_MORE;
	case CSV_AT_CR:
		if (c != '\n')
			return refuse(csv, "a carriage return stands alone; rows end with LF or CRLF");
		csv->line++;
		csv->state = CSV_AT_FIELD;
		return give_row(csv);
	}
	BUG("CSV in state %d", (int)csv->state);
}

/* EF BB BF, or nothing of it. */
static void pass_mark(struct csv *csv, struct str *chunk)
{
	static const char mark[] = "\xEF\xBB\xBF";

	while (csv->bom < 3 && chunk->n && chunk->p[0] == mark[csv->bom]) {
		csv->bom++;
		*chunk = str_sub(*chunk, 1, chunk->n);
	}
	if (csv->bom < 3 && chunk->n == 0)
		return;
	if (csv->bom < 3)
		buf_add(&csv->text, (struct str){mark, csv->bom});
	csv->bom = 0;
	csv->state = csv->text.n ? CSV_IN_FIELD : CSV_AT_FIELD;
}

/* The text has ended: what is there is the last row. */
static enum csv_result end_text(struct csv *csv)
{
	enum csv_state state = csv->state;
	bool is_empty = csv->ncells == 0 && csv->text.n == 0;

	csv->state = CSV_OVER;
	if (state == CSV_OVER || (is_empty && (state == CSV_AT_FIELD || state == CSV_AT_START)))
		return csv->bom ? refuse(csv, "the text is not valid UTF-8") : CSV_END;
	if (state == CSV_AT_CR)
		return refuse(csv, "a carriage return stands alone; rows end with LF or CRLF");
	if (state == CSV_IN_QUOTES)
		return refuse(csv, "the text ends inside quotes");
	if (!end_field(csv, state == CSV_AT_QUOTE))
		return refuse(csv, too_many);
	csv->state = CSV_OVER;
	return give_row(csv);
}

enum csv_result csv_next(struct csv *csv, struct str *chunk)
{
	enum csv_result result = CSV_MORE;

	if (csv->is_row_given)
		forget_row(csv);
	if (!chunk->p)
		return end_text(csv);
	if (csv->state == CSV_AT_START)
		pass_mark(csv, chunk);
	while (chunk->n && result == CSV_MORE) {
		bool takes_text =
			csv->state == CSV_AT_FIELD || csv->state == CSV_IN_FIELD || csv->state == CSV_IN_QUOTES;

		if (takes_text && plain_run(csv, *chunk)) {
			result = take_run(csv, chunk);
			if (csv->state == CSV_AT_FIELD)
				csv->state = CSV_IN_FIELD;
			continue;
		}
		char c = chunk->p[0];

		*chunk = (struct str){chunk->p + 1, chunk->n - 1};
		result = take_byte(csv, c);
	}
	return result;
}

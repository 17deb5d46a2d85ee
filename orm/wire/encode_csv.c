/* Rows to lines of text.  Each cell is written where it ends up; nothing is allocated but the buffer.
 *
 * Lines end with LF, as COPY writes them; a cell is quoted when it holds a comma, a quote or a line's end, or is the
 * empty text, and never otherwise.  Invariant: csv_next() of the lines gives the cells again, byte by byte.
 */
#include "orm/wire/encode_csv.h"

#include "orm/wire/encode.h"

/* ---- quoting ---- */

/* Eight bytes at once, as buf_add_json() looks for its own: whether one of them is the character. */
static uint64_t has_char(uint64_t word, char c)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	uint64_t other = word ^ (ones * (unsigned char)c);

	return (other - ones) & ~other & highs;
}

static bool is_special(char c)
{
	return c == '"' || c == ',' || c == '\n' || c == '\r';
}

static bool needs_quotes(struct str text)
{
	size_t i = 0;
	uint64_t word;

	for (; text.n - i >= 8; i += 8) {
		memcpy(&word, text.p + i, 8);
		if (has_char(word, '"') | has_char(word, ',') | has_char(word, '\n') | has_char(word, '\r'))
			return true;
	}
	for (; i < text.n; i++)
		if (is_special(text.p[i]))
			return true;
	return text.n == 0;
}

static void add_quoted(struct str text, struct buf *out)
{
	buf_reserve(out, text.n + 2);
	buf_add_char(out, '"');
	while (text.n > 0) {
		const char *quote = memchr(text.p, '"', text.n);
		size_t n = quote ? (size_t)(quote - text.p) + 1 : text.n;

		buf_add(out, str_sub(text, 0, n));
		if (quote)
			buf_add_char(out, '"');
		text = str_sub(text, n, text.n - n);
	}
	buf_add_char(out, '"');
}

static void add_text(struct str text, struct buf *out)
{
	if (needs_quotes(text))
		add_quoted(text, out);
	else
		buf_add(out, text);
}

/* What stands from `from` on becomes one cell: from its end backwards, so that nothing is overwritten unread. */
static void quote_in_place(struct buf *out, size_t from)
{
	size_t n = out->n - from, quotes = 0;
	struct str text = {out->p + from, n};

	if (!needs_quotes(text))
		return;
	for (size_t i = 0; i < n; i++)
		quotes += text.p[i] == '"';
	buf_reserve(out, quotes + 2);
	char *end = out->p + from + n + quotes + 2;

	*--end = '"';
	for (size_t i = n; i-- > 0;) {
		char c = out->p[from + i];

		*--end = c;
		if (c == '"')
			*--end = '"';
	}
	*--end = '"';
	out->n += quotes + 2;
}

/* ---- cells ---- */

/* What in JSON is a string without escapes, without its quotes. */
static void add_bare(const struct field *field, struct str text, struct buf *out)
{
	size_t from = out->n;

	encode_cell(field, text, out);
	if (out->p[from] != '"')
		return;
	out->n -= 2;
	memmove(out->p + from, out->p + from + 1, out->n - from);
	if (out->n == from)
		BUF_LIT(out, "\"\"");
}

static void add_json(const struct field *field, struct str text, struct buf *out)
{
	size_t from = out->n;

	encode_cell(field, text, out);
	quote_in_place(out, from);
}

static void add_cell(const struct field *field, struct str text, struct buf *out)
{
	if (text.p == NULL)
		return;
	switch (field->value_field->type->json_form) {
	case JSON_FORM_NUMBER:
	case JSON_FORM_FLOAT:
	case JSON_FORM_PLAIN:
		buf_add(out, text);
		return;
	case JSON_FORM_BOOLEAN:
		if (text.p[0] == 't')
			BUF_LIT(out, "true");
		else
			BUF_LIT(out, "false");
		return;
	case JSON_FORM_STRING:
	case JSON_FORM_RAW:
		add_text(text, out);
		return;
	case JSON_FORM_DURATION:
	case JSON_FORM_DATETIME:
	case JSON_FORM_BINARY:
		add_bare(field, text, out);
		return;
	case JSON_FORM_ARRAY:
	case JSON_FORM_HSTORE:
	case JSON_FORM_RANGE:
		add_json(field, text, out);
		return;
	}
	BUG("a JSON form %d", (int)field->value_field->type->json_form);
}

/* ---- rows ---- */

static void add_names(const struct layout *layout, const struct str *prefix, struct buf *name, struct buf *out)
{
	for (size_t i = 0; i < layout->n; i++) {
		const struct layout_member *member = &layout->members[i];
		size_t from = name->n;

		if (i > 0)
			buf_add_char(out, ',');
		if (prefix)
			BUF_LIT(name, "__");
		buf_add(name, member->name);
		if (member->kind == LAYOUT_OBJECT)
			add_names(member->object, &member->name, name, out);
		else
			add_text(buf_str(name), out);
		name->n = from;
	}
}

void encode_csv_header(const struct layout *layout, struct buf *out)
{
	struct buf name = {0};

	add_names(layout, NULL, &name, out);
	buf_add_char(out, '\n');
	buf_release(&name);
}

/* The empty cells of a row that is not there. */
static void add_absent(const struct layout *layout, struct buf *out)
{
	for (size_t i = 0; i < layout->n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		if (layout->members[i].kind == LAYOUT_OBJECT)
			add_absent(layout->members[i].object, out);
	}
}

static void add_members(const struct fetched *fetched, const struct layout *layout, size_t row, struct buf *out);

static void add_member(const struct fetched *fetched, const struct layout_member *member, size_t row, struct buf *out)
{
	size_t from = out->n;

	switch (member->kind) {
	case LAYOUT_COLUMN:
		add_cell(member->field, db_cell(&fetched->rows, row, member->column), out);
		return;
	case LAYOUT_OBJECT:
		if (db_cell(&fetched->rows, row, member->presence_column).p == NULL)
			add_absent(member->object, out);
		else
			add_members(fetched, member->object, row, out);
		return;
	case LAYOUT_SLOT:
		encode_slot(fetched, member->slot, row, out);
		if (str_is(str_sub(buf_str(out), from, out->n - from), "null"))
			out->n = from;
		else
			quote_in_place(out, from);
		return;
	}
	BUG("a layout member of kind %d", (int)member->kind);
}

static void add_members(const struct fetched *fetched, const struct layout *layout, size_t row, struct buf *out)
{
	for (size_t i = 0; i < layout->n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		add_member(fetched, &layout->members[i], row, out);
	}
}

void encode_csv_row(const struct fetched *fetched, size_t row, struct buf *out)
{
	add_members(fetched, &fetched->plan->layout, row, out);
	buf_add_char(out, '\n');
}

/* Between JSON's tokens PostgreSQL's json type may keep line ends (never in a string): blanks stand for them. */
static void join_lines(char *p, size_t n)
{
	char *end = p + n;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL)
		*p = ' ';
}

void encode_ndjson_row(const struct fetched *fetched, size_t row, struct buf *out)
{
	size_t from = out->n;

	encode_row(fetched, row, out);
	join_lines(out->p + from, out->n - from);
	buf_add_char(out, '\n');
}

/* Rows to JSON text: the hot path of every answer, appended cell by cell to the reply's buffer.
 *
 * Builds no tree and allocates nothing but the buffer (arrays, hstores and ranges use a scratch buffer for
 * an element with escapes; they live in encode_nested.c).  Text from PostgreSQL is UTF-8 and valid by the client encoding; numbers, JSON
 * and plain strings (dates, UUIDs, decimals) are copied as they are.
 */
#include "orm/wire/encode.h"

#include "orm/wire/encode_nested.h"

/* ---- cells ---- */

static void add_quoted(struct str text, struct buf *out)
{
	char *p = buf_reserve(out, text.n + 2);

	p[0] = '"';
	memcpy(p + 1, text.p, text.n);
	p[text.n + 1] = '"';
	out->n += text.n + 2;
}

/* NaN, Infinity and -Infinity are no JSON numbers. */
static void add_float(struct str text, struct buf *out)
{
	char last = text.n == 0 ? 'N' : text.p[text.n - 1];

	if (last == 'N' || last == 'y')
		add_quoted(text, out);
	else
		buf_add(out, text);
}

/* A year beyond four digits or before Christ as ISO 8601 extends it: "+012026", "-000043". */
static void add_year(struct str year, bool is_bc, struct buf *out)
{
	long long number = 0;

	if (!is_bc && year.n == 4) {
		buf_add(out, year);
		return;
	}
	for (size_t i = 0; i < year.n; i++)
		number = number * 10 + (year.p[i] - '0');
	if (is_bc)
		number = 1 - number;
	buf_printf(out, "%c%06lld", number < 0 ? '-' : '+', number < 0 ? -number : number);
}

/* "+00" is Z, "+05:30" stays, "+02" becomes "+02:00". */
static void add_offset(struct str offset, struct buf *out)
{
	if (str_is(offset, "+00")) {
		buf_add_char(out, 'Z');
		return;
	}
	buf_add(out, offset);
	if (offset.n == 3)
		BUF_LIT(out, ":00");
}

/* The usual case in one go: "2026-07-02 16:44:20.5+00". */
static bool add_utc_datetime(struct str text, struct buf *out)
{
	char *p;

	if (text.n < 22 || text.p[4] != '-' || text.p[10] != ' ' ||
	    memcmp(text.p + text.n - 3, "+00", 3) != 0)
		return false;
	p = buf_reserve(out, text.n + 2);
	p[0] = '"';
	memcpy(p + 1, text.p, text.n - 3);
	p[11] = 'T';
	p[text.n - 2] = 'Z';
	p[text.n - 1] = '"';
	out->n += text.n;
	return true;
}

static void add_datetime(struct str text, struct buf *out)
{
	struct str date = text, time, year;
	bool is_bc = str_ends(text, STR(" BC"));
	size_t offset;

	if (add_utc_datetime(text, out))
		return;
	if (text.n == 0 || text.p[text.n - 1] == 'y') { /* infinity, -infinity */
		add_quoted(text, out);
		return;
	}
	if (is_bc)
		date.n -= 3;
	time = date;
	date = str_cut(&time, STR(" "));
	year = date;
	year.n = (size_t)str_find(date, STR("-"));
	for (offset = 0; offset < time.n && time.p[offset] != '+' && time.p[offset] != '-'; offset++)
		;
	buf_add_char(out, '"');
	add_year(year, is_bc, out);
	buf_add(out, str_sub(date, year.n, date.n - year.n));
	buf_add_char(out, 'T');
	buf_add(out, str_sub(time, 0, offset));
	if (offset < time.n)
		add_offset(str_sub(time, offset, time.n - offset), out);
	buf_add_char(out, '"');
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* \x48656c6c6f as base64 */
static void add_binary(struct str text, struct buf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = (text.n - 2) / 2;
	const char *hex = text.p + 2;
	char *p = buf_reserve(out, (n + 2) / 3 * 4 + 2);

	*p++ = '"';
	for (size_t i = 0; i < n; i += 3) {
		unsigned group = 0;

		for (size_t k = 0; k < 3; k++) {
			group <<= 8;
			if (i + k < n)
				group |= hex_digit(hex[2 * (i + k)]) << 4 | hex_digit(hex[2 * (i + k) + 1]);
		}
		*p++ = digits[group >> 18];
		*p++ = digits[group >> 12 & 63];
		*p++ = i + 1 < n ? digits[group >> 6 & 63] : '=';
		*p++ = i + 2 < n ? digits[group & 63] : '=';
	}
	*p++ = '"';
	out->n += (n + 2) / 3 * 4 + 2;
}

void encode_cell(const struct field *field, struct str text, struct buf *out)
{
	const struct field *value_field = field->value_field;

	if (text.p == NULL) {
		BUF_LIT(out, "null");
		return;
	}
	switch (value_field->type->json_form) {
	case JSON_FORM_NUMBER:
	case JSON_FORM_RAW:
		buf_add(out, text);
		return;
	case JSON_FORM_FLOAT:
		add_float(text, out);
		return;
	case JSON_FORM_BOOLEAN:
		if (text.p[0] == 't')
			BUF_LIT(out, "true");
		else
			BUF_LIT(out, "false");
		return;
	case JSON_FORM_STRING:
		buf_add_json(out, text);
		return;
	case JSON_FORM_PLAIN:
		add_quoted(text, out);
		return;
	case JSON_FORM_DURATION:
		encode_duration(text, out);
		return;
	case JSON_FORM_DATETIME:
		add_datetime(text, out);
		return;
	case JSON_FORM_BINARY:
		add_binary(text, out);
		return;
	case JSON_FORM_ARRAY:
		encode_array(value_field, text, out);
		return;
	case JSON_FORM_HSTORE:
		encode_hstore(text, out);
		return;
	case JSON_FORM_RANGE:
		encode_range(field_range_element(value_field), text, out);
		return;
	}
	BUG("a JSON form %d", (int)value_field->type->json_form);
}

/* ---- rows ---- */

/* The rows a layout is read from; fetched is NULL for a bare result, which has no slots. */
struct source {
	const struct db_rows *rows;
	const struct fetched *fetched;
};

void encode_slot(const struct fetched *fetched, unsigned slot, size_t row, struct buf *out)
{
	const struct fetched_slot *filled = &fetched->slots[slot];
	size_t n = filled->children == NULL ? 0 : filled->count[row];

	if (fetched->plan->prefetches[slot].is_single) {
		if (n == 0)
			BUF_LIT(out, "null");
		else
			encode_row(filled->children, filled->order[filled->first[row]], out);
		return;
	}
	buf_add_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		encode_row(filled->children, filled->order[filled->first[row] + i], out);
	}
	buf_add_char(out, ']');
}

static void add_object(const struct source *source, const struct layout *layout, size_t row,
                       struct buf *out);

static void add_member(const struct source *source, const struct layout_member *member, size_t row,
                       struct buf *out)
{
	switch (member->kind) {
	case LAYOUT_COLUMN:
		encode_cell(member->field, db_cell(source->rows, row, member->column), out);
		return;
	case LAYOUT_OBJECT:
		if (db_cell(source->rows, row, member->presence_column).p == NULL)
			BUF_LIT(out, "null");
		else
			add_object(source, member->object, row, out);
		return;
	case LAYOUT_SLOT:
		ASSERT(source->fetched != NULL);
		encode_slot(source->fetched, member->slot, row, out);
		return;
	}
	BUG("a layout member of kind %d", (int)member->kind);
}

static void add_object(const struct source *source, const struct layout *layout, size_t row,
                       struct buf *out)
{
	buf_add_char(out, '{');
	for (size_t i = 0; i < layout->n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		buf_add(out, layout->members[i].key);
		add_member(source, &layout->members[i], row, out);
	}
	buf_add_char(out, '}');
}

static void add_array(const struct source *source, const struct layout *layout, size_t row,
                      struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < layout->n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		add_member(source, &layout->members[i], row, out);
	}
	buf_add_char(out, ']');
}

void encode_row(const struct fetched *fetched, size_t row, struct buf *out)
{
	struct source source = {&fetched->rows, fetched};
	const struct layout *layout = &fetched->plan->layout;

	switch (fetched->plan->form) {
	case ROW_OBJECT:
		add_object(&source, layout, row, out);
		return;
	case ROW_ARRAY:
		add_array(&source, layout, row, out);
		return;
	case ROW_SCALAR:
		add_member(&source, &layout->members[0], row, out);
		return;
	}
	BUG("a row form %d", (int)fetched->plan->form);
}

void encode_rows(const struct fetched *fetched, struct buf *out)
{
	for (size_t row = 0; row < fetched->rows.nrows; row++) {
		if (row > 0)
			buf_add_char(out, ',');
		encode_row(fetched, row, out);
	}
}

void encode_object(const struct layout *layout, const struct db_rows *rows, size_t row,
                   struct buf *out)
{
	struct source source = {rows, NULL};

	add_object(&source, layout, row, out);
}

/* Arrays, hstores and ranges: taken apart as PostgreSQL's array_out, hstore_out and range_out write them.
 *
 * The text is the server's, so it is not judged; a text that is none of theirs ends the output early, never
 * outside of the text.
 */
#include "orm/wire/encode_nested.h"

#include "orm/wire/encode.h"

/* Reading one text; `scratch` holds an element with its escapes undone. */
struct reader {
	struct str text;
	size_t at;
	struct buf scratch;
};

static char peek(const struct reader *reader)
{
	return reader->at < reader->text.n ? reader->text.p[reader->at] : '\0';
}

static bool take(struct reader *reader, char c)
{
	if (peek(reader) != c || c == '\0')
		return false;
	reader->at++;
	return true;
}

/* What stands between double quotes; a doubled quote is one (ranges), a backslash guards what follows. */
static struct str read_quoted(struct reader *reader)
{
	buf_clear(&reader->scratch);
	reader->at++;
	while (reader->at < reader->text.n) {
		char c = reader->text.p[reader->at++];

		if (c == '"' && peek(reader) != '"')
			break;
		if ((c == '"' || c == '\\') && reader->at < reader->text.n)
			c = reader->text.p[reader->at++];
		buf_add_char(&reader->scratch, c);
	}
	return buf_str(&reader->scratch);
}

/* What stands before one of the stops. */
static struct str read_bare(struct reader *reader, const char *stops)
{
	size_t from = reader->at;

	while (reader->at < reader->text.n && strchr(stops, reader->text.p[reader->at]) == NULL)
		reader->at++;
	return str_sub(reader->text, from, reader->at - from);
}

/* ---- arrays ---- */

static void add_dimension(struct reader *reader, const struct field *leaf, struct buf *out);

static void add_element(struct reader *reader, const struct field *leaf, struct buf *out)
{
	struct str text;

	if (peek(reader) == '{') {
		add_dimension(reader, leaf, out);
		return;
	}
	if (peek(reader) == '"') {
		text = read_quoted(reader);
	} else {
		text = read_bare(reader, ",}");
		if (str_is(text, "NULL"))
			text.p = NULL;
	}
	encode_cell(leaf, text, out);
}

static void add_dimension(struct reader *reader, const struct field *leaf, struct buf *out)
{
	buf_add_char(out, '[');
	take(reader, '{');
	while (peek(reader) != '}' && peek(reader) != '\0') {
		add_element(reader, leaf, out);
		if (take(reader, ','))
			buf_add_char(out, ',');
	}
	take(reader, '}');
	buf_add_char(out, ']');
}

void encode_array(const struct field *field, struct str text, struct buf *out)
{
	struct reader reader = {.text = text};
	const struct field *leaf = field;

	while (leaf->base_field != NULL)
		leaf = leaf->base_field;
	/* [0:2]={…}: an array that does not begin at 1 */
	if (peek(&reader) == '[')
		(void)read_bare(&reader, "{");
	add_dimension(&reader, leaf, out);
	buf_release(&reader.scratch);
}

/* ---- hstores ---- */

void encode_hstore(struct str text, struct buf *out)
{
	struct reader reader = {.text = text};

	buf_add_char(out, '{');
	while (peek(&reader) == '"') {
		buf_add_json(out, read_quoted(&reader));
		buf_add_char(out, ':');
		(void)read_bare(&reader, ">");
		take(&reader, '>');
		if (peek(&reader) == '"') {
			buf_add_json(out, read_quoted(&reader));
		} else {
			(void)read_bare(&reader, ",");
			BUF_LIT(out, "null");
		}
		if (!take(&reader, ','))
			break;
		take(&reader, ' ');
		buf_add_char(out, ',');
	}
	buf_add_char(out, '}');
	buf_release(&reader.scratch);
}

/* ---- ranges ---- */

static void add_bound(struct reader *reader, const struct field *element, struct buf *out)
{
	struct str text;

	if (peek(reader) == '"') {
		text = read_quoted(reader);
	} else {
		text = read_bare(reader, ",])");
		if (text.n == 0)
			text.p = NULL;
	}
	encode_cell(element, text, out);
}

void encode_range(const struct field *element, struct str text, struct buf *out)
{
	struct reader reader = {.text = text};

	if (str_is(text, "empty")) {
		BUF_LIT(out, "{\"lower\":null,\"upper\":null,\"bounds\":null,\"empty\":true}");
		return;
	}
	BUF_LIT(out, "{\"lower\":");
	reader.at++;
	add_bound(&reader, element, out);
	BUF_LIT(out, ",\"upper\":");
	take(&reader, ',');
	add_bound(&reader, element, out);
	buf_printf(out, ",\"bounds\":\"%c%c\",\"empty\":false}", text.p[0], text.p[text.n - 1]);
	buf_release(&reader.scratch);
}

/* CSV and NDJSON readers: what they make of a text, the same however it is cut into chunks. */
#include "orm/base/arena.h"
#include "orm/wire/csv.h"
#include "orm/wire/ndjson.h"
#include "tests/support/suite.h"

static struct arena *arena;

static void setup(void)
{
	arena = arena_new();
}

static void teardown(void)
{
	arena_free(arena);
}

/* -- CSV as one line of text: 1[a|b]2[NULL|""]end -------------------------------- */

static void add_row(struct buf *out, const struct csv *csv)
{
	buf_printf(out, "%llu[", (unsigned long long)csv->row_line);
	for (size_t i = 0; i < csv->ncells; i++) {
		struct str cell = csv_cell(csv, i);

		if (i)
			buf_add_char(out, '|');
		if (!cell.p)
			BUF_LIT(out, "NULL");
		else if (!cell.n)
			BUF_LIT(out, "\"\"");
		else
			buf_add(out, cell);
	}
	buf_add_char(out, ']');
}

/* False when the machine has stopped. */
static bool take(struct csv *csv, struct str chunk, struct buf *out)
{
	for (;;) {
		switch (csv_next(csv, &chunk)) {
		case CSV_MORE:
			ck_assert_uint_eq(chunk.n, 0);
			return true;
		case CSV_ROW:
			add_row(out, csv);
			continue;
		case CSV_WRONG:
			buf_printf(out, "line %llu: %s", (unsigned long long)csv->line, csv->wrong);
			return false;
		case CSV_END:
			BUF_LIT(out, "end");
			return false;
		}
	}
}

/* The text in chunks: `first` bytes, then `step` bytes each. */
static struct str read_cut(struct str text, char delimiter, size_t first, size_t step)
{
	struct buf out = {0};
	struct csv csv;
	size_t at = 0;
	bool goes_on = true;

	csv_init(&csv, delimiter, 64);
	while (goes_on && at < text.n) {
		size_t n = at == 0 && first ? first : step;

		/* A chunk of its own, so that the sanitizer sees what is read behind it. */
		struct str piece = str_sub(text, at, n);
		char *copy = malloc(piece.n + 1);
		memcpy(copy, piece.p, piece.n);
		goes_on = take(&csv, (struct str){copy, piece.n}, &out);
		free(copy);
		at += piece.n;
	}
	if (goes_on)
		ck_assert(!take(&csv, (struct str){NULL, 0}, &out));
	csv_release(&csv);
	struct str result = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return result;
}

static void check_text(struct str text, char delimiter, const char *expected)
{
	ck_assert_str_eq(read_cut(text, delimiter, 0, text.n + 1).p, expected);
	for (size_t first = 1; first < text.n; first++)
		ck_assert_str_eq(read_cut(text, delimiter, first, text.n).p, expected);
	for (size_t step = 1; step < text.n; step++)
		ck_assert_str_eq(read_cut(text, delimiter, 0, step).p, expected);
}

#define IS(text, expected) check_text(STR(text), ',', expected)

START_TEST(rows_end_with_lf_or_crlf_and_the_last_with_the_text)
{
	IS("", "end");
	IS("a", "1[a]end");
	IS("a\n", "1[a]end");
	IS("a,b\nc,d", "1[a|b]2[c|d]end");
	IS("a,b\r\nc,d\r\n", "1[a|b]2[c|d]end");
	IS("a\r\nb\nc", "1[a]2[b]3[c]end");
	IS("a,b,\n", "1[a|b|NULL]end");
	IS(",\n", "1[NULL|NULL]end");
	IS("\n\na\n", "1[NULL]2[NULL]3[a]end");
}
END_TEST

START_TEST(quotes_hold_delimiters_lines_and_quotes)
{
	IS("\"a,b\",c\n", "1[a,b|c]end");
	IS("\"a\nb\",c\nd,e\n", "1[a\nb|c]3[d|e]end");
	IS("\"a\r\nb\"\r\nc", "1[a\r\nb]3[c]end");
	IS("\"say \"\"hi\"\"\"\n", "1[say \"hi\"]end");
	IS("\"\"\"\"", "1[\"]end");
	IS("\"a\"", "1[a]end");
	IS("x,\"a\"\r\n", "1[x|a]end");
}
END_TEST

START_TEST(nothing_is_null_and_quoted_nothing_is_empty_text)
{
	IS("a,,\"\"\n", "1[a|NULL|\"\"]end");
	IS("\"\"", "1[\"\"]end");
	IS("\"\"\n,\n", "1[\"\"]2[NULL|NULL]end");
	IS("null, ,NULL", "1[null| |NULL]end");
}
END_TEST

START_TEST(another_delimiter_leaves_commas_alone)
{
	check_text(STR("a;b,c;\"d;e\"\n"), ';', "1[a|b,c|d;e]end");
	check_text(STR("a\tb\n\t\n"), '\t', "1[a|b]2[NULL|NULL]end");
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over_at_the_start_alone)
{
	IS("\xEF\xBB\xBF"
	   "a,b\nc,d",
	   "1[a|b]2[c|d]end");
	IS("\xEF\xBB\xBF", "end");
	IS("\xEF\xBB\xBF\"a\"", "1[a]end");
	IS("a\n\xEF\xBB\xBF"
	   "b",
	   "1[a]2[\xEF\xBB\xBF"
	   "b]end");
	/* Its first bytes may begin another character. */
	IS("\xEF\xBB\xBE"
	   "x\n",
	   "1[\xEF\xBB\xBE"
	   "x]end");
	IS("\xEF\xBC\x8C,y\n", "1[\xEF\xBC\x8C|y]end");
}
END_TEST

START_TEST(what_is_no_csv_is_told_with_its_line)
{
	IS("a\nb\"c\n", "1[a]line 2: there is a quote inside a field that does not begin with one");
	IS("a\n\"b\"c\n",
	   "1[a]line 2: behind a closing quote stands neither a delimiter nor a line's end; "
	   "a quote inside quotes is doubled");
	IS("a\n\"b\nc", "1[a]line 3: the text ends inside quotes");
	IS("a\rb\n", "line 1: a carriage return stands alone; rows end with LF or CRLF");
	IS("a\r", "line 1: a carriage return stands alone; rows end with LF or CRLF");
	IS("a\r\r\n", "line 1: a carriage return stands alone; rows end with LF or CRLF");
}
END_TEST

START_TEST(text_that_no_database_can_hold_is_refused)
{
	static const char *const bad[] = {
		"\xFF",     "\xC3(", "\xED\xA0\x80", "\xC0\x80", "\xF5\x80\x80\x80",
		"\xE2\x82", "\xEF",  "\xEF\xBB"};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct str got = read_cut(str_of(bad[i]), ',', 0, 64);

		ck_assert_msg(str_ends(got, STR("the text is not valid UTF-8")), "%zu: %s", i, got.p);
	}
	check_text((struct str){"a\0b\n", 4}, ',',
	           "line 1: there is a NUL character, which no text can hold");
	check_text((struct str){"a\n\"b\n\0\"\nc\n", 11}, ',',
	           "1[a]line 2: there is a NUL character, which no text can hold");
}
END_TEST

START_TEST(a_row_is_bounded_in_bytes_and_in_fields)
{
	char text[70];
	memset(text, 'x', sizeof text);
	check_text((struct str){text, 64}, ',',
	           "1[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]end");
	static const char too_long[] =
		"line 1: a row is longer than this server takes; a quote may not be closed";
	check_text((struct str){text, 65}, ',', too_long);
	text[0] = '"';
	check_text((struct str){text, 70}, ',', too_long);
	memset(text, '"', sizeof text);
	/* 34 quotes from 69: far within. */
	ck_assert(str_ends(read_cut((struct str){text, 70}, ',', 0, 7), STR("end")));

	char commas[CSV_CELLS_MAX + 8];
	memset(commas, ',', sizeof commas);
	struct str got = read_cut((struct str){commas, sizeof commas}, ',', 0, 100);
	ck_assert_str_eq(got.p, "line 1: a row has more fields than a table can have columns");
	got = read_cut((struct str){commas, CSV_CELLS_MAX - 1}, ',', 0, 100);
	ck_assert(str_ends(got, STR("end")));
	commas[CSV_CELLS_MAX] = '\n';
	got = read_cut((struct str){commas, CSV_CELLS_MAX + 1}, ',', 0, 100);
	ck_assert_str_eq(got.p, "line 1: a row has more fields than a table can have columns");
}
END_TEST

/* Random bytes out of a small alphabet: whatever comes out does not depend on the cuts. */
START_TEST(hostile_bytes_are_read_the_same_however_they_are_cut)
{
	static const char alphabet[] = "ab,\"\"\n\r\n;\xC3\xA4\xEF\xBB\xBF\t";
	unsigned state = 12345;

	for (int round = 0; round < 3000; round++) {
		char text[40];
		size_t n = 0;
		size_t length = (size_t)round % sizeof text;
		for (; n < length; n++) {
			state = state * 1103515245u + 12345u;
			text[n] = alphabet[(state >> 16) % (sizeof alphabet - 1)];
		}
		struct str whole = read_cut((struct str){text, n}, ',', 0, n + 1);
		ck_assert_str_eq(read_cut((struct str){text, n}, ',', 0, 1).p, whole.p);
		ck_assert_str_eq(read_cut((struct str){text, n}, ',', n / 2, 3).p, whole.p);
		arena_reset(arena);
	}
}
END_TEST

/* -- NDJSON ---------------------------------------------------------------------- */

static struct str read_lines(struct str text, size_t step)
{
	struct buf out = {0};
	struct ndjson ndjson;
	struct str line;
	bool goes_on = true;

	ndjson_init(&ndjson, 8);
	for (size_t at = 0; goes_on; at += step) {
		struct str chunk = at < text.n ? str_sub(text, at, step) : (struct str){NULL, 0};
		enum ndjson_result result;

		while ((result = ndjson_next(&ndjson, &chunk, &line)) == NDJSON_LINE)
			buf_printf(&out, "%llu[%.*s]", (unsigned long long)ndjson.line, STR_ARG(line));
		if (result == NDJSON_TOO_LONG)
			buf_printf(&out, "line %llu too long", (unsigned long long)ndjson.line);
		if (result == NDJSON_END)
			BUF_LIT(&out, "end");
		goes_on = result == NDJSON_MORE;
	}
	ndjson_release(&ndjson);
	struct str result = arena_str(arena, buf_str(&out));
	buf_release(&out);
	return result;
}

static void check_lines(struct str text, const char *expected)
{
	for (size_t step = 1; step <= text.n + 1; step++)
		ck_assert_str_eq(read_lines(text, step).p, expected);
}

#define LINES(text, expected) check_lines(STR(text), expected)

START_TEST(ndjson_is_cut_into_lines_and_blank_ones_are_passed_over)
{
	LINES("", "end");
	LINES("{}\n", "1[{}]end");
	LINES("{}\n{}", "1[{}]2[{}]end");
	LINES("\n \t\r\n{}\n\n[1]\n", "3[{}]5[[1]]end");
	LINES("{}\r\n{}\r\n", "1[{}\r]2[{}\r]end");
	LINES("12345678\n", "1[12345678]end");
	LINES("1\n123456789\n", "1[1]line 2 too long");
	LINES("1\n123456789", "1[1]line 2 too long");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tcase = suite_with_case(&suite, "wire/csv");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, rows_end_with_lf_or_crlf_and_the_last_with_the_text);
	tcase_add_test(tcase, quotes_hold_delimiters_lines_and_quotes);
	tcase_add_test(tcase, nothing_is_null_and_quoted_nothing_is_empty_text);
	tcase_add_test(tcase, another_delimiter_leaves_commas_alone);
	tcase_add_test(tcase, a_byte_order_mark_is_passed_over_at_the_start_alone);
	tcase_add_test(tcase, what_is_no_csv_is_told_with_its_line);
	tcase_add_test(tcase, text_that_no_database_can_hold_is_refused);
	tcase_add_test(tcase, a_row_is_bounded_in_bytes_and_in_fields);
	tcase_add_test(tcase, hostile_bytes_are_read_the_same_however_they_are_cut);
	tcase_add_test(tcase, ndjson_is_cut_into_lines_and_blank_ones_are_passed_over);
	return suite_main(suite);
}

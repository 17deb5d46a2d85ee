/* Rows of CSV out of chunks of bytes: RFC 4180, a machine that keeps its state between chunks.
 *
 * Rows end with LF or CRLF, the last one also with the text's end.  A field may stand in quotes, and then
 * holds delimiters, line ends and quotes (doubled).  A byte order mark in front is passed over.  An
 * empty field is NULL, an empty one in quotes is the empty text, as COPY has it.  Anything else is
 * wrong and told with its line; nothing is guessed.  Bounded: a row has at most so many bytes and
 * CSV_CELLS_MAX fields.
 */
#ifndef QUERN_WIRE_CSV_H
#define QUERN_WIRE_CSV_H

#include "orm/base/buf.h"

/* PostgreSQL has tables of at most 1,600 columns. */
#define CSV_CELLS_MAX 1664

struct csv_cell {
	size_t at, n; /* in csv->text */
	bool is_quoted;
};

enum csv_state {
	CSV_AT_START, /* of the text: a byte order mark may stand here */
	CSV_AT_FIELD, /* at a field's first byte */
	CSV_IN_FIELD,
	CSV_IN_QUOTES,
	CSV_AT_QUOTE, /* behind a quote inside quotes: it ended them, or is the first of two */
	CSV_AT_CR,    /* an LF is due */
	CSV_OVER,     /* the text has ended */
};

struct csv {
	char delimiter;
	size_t max_bytes; /* of a row */
	enum csv_state state;
	size_t bom; /* bytes of the mark seen so far */
	struct buf text;
	struct csv_cell *cells;
	size_t ncells, cap;
	size_t begun;      /* where the present field begins in text */
	uint64_t line;     /* the present one, from 1 */
	uint64_t row_line; /* where the row begins */
	bool is_row_given; /* the row was handed out: the next call forgets it */
	const char *wrong; /* with CSV_WRONG: in words */
};

enum csv_result {
	CSV_MORE,  /* all of the chunk is used up */
	CSV_ROW,   /* csv->row_line, csv->ncells, csv_cell() */
	CSV_WRONG, /* csv->wrong, csv->line; the machine is not to be used any more */
	CSV_END,
};

/* {.delimiter = ',', .max_bytes = …} is a machine that has not begun. */
void csv_init(struct csv *csv, char delimiter, size_t max_bytes);
void csv_release(struct csv *csv);
/* Goes on to the next row; *chunk becomes what is not yet used.  A chunk with p == NULL says that the text has
 * ended.  A row is valid until the next call. */
enum csv_result csv_next(struct csv *csv, struct str *chunk);
/* p == NULL for an empty field without quotes. */
struct str csv_cell(const struct csv *csv, size_t i);
/* Whether the row is a line without anything in it. */
bool csv_is_blank(const struct csv *csv);

#endif

/* A literal as a client or a file wrote it: the JSON data model, with the place
 * where each piece stood, so that an error can point at it.
 *
 * Made by wire/json and the query-string decoder; read everywhere; never edited.
 */
#ifndef QUERN_BASE_VALUE_H
#define QUERN_BASE_VALUE_H

#include "orm/base/arena.h"
#include "orm/base/buf.h"

/* A place in a document, as a chain from the leaf to the root (NULL is the whole
 * document).  A JSON pointer (RFC 6901) is made of it only when an error needs one. */
struct pos {
	const struct pos *parent;
	struct str key; /* member name; p == NULL in an array */
	size_t index;   /* position in an array */
	/* Where the document is a query string this is the parameter: pointers of
	 * such places are `?name`. */
	bool is_parameter;
};

const struct pos *pos_member(struct arena *arena, const struct pos *parent, struct str key);
const struct pos *pos_item(struct arena *arena, const struct pos *parent, size_t index);
/* "" for the whole document, "/filter/and/0/title" or "?limit". */
struct str pos_pointer(struct arena *arena, const struct pos *pos);

enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_REAL,
	VALUE_TEXT,
	VALUE_LIST,
	VALUE_OBJECT,
};

struct member;

struct value {
	enum value_kind kind;
	/* The text came from a query string, where every value is text: parsers
	 * take "5" for 5, "true" for true, "null" is still text. */
	bool is_loose;
	/* Taken from the result of an earlier operation: never a path, an expression or a question. */
	bool is_data;
	const struct pos *pos;
	union {
		bool boolean;
		int64_t integer;
		double real;
		struct str text;
		struct {
			const struct value *items;
			size_t n;
		} list;
		struct {
			const struct member *members; /* in the order written */
			size_t n;
		} object;
	};
};

struct member {
	struct str key;
	struct value value;
};

/* The member of that name, or NULL (also when value is not an object). */
const struct value *value_get(const struct value *value, const char *key);
/* "null", "a boolean", "an integer", "a number", "a string", "an array", "an object": for errors. */
const char *value_kind_name(enum value_kind kind);
/* The value as compact JSON.  Reals in their shortest form that reads back the same. */
void value_write_json(const struct value *value, struct buf *out);
/* Shortest text of a finite double that reads back the same, as JSON writes it. */
struct str real_to_text(struct arena *arena, double real);
bool value_eq(const struct value *a, const struct value *b);
/* A copy that shares nothing with the value; it stands nowhere (pos is NULL). */
struct value value_copy(struct arena *arena, const struct value *value);

#endif

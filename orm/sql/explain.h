/* EXPLAIN of a statement that the writer has made. */
#ifndef QUERN_SQL_EXPLAIN_H
#define QUERN_SQL_EXPLAIN_H

#include "orm/base/error.h"
#include "orm/sql/statement.h"

enum explain_format { EXPLAIN_TEXT, EXPLAIN_JSON, EXPLAIN_XML, EXPLAIN_YAML };

/* The statement behind EXPLAIN, with the options that the members of `options` name ("analyze", "format"
 * …; other members are not looked at; NULL: none).  Its rows are one column of text.
 * ERROR_VALUE for a wrong option. */
bool explain_statement(struct arena *arena, const struct statement *statement,
                       const struct value *options, struct statement *out,
                       enum explain_format *format, struct error *error);
/* For estimates: FORMAT JSON and nothing else. */
void explain_as_json(struct arena *arena, const struct statement *statement, struct statement *out);

#endif

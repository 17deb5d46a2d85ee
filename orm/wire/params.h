/* A query string as a query: PROTOCOL section 8, made into the struct value that the same
 * query would be as a JSON body, so that there is one decoder.
 */
#ifndef QUERN_WIRE_PARAMS_H
#define QUERN_WIRE_PARAMS_H

#include "orm/base/error.h"
#include "orm/wire/json.h"

/* `raw` is what stands behind `?`, still percent-encoded.  The value is an object of clauses; lookups
 * become members of "filter"; positions are parameters ("?limit").  Parameters named in `own`
 * (NULL-ended: "fields", "ids", "all" …) become members of their own, comma-separated lists
 * where they hold a comma.  ERROR_BAD_REQUEST for bad encoding, NUL, invalid UTF-8, a parameter given twice. */
bool params_read(struct arena *arena, struct str raw, const char *const *own,
                 const struct json_limits *limits, const struct value **body, struct error *error);
/* The reserved parameter, or one of `own`, that is nearest to a name that is no field; p == NULL when none is. */
struct str params_suggest(struct str name, const char *const *own);
/* Percent-decodes a path segment; false with ERROR_BAD_REQUEST. */
bool percent_decode(struct arena *arena, struct str raw, struct str *text, struct error *error);

#endif

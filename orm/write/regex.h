/* Python's regular expressions on PCRE2: compiled once a request, bounded in time. */
#ifndef QUERN_WRITE_REGEX_H
#define QUERN_WRITE_REGEX_H

#include "orm/base/arena.h"

struct regex;

/* NULL when the pattern is none.  `flags`: re.IGNORECASE … as the letters of an inline flag group: "imsx". */
struct regex *regex_compile(struct arena *arena, struct str pattern, struct str flags);
enum regex_answer { REGEX_FOUND, REGEX_NOT_FOUND, REGEX_GAVE_UP };
/* Whether the pattern occurs anywhere in the text, as re.search(). */
enum regex_answer regex_search(const struct regex *regex, struct str text);

#endif

/* Reading a whole file. */
#ifndef QUERN_CONFIG_FILE_H
#define QUERN_CONFIG_FILE_H

#include "orm/base/arena.h"

/* The file's text, in `arena`, at most `max` bytes.  NULL when it was read; otherwise what is wrong, in
 * words ("No such file or directory"). */
const char *file_read(struct arena *arena, const char *path, size_t max, struct str *text);

#endif

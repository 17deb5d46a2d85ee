/* Reading a whole file. */
#include "config/file.h"

#include "orm/base/buf.h"

#include <errno.h>
#include <stdio.h>

const char *file_read(struct arena *arena, const char *path, size_t max, struct str *text)
{
	const char *problem = NULL;
	struct buf all = {0};
	FILE *file = fopen(path, "rbe");
	if (!file)
		return strerror(errno);
	while (!problem && !feof(file)) {
		char *room = buf_reserve(&all, 64 * 1024);
		all.n += fread(room, 1, 64 * 1024, file);
		if (ferror(file))
			problem = strerror(errno);
		else if (all.n > max)
			problem = "the file is too large";
	}
	fclose(file);
	if (!problem)
		*text = arena_str(arena, buf_str(&all));
	buf_release(&all);
	return problem;
}

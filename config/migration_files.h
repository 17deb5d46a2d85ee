/* The folder of migration files beside the model files: found, read, written.
 *
 * What a file means is decided in orm/migrate; this knows names, texts and documents.
 */
#ifndef QUERN_CONFIG_MIGRATION_FILES_H
#define QUERN_CONFIG_MIGRATION_FILES_H

#include "orm/base/buf.h"
#include "orm/base/value.h"

struct migration_file {
	struct str name; /* without .json */
	struct str path, text;
	const struct value *document;
};

struct migration_folder {
	struct str path;
	bool exists;
	struct migration_file *items; /* in the order of their names */
	size_t n, cap;
};

/* `migrations` in the folder of the (first) model file, or in the folder of model files. */
struct str migration_folder_path(struct arena *arena, const char *models);
/* False with a line for each mistake in *report.  A folder that is not there has no files. */
bool migration_folder_read(struct arena *arena, struct str path, struct migration_folder *folder,
                           struct buf *report);
/* Makes the folder where there is none; never overwrites.  NULL when it was written, otherwise what is
 * wrong, in words. */
const char *migration_folder_write(struct arena *arena, const struct migration_folder *folder,
                                   struct str name, struct str text);

#endif

/* Model files: a path in, a frozen registry or a readable report out.
 *
 * Reads JSON files and names every mistake by file, line and column; what a declaration
 * means is orm/model's affair.
 */
#ifndef QUERN_CONFIG_MODELS_FILE_H
#define QUERN_CONFIG_MODELS_FILE_H

#include "orm/base/buf.h"
#include "orm/model/model.h"

/* Builds the registry from a file, a folder (its *.json files, by name), or several of both
 * separated by commas.  The registry lives in `arena`.  NULL when anything is wrong: *report then
 * holds, for each mistake of the run,
 *
 *   file:line:column: message (did you mean "x"?)
 *       at /json/pointer
 *
 * and ends with a line that counts them. */
const struct registry *models_load(struct arena *arena, const char *path, struct buf *report);

#endif

/* From a constraint's name to the model's fields and words for people. */
#ifndef QUERN_WRITE_INTEGRITY_H
#define QUERN_WRITE_INTEGRITY_H

#include "orm/base/error.h"
#include "orm/model/model.h"

/* With ERROR_INTEGRITY and a constraint or column that the registry knows: fills error->fields and
 * says it as Django does ("Author with this Handle already exists.").  Anything else is left
 * alone.  `is_deleting`: a foreign key was violated by taking a row away that others refer to. */
void integrity_explain(const struct registry *registry, bool is_deleting, struct error *error);

#endif

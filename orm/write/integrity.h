/* From a constraint's name to the model's fields and words for people. */
#ifndef QUERN_WRITE_INTEGRITY_H
#define QUERN_WRITE_INTEGRITY_H

#include "orm/base/error.h"
#include "orm/model/model.h"
#include "orm/sql/plan.h"

/* With ERROR_INTEGRITY and a constraint or column that the registry knows: fills error->fields and
 * says it as Django does ("Author with this Handle already exists.").  Anything else is left
 * alone.  `is_deleting`: a foreign key was violated by taking a row away that others refer to. */
void integrity_explain(const struct registry *registry, bool is_deleting, struct error *error);
/* The same after an UPDATE, which may have changed what foreign keys refer to. */
void integrity_explain_update(const struct registry *registry, bool is_deleting,
                              const struct assignment *assigned, size_t n, struct error *error);

#endif

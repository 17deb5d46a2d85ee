/* The rows of a join table seen from one owner: what add, remove, set and clear of a
 * many-to-many relation do to them.
 */
#ifndef QUERN_WRITE_LINK_H
#define QUERN_WRITE_LINK_H

#include "orm/write/row.h"
#include "orm/write/writing.h"

struct link {
	const struct relation *relation;
	const struct model *through;
	const struct field *source; /* the join model's key to the owner */
	const struct field *target; /* and to the other end */
	struct str owner;           /* the source's value */
	/* The join row's other columns; NULL: left to the database. */
	struct row *defaults;
	struct validation *missing; /* what they lack, for rows that are to be made */
};

/* False with ERROR_TYPE when the scope's relation leads to one row: no manager is there. */
bool scope_is_manager(struct writing *writing, const struct plan_scope *scope);
/* Waits.  The value that `target` (a field of the owner's model) has in the row that the manager hangs
 * on; DoesNotExist without it. */
bool owner_read(struct writing *writing, const struct plan_scope *scope, const struct field *target,
                struct str *value);
/* The link of a many-to-many scope, whose owner and defaults are not yet read. */
void link_init(struct link *link, const struct plan_scope *scope);
/* Reads through_defaults (may be NULL) into link->defaults; asks no database.  Violations are added to
 * `validation`. */
bool link_read_defaults(struct writing *writing, struct link *link, const struct value *object,
                        struct validation *validation);
/* Waits.  Finds the owner, and the rows that the defaults name. */
bool link_find(struct writing *writing, struct link *link, const struct plan_scope *scope);
/* All wait, and count rows as seen from the owner.  `keys` are distinct values of link->target. */
bool link_add(struct writing *writing, const struct link *link, const struct str *keys, size_t n,
              uint64_t *added);
bool link_remove(struct writing *writing, const struct link *link, const struct str *keys, size_t n,
                 uint64_t *removed);
/* All but these. */
bool link_keep(struct writing *writing, const struct link *link, const struct str *keys, size_t n,
               uint64_t *removed);

#endif

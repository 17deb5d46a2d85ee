/* A model file of a database that is there: tables and views in, declarations out.
 *
 * Pure but for the one reading of the catalog.  Nothing is lost in silence: what no field type or
 * option of Django's says is kept by Quern's own words (db_type, RawSQL), and what not even they can
 * say is left out and told in a note.
 */
#ifndef QUERN_MIGRATE_INSPECT_H
#define QUERN_MIGRATE_INSPECT_H

#include "orm/migrate/catalog_read.h"

struct inspect_options {
	struct catalog_request request;
	const char *const *tables; /* those alone, as written ("film", "shop.film"); none: all */
	size_t ntables;
};

struct inspection {
	const struct value *document; /* {"$comment": […], "models": {…}} */
	size_t nmodels;
	struct {
		struct str *items;
		size_t n, cap;
	} notes; /* one line each: what could not be carried, what was guessed */
};

/* Everything made lives in error->arena.  ERROR_DOES_NOT_EXIST when a table that was named is not
 * there. */
bool inspect_database(const struct migrate_options *options, const struct inspect_options *what,
                      struct inspection *inspection, struct error *error);

#endif

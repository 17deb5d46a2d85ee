/* What a request says of a write besides its rows, the same for every method. */
#ifndef QUERN_WRITE_OPTIONS_H
#define QUERN_WRITE_OPTIONS_H

#include "orm/base/value.h"

struct write_options {
	bool is_unvalidated;           /* "validate": false, where the settings allow it: Django's bare save() */
	const struct value *returning; /* the columns to answer (returning.h); NULL: as the method does */
	const struct value *require;   /* how many rows there must be (require.h); NULL: any number */
};

#endif

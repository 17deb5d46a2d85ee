/* How the rows of a CSV or NDJSON body are to be loaded: what the address says. */
#ifndef QUERN_SERVER_LOAD_H
#define QUERN_SERVER_LOAD_H

#include "orm/write/options.h"
#include "server/request.h"

struct load_settings {
	enum rows_form form;
	char delimiter; /* of CSV */
	struct write_options options;
	const struct value *members; /* of bulk_create's body beside "objects": conflict rules */
};

/* Reads Content-Type and query string; ERROR_BAD_REQUEST for an unknown parameter. */
bool load_settings_read(struct request *request, struct load_settings *settings);

#endif

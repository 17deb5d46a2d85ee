/* Settings: where to listen, which databases, how much of everything.
 *
 * From defaults, then a JSON file, then QUERN_* environment variables, then flags; the last that
 * says something wins.
 */
#ifndef QUERN_CONFIG_SETTINGS_H
#define QUERN_CONFIG_SETTINGS_H

#include "orm/base/error.h"
#include "orm/base/log.h"
#include "orm/wire/json.h"

struct database_setting {
	const char *alias; /* "default" */
	const char *url;   /* libpq connection string; "" for PG* variables */
	const char *search_path;
};

struct settings {
	const char *listen;  /* "127.0.0.1" */
	unsigned port;       /* 8080; 0: any free one */
	unsigned workers;    /* 0: one a processor */
	unsigned pool_size;  /* connections per worker and database */
	const char *models;  /* a file or a folder */
	const struct database_setting *databases;
	size_t ndatabases;
	/* Milliseconds. */
	unsigned acquire_timeout, statement_timeout, header_timeout, body_timeout, idle_timeout,
	    write_timeout, drain_timeout;
	unsigned statement_cache;
	struct json_limits json;    /* 1 MiB, 64 levels, 10,000 nodes */
	unsigned max_rows;          /* 0: none */
	unsigned max_connections;   /* per worker */
	unsigned url_bytes, header_bytes;
	bool allows_regex;
	bool allows_unvalidated;    /* "validate": false */
	enum log_level log_level;
	enum log_format log_format;
};

#endif

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
	const char *listen; /* "127.0.0.1" */
	unsigned port;      /* 8080; 0: any free one */
	unsigned workers;   /* 0: one a processor */
	unsigned pool_size; /* connections per worker and database */
	/* A file, a folder, or several separated by commas.  In a settings file relative paths are seen
	 * from its folder, elsewhere from where the program runs. */
	const char *models;
	const struct database_setting *databases;
	size_t ndatabases;
	/* Milliseconds. */
	unsigned acquire_timeout, statement_timeout, header_timeout, body_timeout, idle_timeout,
		write_timeout, drain_timeout;
	unsigned statement_cache;
	unsigned shape_cache; /* plans kept by a worker; 0: none */
	size_t compress_above;    /* replies longer than this are compressed for who takes it; 0: none */
	bool has_metrics;         /* /metrics answers */
	size_t load_bytes;        /* of a CSV or NDJSON body; 0: any number */
	struct json_limits json;       /* of what reads: 1 MiB, 64 levels, 10,000 nodes */
	struct json_limits write_json; /* of what writes: 16 MiB, 200,000 nodes; as deep */
	unsigned max_rows;        /* 0: none */
	unsigned max_operations;  /* of a batch */
	size_t batch_bytes;       /* longest reply of a batch, which is kept until its end */
	unsigned idempotency_ttl; /* seconds that a reply is kept for its Idempotency-Key */
	size_t idempotency_bytes; /* longest reply that is kept */
	unsigned max_connections; /* per worker */
	unsigned url_bytes, header_bytes;
	const char *secret; /* seals cursors; random where nobody says one */
	bool allows_regex;
	bool allows_unvalidated; /* "validate": false */
	enum log_level log_level;
	enum log_format log_format;
};

/* A setting said on the command line: the settings file's key ("port") and its text. */
struct settings_flag {
	const char *key;
	const char *text;
};

struct settings_flags {
	const struct settings_flag *items;
	size_t n;
};

/* All defaults, with one database "default" that libpq's PG* variables name. */
void settings_defaults(struct settings *settings);
/* Defaults, then `file` (NULL: $QUERN_CONFIG if set, else none), then QUERN_* variables, then flags (may be
 * NULL).  Texts live in `arena`.  True when nothing is wrong; *report may then still hold
 * warnings.  Otherwise *report has one line for each mistake, all of them:
 *
 *   quern.json:3:10: workers: expected an integer from 0 to 256 (did you mean …?)
 *   QUERN_PORT: expected …
 *   --port: expected …
 *
 * No line ever shows a database URL. */
bool settings_load(struct arena *arena, const char *file, const struct settings_flags *flags,
                   struct settings *settings, struct buf *report);
/* The table of settings for help texts: "key  ENVIRONMENT_NAME  default  what it is", a line each. */
void settings_describe(struct buf *out);

#endif

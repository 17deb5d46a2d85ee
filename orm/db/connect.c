/* The beginning of a connection: what is asked of the server for the session, and the first call
 * of libpq, which resolves host names and so may block.
 *
 * Where there is a name to resolve, that call is made by the helper thread; a unix socket or a
 * numeric address is begun at once.  The rest of connecting is conn.c's.
 */
#include "orm/db/engine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct begin_job {
	struct helper_job job;
	char *conninfo, *options, *application_name; /* its own: the pool may be freed meanwhile */
	PGconn *pg;
	struct conn *conn; /* the loop's to look at */
	unsigned generation;
};

static char *copied(const char *text)
{
	char *copy = strdup(text != NULL ? text : "");
	if (copy == NULL)
		BUG("no memory");
	return copy;
}

/* Session options. */

/* In libpq's options, blanks and backslashes of a value are escaped. */
static void add_option(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " -c %s=", name);
	for (; *value != '\0'; value++) {
		if (*value == ' ' || *value == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *value);
	}
}

static const char *option_value(const PQconninfoOption *given, const char *keyword,
                                const char *variable)
{
	for (; given != NULL && given->keyword != NULL; given++)
		if (strcmp(given->keyword, keyword) == 0 && given->val != NULL)
			return given->val;
	return getenv(variable);
}

char *connect_options(const struct db_settings *settings)
{
	static const char *const fixed[][2] = {
		{"TimeZone", "UTC"},
		{"DateStyle", "ISO,YMD"},
		{"IntervalStyle", "iso_8601"},
		{"bytea_output", "hex"},
		{"extra_float_digits", "1"},
		{"standard_conforming_strings", "on"},
		{"default_transaction_isolation", "read committed"},
		{"cursor_tuple_fraction", "1"}, /* a stream's cursor is read to its end */
	};
	struct buf out = {0};
	char number[16];
	PQconninfoOption *given = PQconninfoParse(settings->conninfo ? settings->conninfo : "", NULL);
	/* What the connection string says itself comes first: ours wins over it. */
	const char *own = option_value(given, "options", "PGOPTIONS");
	if (own != NULL)
		buf_add(&out, str_of(own));
	PQconninfoFree(given);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		add_option(&out, fixed[i][0], fixed[i][1]);
	snprintf(number, sizeof number, "%u", settings->statement_timeout_ms);
	add_option(&out, "statement_timeout", number);
	if (settings->search_path != NULL)
		add_option(&out, "search_path", settings->search_path);
	buf_add_char(&out, '\0');
	char *options = copied(out.p);
	buf_release(&out);
	return options;
}

/* Names. */

static bool is_name(struct str host)
{
	char text[INET6_ADDRSTRLEN + 1];
	unsigned char address[sizeof(struct in6_addr)];
	if (host.n == 0 || host.p[0] == '/' || host.p[0] == '@')
		return false;
	if (host.n >= sizeof text)
		return true;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1;
}

static bool has_name(const char *hosts)
{
	struct str rest = str_of(hosts);
	while (rest.p != NULL)
		if (is_name(str_cut(&rest, STR(","))))
			return true;
	return false;
}

bool connect_needs_names(const char *conninfo)
{
	PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
	/* A service file may hold anything. */
	bool needs = option_value(given, "service", "PGSERVICE") != NULL;
	if (!needs && option_value(given, "hostaddr", "PGHOSTADDR") == NULL)
		needs = has_name(option_value(given, "host", "PGHOST"));
	PQconninfoFree(given);
	return needs;
}

/* Beginning. */

static void keep_quiet(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static PGconn *begin(const char *conninfo, const char *options, const char *application_name)
{
	const char *const keywords[] = {"dbname",     "client_encoding",           "options",
	                                "gssencmode", "fallback_application_name", NULL};
	const char *const values[] = {conninfo, "UTF8", options, "disable", application_name, NULL};
	PGconn *pg = PQconnectStartParams(keywords, values, 1);
	if (pg == NULL)
		BUG("no memory");
	PQsetNoticeProcessor(pg, keep_quiet, NULL);
	return pg;
}

static void begin_in_thread(struct helper_job *job)
{
	struct begin_job *it = CONTAINER_OF(job, struct begin_job, job);
	it->pg = begin(it->conninfo, it->options, it->application_name);
}

static void begun_in_thread(struct helper_job *job)
{
	struct begin_job *it = CONTAINER_OF(job, struct begin_job, job);
	if (it->conn->generation != it->generation)
		return;
	PGconn *pg = it->pg;
	it->pg = NULL;
	conn_begun(it->conn, pg);
}

static void dispose(struct helper_job *job)
{
	struct begin_job *it = CONTAINER_OF(job, struct begin_job, job);
	PQfinish(it->pg);
	free(it->conninfo);
	free(it->options);
	free(it->application_name);
	free(it);
}

void connect_begin(struct conn *conn)
{
	struct db *db = conn->db;
	if (!db->needs_names) {
		conn_begun(conn, begin(db->conninfo, db->options, db->application_name));
		return;
	}
	struct begin_job *it = calloc(1, sizeof *it);
	if (it == NULL)
		BUG("no memory");
	*it = (struct begin_job){
		.job = {.work = begin_in_thread, .done = begun_in_thread, .dispose = dispose},
		.conninfo = copied(db->conninfo),
		.options = copied(db->options),
		.application_name = copied(db->application_name),
		.conn = conn,
		.generation = conn->generation};
	/* When there is no thread to be had, the deadline of connecting ends it. */
	helper_do(&db->resolver, db->loop, &it->job);
}

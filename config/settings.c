/* Settings, from four places: defaults, a JSON file, the environment, flags.
 *
 * One table holds every plain setting; only the databases have a form of their own.  All mistakes
 * of a run are told together, and no message shows a database URL, since it may hold a password.
 */
#include "config/settings.h"

#include "config/file.h"
#include "orm/base/sign.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum form { FORM_TEXT, FORM_COUNT, FORM_SIZE, FORM_BOOL, FORM_LEVEL, FORM_FORMAT };

struct row {
	const char *key;
	enum form form;
	size_t offset;
	int64_t min, max;
	const char *text; /* default of texts and words */
	int64_t number;   /* default of numbers and booleans */
	const char *help;
};

#define AT(member) offsetof(struct settings, member)

/* The environment's name is QUERN_ and the key in capitals. */
static const struct row rows[] = {
	{"listen", FORM_TEXT, AT(listen), 0, 0, "127.0.0.1", 0, "address to listen on"},
	{"port", FORM_COUNT, AT(port), 0, 65535, NULL, 8080, "port to listen on; 0 picks a free one"},
	{"workers", FORM_COUNT, AT(workers), 0, 256, NULL, 0, "worker threads; 0 is one a processor"},
	{"pool_size", FORM_COUNT, AT(pool_size), 1, 1000, NULL, 4,
     "database connections of a worker, for each database"},
	{"models", FORM_TEXT, AT(models), 0, 0, "", 0,
     "model files: a file, a folder, or several separated by commas"},
	{"acquire_timeout", FORM_COUNT, AT(acquire_timeout), 1, 600000, NULL, 5000,
     "longest wait for a database connection, ms"},
	{"statement_timeout", FORM_COUNT, AT(statement_timeout), 1, 86400000, NULL, 30000,
     "longest run of one statement, ms; of rows that are sent as they come, longest wait for the next"},
	{"header_timeout", FORM_COUNT, AT(header_timeout), 1, 600000, NULL, 10000,
     "longest wait for a request's headers, ms"},
	{"body_timeout", FORM_COUNT, AT(body_timeout), 1, 3600000, NULL, 30000,
     "longest wait for a request's body, ms; one of which 16 KiB a second come may take longer"},
	{"idle_timeout", FORM_COUNT, AT(idle_timeout), 1, 3600000, NULL, 60000,
     "how long an idle connection is kept, ms"},
	{"write_timeout", FORM_COUNT, AT(write_timeout), 1, 3600000, NULL, 30000,
     "longest wait for a client that does not read, ms"},
	{"drain_timeout", FORM_COUNT, AT(drain_timeout), 0, 600000, NULL, 10000,
     "longest wait for running requests at the end, ms"},
	{"statement_cache", FORM_COUNT, AT(statement_cache), 1, 100000, NULL, 200,
     "prepared statements kept on a database connection"},
	{"shape_cache", FORM_COUNT, AT(shape_cache), 0, 100000, NULL, 1000,
     "plans that a worker keeps for questions of the same shape; 0 keeps none"},
	{"body_bytes", FORM_SIZE, AT(json.bytes), 1, INT64_C(1) << 32, NULL, 1 << 20,
     "largest body of a request that reads, bytes"},
	{"write_bytes", FORM_SIZE, AT(write_json.bytes), 1, INT64_C(1) << 32, NULL, 16 << 20,
     "largest body of a request that writes, bytes"},
	{"load_bytes", FORM_SIZE, AT(load_bytes), 0, INT64_MAX, NULL, 0,
     "largest CSV or NDJSON body, bytes; 0 is no limit"},
	{"compress_above", FORM_SIZE, AT(compress_above), 0, INT64_C(1) << 32, NULL, 1024,
     "replies longer than this are compressed for clients that take it, bytes; 0 is none"},
	{"metrics", FORM_BOOL, AT(has_metrics), 0, 1, NULL, 1, "whether /metrics answers"},
	{"json_depth", FORM_COUNT, AT(json.depth), 1, 128, NULL, 64, "deepest nesting of a JSON body"},
	{"json_nodes", FORM_COUNT, AT(json.nodes), 1, 10000000, NULL, 10000,
     "most values in a body that reads"},
	{"write_nodes", FORM_COUNT, AT(write_json.nodes), 1, 10000000, NULL, 200000,
     "most values in a body that writes"},
	{"max_rows", FORM_COUNT, AT(max_rows), 0, 1000000000, NULL, 0,
     "most rows in one answer; 0 is no limit"},
	{"idempotency_ttl", FORM_COUNT, AT(idempotency_ttl), 1, 31536000, NULL, 86400,
     "how long the reply to an Idempotency-Key is kept, seconds"},
	{"idempotency_bytes", FORM_SIZE, AT(idempotency_bytes), 1024, INT64_C(1) << 26, NULL, 4 << 20,
     "longest reply that is kept for an Idempotency-Key, bytes"},
	{"max_operations", FORM_COUNT, AT(max_operations), 1, 1000000, NULL, 1000,
     "most operations in a batch"},
	{"batch_bytes", FORM_SIZE, AT(batch_bytes), 1024, INT64_C(1) << 30, NULL, 16 << 20,
     "longest reply of a batch, bytes"},
	{"max_connections", FORM_COUNT, AT(max_connections), 1, 1000000, NULL, 4096,
     "most client connections of a worker"},
	{"url_bytes", FORM_COUNT, AT(url_bytes), 256, 1048576, NULL, 8192,
     "longest address with its query string, bytes"},
	{"header_bytes", FORM_COUNT, AT(header_bytes), 1024, 1048576, NULL, 8192,
     "most bytes of a request's headers"},
	{"secret", FORM_TEXT, AT(secret), 0, 0, "", 0,
     "seals cursors: a long random text, the same on all servers; else random at each start"},
	{"allows_regex", FORM_BOOL, AT(allows_regex), 0, 1, NULL, 1,
     "whether clients may use the lookups regex and iregex"},
	{"allows_unvalidated", FORM_BOOL, AT(allows_unvalidated), 0, 1, NULL, 0,
     "whether \"validate\": false in a body is honoured"},
	{"log_level", FORM_LEVEL, AT(log_level), 0, 0, "info", LOG_INFO,
     "debug, info, warning or error"},
	{"log_format", FORM_FORMAT, AT(log_format), 0, 0, "text", LOG_TEXT, "text or json"},
};

#define ROWS (sizeof rows / sizeof *rows)

static const char *const levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const formats[] = {"text", "json", NULL};

struct loading {
	struct arena *arena;
	struct buf *report;
	struct settings *settings;
	struct str file, text; /* the settings file; text.p == NULL without one */
	bool is_good;
	struct {
		struct database_setting *items;
		size_t n, cap;
	} databases;
};

static struct database_setting default_database = {"default", "", "public"};

static void set_number(struct settings *settings, const struct row *row, int64_t number)
{
	void *member = (char *)settings + row->offset;
	switch (row->form) {
	case FORM_COUNT:
		*(unsigned *)member = (unsigned)number;
		return;
	case FORM_SIZE:
		*(size_t *)member = (size_t)number;
		return;
	case FORM_BOOL:
		*(bool *)member = number != 0;
		return;
	case FORM_LEVEL:
		*(enum log_level *)member = (enum log_level)number;
		return;
	case FORM_FORMAT:
		*(enum log_format *)member = (enum log_format)number;
		return;
	case FORM_TEXT:
		break;
	}
	BUG("setting %s is no number", row->key);
}

static void set_text(struct settings *settings, const struct row *row, const char *text)
{
	*(const char **)((char *)settings + row->offset) = text;
}

void settings_defaults(struct settings *settings)
{
	memset(settings, 0, sizeof *settings);
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].form == FORM_TEXT)
			set_text(settings, &rows[i], rows[i].text);
		else
			set_number(settings, &rows[i], rows[i].number);
	settings->databases = &default_database;
	settings->ndatabases = 1;
}

static struct str env_name(struct arena *arena, const char *key)
{
	char *name = arena_cstr(arena, arena_printf(arena, "QUERN_%s", key));
	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return str_of(name);
}

static int word_index(const char *const *words, struct str text)
{
	for (int i = 0; words[i]; i++)
		if (str_eq_nocase(text, str_of(words[i])))
			return i;
	return -1;
}

/* What a setting's value must be, in words. */
static struct str expectation(struct arena *arena, const struct row *row)
{
	switch (row->form) {
	case FORM_TEXT:
		return STR("a string");
	case FORM_COUNT:
	case FORM_SIZE:
		return arena_printf(arena, "an integer from %" PRId64 " to %" PRId64, row->min, row->max);
	case FORM_BOOL:
		return STR("true or false");
	case FORM_LEVEL:
		return STR("\"debug\", \"info\", \"warning\" or \"error\"");
	case FORM_FORMAT:
		return STR("\"text\" or \"json\"");
	}
	BUG("form %d", (int)row->form);
}

static bool number_of_text(const struct row *row, struct str text, int64_t *number)
{
	switch (row->form) {
	case FORM_COUNT:
	case FORM_SIZE:
		return str_to_int(text, number) && *number >= row->min && *number <= row->max;
	case FORM_BOOL:
		*number = str_eq_nocase(text, STR("true")) || str_is(text, "1");
		return *number || str_eq_nocase(text, STR("false")) || str_is(text, "0");
	case FORM_LEVEL:
		*number = word_index(levels, text);
		return *number >= 0;
	case FORM_FORMAT:
		*number = word_index(formats, text);
		return *number >= 0;
	case FORM_TEXT:
		break;
	}
	return false;
}

/* A setting said as text: in the environment or by a flag. */
static void take_text(struct loading *l, const struct row *row, struct str text, const char *where)
{
	int64_t number;
	if (row->form == FORM_TEXT) {
		set_text(l->settings, row, arena_cstr(l->arena, text));
	} else if (number_of_text(row, str_trim(text), &number)) {
		set_number(l->settings, row, number);
	} else {
		l->is_good = false;
		buf_printf(l->report, "%s: expected %.*s, but got ", where,
		           STR_ARG(expectation(l->arena, row)));
		buf_add_json(l->report, text);
		buf_add_char(l->report, '\n');
	}
}

/* "quern.json:3:10: " */
static void say_place(struct loading *l, const struct pos *pos)
{
	unsigned line, column;
	json_locate(l->text, pos, &line, &column);
	buf_printf(l->report, "%.*s:%u:%u: ", STR_ARG(l->file), line, column);
}

static void fault_at(struct loading *l, const struct pos *pos, const char *key,
                     const char *expected)
{
	l->is_good = false;
	say_place(l, pos);
	buf_printf(l->report, "\"%s\": expected %s\n", key, expected);
}

/* A path said in the settings file, seen from the file's folder. */
static struct str beside_file(struct loading *l, struct str path)
{
	size_t n = l->file.n;
	while (n > 0 && l->file.p[n - 1] != '/')
		n--;
	if (path.n == 0 || path.p[0] == '/')
		return path;
	return arena_concat(l->arena, str_sub(l->file, 0, n), path);
}

/* The same for a path that may be several, separated by commas. */
static const char *all_beside_file(struct loading *l, struct str paths)
{
	struct stat info;
	struct str rest = paths, all = STR("");
	const char *whole = arena_cstr(l->arena, beside_file(l, paths));
	if (stat(whole, &info) == 0)
		return whole;
	while (rest.p) {
		struct str part = beside_file(l, str_trim(str_cut(&rest, STR(","))));
		all =
			arena_printf(l->arena, "%.*s%s%.*s", STR_ARG(all), all.n > 0 ? "," : "", STR_ARG(part));
	}
	return all.p;
}

static void take_value(struct loading *l, const struct row *row, const struct value *value)
{
	int64_t number;
	if (row->form == FORM_TEXT && value->kind == VALUE_TEXT) {
		bool is_path = row->offset == AT(models);
		set_text(l->settings, row,
		         is_path ? all_beside_file(l, value->text) : arena_cstr(l->arena, value->text));
		return;
	}
	bool is_count = row->form == FORM_COUNT || row->form == FORM_SIZE;
	bool is_word = row->form == FORM_LEVEL || row->form == FORM_FORMAT;
	if (is_count && value->kind == VALUE_INT && value->integer >= row->min &&
	    value->integer <= row->max)
		set_number(l->settings, row, value->integer);
	else if (row->form == FORM_BOOL && value->kind == VALUE_BOOL)
		set_number(l->settings, row, value->boolean);
	else if (is_word && value->kind == VALUE_TEXT && number_of_text(row, value->text, &number))
		set_number(l->settings, row, number);
	else
		fault_at(l, value->pos, row->key, arena_cstr(l->arena, expectation(l->arena, row)));
}

static const struct row *find_row(struct str key)
{
	for (size_t i = 0; i < ROWS; i++)
		if (str_is(key, rows[i].key))
			return &rows[i];
	return NULL;
}

static void unknown_key(struct loading *l, const struct member *member, const char *in,
                        const struct str *names, size_t n)
{
	struct str near = suggest_nearest(member->key, names, n);
	l->is_good = false;
	say_place(l, member->value.pos);
	buf_printf(l->report, "unknown %s ", in);
	buf_add_json(l->report, member->key);
	if (near.p)
		buf_printf(l->report, " (did you mean \"%.*s\"?)", STR_ARG(near));
	buf_add_char(l->report, '\n');
}

static struct database_setting *database_named(struct loading *l, struct str alias)
{
	for (size_t i = 0; i < l->databases.n; i++)
		if (str_is(alias, l->databases.items[i].alias))
			return &l->databases.items[i];
	struct database_setting *database = ARENA_PUSH(l->arena, &l->databases);
	*database = default_database;
	database->alias = arena_cstr(l->arena, alias);
	return database;
}

/* A database is its URL, or {"url", "search_path"}. */
static void take_database(struct loading *l, const struct member *member)
{
	static const struct str known[] = {STR_INIT("url"), STR_INIT("search_path")};
	struct database_setting *database = database_named(l, member->key);
	if (member->value.kind == VALUE_TEXT) {
		database->url = arena_cstr(l->arena, member->value.text);
		return;
	}
	if (member->value.kind != VALUE_OBJECT) {
		fault_at(l, member->value.pos, database->alias,
		         "a connection string or {\"url\", \"search_path\"}");
		return;
	}
	for (size_t i = 0; i < member->value.object.n; i++) {
		const struct member *part = &member->value.object.members[i];
		bool is_url = str_eq(part->key, known[0]);
		if (!is_url && !str_eq(part->key, known[1]))
			unknown_key(l, part, "member of a database", known, 2);
		else if (part->value.kind != VALUE_TEXT)
			fault_at(l, part->value.pos, is_url ? "url" : "search_path", "a string");
		else
			*(is_url ? &database->url : &database->search_path) =
				arena_cstr(l->arena, part->value.text);
	}
}

static void take_databases(struct loading *l, const struct value *value)
{
	if (value->kind != VALUE_OBJECT) {
		fault_at(l, value->pos, "databases",
		         "an object of aliases such as {\"default\": {\"url\": …}}");
		return;
	}
	for (size_t i = 0; i < value->object.n; i++)
		take_database(l, &value->object.members[i]);
}

static void take_member(struct loading *l, const struct member *member)
{
	const struct row *row = find_row(member->key);
	struct str names[ROWS + 2];
	for (size_t i = 0; i < ROWS; i++)
		names[i] = str_of(rows[i].key);
	names[ROWS] = STR("databases");
	names[ROWS + 1] = STR("database_url");
	if (row)
		take_value(l, row, &member->value);
	else if (str_is(member->key, "databases"))
		take_databases(l, &member->value);
	else if (str_is(member->key, "database_url") && member->value.kind == VALUE_TEXT)
		database_named(l, STR("default"))->url = arena_cstr(l->arena, member->value.text);
	else if (str_is(member->key, "database_url"))
		fault_at(l, member->value.pos, "database_url", "a connection string");
	else if (!str_is(member->key, "$schema"))
		unknown_key(l, member, "setting", names, ROWS + 2);
}

/* "postgresql://user:secret@host" or "password=secret". */
static bool holds_password(struct str url)
{
	if (str_find(url, STR("password=")) >= 0)
		return true;
	ptrdiff_t scheme = str_find(url, STR("://"));
	ptrdiff_t at = str_find(url, STR("@"));
	if (scheme < 0 || at < scheme + 3)
		return false;
	struct str user = str_sub(url, (size_t)scheme + 3, (size_t)(at - scheme - 3));
	return str_find(user, STR(":")) >= 0;
}

static void warn_of_readers(struct loading *l)
{
	struct stat info;
	bool has_password = l->settings->secret[0] != '\0';
	for (size_t i = 0; i < l->databases.n; i++)
		has_password = has_password || holds_password(str_of(l->databases.items[i].url));
	if (!has_password || stat(arena_cstr(l->arena, l->file), &info) != 0 ||
	    (info.st_mode & S_IROTH) == 0)
		return;
	buf_printf(l->report,
	           "%.*s: warning: holds a password or secret and can be read by every user (chmod 640)\n",
	           STR_ARG(l->file));
}

static void take_file(struct loading *l, const char *file)
{
	static const struct json_limits limits = {.bytes = 1 << 20, .depth = 32, .nodes = 10000};
	const struct value *document;
	struct json_place place;
	struct error error;
	error_init(&error, l->arena);
	l->file = arena_str(l->arena, str_of(file));
	const char *problem = file_read(l->arena, file, limits.bytes, &l->text);
	if (problem) {
		buf_printf(l->report, "%s: %s\n", file, problem);
		l->is_good = false;
		return;
	}
	if (!json_read_placed(l->arena, l->text, &limits, &document, &place, &error)) {
		buf_printf(l->report, "%s:%u:%u: %.*s\n", file, place.line, place.column,
		           STR_ARG(error.detail));
		l->is_good = false;
		return;
	}
	if (document->kind != VALUE_OBJECT) {
		buf_printf(l->report, "%s:1:1: expected an object of settings\n", file);
		l->is_good = false;
		return;
	}
	for (size_t i = 0; i < document->object.n; i++)
		take_member(l, &document->object.members[i]);
	warn_of_readers(l);
}

/* A variable that is nearly the name of a setting: most likely a slip of the pen. */
static void check_environment(struct loading *l)
{
	extern char **environ;
	const struct str prefix = STR("QUERN_");
	struct str names[ROWS + 3] = {STR("DATABASE_URL"), STR("SEARCH_PATH"), STR("CONFIG")};
	for (size_t i = 0; i < ROWS; i++) {
		struct str name = env_name(l->arena, rows[i].key);
		names[i + 3] = str_sub(name, prefix.n, name.n - prefix.n);
	}
	for (char **variable = environ; *variable; variable++) {
		struct str rest = str_of(*variable);
		struct str name = str_cut(&rest, STR("="));
		if (!str_starts(name, prefix))
			continue;
		name = str_sub(name, prefix.n, name.n - prefix.n);
		struct str near = suggest_nearest(name, names, ROWS + 3);
		if (near.p && !str_eq(near, name))
			buf_printf(l->report,
			           "QUERN_%.*s: warning: no setting has this name (did you mean "
			           "QUERN_%.*s?)\n",
			           STR_ARG(name), STR_ARG(near));
	}
}

static void take_environment(struct loading *l)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct str name = env_name(l->arena, rows[i].key);
		const char *text = getenv(name.p);
		if (text)
			take_text(l, &rows[i], str_of(text), name.p);
	}
	const char *url = getenv("QUERN_DATABASE_URL");
	const char *search_path = getenv("QUERN_SEARCH_PATH");
	struct database_setting *database = database_named(l, STR("default"));
	if (url)
		database->url = arena_cstr(l->arena, str_of(url));
	if (search_path)
		database->search_path = arena_cstr(l->arena, str_of(search_path));
	check_environment(l);
}

static void take_flags(struct loading *l, const struct settings_flags *flags)
{
	for (size_t i = 0; flags && i < flags->n; i++) {
		const struct settings_flag *flag = &flags->items[i];
		const struct row *row = find_row(str_of(flag->key));
		if (str_is(str_of(flag->key), "database_url")) {
			database_named(l, STR("default"))->url = arena_cstr(l->arena, str_of(flag->text));
			continue;
		}
		if (!row)
			BUG("no setting %s", flag->key);
		take_text(l, row, str_of(flag->text), arena_printf(l->arena, "--%s", flag->key).p);
	}
}

/* Cursors of one run are nothing to the next. */
static const char *random_secret(struct arena *arena)
{
	unsigned char bytes[32];
	char *text = ARENA_ARRAY(arena, char, 2 * sizeof bytes + 1);

	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return text;
}

bool settings_load(struct arena *arena, const char *file, const struct settings_flags *flags,
                   struct settings *settings, struct buf *report)
{
	struct loading l = {.arena = arena, .report = report, .settings = settings, .is_good = true};
	if (!file)
		file = getenv("QUERN_CONFIG");
	settings_defaults(settings);
	database_named(&l, STR("default"));
	if (file)
		take_file(&l, file);
	take_environment(&l);
	take_flags(&l, flags);
	if (settings->secret[0] == '\0')
		settings->secret = random_secret(arena);
	settings->write_json.depth = settings->json.depth;
	settings->databases = l.databases.items;
	settings->ndatabases = l.databases.n;
	return l.is_good;
}

static void describe(struct buf *out, struct arena *arena, const char *key, struct str otherwise,
                     const char *help)
{
	struct str env = env_name(arena, key);
	buf_printf(out, "  %-18s  %-24.*s  %-10.*s  %s\n", key, STR_ARG(env), STR_ARG(otherwise), help);
}

void settings_describe(struct buf *out)
{
	struct arena *arena = arena_new();
	describe(out, arena, "database_url", STR(""),
	         "PostgreSQL connection string; without one libpq's PG* variables count");
	describe(out, arena, "search_path", STR("public"), "schemas of the default database");
	for (size_t i = 0; i < ROWS; i++) {
		struct str otherwise = rows[i].text ? str_of(rows[i].text)
		                       : rows[i].form == FORM_BOOL
		                           ? (rows[i].number ? STR("true") : STR("false"))
		                           : arena_printf(arena, "%" PRId64, rows[i].number);
		describe(out, arena, rows[i].key, otherwise, rows[i].help);
	}
	arena_free(arena);
}

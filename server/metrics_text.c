/* The counters of all workers as Prometheus reads them (text format 0.0.4).
 *
 * Names by its convention: base units, _total behind what only grows.  What has never been counted is left out where it
 * has labels, so that a scrape is as long as what was used.
 */
#include "server/accept.h"
#include "server/metrics.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct scrape {
	const struct metrics_set *set;
	const struct registry *registry;
	const struct settings *settings;
	struct arena *arena;
	struct buf *out;
};

/* ---- lines ---- */

static void begin(const struct scrape *scrape, const char *name, const char *type, const char *help)
{
	buf_printf(scrape->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_number(struct buf *out, uint64_t number)
{
	buf_printf(out, " %llu\n", (unsigned long long)number);
}

static void add_seconds(struct buf *out, double seconds)
{
	buf_printf(out, " %.9g\n", seconds);
}

static void add_plain(const struct scrape *scrape, const char *name, uint64_t number)
{
	buf_add(scrape->out, str_of(name));
	add_number(scrape->out, number);
}

/* name="value", escaped as the format has it. */
static void add_label(struct buf *out, const char *name, struct str value)
{
	buf_add(out, str_of(name));
	BUF_LIT(out, "=\"");
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '"' || c == '\\' || c == '\n')
			buf_add_char(out, '\\');
		buf_add_char(out, c == '\n' ? 'n' : c);
	}
	buf_add_char(out, '"');
}

/* ---- sums ---- */

/* Of the counter that lies so many bytes into a worker's metrics. */
static uint64_t sum(const struct scrape *scrape, size_t offset)
{
	uint64_t total = 0;

	for (size_t i = 0; i < scrape->set->n; i++) {
		const counter *c = (const counter *)(const void *)((const char *)scrape->set->workers[i] + offset);

		total += atomic_load_explicit(c, memory_order_relaxed);
	}
	return total;
}

#define SUM(scrape, member) sum((scrape), offsetof(struct metrics, member))

static uint64_t sum_db(const struct scrape *scrape, size_t database, size_t value)
{
	uint64_t total = 0;

	for (size_t i = 0; i < scrape->set->n; i++)
		total += atomic_load_explicit(&scrape->set->workers[i]->db[database][value], memory_order_relaxed);
	return total;
}

/* ---- requests ---- */

static const char *const method_names[METRICS_METHODS] = {
	[HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD",       [HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",       [HTTP_PATCH] = "PATCH",     [HTTP_DELETE] = "DELETE",
	[HTTP_QUERY] = "QUERY",   [HTTP_OPTIONS] = "OPTIONS", [HTTP_OTHER] = "other",
};

static void add_requests_of(const struct scrape *scrape, unsigned route, unsigned method)
{
	struct str name = {0};

	for (unsigned status = 0; status < METRICS_STATUSES; status++) {
		uint64_t n = SUM(scrape, requests[route][method][status]);
		char text[8];

		if (n == 0)
			continue;
		if (!name.p)
			name = route_name(scrape->arena, route);
		BUF_LIT(scrape->out, "quern_http_requests_total{");
		add_label(scrape->out, "route", name);
		buf_add_char(scrape->out, ',');
		add_label(scrape->out, "method", str_of(method_names[method]));
		buf_add_char(scrape->out, ',');
		add_label(scrape->out, "status", str_of(metrics_status(status, text)));
		buf_add_char(scrape->out, '}');
		add_number(scrape->out, n);
	}
}

static void add_requests(const struct scrape *scrape)
{
	begin(scrape, "quern_http_requests_total", "counter",
	      "Requests that have ended, by kind of address, method and status; status none: refused before it was read.");
	for (unsigned route = 0; route < route_count(); route++)
		for (unsigned method = 0; method < METRICS_METHODS; method++)
			add_requests_of(scrape, route, method);
}

static void add_models(const struct scrape *scrape)
{
	begin(scrape, "quern_model_requests_total", "counter", "Requests that were about a model, batches not counted.");
	size_t most = scrape->set->n ? scrape->set->workers[0]->nmodels : 0;

	for (size_t i = 0; i < scrape->registry->nmodels && i < most; i++) {
		uint64_t n = 0;

		for (size_t k = 0; k < scrape->set->n; k++)
			n += atomic_load_explicit(&scrape->set->workers[k]->models[i], memory_order_relaxed);
		if (n == 0)
			continue;
		BUF_LIT(scrape->out, "quern_model_requests_total{");
		add_label(scrape->out, "model", scrape->registry->models[i]->name);
		buf_add_char(scrape->out, '}');
		add_number(scrape->out, n);
	}
}

/* ---- histograms ---- */

/* le of a bucket. */
typedef double bound_fn(unsigned bucket);

struct histogram {
	const char *name;
	const char *labels; /* with a comma behind; "" for none */
	size_t buckets;     /* offset of the first */
	unsigned n;         /* the last is +Inf */
	bound_fn *bound;
};

static uint64_t bucket_sum(const struct scrape *scrape, const struct histogram *histogram, unsigned i)
{
	return sum(scrape, histogram->buckets + i * sizeof(counter));
}

static uint64_t add_buckets(const struct scrape *scrape, const struct histogram *histogram)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < histogram->n; i++) {
		total += bucket_sum(scrape, histogram, i);
		buf_printf(scrape->out, "%s_bucket{%sle=\"", histogram->name, histogram->labels);
		if (i + 1 < histogram->n)
			buf_printf(scrape->out, "%.9g\"}", histogram->bound(i));
		else
			BUF_LIT(scrape->out, "+Inf\"}");
		add_number(scrape->out, total);
	}
	return total;
}

static void add_end(const struct scrape *scrape, const struct histogram *histogram, const char *end)
{
	size_t n = strlen(histogram->labels);

	buf_printf(scrape->out, "%s_%s", histogram->name, end);
	if (n > 0)
		buf_printf(scrape->out, "{%.*s}", (int)n - 1, histogram->labels);
}

static void add_histogram(const struct scrape *scrape, const struct histogram *histogram, double total)
{
	uint64_t n = add_buckets(scrape, histogram);

	add_end(scrape, histogram, "sum");
	add_seconds(scrape->out, total);
	add_end(scrape, histogram, "count");
	add_number(scrape->out, n);
}

static double time_bound(unsigned bucket)
{
	return (double)metrics_bound(bucket) / 1e9;
}

static double statements_bound(unsigned bucket)
{
	static const double bounds[] = {0, 1, 2, 3, 4, 5, 10, 20, 50, 100};

	return bounds[bucket];
}

static double batch_bound(unsigned bucket)
{
	return ldexp(1, (int)bucket);
}

static void add_times(const struct scrape *scrape)
{
	static const char *const classes[ROUTE_CLASSES] = {"lookup", "rows", "value", "write", "load", "batch", "other"};

	begin(scrape, "quern_http_request_duration_seconds", "histogram",
	      "From a request's first line to its answer's last byte, by class of request.");
	for (size_t i = 0; i < ROUTE_CLASSES; i++) {
		char labels[32];
		struct histogram histogram = {
			.name = "quern_http_request_duration_seconds",
			.labels = labels,
			.buckets = offsetof(struct metrics, times) + i * sizeof(struct metrics_times),
			.n = METRICS_TIMES,
			.bound = time_bound,
		};
		double seconds = (double)SUM(scrape, times[i].ns) / 1e9;

		snprintf(labels, sizeof labels, "class=\"%s\",", classes[i]);
		if (seconds > 0)
			add_histogram(scrape, &histogram, seconds);
	}
}

static void add_counts(const struct scrape *scrape)
{
	const struct histogram statements = {"quern_http_request_statements", "", offsetof(struct metrics, statements),
	                                     METRICS_STATEMENTS, statements_bound};
	const struct histogram batches = {"quern_lookup_batch_size", "", offsetof(struct metrics, batch_sizes),
	                                  KEY_LOOKUPS_SIZES, batch_bound};

	begin(scrape, statements.name, "histogram", "SQL statements that a request cost.");
	add_histogram(scrape, &statements, (double)SUM(scrape, statements_sum));
	begin(scrape, batches.name, "histogram", "Lookups by key that went to the database as one statement.");
	add_histogram(scrape, &batches, (double)SUM(scrape, batch_lookups));
}

/* ---- single numbers ---- */

static const struct {
	const char *name, *type, *help;
	size_t offset;
} numbers[] = {
	{"quern_http_request_bytes_total", "counter", "Bytes of requests' bodies.", offsetof(struct metrics, bytes_in)},
	{"quern_http_response_bytes_total", "counter", "Bytes of answers' bodies, as they were sent.",
     offsetof(struct metrics, bytes_out)},
	{"quern_http_streams_total", "counter", "Answers that were sent while they were read.",
     offsetof(struct metrics, streams)},
	{"quern_http_aborted_total", "counter", "Requests whose client left before the end.", offsetof(struct metrics, gone)},
	{"quern_http_connections", "gauge", "Open client connections.", offsetof(struct metrics, values[VALUE_CLIENTS])},
	{"quern_http_requests_running", "gauge", "Tasks: requests whose handler has not ended.",
     offsetof(struct metrics, values[VALUE_RUNNING])},
	{"quern_http_requests_parked", "gauge", "Of the running ones, those that have waited for less than 20 ms.",
     offsetof(struct metrics, values[VALUE_PARKED])},
	{"quern_shape_cache_hits_total", "counter", "Questions answered by a plan that was kept.",
     offsetof(struct metrics, values[VALUE_SHAPES_BOUND])},
	{"quern_shape_cache_misses_total", "counter", "Questions that were planned.",
     offsetof(struct metrics, values[VALUE_SHAPES_PLANNED])},
	{"quern_shape_cache_entries", "gauge", "Plans that are kept.", offsetof(struct metrics, values[VALUE_SHAPES_KEPT])},
	{"quern_shared_answers_total", "counter", "Requests answered by the execution of an identical one.",
     offsetof(struct metrics, values[VALUE_SHARED])},
};

static void add_numbers(const struct scrape *scrape)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		begin(scrape, numbers[i].name, numbers[i].type, numbers[i].help);
		add_plain(scrape, numbers[i].name, sum(scrape, numbers[i].offset));
	}
}

static const struct {
	const char *name, *type, *help;
} db_numbers[METRICS_DB_VALUES] = {
	[DB_VALUE_CONNECTIONS] = {"quern_db_connections", "gauge", "Connections to the database that are up."},
	[DB_VALUE_BUSY] = {"quern_db_connections_busy", "gauge", "Of these, with something to do."},
	[DB_VALUE_LEASED] = {"quern_db_connections_leased", "gauge",
                         "Of these, those that a transaction or a stream has to itself."},
	[DB_VALUE_WAITING] = {"quern_db_waiting", "gauge", "What waits for a connection."},
	[DB_VALUE_STATEMENTS] = {"quern_db_statements_total", "counter", "Statements sent."},
	[DB_VALUE_CONNECTS] = {"quern_db_connects_total", "counter", "Connections made."},
	[DB_VALUE_LOSSES] = {"quern_db_connection_losses_total", "counter", "Connections lost."},
	[DB_VALUE_HEALED] = {"quern_db_prepared_again_total", "counter",
                         "Statements sent again because what was prepared was stale."},
	[DB_VALUE_CANCELS] = {"quern_db_cancels_total", "counter", "Statements that PostgreSQL was asked to cancel."},
	[DB_VALUE_GATHERED] = {"quern_db_writes_gathered_total", "counter", "Writes sent to share a commit with others."},
	[DB_VALUE_UNDONE] = {"quern_db_gathered_undone_total", "counter",
                         "Shared commits that failed, whose writes were sent again alone."},
};

static void add_databases(const struct scrape *scrape)
{
	for (size_t i = 0; i < METRICS_DB_VALUES; i++) {
		begin(scrape, db_numbers[i].name, db_numbers[i].type, db_numbers[i].help);
		for (size_t k = 0; k < scrape->settings->ndatabases; k++) {
			buf_printf(scrape->out, "%s{", db_numbers[i].name);
			add_label(scrape->out, "database", str_of(scrape->settings->databases[k].alias));
			buf_add_char(scrape->out, '}');
			add_number(scrape->out, sum_db(scrape, k, i));
		}
	}
}

/* ---- the process ---- */

static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long long all, resident = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void add_process(const struct scrape *scrape)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	begin(scrape, "process_cpu_seconds_total", "counter", "CPU time of the process, user and system.");
	BUF_LIT(scrape->out, "process_cpu_seconds_total");
	add_seconds(scrape->out, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
	begin(scrape, "process_resident_memory_bytes", "gauge", "Resident memory of the process.");
	add_plain(scrape, "process_resident_memory_bytes", resident_bytes());
	begin(scrape, "quern_workers", "gauge", "Worker threads.");
	add_plain(scrape, "quern_workers", scrape->set->n);
}

/* ---- all ---- */

void metrics_write(const struct metrics_set *set, const struct registry *registry, const struct settings *settings,
                   struct buf *out)
{
	struct scrape scrape = {set, registry, settings, arena_new(), out};

	add_requests(&scrape);
	add_models(&scrape);
	add_times(&scrape);
	add_counts(&scrape);
	add_numbers(&scrape);
	add_databases(&scrape);
	add_process(&scrape);
	arena_free(scrape.arena);
}

bool metrics_reply(struct request *request)
{
	struct str accept = request->accept;

	if (accept.p != NULL && str_trim(accept).n > 0 && !accept_has(accept, STR("text/plain")))
		return error_set_nowhere(&request->error, ERROR_NOT_ACCEPTABLE,
		                         "Metrics can be had as text/plain; the Accept header does not take it.");
	request->reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_write(request->metrics, request->registry, request->settings, &request->reply.body);
	return true;
}

/* The table of manager methods: PROTOCOL section 2's list, section 3's own members. */
#include "server/handlers.h"

static const char *const no_members[] = {NULL};
static const char *const latest_members[] = {"fields", NULL};
static const char *const aggregate_members[] = {"aggregate", NULL};
static const char *const in_bulk_members[] = {"ids", "field_name", NULL};
static const char *const dates_members[] = {"field", "kind", "order", "tzinfo", NULL};
static const char *const explain_members[] = {"analyze", "format", "buffers", "verbose", "costs",
                                              "settings", "wal", "timing", "summary", NULL};
static const char *const update_members[] = {"set", NULL};

const struct method methods[] = {
	/* name, only_reads, only_related, also_related, handler, own members */
	{"query", true, false, true, read_query, no_members},
	{"get", true, false, true, read_get, no_members},
	{"first", true, false, true, read_first, no_members},
	{"last", true, false, true, read_last, no_members},
	{"earliest", true, false, true, read_earliest, latest_members},
	{"latest", true, false, true, read_latest, latest_members},
	{"count", true, false, true, read_count, no_members},
	{"exists", true, false, true, read_exists, no_members},
	{"aggregate", true, false, true, read_aggregate, aggregate_members},
	{"in_bulk", true, false, true, read_in_bulk, in_bulk_members},
	{"dates", true, false, true, read_dates, dates_members},
	{"datetimes", true, false, true, read_datetimes, dates_members},
	{"sql", true, false, true, read_sql, no_members},
	{"explain", true, false, true, read_explain, explain_members},
	{"create", false, false, true, change_create, no_members},
	{"bulk_create", false, false, true, change_bulk_create, no_members},
	{"get_or_create", false, false, true, change_get_or_create, no_members},
	{"update_or_create", false, false, true, change_update_or_create, no_members},
	{"update", false, false, true, change_update, update_members},
	{"bulk_update", false, false, true, change_bulk_update, no_members},
	{"delete", false, false, true, change_delete, no_members},
	{"add", false, true, true, change_related_add, no_members},
	{"remove", false, true, true, change_related_remove, no_members},
	{"set", false, true, true, change_related_set, no_members},
	{"clear", false, true, true, change_related_clear, no_members},
};

const size_t methods_count = sizeof methods / sizeof methods[0];

const struct method *method_find(struct str name)
{
	for (size_t i = 0; i < methods_count; i++)
		if (str_is(name, methods[i].name))
			return &methods[i];
	return NULL;
}

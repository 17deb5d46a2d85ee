/* Addresses: which handler answers, on which model and rows, and what is said to a wrong one. */
#include "server/route.h"

#include "orm/model/build.h"
#include "orm/wire/json.h"
#include "server/handlers.h"
#include "server/health.h"
#include "server/metrics.h"
#include "tests/support/suite.h"

static const char models[] =
	"{\"models\": {"
	"\"Author\": {\"fields\": {\"handle\": {\"type\": \"CharField\", \"max_length\": 64}}},"
	"\"Article\": {\"fields\": {\"title\": \"TextField\","
	"  \"author\": {\"type\": \"ForeignKey\", \"to\": \"Author\", \"on_delete\": \"CASCADE\"}}},"
	"\"Profile\": {\"fields\": {"
	"  \"author\": {\"type\": \"OneToOneField\", \"to\": \"Author\", \"on_delete\": \"CASCADE\"}}},"
	"\"Server\": {\"fields\": {\"name\": \"TextField\"}},"
	"\"Administrator\": {\"fields\": {\"servers\": {\"type\": \"ManyToManyField\", \"to\": "
    "\"Server\"}}}"
	"}}";

static struct arena *arena;
static const struct registry *registry;
static struct settings settings = {.has_metrics = true};
static struct request request;
static handler_fn handler;

static void setup(void)
{
	static const struct json_limits limits = {.bytes = 1 << 20, .depth = 64, .nodes = 10000};
	const struct value *document;
	struct mistakes mistakes;
	struct error error;

	arena = arena_new();
	error_init(&error, arena);
	json_setup();
	ck_assert(json_read(arena, str_of(models), &limits, &document, &error));
	registry = registry_build(arena, &document, 1, &mistakes);
	ck_assert_ptr_nonnull(registry);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct {
	const char *name;
	enum http_method method;
} http_methods[] = {
	{"GET", HTTP_GET},     {"HEAD", HTTP_HEAD},       {"POST", HTTP_POST},
	{"PUT", HTTP_PUT},     {"PATCH", HTTP_PATCH},     {"DELETE", HTTP_DELETE},
	{"QUERY", HTTP_QUERY}, {"OPTIONS", HTTP_OPTIONS}, {"BREW", HTTP_OTHER},
};

static bool route(const char *method, const char *path)
{
	request = (struct request){.arena = arena, .registry = registry, .settings = &settings};
	request.path = str_of(path);
	request.method_text = str_of(method);
	for (size_t i = 0; i < sizeof http_methods / sizeof http_methods[0]; i++)
		if (str_is(request.method_text, http_methods[i].name))
			request.method = http_methods[i].method;
	error_init(&request.error, arena);
	handler = NULL;
	return route_request(&request, &handler);
}

static void goes_to(const char *method, const char *path, handler_fn expected)
{
	ck_assert_msg(route(method, path), "%s %s: %.*s", method, path, STR_ARG(request.error.detail));
	ck_assert_msg(handler == expected, "%s %s goes elsewhere", method, path);
}

static void is_refused(const char *method, const char *path, enum error_kind kind)
{
	ck_assert_msg(!route(method, path), "%s %s is answered", method, path);
	ck_assert_int_eq(request.error.kind, kind);
}

static void text_is(struct str text, const char *expected)
{
	ck_assert_msg(str_is(text, expected), "\"%.*s\" is not \"%s\"", STR_ARG(text), expected);
}

START_TEST(a_models_address_is_its_manager)
{
	goes_to("GET", "/api/article", read_query);
	text_is(request.model->name, "Article");
	ck_assert(!request.has_scope);
	ck_assert_ptr_null(request.method_name.p);
	goes_to("HEAD", "/api/article", read_query);
	goes_to("QUERY", "/api/article", read_query);
	goes_to("POST", "/api/article", change_create);
	goes_to("PATCH", "/api/article", change_update_all);
	goes_to("DELETE", "/api/article", change_delete_all);
	goes_to("GET", "/api/article/", read_query);
}
END_TEST

START_TEST(a_key_names_a_row)
{
	goes_to("GET", "/api/article/5", read_row);
	ck_assert(request.has_scope);
	text_is(request.scope.pk->text, "5");
	ck_assert(request.scope.pk->is_loose);
	goes_to("PUT", "/api/article/5", change_row);
	goes_to("PATCH", "/api/article/5", change_row);
	goes_to("DELETE", "/api/article/5", change_delete_row);
}
END_TEST

START_TEST(a_key_is_decoded_after_the_path_is_cut)
{
	goes_to("GET", "/api/article/a%2Fb%20c", read_row);
	text_is(request.scope.pk->text, "a/b c");
	is_refused("GET", "/api/article/a%00b", ERROR_BAD_REQUEST);
	is_refused("GET", "/api/article/a%zz", ERROR_BAD_REQUEST);
	is_refused("GET", "/api/article/%ff", ERROR_BAD_REQUEST);
}
END_TEST

START_TEST(method_names_win_over_keys)
{
	goes_to("POST", "/api/article/count", read_count);
	text_is(request.method_name, "count");
	ck_assert(!request.has_scope);
	goes_to("GET", "/api/article/count", read_count);
	goes_to("QUERY", "/api/article/count", read_count);
	goes_to("POST", "/api/article/update", change_update);
	is_refused("GET", "/api/article/update", ERROR_METHOD);
	text_is(request.error.allow, "POST, OPTIONS");
	is_refused("DELETE", "/api/article/count", ERROR_METHOD);
	text_is(request.error.allow, "GET, HEAD, POST, QUERY, OPTIONS");
}
END_TEST

START_TEST(every_method_of_the_table_has_its_address)
{
	for (size_t i = 0; i < methods_count; i++) {
		struct str path = arena_printf(
			arena, "/api/%s/%s", methods[i].only_related ? "administrator/5/servers" : "article",
			methods[i].name);

		goes_to("POST", path.p, methods[i].handler);
		text_is(request.method_name, methods[i].name);
	}
}
END_TEST

START_TEST(a_reverse_relation_is_a_manager)
{
	goes_to("GET", "/api/author/2/article_set", read_query);
	text_is(request.model->name, "Article");
	ck_assert(request.has_scope && request.scope.is_reverse);
	text_is(request.scope.owner->text, "2");
	text_is(request.scope.relation->field->name, "author");
	ck_assert_ptr_null(request.scope.pk);
	goes_to("POST", "/api/author/2/article_set", change_create);
	goes_to("POST", "/api/author/2/article_set/count", read_count);
	goes_to("POST", "/api/author/2/article_set/clear", change_related_clear);
}
END_TEST

START_TEST(a_many_to_many_is_a_manager_from_both_sides)
{
	goes_to("POST", "/api/administrator/5/servers/add", change_related_add);
	text_is(request.model->name, "Server");
	ck_assert(!request.scope.is_reverse);
	goes_to("POST", "/api/server/5/administrator_set/add", change_related_add);
	text_is(request.model->name, "Administrator");
	ck_assert(request.scope.is_reverse);
}
END_TEST

START_TEST(a_relation_to_one_is_its_row)
{
	goes_to("GET", "/api/article/1/author", read_row);
	text_is(request.model->name, "Author");
	ck_assert(!request.scope.is_reverse);
	goes_to("GET", "/api/author/1/profile", read_row);
	text_is(request.model->name, "Profile");
	ck_assert(request.scope.is_reverse);
	is_refused("POST", "/api/article/1/author", ERROR_METHOD);
	is_refused("POST", "/api/article/1/author/add", ERROR_METHOD);
}
END_TEST

START_TEST(unknown_names_come_with_the_nearest)
{
	is_refused("GET", "/api/artcle", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "article");
	is_refused("GET", "/api/author/2/article_st", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "article_set");
	is_refused("POST", "/api/article/cuont", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "count");
	is_refused("POST", "/api/author/2/article_set/ad", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "add");
	is_refused("GET", "/health/liv", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "/health/live");
	is_refused("GET", "/article", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "/api/article");
	is_refused("GET", "/api/zzz", ERROR_UNKNOWN_ADDRESS);
	ck_assert_ptr_null(request.error.suggestion.p);
}
END_TEST

START_TEST(a_related_method_is_none_of_the_model)
{
	is_refused("POST", "/api/article/add", ERROR_METHOD);
}
END_TEST

START_TEST(wrong_shapes_of_address_are_not_found)
{
	is_refused("GET", "/api//article", ERROR_UNKNOWN_ADDRESS);
	is_refused("GET", "/api/article//", ERROR_UNKNOWN_ADDRESS);
	is_refused("GET", "/api/author/1/article_set/count/more", ERROR_UNKNOWN_ADDRESS);
	is_refused("GET", "//", ERROR_UNKNOWN_ADDRESS);
}
END_TEST

START_TEST(a_wrong_http_method_is_told_which_are_right)
{
	is_refused("PUT", "/api/article", ERROR_METHOD);
	text_is(request.error.allow, "GET, HEAD, POST, PATCH, DELETE, QUERY, OPTIONS");
	is_refused("POST", "/api/article/5", ERROR_METHOD);
	text_is(request.error.allow, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
	is_refused("BREW", "/api/article", ERROR_METHOD);
	is_refused("POST", "/health/live", ERROR_METHOD);
	text_is(request.error.allow, "GET, HEAD, OPTIONS");
}
END_TEST

START_TEST(options_answers_with_allow)
{
	ck_assert(route("OPTIONS", "/api/article/5"));
	ck_assert(handler(&request));
	ck_assert_int_eq(request.reply.status, 204);
	ck_assert_uint_eq(request.reply.nheaders, 1);
	text_is(request.reply.headers[0].name, "Allow");
	text_is(request.reply.headers[0].value, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
}
END_TEST

START_TEST(fixed_addresses_are_found)
{
	goes_to("GET", "/", index_reply);
	goes_to("GET", "/api", index_reply);
	goes_to("GET", "/api/", index_reply);
	goes_to("GET", "/health/live", health_live);
	goes_to("HEAD", "/health/ready", health_ready);
	goes_to("GET", "/metrics", metrics_reply);
}
END_TEST

START_TEST(metrics_are_nowhere_when_settings_say_so)
{
	settings.has_metrics = false;
	is_refused("GET", "/metrics", ERROR_UNKNOWN_ADDRESS);
	is_refused("GET", "/metric", ERROR_UNKNOWN_ADDRESS);
	ck_assert_ptr_null(request.error.suggestion.p);
	settings.has_metrics = true;
	is_refused("GET", "/metric", ERROR_UNKNOWN_ADDRESS);
	text_is(request.error.suggestion, "/metrics");
}
END_TEST

static void counts_as(const char *method, const char *path, const char *name, enum route_class class)
{
	route(method, path);
	text_is(route_name(arena, request.route), name);
	ck_assert_msg(route_class(&request) == class, "%s %s is of class %d", method, path, (int)route_class(&request));
}

START_TEST(kinds_of_addresses_are_counted_apart)
{
	counts_as("GET", "/api/article", "/api/{model}", ROUTE_ROWS);
	counts_as("POST", "/api/article", "/api/{model}", ROUTE_WRITE);
	counts_as("GET", "/api/article/5", "/api/{model}/{pk}", ROUTE_LOOKUP);
	counts_as("DELETE", "/api/article/5", "/api/{model}/{pk}", ROUTE_WRITE);
	counts_as("GET", "/api/author/5/article_set", "/api/{model}/{pk}/{relation}", ROUTE_ROWS);
	counts_as("POST", "/api/article/query", "/api/{model}/query", ROUTE_ROWS);
	counts_as("GET", "/api/article/count", "/api/{model}/count", ROUTE_VALUE);
	counts_as("GET", "/api/author/5/article_set/count", "/api/{model}/{pk}/{relation}/count", ROUTE_VALUE);
	counts_as("POST", "/api/administrator/5/servers/add", "/api/{model}/{pk}/{relation}/add", ROUTE_WRITE);
	counts_as("POST", "/batch", "/batch", ROUTE_BATCH);
	counts_as("GET", "/health/live", "/health/live", ROUTE_OTHER);
	counts_as("GET", "/nowhere", "none", ROUTE_OTHER);
	counts_as("GET", "/api/nothing", "none", ROUTE_OTHER);
	counts_as("BREW", "/api/article", "/api/{model}", ROUTE_WRITE);
}
END_TEST

START_TEST(no_two_routes_have_one_name)
{
	for (unsigned i = 0; i < route_count(); i++)
		for (unsigned k = 0; k < i; k++)
			ck_assert(!str_eq(route_name(arena, i), route_name(arena, k)));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "route");

	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, a_models_address_is_its_manager);
	tcase_add_test(group, a_key_names_a_row);
	tcase_add_test(group, a_key_is_decoded_after_the_path_is_cut);
	tcase_add_test(group, method_names_win_over_keys);
	tcase_add_test(group, every_method_of_the_table_has_its_address);
	tcase_add_test(group, a_reverse_relation_is_a_manager);
	tcase_add_test(group, a_many_to_many_is_a_manager_from_both_sides);
	tcase_add_test(group, a_relation_to_one_is_its_row);
	tcase_add_test(group, unknown_names_come_with_the_nearest);
	tcase_add_test(group, a_related_method_is_none_of_the_model);
	tcase_add_test(group, wrong_shapes_of_address_are_not_found);
	tcase_add_test(group, a_wrong_http_method_is_told_which_are_right);
	tcase_add_test(group, options_answers_with_allow);
	tcase_add_test(group, fixed_addresses_are_found);
	tcase_add_test(group, metrics_are_nowhere_when_settings_say_so);
	tcase_add_test(group, kinds_of_addresses_are_counted_apart);
	tcase_add_test(group, no_two_routes_have_one_name);
	return suite_main(suite);
}

/* What the gate lets in and what it refuses: every row of the smuggling table that a handler can
 * see, the limits, and the browsers' side doors. */
#include "server/http_gate.h"

#include "tests/support/suite.h"

static struct gate gate;
static struct gate_limits limits;

static void setup(void)
{
	gate = (struct gate){0};
	limits = (struct gate_limits){.url_bytes = 100, .header_bytes = 300, .nheaders = 8};
}

static void header(const char *name, const char *value)
{
	gate_header(&gate, str_of(name), str_of(value));
}

static struct gate_verdict judge(const char *method, const char *uri, const char *version)
{
	return gate_judge(&gate, str_of(method), str_of(uri), str_of(version), &limits);
}

static void is_let_in(const char *method, const char *uri, const char *version)
{
	struct gate_verdict verdict = judge(method, uri, version);

	ck_assert_msg(verdict.status == 0, "refused with %d: %s", verdict.status, verdict.detail);
}

static void is_refused(int status, const char *method, const char *uri, const char *version)
{
	struct gate_verdict verdict = judge(method, uri, version);

	ck_assert_int_eq(verdict.status, status);
	ck_assert_ptr_nonnull(verdict.detail);
}

START_TEST(a_plain_request_is_let_in)
{
	header("Host", "localhost:8080");
	header("Accept", "*/*");
	is_let_in("GET", "/api/article?limit=3", "HTTP/1.1");
}
END_TEST

START_TEST(a_body_is_announced_by_its_length)
{
	header("Host", "x");
	header("content-length", "38");
	struct gate_verdict verdict = judge("POST", "/api/article", "HTTP/1.1");
	ck_assert_int_eq(verdict.status, 0);
	ck_assert(verdict.has_body && !verdict.is_chunked);
	ck_assert_uint_eq(verdict.body_bytes, 38);
}
END_TEST

START_TEST(a_chunked_body_is_let_in)
{
	header("Host", "x");
	header("Transfer-Encoding", "Chunked");
	struct gate_verdict verdict = judge("POST", "/api/article", "HTTP/1.1");
	ck_assert_int_eq(verdict.status, 0);
	ck_assert(verdict.has_body && verdict.is_chunked);
}
END_TEST

static const char *const bad_framing[][4] = {
	{"Content-Length", "5", "Transfer-Encoding", "chunked"},
	{"Transfer-Encoding", "chunked", "Content-Length", "5"},
	{"Content-Length", "5", "Content-Length", "6"},
	{"Content-Length", "5", "content-length", "5"},
	{"Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"},
	{"Transfer-Encoding", "identity", NULL, NULL},
	{"Transfer-Encoding", "xchunked", NULL, NULL},
	{"Transfer-Encoding", "gzip, chunked", NULL, NULL},
	{"Transfer-Encoding", "", NULL, NULL},
	{"Content-Length ", "5", NULL, NULL},
	{"Content-Length\t", "5", NULL, NULL},
	{"Content-Length", "+5", NULL, NULL},
	{"Content-Length", "5, 5", NULL, NULL},
	{"Content-Length", "0x5", NULL, NULL},
	{"Content-Length", "", NULL, NULL},
	{"Content-Length", "99999999999999999999", NULL, NULL},
	{"X-Value", "a\rb", NULL, NULL},
	{"X-Value", "a\nb", NULL, NULL},
	{"X-Value", "a\x01", NULL, NULL},
	{"X-Value", "a\x7f", NULL, NULL},
	{"X Name", "a", NULL, NULL},
	{"", "a", NULL, NULL},
	{"X(Name)", "a", NULL, NULL},
};

START_TEST(doubtful_framing_is_refused)
{
	const char *const *row = bad_framing[_i];

	header("Host", "x");
	header(row[0], row[1]);
	if (row[2])
		header(row[2], row[3]);
	is_refused(400, "POST", "/", "HTTP/1.1");
}
END_TEST

START_TEST(exactly_one_host_is_needed)
{
	is_refused(400, "GET", "/", "HTTP/1.1");
	header("Host", "a");
	is_let_in("GET", "/", "HTTP/1.1");
	header("host", "b");
	is_refused(400, "GET", "/", "HTTP/1.1");
}
END_TEST

/* Two would each be somebody's only one. */
START_TEST(conditions_and_keys_stand_once)
{
	header("Host", "x");
	header("If-Match", "\"a\", \"b\"");
	header("idempotency-key", "k");
	is_let_in("PATCH", "/api/article/1", "HTTP/1.1");
	ck_assert(str_is(gate.if_match, "\"a\", \"b\"") && str_is(gate.idempotency_key, "k"));
	header("if-match", "\"c\"");
	is_refused(400, "PATCH", "/api/article/1", "HTTP/1.1");
	setup();
	header("Host", "x");
	header("Idempotency-Key", "k");
	header("Idempotency-Key", "k");
	is_refused(400, "PATCH", "/api/article/1", "HTTP/1.1");
}
END_TEST

START_TEST(http_1_0_needs_no_host_and_has_no_chunks)
{
	is_let_in("GET", "/", "HTTP/1.0");
	header("Transfer-Encoding", "chunked");
	is_refused(400, "POST", "/", "HTTP/1.0");
}
END_TEST

START_TEST(other_versions_are_refused)
{
	header("Host", "x");
	is_refused(400, "GET", "/", "HTTP/1.2");
	is_refused(400, "GET", "/", "HTTP/2.0");
	is_refused(400, "GET", "/", "");
}
END_TEST

static const char *const bad_uris[] = {
	"http://other/", "*", "", "api", "/a b", "/a\x01", "/\xc3\xa9", "/a#b", "/a\x7f",
};

START_TEST(only_an_origin_form_address_is_taken)
{
	header("Host", "x");
	is_refused(400, "GET", bad_uris[_i], "HTTP/1.1");
}
END_TEST

START_TEST(an_address_that_is_missing_is_refused)
{
	header("Host", "x");
	struct gate_verdict verdict =
		gate_judge(&gate, STR("GET"), (struct str){0}, STR("HTTP/1.1"), &limits);
	ck_assert_int_eq(verdict.status, 400);
}
END_TEST

START_TEST(a_method_must_be_a_token)
{
	header("Host", "x");
	is_let_in("QUERY", "/", "HTTP/1.1");
	is_refused(400, "G(T", "/", "HTTP/1.1");
	is_refused(400, "", "/", "HTTP/1.1");
}
END_TEST

START_TEST(reading_methods_take_no_body)
{
	header("Host", "x");
	header("Content-Length", "5");
	is_refused(400, "GET", "/", "HTTP/1.1");
	is_refused(400, "HEAD", "/", "HTTP/1.1");
	is_let_in("POST", "/", "HTTP/1.1");
}
END_TEST

START_TEST(an_empty_body_of_get_is_no_body)
{
	header("Host", "x");
	header("Content-Length", "0");
	is_let_in("GET", "/", "HTTP/1.1");
}
END_TEST

START_TEST(too_long_an_address_is_414)
{
	char uri[102] = "/";

	memset(uri + 1, 'a', 100);
	header("Host", "x");
	is_refused(414, "GET", uri, "HTTP/1.1");
	uri[100] = 0;
	is_let_in("GET", uri, "HTTP/1.1");
}
END_TEST

START_TEST(too_many_or_too_large_fields_are_431)
{
	char value[302] = {0};

	header("Host", "x");
	memset(value, 'a', 250);
	header("X-A", value);
	is_let_in("GET", "/", "HTTP/1.1");
	header("X-B", value);
	is_refused(431, "GET", "/", "HTTP/1.1");
	setup();
	header("Host", "x");
	for (int i = 0; i < 8; i++)
		header("X-A", "1");
	is_refused(431, "GET", "/", "HTTP/1.1");
}
END_TEST

START_TEST(expectations_other_than_continue_are_417)
{
	header("Host", "x");
	header("Expect", "200-ok");
	is_refused(417, "POST", "/", "HTTP/1.1");
	setup();
	header("Host", "x");
	header("Expect", "100-Continue");
	ck_assert(judge("POST", "/", "HTTP/1.1").wants_continue);
}
END_TEST

START_TEST(compressed_bodies_are_415)
{
	header("Host", "x");
	header("Content-Encoding", "gzip");
	is_refused(415, "POST", "/", "HTTP/1.1");
}
END_TEST

static const struct {
	const char *host;
	int status;
} local_hosts[] = {
	{"localhost", 0},           {"localhost:8080", 0},
	{"127.0.0.1:8080", 0},      {"[::1]:8080", 0},
	{"app.localhost", 0},       {"evil.example", 421},
	{"evil.example:8080", 421}, {"localhost.evil", 421},
	{"127.0.0.1.evil", 421},    {"", 421},
};

START_TEST(a_local_server_answers_to_local_names_alone)
{
	limits.is_local_only = true;
	header("Host", local_hosts[_i].host);
	ck_assert_int_eq(judge("GET", "/", "HTTP/1.1").status, local_hosts[_i].status);
}
END_TEST

START_TEST(pages_of_another_origin_do_not_write)
{
	header("Host", "localhost:8080");
	header("Origin", "https://evil.example");
	is_let_in("GET", "/", "HTTP/1.1");
	is_refused(403, "POST", "/", "HTTP/1.1");
	is_refused(403, "DELETE", "/", "HTTP/1.1");
	setup();
	header("Host", "localhost:8080");
	header("Origin", "null");
	is_refused(403, "POST", "/", "HTTP/1.1");
	setup();
	header("Host", "localhost:8080");
	header("Origin", "http://localhost:8080");
	is_let_in("POST", "/", "HTTP/1.1");
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "gate");

	tcase_add_checked_fixture(group, setup, NULL);
	tcase_add_test(group, a_plain_request_is_let_in);
	tcase_add_test(group, a_body_is_announced_by_its_length);
	tcase_add_test(group, a_chunked_body_is_let_in);
	tcase_add_loop_test(group, doubtful_framing_is_refused, 0,
	                    (int)(sizeof bad_framing / sizeof bad_framing[0]));
	tcase_add_test(group, exactly_one_host_is_needed);
	tcase_add_test(group, conditions_and_keys_stand_once);
	tcase_add_test(group, http_1_0_needs_no_host_and_has_no_chunks);
	tcase_add_test(group, other_versions_are_refused);
	tcase_add_loop_test(group, only_an_origin_form_address_is_taken, 0,
	                    (int)(sizeof bad_uris / sizeof bad_uris[0]));
	tcase_add_test(group, an_address_that_is_missing_is_refused);
	tcase_add_test(group, a_method_must_be_a_token);
	tcase_add_test(group, reading_methods_take_no_body);
	tcase_add_test(group, an_empty_body_of_get_is_no_body);
	tcase_add_test(group, too_long_an_address_is_414);
	tcase_add_test(group, too_many_or_too_large_fields_are_431);
	tcase_add_test(group, expectations_other_than_continue_are_417);
	tcase_add_test(group, compressed_bodies_are_415);
	tcase_add_loop_test(group, a_local_server_answers_to_local_names_alone, 0,
	                    (int)(sizeof local_hosts / sizeof local_hosts[0]));
	tcase_add_test(group, pages_of_another_origin_do_not_write);
	return suite_main(suite);
}

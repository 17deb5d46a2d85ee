/* The rules of the gate, RFC 9110 and 9112 behind them.  Anything doubtful is refused and the
 * connection closed: a request that two readers may frame differently is never answered.
 */
#include "server/http_gate.h"

/* tchar of RFC 9110 5.6.2. */
static bool is_token(struct str s)
{
	static const char signs[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_alnum && !memchr(signs, c, sizeof signs - 1))
			return false;
	}
	return s.n > 0;
}

static bool is_clean_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_clean_uri(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return false;
	}
	return true;
}

struct known_header {
	struct str name;
	size_t value; /* offset of the struct str in struct gate */
	size_t count; /* offset of the counter; 0: none is kept */
};

static const struct known_header known_headers[] = {
	{STR_INIT("Host"), offsetof(struct gate, host), offsetof(struct gate, nhosts)},
	{STR_INIT("Content-Length"), offsetof(struct gate, content_length),
     offsetof(struct gate, nlengths)},
	{STR_INIT("Transfer-Encoding"), offsetof(struct gate, transfer_encoding),
     offsetof(struct gate, nencodings)},
	{STR_INIT("Expect"), offsetof(struct gate, expect), 0},
	{STR_INIT("Content-Encoding"), offsetof(struct gate, content_encoding), 0},
	{STR_INIT("Connection"), offsetof(struct gate, connection), 0},
	{STR_INIT("Origin"), offsetof(struct gate, origin), 0},
	{STR_INIT("Content-Type"), offsetof(struct gate, content_type), 0},
	{STR_INIT("Accept"), offsetof(struct gate, accept), 0},
	{STR_INIT("Accept-Encoding"), offsetof(struct gate, accept_encoding), 0},
	{STR_INIT("If-None-Match"), offsetof(struct gate, if_none_match), 0},
	{STR_INIT("If-Match"), offsetof(struct gate, if_match), offsetof(struct gate, nconditions)},
	{STR_INIT("Idempotency-Key"), offsetof(struct gate, idempotency_key),
     offsetof(struct gate, nkeys)},
};

static void remember(struct gate *gate, struct str name, struct str value)
{
	for (size_t i = 0; i < sizeof known_headers / sizeof known_headers[0]; i++) {
		const struct known_header *known = &known_headers[i];

		if (known->name.n != name.n || !str_eq_nocase(known->name, name))
			continue;
		*(struct str *)((char *)gate + known->value) = value;
		if (known->count)
			++*(unsigned *)((char *)gate + known->count);
		return;
	}
}

void gate_header(struct gate *gate, struct str name, struct str value)
{
	gate->nheaders++;
	gate->header_bytes += name.n + value.n;
	if (!gate->refusal && !is_token(name))
		gate->refusal = "A header field has a name that HTTP does not allow.";
	if (!gate->refusal && !is_clean_value(value))
		gate->refusal = "A header field holds a control character.";
	remember(gate, name, value);
}

static struct gate_verdict refuse(int status, const char *detail)
{
	return (struct gate_verdict){.status = status, .detail = detail};
}

static bool read_length(struct str text, uint64_t *length)
{
	*length = 0;
	if (text.n == 0 || text.n > 18)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*length = *length * 10 + (uint64_t)(text.p[i] - '0');
	}
	return true;
}

/* The host of "name:port" or "[::1]:port". */
static struct str host_name(struct str host)
{
	if (host.n && host.p[0] == '[') {
		ptrdiff_t end = str_find(host, STR("]"));

		return end < 0 ? host : str_sub(host, 0, (size_t)end + 1);
	}
	ptrdiff_t colon = str_find(host, STR(":"));

	return colon < 0 ? host : str_sub(host, 0, (size_t)colon);
}

static bool is_address(struct str name)
{
	if (name.n && name.p[0] == '[')
		return true;
	for (size_t i = 0; i < name.n; i++)
		if ((name.p[i] < '0' || name.p[i] > '9') && name.p[i] != '.')
			return false;
	return name.n > 0;
}

/* A page of another site can point its own name at 127.0.0.1, but it cannot make a browser send an
 * address or "localhost" as Host. */
static bool is_local_host(struct str host)
{
	struct str name = host_name(host);

	return is_address(name) || str_eq_nocase(name, STR("localhost")) ||
	       (name.n > 10 && str_eq_nocase(str_sub(name, name.n - 10, 10), STR(".localhost")));
}

/* Browsers name the page's origin; a page of another site may not write here. */
static bool is_foreign_origin(const struct gate *gate)
{
	ptrdiff_t at;

	if (!gate->origin.p)
		return false;
	at = str_find(gate->origin, STR("://"));
	if (at < 0)
		return true;
	return !str_eq_nocase(str_sub(gate->origin, (size_t)at + 3, gate->origin.n), gate->host);
}

static bool is_safe_method(struct str method)
{
	return str_is(method, "GET") || str_is(method, "HEAD") || str_is(method, "OPTIONS");
}

static const char *judge_line(struct str method, struct str uri, struct str version, bool *is_1_0)
{
	*is_1_0 = str_is(version, "HTTP/1.0");
	if (!*is_1_0 && !str_is(version, "HTTP/1.1"))
		return "Only HTTP/1.1 and HTTP/1.0 are spoken here.";
	if (!is_token(method))
		return "The method is not a token.";
	if (!uri.p || uri.n == 0 || uri.p[0] != '/')
		return "The address of a request must begin with '/'.";
	if (!is_clean_uri(uri))
		return "The address holds a character that must be percent-encoded.";
	return NULL;
}

static const char *judge_framing(const struct gate *gate, bool is_1_0, bool is_bodyless,
                                 struct gate_verdict *verdict)
{
	if (gate->nhosts > 1 || (gate->nhosts == 0 && !is_1_0))
		return "Exactly one Host field is needed.";
	if (gate->nlengths > 1)
		return "There is more than one Content-Length.";
	if (gate->nencodings > 1 || (gate->nencodings && gate->nlengths))
		return "Transfer-Encoding stands beside another framing of the body.";
	if (gate->nencodings && (is_1_0 || !str_eq_nocase(gate->transfer_encoding, STR("chunked"))))
		return "The only Transfer-Encoding understood is chunked, with HTTP/1.1.";
	if (gate->nlengths && !read_length(gate->content_length, &verdict->body_bytes))
		return "Content-Length is not a number.";
	if (gate->nconditions > 1 || gate->nkeys > 1)
		return "If-Match and Idempotency-Key stand once in a request; several ETags go into one "
		       "If-Match, with commas between them.";
	verdict->is_chunked = gate->nencodings > 0;
	verdict->has_body = verdict->is_chunked || verdict->body_bytes > 0;
	if (verdict->has_body && is_bodyless)
		return "A GET, HEAD or OPTIONS request takes no body here; a query in a body goes by POST "
		       "or QUERY.";
	return NULL;
}

struct gate_verdict gate_judge(const struct gate *gate, struct str method, struct str uri,
                               struct str version, const struct gate_limits *limits)
{
	struct gate_verdict verdict = {0};
	bool is_1_0;
	const char *why = judge_line(method, uri, version, &is_1_0);

	if (!why)
		why = gate->refusal;
	if (!why)
		why = judge_framing(gate, is_1_0, is_safe_method(method), &verdict);
	if (why)
		return refuse(400, why);
	if (uri.n > limits->url_bytes)
		return refuse(414,
		              "The address is longer than this server takes; a long query goes by POST.");
	if (gate->nheaders > limits->nheaders || gate->header_bytes > limits->header_bytes)
		return refuse(431, "The header fields are more than this server takes.");
	if (limits->is_local_only && gate->nhosts && !is_local_host(gate->host))
		return refuse(421, "This server answers to local names alone.");
	if (!is_safe_method(method) && is_foreign_origin(gate))
		return refuse(403, "Requests that write are not taken from pages of another origin.");
	if (gate->content_encoding.n && !str_eq_nocase(gate->content_encoding, STR("identity")))
		return refuse(415, "Bodies with a Content-Encoding are not taken.");
	if (gate->expect.p && !str_eq_nocase(gate->expect, STR("100-continue")))
		return refuse(417, "The only expectation understood is 100-continue.");
	verdict.wants_continue = gate->expect.p != NULL;
	return verdict;
}

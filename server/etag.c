/* Entity tags; see etag.h.  Knows no rows: what a tag of a row stands for is precondition.c's. */
#include "server/etag.h"

#include "orm/base/digest.h"

struct str etag_of(struct arena *arena, struct str body)
{
	char tag[DIGEST_TEXT + 2];

	tag[0] = tag[DIGEST_TEXT + 1] = '"';
	digest_write(digest_of(body), tag + 1);
	return arena_str(arena, (struct str){tag, sizeof tag});
}

void etag_add(struct request *request, struct str body)
{
	reply_header(request, STR("ETag"), etag_of(request->arena, body));
}

/* -- lists of tags ----------------------------------------------------------------- */

static struct str skip(struct str s, size_t n)
{
	return str_sub(s, n, s.n - n);
}

/* The next tag of the list, with its quotes; false where none stands. */
static bool take_tag(struct str *rest, struct str *tag, bool *is_weak)
{
	const char *end;

	*is_weak = str_starts(*rest, STR("W/"));
	if (*is_weak)
		*rest = skip(*rest, 2);
	if (rest->n < 2 || rest->p[0] != '"')
		return false;
	end = memchr(rest->p + 1, '"', rest->n - 1);
	if (!end)
		return false;
	*tag = str_sub(*rest, 0, (size_t)(end - rest->p) + 1);
	*rest = str_trim(skip(*rest, tag->n));
	return true;
}

/* Empty elements of a list are passed over, as RFC 9110 5.6.1 has it. */
static struct str skip_commas(struct str rest)
{
	while (rest.n && rest.p[0] == ',')
		rest = str_trim(skip(rest, 1));
	return rest;
}

/* A coded body's tag is the plain one's with the coding behind it, "…-gzip": whoever read a row compressed
 * names the same row. */
static bool is_same_tag(struct str given, struct str tag, enum coding *coding)
{
	struct str rest;

	*coding = CODING_IDENTITY;
	if (str_eq(given, tag))
		return true;
	if (given.n <= tag.n || !str_starts(given, str_sub(tag, 0, tag.n - 1)))
		return false;
	rest = str_sub(given, tag.n - 1, given.n - tag.n);
	for (enum coding i = CODING_GZIP; i < CODINGS; i++) {
		struct str name = str_of(coding_name(i));

		*coding = i;
		if (rest.n == name.n + 1 && rest.p[0] == '-' && str_eq(str_sub(rest, 1, name.n), name))
			return true;
	}
	return false;
}

/* *coding: of the body that was named; left alone by "*". */
static enum etag_verdict judge(struct str field, struct str tag, bool takes_weak, enum coding *coding)
{
	struct str rest = str_trim(field);
	bool is_named = false, is_weak;
	struct str given;
	enum coding now;

	if (str_is(rest, "*"))
		return ETAG_NAMED;
	rest = skip_commas(rest);
	if (!rest.n)
		return ETAG_MALFORMED;
	while (rest.n) {
		if (!take_tag(&rest, &given, &is_weak) || (rest.n && rest.p[0] != ','))
			return ETAG_MALFORMED;
		if ((takes_weak || !is_weak) && !is_named && is_same_tag(given, tag, &now)) {
			is_named = true;
			*coding = now;
		}
		rest = skip_commas(rest);
	}
	return is_named ? ETAG_NAMED : ETAG_NOT_NAMED;
}

enum etag_verdict etag_strong(struct str field, struct str tag)
{
	enum coding unused;

	return judge(field, tag, false, &unused);
}

enum etag_verdict etag_weak(struct str field, struct str tag)
{
	enum coding unused;

	return judge(field, tag, true, &unused);
}

/* -- reads ------------------------------------------------------------------------- */

/* The body stays, for its length alone: libmicrohttpd sends none with 304, and the Content-Length of
 * a 304 is that of the 200 in its place (RFC 9110, 8.6). */
static void answer_not_modified(struct request *request)
{
	request->reply.status = 304;
	request->reply.content_type = "";
}

bool etag_finish_read(struct request *request)
{
	const struct reply *reply = &request->reply;
	struct str tag;

	if (!request->model || reply->is_begun || reply->status != 200)
		return true;
	tag = etag_of(request->arena, buf_str(&reply->body));
	reply_header(request, STR("ETag"), tag);
	if (request->if_match.p && etag_strong(request->if_match, tag) != ETAG_NAMED)
		return error_set_nowhere(&request->error, ERROR_PRECONDITION,
		                         "What is read here no longer has the ETag that If-Match names.");
	/* The client has that body already, in whatever coding: its tag is the answer's. */
	if (request->if_none_match.p &&
	    judge(request->if_none_match, tag, true, &request->wish.coding) == ETAG_NAMED)
		answer_not_modified(request);
	return true;
}

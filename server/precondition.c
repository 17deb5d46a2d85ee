/* The row is read FOR UPDATE in the transaction of the write, so that nobody comes between; see
 * precondition.h.  Invariant: on true no other transaction can change the row before ours ends.
 *
 * If-Unmodified-Since is passed over, as RFC 9110 13.1.4 asks of a server whose rows have no date of
 * their last change: none is ever sent.
 */
#include "server/precondition.h"

#include "orm/wire/encode.h"
#include "orm/write/lock.h"
#include "server/etag.h"

bool precondition_is_given(const struct request *request)
{
	return request->if_match.p || request->if_none_match.p;
}

static bool is_one_row(const struct request *request)
{
	return request->scope.pk && !request->scope.relation && !request->method_name.p;
}

static bool malformed(struct request *request, const char *header)
{
	return error_set_nowhere(&request->error, ERROR_BAD_REQUEST,
	                         "%s takes an ETag in its quotes as a read answered it, several with "
	                         "commas between them, or *.",
	                         header);
}

/* Waits. */
static bool read_tag(struct request *request, struct str *tag)
{
	struct locked_row row;
	struct buf body = {0};

	if (!write_lock_row(&request->db, request->model, &request->scope, &row, &request->error))
		return false;
	encode_object(&row.layout, &row.rows, 0, &body);
	*tag = etag_of(request->arena, buf_str(&body));
	buf_release(&body);
	return true;
}

static bool obeys_match(struct request *request, struct str tag)
{
	if (!request->if_match.p)
		return true;
	switch (etag_strong(request->if_match, tag)) {
	case ETAG_NAMED:
		return true;
	case ETAG_MALFORMED:
		return malformed(request, "If-Match");
	case ETAG_NOT_NAMED:
		break;
	}
	return error_set_nowhere(&request->error, ERROR_PRECONDITION,
	                         "This %.*s is not the one that If-Match names: it has changed since. Read it "
	                         "again, without clauses, make the change to what stands there now, and send "
	                         "its new ETag.",
	                         STR_ARG(request->model->name));
}

static bool obeys_none_match(struct request *request, struct str tag)
{
	if (!request->if_none_match.p)
		return true;
	switch (etag_weak(request->if_none_match, tag)) {
	case ETAG_NOT_NAMED:
		return true;
	case ETAG_MALFORMED:
		return malformed(request, "If-None-Match");
	case ETAG_NAMED:
		break;
	}
	return error_set_nowhere(&request->error, ERROR_PRECONDITION,
	                         "This %.*s is there and is what If-None-Match names; nothing was written.",
	                         STR_ARG(request->model->name));
}

bool precondition_holds(struct request *request)
{
	struct str tag;

	if (!is_one_row(request))
		return error_set_nowhere(&request->error, ERROR_BAD_REQUEST,
		                         "If-Match and If-None-Match guard a write to one row, "
		                         "/api/{model}/{pk}; this address stands for several.");
	return read_tag(request, &tag) && obeys_match(request, tag) && obeys_none_match(request, tag);
}

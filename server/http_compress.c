/* Replies into the coding that the client takes.
 *
 * A whole reply becomes another body, in pieces between which the worker's other requests have their turn; a stream is
 * coded flush by flush, so that what was flushed can be read.  A coded reply has an ETag of its own, "…-gzip" for
 * "…": etag.c takes either for the row.
 */
#include "server/http_exchange.h"

/* Less than a millisecond. */
#define PIECE_BYTES ((size_t)128 << 10)

static struct encoders *encoders_of(struct exchange *exchange)
{
	return &exchange->http->encoders;
}

static void name_coding(struct exchange *exchange)
{
	struct reply *reply = &exchange->request.reply;

	exchange->coding = coding_name(exchange->request.wish.coding);
	for (size_t i = 0; i < reply->nheaders; i++) {
		struct header *header = &reply->headers[i];

		if (str_is(header->name, "ETag") && header->value.n > 2)
			header->value = arena_printf(exchange->request.arena, "%.*s-%s\"", (int)header->value.n - 1,
			                             header->value.p, exchange->coding);
	}
}

static bool is_worth_it(const struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	size_t above = request->settings->compress_above;

	return request->wish.must || (above != 0 && request->reply.body.n > above);
}

/* False when the client has gone in between. */
static bool code_pieces(struct exchange *exchange, struct encoder *encoder, struct buf *out)
{
	struct str rest = buf_str(&exchange->request.reply.body);
	struct error unused;

	error_init(&unused, exchange->request.arena);
	while (rest.n > PIECE_BYTES) {
		encoder_run(encoder, str_sub(rest, 0, PIECE_BYTES), ENCODER_MORE, out);
		rest = str_sub(rest, PIECE_BYTES, rest.n - PIECE_BYTES);
		if (!db_pause(&exchange->request.db, 1, &unused))
			return false;
	}
	encoder_run(encoder, rest, ENCODER_END, out);
	return true;
}

void compress_whole(struct exchange *exchange)
{
	struct request *request = &exchange->request;
	struct reply *reply = &request->reply;
	struct encoder *encoder;
	bool is_whole;

	if (reply->body.n == 0 || !is_worth_it(exchange))
		return;
	exchange->is_varied = true;
	if (request->wish.coding == CODING_IDENTITY)
		return;
	encoder = encoder_take(encoders_of(exchange), request->wish.coding);
	if (encoder == NULL)
		return;
	/* Nobody uses the stream's buffer: the reply is whole. */
	ASSERT(exchange->stream.n == 0);
	is_whole = code_pieces(exchange, encoder, &exchange->stream);
	encoder_give(encoders_of(exchange), encoder);
	if (is_whole) {
		struct buf plain = reply->body;

		name_coding(exchange);
		reply->body = exchange->stream;
		exchange->stream = plain;
	}
	buf_clear(&exchange->stream);
}

void compress_begin(struct exchange *exchange)
{
	struct request *request = &exchange->request;

	exchange->is_varied = request->settings->compress_above != 0;
	if (request->wish.coding == CODING_IDENTITY)
		return;
	exchange->encoder = encoder_take(encoders_of(exchange), request->wish.coding);
	if (exchange->encoder != NULL)
		name_coding(exchange);
}

void compress_part(struct exchange *exchange, bool is_last)
{
	struct buf *body = &exchange->request.reply.body;

	encoder_run(exchange->encoder, buf_str(body), is_last ? ENCODER_END : ENCODER_FLUSH, &exchange->stream);
	buf_clear(body);
}

void compress_drop(struct exchange *exchange)
{
	encoder_give(encoders_of(exchange), exchange->encoder);
	exchange->encoder = NULL;
}

/* From the request to its key and fingerprint, from the reply to what is kept and back.
 *
 * A failed write keeps nothing: whatever was wrong with it may be put right and sent under the same key.
 */
#include "server/idempotency.h"

#include "orm/base/digest.h"
#include "orm/base/log.h"
#include "orm/base/loop.h"
#include "orm/base/task.h"

#include <stdlib.h>

#define KEY_MAX 255
#define PURGE_EVERY_NS (60u * UINT64_C(1000000000))
/* So that a purge ends. */
#define PURGE_ROUNDS 500

/* -- the key --------------------------------------------------------------------- */

static bool is_printable(struct str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] < 0x21 || key.p[i] > 0x7e)
			return false;
	return true;
}

/* The key may stand in quotes, as a string of RFC 9651. */
static struct str key_of(const struct request *request)
{
	struct str key = str_trim(request->idempotency_key);

	if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"')
		key = str_sub(key, 1, key.n - 2);
	/* As a parameter it ends with NUL. */
	return arena_str(request->arena, key);
}

/* All that makes it this request: sent again it says the same to the last byte. */
static struct str fingerprint_of(const struct request *request)
{
	struct str body = digest_text(request->arena, digest_of(request->body));
	struct str all = arena_printf(
		request->arena, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(request->method_text),
		STR_ARG(request->path), STR_ARG(request->params), STR_ARG(request->content_type),
		STR_ARG(request->if_match), STR_ARG(body));

	return digest_text(request->arena, digest_of(all));
}

static struct replay_key replay_key_of(const struct request *request)
{
	return (struct replay_key){.identity = STR(""),
	                           .key = key_of(request),
	                           .fingerprint = fingerprint_of(request),
	                           .ttl = request->settings->idempotency_ttl};
}

bool idempotency_is_possible(struct request *request)
{
	struct str key = key_of(request);
	struct idempotency *known = request->idempotency;

	if (key.n < 1 || key.n > KEY_MAX || !is_printable(key))
		return error_set_nowhere(&request->error, ERROR_BAD_REQUEST,
		                         "An Idempotency-Key is 1 to 255 printable ASCII characters without "
		                         "blanks; a random UUID for each new request is best.");
	if (request->is_upload)
		return error_set_nowhere(&request->error, ERROR_NOT_SUPPORTED,
		                         "A body that streams (CSV, NDJSON) is not kept, so it takes no "
		                         "Idempotency-Key. A load is all or nothing: after an answer that got lost, "
		                         "look whether its rows are there, or load rows with keys of your own and "
		                         "\"update_conflicts\".");
	if (known->has_table)
		return true;
	if (!replay_has_table(&request->db, &known->has_table, &request->error))
		return false;
	if (known->has_table)
		return true;
	return error_set_nowhere(&request->error, ERROR_NOT_SUPPORTED,
	                         "Idempotency-Key needs the table quern_idempotency, and this database does "
	                         "not have it: `quern migrate` makes it. Nothing was written.");
}

/* -- replies --------------------------------------------------------------------- */

static void answer_again(struct request *request, const struct replay *replay)
{
	struct str rest = replay->headers;

	request->reply.status = replay->status;
	request->reply.content_type = arena_cstr(request->arena, replay->content_type);
	buf_clear(&request->reply.body);
	buf_add(&request->reply.body, replay->body);
	while (rest.n) {
		struct str value = str_cut(&rest, STR("\n"));
		struct str name = str_cut(&value, STR(": "));

		reply_header(request, arena_str(request->arena, name), arena_str(request->arena, value));
	}
	reply_header(request, STR("Idempotency-Replayed"), STR("true"));
}

bool idempotency_claim(struct request *request, enum replay_claim *claim)
{
	const struct replay_key key = replay_key_of(request);
	struct replay replay;

	if (!replay_claim(&request->db, &key, claim, &replay, &request->error))
		return false;
	if (*claim == REPLAY_FOUND)
		answer_again(request, &replay);
	if (*claim != REPLAY_FOREIGN)
		return true;
	return error_set_nowhere(&request->error, ERROR_VALIDATION,
	                         "This Idempotency-Key was used for another request (method, address, body or "
	                         "If-Match differ). A key belongs to one request and its repeats; take a new "
	                         "one for a new request.");
}

static struct str header_lines(const struct request *request)
{
	struct buf lines = {0};

	for (size_t i = 0; i < request->reply.nheaders; i++)
		buf_printf(&lines, "%.*s: %.*s\n", STR_ARG(request->reply.headers[i].name),
		           STR_ARG(request->reply.headers[i].value));
	struct str text = arena_str(request->arena, buf_str(&lines));
	buf_release(&lines);
	return text;
}

bool idempotency_keep(struct request *request)
{
	const struct replay_key key = replay_key_of(request);
	struct reply *reply = &request->reply;
	size_t most = request->settings->idempotency_bytes;

	if (reply->body.n > most)
		return reply_too_long(request);
	/* A parameter ends with NUL; the body itself has none. */
	struct replay replay = {.status = reply->status,
	                        .content_type = str_of(reply->content_type),
	                        .headers = header_lines(request),
	                        .body = arena_str(request->arena, buf_str(&reply->body))};
	return replay_keep(&request->db, &key, &replay, &request->error);
}

/* -- purging --------------------------------------------------------------------- */

struct purge {
	struct idempotency *known;
	struct db *db;
};

static void run_purge(void *arg)
{
	struct purge *purge = arg;
	bool more = true, is_good = true;

	for (unsigned i = 0; i < PURGE_ROUNDS && more && is_good; i++) {
		struct arena *arena = arena_new();
		struct db_session session;
		struct error error;

		error_init(&error, arena);
		db_session_init(&session, purge->db, arena);
		is_good = replay_purge(&session, &more, &error);
		arena_free(arena);
	}
	if (!is_good)
		log_message(LOG_WARNING, "expired idempotency keys could not be taken away; tried again later");
	purge->known->is_purging = false;
	free(purge);
}

/* Keys expire only where keys are used, so the users of keys look after them; they do not wait for it. */
void idempotency_sweep(struct request *request)
{
	struct idempotency *known = request->idempotency;
	uint64_t now = loop_clock();
	struct purge *purge;

	if (known->is_purging || now < known->purge_at)
		return;
	purge = malloc(sizeof *purge);
	if (!purge)
		return;
	known->is_purging = true;
	known->purge_at = now + PURGE_EVERY_NS;
	*purge = (struct purge){known, request->db.db};
	task_start(run_purge, purge);
}

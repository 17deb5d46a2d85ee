/* A body as a query, and the database that it names. */
#include "orm/query/decode.h"
#include "server/handlers.h"

static struct str *aliases(const struct request *request)
{
	const struct settings *settings = request->settings;
	struct str *names = ARENA_ARRAY(request->arena, struct str, settings->ndatabases);

	for (size_t i = 0; i < settings->ndatabases; i++)
		names[i] = str_of(settings->databases[i].alias);
	return names;
}

bool request_use(struct request *request, struct str alias, const struct pos *pos)
{
	size_t n = request->settings->ndatabases;
	const struct str *names = aliases(request);

	for (size_t i = 0; i < n; i++) {
		if (!str_eq(names[i], alias))
			continue;
		if (request->db.tx != NULL && request->db.db != request->dbs[i])
			return error_set(&request->error, ERROR_NOT_SUPPORTED, pos,
			                 "A transaction is of one database: 'using' cannot name another in it "
			                 "(If-Match, Idempotency-Key and an atomic batch make one of a request).");
		request->db.db = request->dbs[i];
		return true;
	}
	error_set(&request->error, ERROR_VALUE, pos, "The connection '%.*s' doesn't exist. Choices are: %.*s",
	          STR_ARG(alias), STR_ARG(suggest_choices(request->arena, names, n)));
	request->error.suggestion = suggest_nearest(alias, names, n);
	return false;
}

bool request_query(struct request *request, const struct value *body, const char *const *own,
                   const struct query **query)
{
	const struct clause *named = NULL;

	if (!decode_query(request->arena, body, own, query, &request->error))
		return false;
	for (size_t i = 0; i < (*query)->nclauses; i++)
		if ((*query)->clauses[i].using.p != NULL)
			named = &(*query)->clauses[i];
	return named == NULL || request_use(request, named->using, named->using_pos);
}

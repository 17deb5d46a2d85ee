/* Probes and the index: short replies that wait for nobody. */
#include "server/health.h"

#include <stdatomic.h>

static _Atomic bool is_stopping;

void health_set_stopping(void)
{
	atomic_store(&is_stopping, true);
}

bool health_live(struct request *request)
{
	BUF_LIT(&request->reply.body, "{\"status\":\"alive\"}");
	return true;
}

bool health_ready(struct request *request)
{
	if (atomic_load(&is_stopping))
		return error_set_nowhere(&request->error, ERROR_UNAVAILABLE, "The server is stopping.");
	if (!db_is_ready(request->db.db))
		return error_set_nowhere(&request->error, ERROR_UNAVAILABLE,
		                         "The database cannot be reached at present.");
	BUF_LIT(&request->reply.body, "{\"status\":\"ready\"}");
	return true;
}

static void add_model(struct request *request, const struct model *model)
{
	struct buf *out = &request->reply.body;

	BUF_LIT(out, "{\"name\":");
	buf_add_json(out, model->name);
	BUF_LIT(out, ",\"address\":");
	buf_add_json(out, arena_concat(request->arena, STR("/api/"), model->path));
	buf_add_char(out, '}');
}

bool index_reply(struct request *request)
{
	struct buf *out = &request->reply.body;
	const struct registry *registry = request->registry;

	BUF_LIT(out, "{\"server\":\"quern\",\"models\":[");
	for (size_t i = 0; i < registry->nmodels; i++) {
		if (i)
			buf_add_char(out, ',');
		add_model(request, registry->models[i]);
	}
	BUF_LIT(out, "],\"health\":[\"/health/live\",\"/health/ready\"]}");
	return true;
}

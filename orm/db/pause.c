/* Waiting for time to pass, as a session does between two tries.
 */
#include "orm/db/engine.h"

struct pause {
	struct loop_timer timer;
	struct db_session *session;
	struct task *task;
};

static void wake(struct loop_timer *timer)
{
	task_resume(CONTAINER_OF(timer, struct pause, timer)->task);
}

/* From the loop at its next turn: whoever cancels goes on first. */
static void cut_short(void *arg)
{
	struct pause *pause = arg;
	loop_timer_set(pause->session->db->loop, &pause->timer, 0);
}

void db_pause_end(struct db_session *session)
{
	ASSERT(session->on_cancel == cut_short);
	cut_short(session->on_cancel_arg);
}

bool db_pause(struct db_session *session, uint64_t ns, struct error *error)
{
	struct pause pause = {.timer.fire = wake, .session = session, .task = task_self()};
	if (!session_is_usable(session, error))
		return false;
	session->on_cancel = cut_short;
	session->on_cancel_arg = &pause;
	loop_timer_set(session->db->loop, &pause.timer, ns);
	task_suspend();
	session->on_cancel = NULL;
	return session_is_usable(session, error);
}

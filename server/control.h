/* The door by which `quern reload` reaches a running server: a unix socket in a folder that only the
 * server's user may enter, PID.sock.  One question a connection, one line; one answer, then the end.
 */
#ifndef QUERN_SERVER_CONTROL_H
#define QUERN_SERVER_CONTROL_H

#include "orm/base/error.h"

/* $XDG_RUNTIME_DIR/quern, else /tmp/quern-UID; made when it is not there.  False when it is somebody
 * else's or others may enter it. */
bool control_folder(struct arena *arena, struct str *folder, struct error *error);

struct control {
	int fd; /* listening; -1: there is none */
	struct str path;
};

bool control_open(struct control *control, struct arena *arena, struct error *error);
void control_close(struct control *control);
/* The next question, waited for a few seconds; -1 when there is none.  *word is one line. */
int control_accept(struct control *control, struct arena *arena, struct str *word);
/* Answers and closes; what was asked for was done or not. */
void control_answer(int client, bool is_done, struct str text);

/* Asks the server of that process (0: the only one).  *answer is its text; false with the error set when
 * none could be asked. */
bool control_ask(struct arena *arena, long pid, const char *word, bool *is_done, struct str *answer,
                 struct error *error);

#endif

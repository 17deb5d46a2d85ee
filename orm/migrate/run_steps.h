/* Carries out the steps of one migration on a database that may be in use.
 *
 * Steps that can share a transaction do; the others stand alone, and after each part the ledger
 * says how far it got, in the same transaction where there is one.  Whatever ends the process, the
 * next run begins behind the last part that is recorded.
 */
#ifndef QUERN_MIGRATE_RUN_STEPS_H
#define QUERN_MIGRATE_RUN_STEPS_H

#include "orm/migrate/ledger.h"
#include "orm/migrate/transition.h"

enum resuming {
	RESUME_ASK,   /* a step that may have been carried out is left for a person to look at */
	RESUME_AGAIN, /* … is carried out again */
	RESUME_SKIP,  /* … counts as carried out */
};

struct step_run {
	struct connection *connection;
	struct arena *arena; /* what every step makes and forgets lives here too */
	const struct steps *steps;
	const struct migration *migration;
	struct progress progress; /* where to begin; name and direction set */
	const struct registry *registry; /* the models afterwards */
	enum resuming resuming;
	const char *restore; /* SQL that takes back what a RunSQL may have set for the session */
	unsigned lock_timeout; /* milliseconds that others may have to wait behind us */
	void (*report)(void *context, const char *line);
	void *context;
};

/* The last part records the migration (forgets it, backwards). */
bool run_steps(struct step_run *run);
/* same_index.c: false with the error set when the index that is there is another one than the step would make. */
bool check_same_index(struct step_run *run, const struct step *step);
/* The names that a step's finder finds, each as SQL; or what the object would be called. */
bool find_names(struct connection *connection, struct arena *arena, const struct finder *finder,
                struct names *names);

#endif

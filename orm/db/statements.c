/* The prepared statements of one connection: from full SQL text and parameter types to a name.
 *
 * Knows nothing of the wire.  An entry is known to the server only once its Parse was confirmed;
 * names are never used twice on a connection, so a forgotten or half-made statement can never be
 * mistaken for another.
 */
#include "orm/db/engine.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

static void *checked(void *memory)
{
	if (memory == NULL)
		BUG("no memory");
	return memory;
}

void statements_init(struct statements *statements)
{
	*statements = (struct statements){.nbuckets = FIRST_BUCKETS};
	statements->buckets = checked(calloc(FIRST_BUCKETS, sizeof(struct prepared *)));
}

static void free_prepared(struct prepared *prepared)
{
	free(prepared->sql);
	free(prepared->oids);
	free(prepared);
}

void prepared_unref(struct prepared *prepared)
{
	ASSERT(prepared->in_flight > 0);
	prepared->in_flight--;
	if (prepared->is_dropped && prepared->in_flight == 0)
		free_prepared(prepared);
}

void prepared_name(const struct prepared *prepared, char name[PREPARED_NAME_SIZE])
{
	snprintf(name, PREPARED_NAME_SIZE, "q%u", prepared->number);
}

static uint64_t hash_of(const struct statement *statement)
{
	uint64_t hash = str_hash(statement->sql);
	for (size_t i = 0; i < statement->nparams; i++)
		hash = (hash ^ statement->params[i].oid) * 0x9E3779B97F4A7C15ULL;
	return hash ^ (hash >> 32);
}

static bool fits(const struct prepared *prepared, const struct statement *statement, uint64_t hash)
{
	if (prepared->hash != hash || prepared->noids != statement->nparams ||
	    prepared->sql_n != statement->sql.n)
		return false;
	for (size_t i = 0; i < statement->nparams; i++)
		if (prepared->oids[i] != statement->params[i].oid)
			return false;
	return memcmp(prepared->sql, statement->sql.p, prepared->sql_n) == 0;
}

static void unlink_age(struct statements *statements, struct prepared *prepared)
{
	if (prepared->newer != NULL)
		prepared->newer->older = prepared->older;
	else
		statements->newest = prepared->older;
	if (prepared->older != NULL)
		prepared->older->newer = prepared->newer;
	else
		statements->oldest = prepared->newer;
}

static void link_newest(struct statements *statements, struct prepared *prepared)
{
	prepared->newer = NULL;
	prepared->older = statements->newest;
	if (statements->newest != NULL)
		statements->newest->newer = prepared;
	else
		statements->oldest = prepared;
	statements->newest = prepared;
}

static void grow(struct statements *statements)
{
	size_t nbuckets = statements->nbuckets * 2;
	struct prepared **buckets = checked(calloc(nbuckets, sizeof *buckets));
	for (struct prepared *p = statements->newest; p != NULL; p = p->older) {
		p->chain = buckets[p->hash & (nbuckets - 1)];
		buckets[p->hash & (nbuckets - 1)] = p;
	}
	free(statements->buckets);
	statements->buckets = buckets;
	statements->nbuckets = nbuckets;
}

static struct prepared *add(struct statements *statements, const struct statement *statement,
                            uint64_t hash)
{
	if (statements->n >= statements->nbuckets)
		grow(statements);
	struct prepared *prepared = checked(calloc(1, sizeof *prepared));
	prepared->hash = hash;
	prepared->sql = checked(malloc(statement->sql.n + 1));
	memcpy(prepared->sql, statement->sql.p, statement->sql.n);
	prepared->sql[statement->sql.n] = '\0';
	prepared->sql_n = statement->sql.n;
	prepared->noids = statement->nparams;
	prepared->oids = checked(calloc(statement->nparams + 1, sizeof(unsigned)));
	for (size_t i = 0; i < statement->nparams; i++)
		prepared->oids[i] = statement->params[i].oid;
	prepared->number = statements->counter++;
	struct prepared **bucket = &statements->buckets[hash & (statements->nbuckets - 1)];
	prepared->chain = *bucket;
	*bucket = prepared;
	link_newest(statements, prepared);
	statements->n++;
	return prepared;
}

struct prepared *statements_get(struct statements *statements, const struct statement *statement,
                                bool *is_new)
{
	uint64_t hash = hash_of(statement);
	struct prepared *prepared = statements->buckets[hash & (statements->nbuckets - 1)];
	while (prepared != NULL && !fits(prepared, statement, hash))
		prepared = prepared->chain;
	*is_new = prepared == NULL;
	if (prepared == NULL)
		return add(statements, statement, hash);
	if (prepared != statements->newest) {
		unlink_age(statements, prepared);
		link_newest(statements, prepared);
	}
	return prepared;
}

void statements_drop(struct statements *statements, struct prepared *prepared)
{
	if (prepared->is_dropped)
		return;
	struct prepared **at = &statements->buckets[prepared->hash & (statements->nbuckets - 1)];
	while (*at != prepared)
		at = &(*at)->chain;
	*at = prepared->chain;
	unlink_age(statements, prepared);
	statements->n--;
	prepared->is_dropped = true;
	if (prepared->in_flight == 0)
		free_prepared(prepared);
}

void statements_drop_all(struct statements *statements)
{
	while (statements->newest != NULL)
		statements_drop(statements, statements->newest);
}

void statements_release(struct statements *statements)
{
	statements_drop_all(statements);
	free(statements->buckets);
	*statements = (struct statements){0};
}

struct prepared *statements_surplus(const struct statements *statements, size_t limit)
{
	return statements->n > limit ? statements->oldest : NULL;
}

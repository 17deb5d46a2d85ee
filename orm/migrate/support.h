/* Tables that the server itself uses, beside those of the models: quern_idempotency. */
#ifndef QUERN_MIGRATE_SUPPORT_H
#define QUERN_MIGRATE_SUPPORT_H

#include "orm/migrate/connection.h"
#include "orm/migrate/schema.h"

/* Adds the statements that make those of them that the database does not have. */
bool support_build(struct connection *connection, struct schema *schema);

#endif

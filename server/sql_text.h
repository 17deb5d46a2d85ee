/* SQL laid out for a person to read: a line for each clause, the parameters below.
 */
#ifndef QUERN_SERVER_SQL_TEXT_H
#define QUERN_SERVER_SQL_TEXT_H

#include "orm/base/buf.h"
#include "orm/sql/statement.h"

void sql_text_write(const struct statement *statement, struct buf *out);

#endif

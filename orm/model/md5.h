/* The MD5 digest (RFC 1321): Django shortens names with it.  Not for anything that must be secret. */
#ifndef QUERN_MODEL_MD5_H
#define QUERN_MODEL_MD5_H

#include "orm/base/str.h"

/* The digest as 32 hexadecimal digits and a NUL. */
void md5_hex(struct str text, char hex[33]);

#endif

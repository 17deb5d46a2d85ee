/* Which texts are an e-mail address, a URL, a slug, an IP address: Django's validators. */
#ifndef QUERN_WRITE_SYNTAX_H
#define QUERN_WRITE_SYNTAX_H

#include "orm/base/str.h"

bool is_email(struct str text);
/* What may stand before the "@". */
bool is_email_local(struct str text);
/* schemes: NULL-ended, lower-case; NULL for http, https, ftp and ftps. */
bool is_url(struct str text, const char *const *schemes);
bool is_slug(struct str text);
/* Letters of any script as well. */
bool is_unicode_slug(struct str text);
bool is_ipv4(struct str text);
bool is_ipv6(struct str text);
/* Digits between separators; a minus before each where negatives are allowed. */
bool is_integer_list(struct str text, struct str separator, bool allows_negative);
/* A host name of at least two labels; not an address. */
bool is_domain_name(struct str text);

#endif

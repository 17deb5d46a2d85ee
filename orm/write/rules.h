/* The rules behind the table of validators.  Each looks at one value and says whether it holds;
 * the words are the table's, filled in by validate.c.
 *
 * A rule whose arguments do not fit (a limit that is no number) holds: the registry refused it
 * long before, or it is of a kind that this value cannot break.
 */
#ifndef QUERN_WRITE_RULES_H
#define QUERN_WRITE_RULES_H

#include "orm/write/validate.h"
#include "orm/write/validators.h"

typedef bool rule_fn(const struct subject *subject, const struct value *arguments,
                     struct verdict *verdict);

/* rules_number.c: limits, lengths, digits. */
rule_fn rule_min_value, rule_max_value, rule_step, rule_min_length, rule_max_length,
	rule_column_length, rule_array_min_length, rule_array_max_length, rule_array_size, rule_decimal,
	rule_column_digits;
/* rules_form.c: forms of text, files, keys. */
rule_fn rule_email, rule_slug, rule_unicode_slug, rule_ipv4, rule_ipv6, rule_ip, rule_domain,
	rule_integer_list, rule_url, rule_null_characters, rule_regex, rule_file_extension, rule_keys;

/* An argument by name; NULL when it is not given or of another kind. */
const struct value *rule_argument(const struct value *arguments, const char *name,
                                  enum value_kind kind);
/* {"limit_value": 5}, of any kind; NULL when not given. */
const struct value *rule_limit(const struct value *arguments);
/* A placeholder of the message. */
void rule_tell(struct verdict *verdict, const char *name, struct str text);

#endif

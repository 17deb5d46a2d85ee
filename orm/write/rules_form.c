/* Rules about the form of texts, files' names and objects' keys; see rules.h. */
#include "orm/write/rules.h"
#include "orm/write/syntax.h"

/* -- forms ----------------------------------------------------------------------- */

#define FORM_RULE(name, test)                                                                      \
	bool name(const struct subject *subject, const struct value *arguments,                        \
	          struct verdict *verdict)                                                             \
	{                                                                                              \
		(void)arguments;                                                                           \
		(void)verdict;                                                                             \
		return test(subject->text);                                                                \
	}

static bool is_ip(struct str text)
{
	return is_ipv4(text) || is_ipv6(text);
}

FORM_RULE(rule_slug, is_slug)
FORM_RULE(rule_unicode_slug, is_unicode_slug)
FORM_RULE(rule_ipv4, is_ipv4)
FORM_RULE(rule_ipv6, is_ipv6)
FORM_RULE(rule_ip, is_ip)
FORM_RULE(rule_domain, is_domain_name)

static bool list_has(const struct value *list, struct str key)
{
	for (size_t i = 0; i < list->list.n; i++)
		if (list->list.items[i].kind == VALUE_TEXT && str_eq(list->list.items[i].text, key))
			return true;
	return false;
}

/* The allow list names domains that need not look like one. */
bool rule_email(const struct subject *subject, const struct value *arguments,
                struct verdict *verdict)
{
	const struct value *allowed = rule_argument(arguments, "allowlist", VALUE_LIST);

	(void)verdict;
	/* A list of its own replaces the usual one, which is localhost. */
	if (is_email(subject->text) && (!allowed || !str_ends(subject->text, STR("@localhost"))))
		return true;
	for (size_t at = subject->text.n; allowed && at > 0; at--) {
		if (subject->text.p[at - 1] != '@')
			continue;
		struct str local = str_sub(subject->text, 0, at - 1);
		return is_email_local(local) &&
		       list_has(allowed, str_sub(subject->text, at, subject->text.n));
	}
	return false;
}

bool rule_integer_list(const struct subject *subject, const struct value *arguments,
                       struct verdict *verdict)
{
	const struct value *separator = rule_argument(arguments, "sep", VALUE_TEXT);
	const struct value *negative = rule_argument(arguments, "allow_negative", VALUE_BOOL);

	(void)verdict;
	return is_integer_list(subject->text, separator ? separator->text : STR(","),
	                       negative && negative->boolean);
}

bool rule_url(const struct subject *subject, const struct value *arguments, struct verdict *verdict)
{
	const char *names[17] = {NULL};
	const struct value *schemes = rule_argument(arguments, "schemes", VALUE_LIST);

	(void)verdict;
	if (!schemes)
		return is_url(subject->text, NULL);
	for (size_t i = 0; i < schemes->list.n && i < 16; i++)
		names[i] =
			arena_cstr(subject->validation->arena,
		               message_of_value(subject->validation->arena, &schemes->list.items[i]));
	return is_url(subject->text, names);
}

bool rule_null_characters(const struct subject *subject, const struct value *arguments,
                          struct verdict *verdict)
{
	(void)arguments;
	(void)verdict;
	return !subject->text.n || !memchr(subject->text.p, '\0', subject->text.n);
}

/* re's flags as a number: IGNORECASE 2, MULTILINE 8, DOTALL 16, VERBOSE 64. */
static struct str regex_flags(struct arena *arena, const struct value *arguments)
{
	const struct value *flags = rule_argument(arguments, "flags", VALUE_INT);
	int64_t bits = flags ? flags->integer : 0;

	return arena_printf(arena, "%s%s%s%s", bits & 2 ? "i" : "", bits & 8 ? "m" : "",
	                    bits & 16 ? "s" : "", bits & 64 ? "x" : "");
}

bool rule_regex(const struct subject *subject, const struct value *arguments,
                struct verdict *verdict)
{
	struct validation *validation = subject->validation;
	const struct value *pattern = rule_argument(arguments, "regex", VALUE_TEXT);
	const struct value *inverse = rule_argument(arguments, "inverse_match", VALUE_BOOL);

	(void)verdict;
	if (!pattern)
		return true;
	const struct regex *regex =
		validation_regex(validation, pattern, regex_flags(validation->arena, arguments));
	if (!regex)
		return false;
	bool is_inverse = inverse && inverse->boolean;
	switch (regex_search(regex, subject->text)) {
	case REGEX_FOUND:
		return !is_inverse;
	case REGEX_NOT_FOUND:
		return is_inverse;
	case REGEX_GAVE_UP:
		return false;
	}
	return false;
}

/* -- files and key sets ---------------------------------------------------------- */

static struct str extension_of(struct str path)
{
	for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--)
		if (path.p[i - 1] == '.' && i > 1 && path.p[i - 2] != '/')
			return str_sub(path, i, path.n - i);
	return STR("");
}

static bool holds_extension(const struct subject *subject, const struct str *allowed, size_t n,
                            struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	struct str extension = extension_of(subject->text);
	struct buf names = {0};

	for (size_t i = 0; i < n; i++) {
		if (str_eq_nocase(extension, allowed[i])) {
			buf_release(&names);
			return true;
		}
		if (i)
			BUF_LIT(&names, ", ");
		buf_add(&names, allowed[i]);
	}
	rule_tell(verdict, "extension", extension);
	rule_tell(verdict, "allowed_extensions", arena_str(arena, buf_str(&names)));
	buf_release(&names);
	return false;
}

bool rule_file_extension(const struct subject *subject, const struct value *arguments,
                         struct verdict *verdict)
{
	const struct value *list = rule_argument(arguments, "allowed_extensions", VALUE_LIST);

	if (!list)
		return true;
	struct str *allowed = ARENA_ARRAY(subject->validation->arena, struct str, list->list.n);
	for (size_t i = 0; i < list->list.n; i++)
		allowed[i] = message_of_value(subject->validation->arena, &list->list.items[i]);
	return holds_extension(subject, allowed, list->list.n, verdict);
}

static bool has_member(const struct value *object, struct str key)
{
	for (size_t i = 0; i < object->object.n; i++)
		if (str_eq(object->object.members[i].key, key))
			return true;
	return false;
}

bool rule_keys(const struct subject *subject, const struct value *arguments,
               struct verdict *verdict)
{
	struct arena *arena = subject->validation->arena;
	const struct value *keys = rule_argument(arguments, "keys", VALUE_LIST);
	const struct value *strict = rule_argument(arguments, "strict", VALUE_BOOL);
	const struct value *object = subject->value;

	if (!keys || object->kind != VALUE_OBJECT)
		return true;
	for (size_t i = 0; i < keys->list.n; i++) {
		struct str key = message_of_value(arena, &keys->list.items[i]);
		if (has_member(object, key))
			continue;
		rule_tell(verdict, "keys", key);
		return false;
	}
	bool is_strict = strict && strict->boolean;
	for (size_t i = 0; is_strict && i < object->object.n; i++) {
		if (list_has(keys, object->object.members[i].key))
			continue;
		verdict->message = "Some unknown keys were provided: %(keys)s";
		verdict->code = "extra_keys";
		rule_tell(verdict, "keys", object->object.members[i].key);
		return false;
	}
	return true;
}

/* Text forms, by small scanners in place of Django's regular expressions.
 *
 * A domain's letters beyond ASCII count as letters: Django turns them into punycode
 * first, which gives letters and hyphens.
 */
#include "orm/write/syntax.h"

#include <arpa/inet.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_beyond_ascii(char c)
{
	return (unsigned char)c >= 0x80;
}

static struct str from(struct str s, size_t at)
{
	return str_sub(s, at, s.n - at);
}

/* Index of the last such character, or -1. */
static ptrdiff_t find_last(struct str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return (ptrdiff_t)i - 1;
	return -1;
}

bool is_ipv4(struct str text)
{
	char buffer[INET_ADDRSTRLEN];
	struct in_addr address;

	if (!text.n || text.n >= sizeof buffer)
		return false;
	copy_bytes(buffer, text.p, text.n);
	buffer[text.n] = '\0';
	return inet_pton(AF_INET, buffer, &address) == 1;
}

bool is_ipv6(struct str text)
{
	char buffer[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (!text.n || text.n >= sizeof buffer)
		return false;
	copy_bytes(buffer, text.p, text.n);
	buffer[text.n] = '\0';
	return inet_pton(AF_INET6, buffer, &address) == 1;
}

/* A label of a host name: letters, digits and inner hyphens, 1 to 63 of them. */
static bool is_label(struct str label)
{
	if (!label.n || str_length_utf8(label) > 63)
		return false;
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];
		if (!is_letter(c) && !is_digit(c) && c != '-' && !is_beyond_ascii(c))
			return false;
	}
	return true;
}

/* Labels and a last one of at least two characters; *last is that one. */
static bool is_dotted_host(struct str host, struct str *last)
{
	struct str rest = host;
	size_t n = 0;

	while (rest.p) {
		*last = str_cut(&rest, STR("."));
		if (!is_label(*last))
			return false;
		n++;
	}
	return n >= 2 && str_length_utf8(*last) >= 2;
}

static bool is_top_level(struct str label)
{
	if (label.n > 4 && str_eq_nocase(str_sub(label, 0, 4), STR("xn--")))
		return true;
	for (size_t i = 0; i < label.n; i++)
		if (is_digit(label.p[i]))
			return false;
	return true;
}

static bool is_atom_char(char c)
{
	return is_letter(c) || is_digit(c) || (c && strchr("-!#$%&'*+/=?^_`{}|~", c));
}

static bool is_quoted_local(struct str local)
{
	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < local.n; i++) {
		char c = local.p[i];
		if (c == '\\') {
			if (++i + 1 >= local.n)
				return false;
			continue;
		}
		if (c == '"' || c == ' ' || c == '\t' || c == '\n' || c == '\r' || is_beyond_ascii(c))
			return false;
	}
	return true;
}

static bool is_dot_atom(struct str local)
{
	struct str rest = local;

	while (rest.p) {
		struct str atom = str_cut(&rest, STR("."));
		if (!atom.n)
			return false;
		for (size_t i = 0; i < atom.n; i++)
			if (!is_atom_char(atom.p[i]))
				return false;
	}
	return local.n > 0;
}

static bool is_email_domain(struct str domain)
{
	struct str last;

	if (str_eq_nocase(domain, STR("localhost")))
		return true;
	if (domain.n > 2 && domain.p[0] == '[' && domain.p[domain.n - 1] == ']') {
		struct str literal = str_sub(domain, 1, domain.n - 2);
		return is_ipv4(literal) || is_ipv6(literal);
	}
	return is_dotted_host(domain, &last);
}

bool is_email_local(struct str text)
{
	return is_dot_atom(text) || is_quoted_local(text);
}

bool is_email(struct str text)
{
	ptrdiff_t at = text.n <= 320 ? find_last(text, '@') : -1;

	if (at < 0)
		return false;
	struct str local = str_sub(text, 0, (size_t)at);
	return is_email_local(local) && is_email_domain(from(text, local.n + 1));
}

static bool has_scheme(struct str scheme, const char *const *schemes)
{
	static const char *const usual[] = {"http", "https", "ftp", "ftps", NULL};

	for (const char *const *s = schemes ? schemes : usual; *s; s++)
		if (str_eq_nocase(scheme, str_of(*s)))
			return true;
	return false;
}

/* "user", "user:password": no space, colon, at sign or slash in either. */
static bool is_user_part(struct str user)
{
	size_t colons = 0;

	if (!user.n || user.p[0] == ':')
		return false;
	for (size_t i = 0; i < user.n; i++) {
		if (user.p[i] == ':')
			colons++;
		if (strchr(" \t\n\r\v\f@/", user.p[i]))
			return false;
	}
	return colons <= 1;
}

bool is_domain_name(struct str text)
{
	struct str last;

	if (!text.n || text.n > 255)
		return false;
	if (text.p[text.n - 1] == '.')
		text.n--;
	return is_dotted_host(text, &last) && is_top_level(last);
}

static bool is_url_host(struct str host)
{
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return is_ipv6(str_sub(host, 1, host.n - 2));
	if (!host.n || host.n > 253)
		return false;
	if (is_ipv4(host) || str_eq_nocase(host, STR("localhost")))
		return true;
	return is_domain_name(host);
}

static bool is_port(struct str port)
{
	for (size_t i = 0; i < port.n; i++)
		if (!is_digit(port.p[i]))
			return false;
	return port.n >= 1 && port.n <= 5;
}

/* user:password@host:port */
static bool is_authority(struct str authority)
{
	ptrdiff_t at = find_last(authority, '@');

	if (at >= 0) {
		if (!is_user_part(str_sub(authority, 0, (size_t)at)))
			return false;
		authority = from(authority, (size_t)at + 1);
	}
	ptrdiff_t colon = find_last(authority, ':');
	bool is_in_brackets = authority.n && authority.p[authority.n - 1] == ']';
	if (colon >= 0 && !is_in_brackets) {
		if (!is_port(from(authority, (size_t)colon + 1)))
			return false;
		authority.n = (size_t)colon;
	}
	return is_url_host(authority);
}

bool is_url(struct str text, const char *const *schemes)
{
	ptrdiff_t mark = str_find(text, STR("://"));

	if (mark <= 0 || text.n > 2048 || !has_scheme(str_sub(text, 0, (size_t)mark), schemes))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (strchr(" \t\n\r\v\f", text.p[i]))
			return false;
	struct str rest = from(text, (size_t)mark + 3);
	size_t end = 0;
	while (end < rest.n && !strchr("/?#", rest.p[end]))
		end++;
	return is_authority(str_sub(rest, 0, end));
}

bool is_slug(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_letter(text.p[i]) && !is_digit(text.p[i]) && text.p[i] != '-' && text.p[i] != '_')
			return false;
	return text.n > 0;
}

bool is_unicode_slug(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && !is_beyond_ascii(c))
			return false;
	}
	return text.n > 0;
}

static bool is_integer_text(struct str text, bool allows_negative)
{
	size_t at = allows_negative && text.n && text.p[0] == '-' ? 1 : 0;

	for (size_t i = at; i < text.n; i++)
		if (!is_digit(text.p[i]))
			return false;
	return text.n > at;
}

bool is_integer_list(struct str text, struct str separator, bool allows_negative)
{
	struct str rest = text;

	while (rest.p)
		if (!is_integer_text(str_cut(&rest, separator), allows_negative))
			return false;
	return text.n > 0;
}

/* Log lines: whole lines are built in one buffer of the thread and written by one write(2), so that
 * lines of several workers never mix. */
#include "orm/base/log.h"

#include "orm/base/buf.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static _Atomic enum log_level least_level = LOG_INFO;
static _Atomic enum log_format line_format = LOG_TEXT;

static const struct {
	const char *word;
	const char *shout;
} levels[] = {
	[LOG_DEBUG] = {"debug", " DEBUG   "},
	[LOG_INFO] = {"info", " INFO    "},
	[LOG_WARNING] = {"warning", " WARNING "},
	[LOG_ERROR] = {"error", " ERROR   "},
};

void log_setup(enum log_level level, enum log_format format)
{
	atomic_store(&least_level, level);
	atomic_store(&line_format, format);
}

bool log_enabled(enum log_level level)
{
	return level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

/* The text of a second, made once for all its lines. */
static void add_second(struct buf *line, time_t second)
{
	static _Thread_local time_t last = -1;
	static _Thread_local char text[24];
	struct tm utc;

	if (second != last) {
		gmtime_r(&second, &utc);
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
		last = second;
	}
	buf_add(line, str_of(text));
}

static void add_time(struct buf *line)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	unsigned ms = (unsigned)(now.tv_nsec / 1000000);
	char fraction[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10), 'Z'};

	add_second(line, now.tv_sec);
	buf_add(line, (struct str){fraction, sizeof fraction});
}

/* Thousandths, without the zeros at the end: durations need no more, and are printed often. */
static void add_thousandths(struct buf *line, double number)
{
	int64_t thousandths = (int64_t)(number * 1000 + (number < 0 ? -0.5 : 0.5));
	int64_t rest = thousandths < 0 ? -thousandths % 1000 : thousandths % 1000;
	char digits[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10), (char)('0' + rest % 10)};
	size_t n = sizeof digits;

	if (thousandths < 0)
		buf_add_char(line, '-');
	buf_add_int(line, thousandths < 0 ? -thousandths / 1000 : thousandths / 1000);
	while (rest && digits[n - 1] == '0')
		n--;
	if (rest)
		buf_add(line, (struct str){digits, n});
}

static void add_number(struct buf *line, double number)
{
	if (!isfinite(number))
		BUF_LIT(line, "null");
	else if (fabs(number) < 9e12)
		add_thousandths(line, number);
	else if (fabs(number) < 9e15)
		buf_add_int(line, (int64_t)number);
	else
		buf_add_real(line, number);
}

static bool is_plain_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' || s.p[i] == '\\' || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

/* Bytes of s from i on that must not reach a terminal as they are: control characters,
 * also those of C1 (U+0080 to U+009F); 0 when there are none. */
static size_t control_at(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];
	if (c < ' ' || c == 0x7f)
		return 1;
	bool is_c1 = c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0;
	return is_c1 ? 2 : 0;
}

/* A string in JSON's form whatever its bytes are: what is not UTF-8 must not spoil the
 * collector's line. */
static void add_quoted(struct buf *line, struct str s)
{
	bool is_utf8 = str_is_utf8(s);
	buf_add_char(line, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		size_t control = control_at(s, i);
		if (c == '\n')
			BUF_LIT(line, "\\n");
		else if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (control || (c > 0x7f && !is_utf8))
			buf_printf(line, "\\u%04x", (unsigned char)s.p[is_utf8 && control == 2 ? ++i : i]);
		else
			buf_add_char(line, (char)c);
	}
	buf_add_char(line, '"');
}

static void add_text_line(struct buf *line, enum log_level level, struct str event,
                          const struct log_field *fields, size_t n)
{
	add_time(line);
	buf_add(line, str_of(levels[level].shout));
	/* A message is for reading: unquoted, but control characters stay escaped. */
	size_t start = line->n;
	add_quoted(line, event);
	memmove(line->p + start, line->p + start + 1, line->n - start - 2);
	line->n -= 2;
	for (size_t i = 0; i < n; i++) {
		buf_add_char(line, ' ');
		buf_add(line, str_of(fields[i].key));
		buf_add_char(line, '=');
		if (!fields[i].text.p)
			add_number(line, fields[i].number);
		else if (is_plain_word(fields[i].text))
			buf_add(line, fields[i].text);
		else
			add_quoted(line, fields[i].text);
	}
}

static void add_json_line(struct buf *line, enum log_level level, struct str event,
                          const struct log_field *fields, size_t n)
{
	BUF_LIT(line, "{\"time\":\"");
	add_time(line);
	buf_printf(line, "\",\"level\":\"%s\",\"event\":", levels[level].word);
	add_quoted(line, event);
	for (size_t i = 0; i < n; i++) {
		buf_add_char(line, ',');
		add_quoted(line, str_of(fields[i].key));
		buf_add_char(line, ':');
		if (fields[i].text.p)
			add_quoted(line, fields[i].text);
		else
			add_number(line, fields[i].number);
	}
	buf_add_char(line, '}');
}

/* Lines that wait for log_flush(). */
static _Thread_local struct buf held;
static _Thread_local bool is_holding;
#define HELD_BYTES (16 * 1024)

void log_hold(void)
{
	is_holding = true;
}

void log_flush(void)
{
	if (held.n == 0)
		return;
	/* A log that cannot be written must not stop the server. */
	ssize_t written = write(STDERR_FILENO, held.p, held.n);
	(void)written;
	buf_clear(&held);
}

void log_release(void)
{
	is_holding = false;
	log_flush();
	buf_release(&held);
}

static void write_line(enum log_level level, struct str event, const struct log_field *fields, size_t n)
{
	if (atomic_load(&line_format) == LOG_JSON)
		add_json_line(&held, level, event, fields, n);
	else
		add_text_line(&held, level, event, fields, n);
	buf_add_char(&held, '\n');
	if (is_holding && level < LOG_WARNING && held.n < HELD_BYTES)
		return;
	log_flush();
	if (!is_holding)
		buf_release(&held);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	if (log_enabled(level))
		write_line(level, str_of(event), fields, n);
}

void log_message(enum log_level level, const char *format, ...)
{
	if (!log_enabled(level))
		return;
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	write_line(level, (struct str){text, (size_t)n}, NULL, 0);
	free(text);
}

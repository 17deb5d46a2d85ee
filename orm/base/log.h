/* Structured log lines to standard error: one line an event, as text for a person
 * or as JSON for a collector.  Control characters are escaped in both; no value of
 * a request, no connection string is ever given to it. */
#ifndef QUERN_BASE_LOG_H
#define QUERN_BASE_LOG_H

#include "orm/base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
	const char *key;
	struct str text;  /* p == NULL: the number is meant */
	double number;
};
#define LOG_STR(k, s) ((struct log_field){.key = (k), .text = (s)})
#define LOG_NUM(k, v) ((struct log_field){.key = (k), .number = (double)(v)})

void log_setup(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
/* log_event(LOG_INFO, "request", FIELDS(LOG_STR("id", id), LOG_NUM("status", 200))) */
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);
#define LOG_FIELDS(...)                                                                            \
	((const struct log_field[]){__VA_ARGS__}),                                                     \
	    (sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* For a thread that logs a line for each of many requests: its lines below LOG_WARNING are held back and
 * written together by log_flush(), or with the next line that is not held back.  log_release() ends
 * that and writes the rest. */
void log_hold(void);
void log_flush(void);
void log_release(void);
/* A plain message. */
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

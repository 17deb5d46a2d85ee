/* The one error of a request: what went wrong, where in the request, in words for
 * the client.
 *
 * Convention: a fallible function returns bool, and on false exactly one error has
 * been set.  The words never hold SQL, server text or a stack; those go to the log.
 * BUG() is for our own mistakes: it logs and aborts, in every build.
 */
#ifndef QUERN_BASE_ERROR_H
#define QUERN_BASE_ERROR_H

#include "orm/base/value.h"

/* name in `title`, HTTP status in the table of error.c */
enum error_kind {
	ERROR_NONE,
	ERROR_BAD_REQUEST,         /* 400 BadRequest: not JSON, wrong nesting, unknown clause or parameter */
	ERROR_FIELD,               /* 400 FieldError: unknown path, lookup, function */
	ERROR_VALUE,               /* 400 ValueError: wrong type or out of range */
	ERROR_TYPE,                /* 400 TypeError: wrong arguments */
	ERROR_VALIDATION,          /* 422 ValidationError */
	ERROR_PERMISSION,          /* 403 PermissionDenied */
	ERROR_UNKNOWN_ADDRESS,     /* 404 NotFound */
	ERROR_DOES_NOT_EXIST,      /* 404 DoesNotExist */
	ERROR_METHOD,              /* 405 MethodNotAllowed */
	ERROR_NOT_ACCEPTABLE,      /* 406 NotAcceptable */
	ERROR_MULTIPLE,            /* 409 MultipleObjectsReturned */
	ERROR_INTEGRITY,           /* 409 IntegrityError */
	ERROR_PROTECTED,           /* 409 ProtectedError */
	ERROR_RESTRICTED,          /* 409 RestrictedError */
	ERROR_CONFLICT,            /* 409 OperationalError: deadlock or serialization failure, may be tried again */
	ERROR_LOCKED,              /* 409 OperationalError: a row is locked, and waiting was not wanted */
	ERROR_PRECONDITION,        /* 412 PreconditionFailed */
	ERROR_TOO_LARGE,           /* 413 RequestTooLarge */
	ERROR_MEDIA_TYPE,          /* 415 UnsupportedMediaType */
	ERROR_NOT_SUPPORTED,       /* 400 NotSupportedError */
	ERROR_TRANSACTION,         /* 400 TransactionManagementError: what only a transaction can do */
	ERROR_INTERNAL,            /* 500 InternalError */
	ERROR_UNAVAILABLE,         /* 503 OperationalError, Retry-After */
	ERROR_TIMEOUT,             /* 504 OperationalError */
	ERROR_KINDS
};

struct error_object {
	struct str model;
	struct str pk;
};

/* One violated rule of a ValidationError. */
struct error_field {
	struct str field; /* name, or "__all__" */
	struct str message;
	struct str code; /* Django's: "required", "max_length", "invalid_choice", … */
	const struct pos *pos;
	uint64_t line; /* of a body of rows, from 1; 0: it is no such body */
};

struct error {
	struct arena *arena; /* where the words live; set by error_init */
	enum error_kind kind;
	const struct pos *pos;
	uint64_t line; /* of a body of rows (CSV, NDJSON), from 1; 0: none */
	bool has_pos;  /* pos == NULL with has_pos means the whole body: pointer "" */
	struct str detail;
	struct str suggestion; /* p == NULL when there is none */
	struct str constraint;
	struct str table, column; /* as the database named them, with ERROR_INTEGRITY; p == NULL else */
	struct str sqlstate;      /* what the database called it, for the rooms behind; never for a client */
	const struct str *fields;
	size_t nfields;
	const struct error_object *objects;
	size_t nobjects;
	const struct error_field *violations; /* with ERROR_VALIDATION */
	size_t nviolations;
	struct str allow;     /* with ERROR_METHOD: the Allow header */
	/* Of a batch: the number (from 1; 0: none) and name of the operation, and how often all of it was tried. */
	size_t operation;
	struct str operation_name;
	unsigned attempts;
	unsigned retry_after; /* seconds, with ERROR_UNAVAILABLE */
};

void error_init(struct error *error, struct arena *arena);
/* error_set(error, kind, pos, format, …): sets kind, place and words; is false, so that
 * `return error_set(…)` reads well.  BUG when one is set already. */
#define error_set(...) ERROR_FALSE(error_record(__VA_ARGS__))
/* error_set_nowhere(error, kind, format, …): without a place. */
#define error_set_nowhere(...) ERROR_FALSE(error_record_nowhere(__VA_ARGS__))
/* Macros, for compilers and analysers to know that nothing is read after an error. */
#define ERROR_FALSE(call)                                                                          \
	__extension__({                                                                                \
		call;                                                                                      \
		false;                                                                                     \
	})
void error_record(struct error *error, enum error_kind kind, const struct pos *pos, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void error_record_nowhere(struct error *error, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool error_is_set(const struct error *error);
void error_clear(struct error *error);
const char *error_title(enum error_kind kind);
int error_status(enum error_kind kind);

/* Nearest of the candidates to `word`, for "did you mean"; p == NULL when none is
 * near (distance at most a third of the length, at least 1). */
struct str suggest_nearest(struct str word, const struct str *candidates, size_t n);
/* "a, b, c" of the candidates (sorted copies), for "Choices are: …". */
struct str suggest_choices(struct arena *arena, const struct str *candidates, size_t n);

_Noreturn void bug(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define BUG(...) bug(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT(condition)                                                                          \
	((condition) ? (void)0 : bug(__FILE__, __LINE__, "assertion failed: %s", #condition))

#endif

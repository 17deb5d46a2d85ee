/* Models for the tests of this folder: a registry from a text of JSON, and values from texts. */
#ifndef QUERN_TESTS_WRITE_MODELS_H
#define QUERN_TESTS_WRITE_MODELS_H

#include "orm/base/error.h"
#include "orm/model/model.h"

/* Aborts with the mistakes when the text declares no models. Single quotes stand for double ones. */
const struct registry *models_from(struct arena *arena, const char *text);
const struct model *model_named(const struct registry *registry, const char *name);
const struct field *field_named(const struct registry *registry, const char *model,
                                const char *name);
/* A JSON document; single quotes stand for double ones. */
const struct value *value_from(struct arena *arena, const char *text);
/* "/filter/0" of the violation or error. */
const char *pointer_of(struct arena *arena, const struct pos *pos);

#endif

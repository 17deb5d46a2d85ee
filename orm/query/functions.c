/* The functions and aggregates, a row each.  See functions.h for what the columns mean. */
#include "orm/query/functions.h"

#include "orm/query/lookups.h"

#include <stdlib.h>

#define NUMBERS (KIND(TYPE_INTEGER) | KIND(TYPE_FLOAT) | KIND(TYPE_DECIMAL))
#define SUMMABLE (NUMBERS | KIND(TYPE_DURATION))
#define TEXT KIND(TYPE_TEXT)
#define ANY 255

static const struct function functions[] = {
    /* name, aggregate, min, max, kinds, result, output, literal, before, separator, after, zero */
    {"Count", true, 1, 1, KINDS_ALL, RESULT_FIXED, "BigIntegerField", NULL, "COUNT(", NULL, ")", true},
    {"Sum", true, 1, 1, SUMMABLE, RESULT_SUM, NULL, NULL, "SUM(", NULL, ")", false},
    {"Avg", true, 1, 1, SUMMABLE, RESULT_AVERAGE, NULL, NULL, "AVG(", NULL, ")", false},
    {"Min", true, 1, 1, KINDS_ALL, RESULT_FIRST, NULL, NULL, "MIN(", NULL, ")", false},
    {"Max", true, 1, 1, KINDS_ALL, RESULT_FIRST, NULL, NULL, "MAX(", NULL, ")", false},
    {"Lower", false, 1, 1, TEXT, RESULT_FIXED, "CharField", NULL, "LOWER(", NULL, ")", false},
    {"Upper", false, 1, 1, TEXT, RESULT_FIXED, "CharField", NULL, "UPPER(", NULL, ")", false},
    {"Length", false, 1, 1, TEXT, RESULT_FIXED, "IntegerField", NULL, "LENGTH(", NULL, ")", false},
    {"Coalesce", false, 2, ANY, KINDS_ALL, RESULT_FIRST, NULL, NULL, "COALESCE(", ", ", ")", false},
    {"NullIf", false, 2, 2, KINDS_ALL, RESULT_FIRST, NULL, NULL, "NULLIF(", ", ", ")", false},
    {"Greatest", false, 2, ANY, KINDS_ALL, RESULT_FIRST, NULL, NULL, "GREATEST(", ", ", ")", false},
    {"Least", false, 2, ANY, KINDS_ALL, RESULT_FIRST, NULL, NULL, "LEAST(", ", ", ")", false},
    {"Abs", false, 1, 1, NUMBERS, RESULT_FIRST, NULL, NULL, "ABS(", NULL, ")", false},
    {"Now", false, 0, 0, KINDS_ALL, RESULT_FIXED, "DateTimeField", NULL, "STATEMENT_TIMESTAMP(", NULL,
     ")", false},
};
static const size_t functions_count = sizeof functions / sizeof *functions;

const struct function *function_find(struct str name)
{
	for (size_t i = 0; i < functions_count; i++)
		if (str_is(name, functions[i].name))
			return &functions[i];
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t function_names(struct arena *arena, const struct str **names)
{
	struct str *list = ARENA_ARRAY(arena, struct str, functions_count);

	for (size_t i = 0; i < functions_count; i++)
		list[i] = str_of(functions[i].name);
	qsort(list, functions_count, sizeof *list, compare_names);
	*names = list;
	return functions_count;
}

/* The functions, a row each.  See functions.h for what the members mean. */
#include "orm/query/functions.h"

#include <stdlib.h>

static const struct function functions[] = {
    /* Aggregates. */
    {.name = "Count", .class = FUNCTION_AGGREGATE, .takes = "a", .shape = "COUNT(%d%1)",
     .output = "BigIntegerField", .empty_is_zero = true},
    {.name = "Sum", .class = FUNCTION_AGGREGATE, .takes = "m", .shape = "SUM(%d%1)",
     .result = RESULT_SUM},
    {.name = "Avg", .class = FUNCTION_AGGREGATE, .takes = "m", .shape = "AVG(%d%1)",
     .result = RESULT_AVERAGE},
    {.name = "Min", .class = FUNCTION_AGGREGATE, .takes = "o", .shape = "MIN(%d%1)",
     .result = RESULT_FIRST},
    {.name = "Max", .class = FUNCTION_AGGREGATE, .takes = "o", .shape = "MAX(%d%1)",
     .result = RESULT_FIRST},
    {.name = "StdDev", .class = FUNCTION_AGGREGATE, .takes = "n", .shape = "STDDEV_POP(%d%1)",
     .result = RESULT_NUMERIC, .flag = "sample", .flag_shape = "STDDEV_SAMP(%d%1)"},
    {.name = "Variance", .class = FUNCTION_AGGREGATE, .takes = "n", .shape = "VAR_POP(%d%1)",
     .result = RESULT_NUMERIC, .flag = "sample", .flag_shape = "VAR_SAMP(%d%1)"},
    {.name = "StringAgg", .class = FUNCTION_AGGREGATE, .takes = "tt",
     .shape = "STRING_AGG(%d%1, %2%o)", .output = "TextField", .named = "delimiter"},
    {.name = "StringAgg", .class = FUNCTION_AGGREGATE, .takes = "at",
     .shape = "STRING_AGG(%d(%1)::text, %2%o)", .output = "TextField", .named = "delimiter"},
    {.name = "ArrayAgg", .class = FUNCTION_AGGREGATE, .takes = "a",
     .shape = "ARRAY_AGG(%d%1%o)", .result = RESULT_ARRAY, .sees_nulls = true},
    {.name = "JSONBAgg", .class = FUNCTION_AGGREGATE, .takes = "a",
     .shape = "JSONB_AGG(%d%1%o)", .output = "JSONField", .sees_nulls = true},
    {.name = "BoolAnd", .class = FUNCTION_AGGREGATE, .takes = "b", .shape = "BOOL_AND(%1)",
     .output = "BooleanField"},
    {.name = "BoolOr", .class = FUNCTION_AGGREGATE, .takes = "b", .shape = "BOOL_OR(%1)",
     .output = "BooleanField"},
    {.name = "BitAnd", .class = FUNCTION_AGGREGATE, .takes = "i", .shape = "BIT_AND(%1)",
     .result = RESULT_FIRST},
    {.name = "BitOr", .class = FUNCTION_AGGREGATE, .takes = "i", .shape = "BIT_OR(%1)",
     .result = RESULT_FIRST},
    {.name = "Corr", .class = FUNCTION_AGGREGATE, .takes = "nn", .shape = "CORR(%1, %2)",
     .output = "FloatField"},
    {.name = "RegrAvgX", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_AVGX(%1, %2)", .output = "FloatField"},
    {.name = "RegrAvgY", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_AVGY(%1, %2)", .output = "FloatField"},
    {.name = "RegrIntercept", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_INTERCEPT(%1, %2)", .output = "FloatField"},
    {.name = "RegrR2", .class = FUNCTION_AGGREGATE, .takes = "nn", .shape = "REGR_R2(%1, %2)",
     .output = "FloatField"},
    {.name = "RegrSlope", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_SLOPE(%1, %2)", .output = "FloatField"},
    {.name = "RegrSXX", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_SXX(%1, %2)", .output = "FloatField"},
    {.name = "RegrSXY", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_SXY(%1, %2)", .output = "FloatField"},
    {.name = "RegrSYY", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_SYY(%1, %2)", .output = "FloatField"},
    {.name = "CovarPop", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "COVAR_POP(%1, %2)", .output = "FloatField", .flag = "sample", .flag_shape = "COVAR_SAMP(%1, %2)"},
    {.name = "RegrCount", .class = FUNCTION_AGGREGATE, .takes = "nn",
     .shape = "REGR_COUNT(%1, %2)", .output = "BigIntegerField", .empty_is_zero = true},
    /* Window functions. */
    {.name = "RowNumber", .class = FUNCTION_WINDOW, .takes = "", .shape = "ROW_NUMBER()",
     .output = "BigIntegerField"},
    {.name = "Rank", .class = FUNCTION_WINDOW, .takes = "", .shape = "RANK()",
     .output = "BigIntegerField"},
    {.name = "DenseRank", .class = FUNCTION_WINDOW, .takes = "", .shape = "DENSE_RANK()",
     .output = "BigIntegerField"},
    {.name = "PercentRank", .class = FUNCTION_WINDOW, .takes = "", .shape = "PERCENT_RANK()",
     .output = "FloatField"},
    {.name = "CumeDist", .class = FUNCTION_WINDOW, .takes = "", .shape = "CUME_DIST()",
     .output = "FloatField"},
    {.name = "Ntile", .class = FUNCTION_WINDOW, .takes = "i", .shape = "NTILE(%1)",
     .output = "IntegerField"},
    {.name = "FirstValue", .class = FUNCTION_WINDOW, .takes = "a", .shape = "FIRST_VALUE(%1)",
     .result = RESULT_FIRST},
    {.name = "LastValue", .class = FUNCTION_WINDOW, .takes = "a", .shape = "LAST_VALUE(%1)",
     .result = RESULT_FIRST},
    {.name = "NthValue", .class = FUNCTION_WINDOW, .takes = "ai", .shape = "NTH_VALUE(%1, %2)",
     .result = RESULT_FIRST},
    {.name = "Lag", .class = FUNCTION_WINDOW, .takes = "si?s?", .shape = "LAG(%*)",
     .result = RESULT_FIRST},
    {.name = "Lead", .class = FUNCTION_WINDOW, .takes = "si?s?", .shape = "LEAD(%*)",
     .result = RESULT_FIRST},
    /* Comparison and conversion. */
    {.name = "Coalesce", .takes = "ss*", .shape = "COALESCE(%*)", .result = RESULT_FIRST},
    {.name = "NullIf", .takes = "ss", .shape = "NULLIF(%1, %2)", .result = RESULT_FIRST},
    {.name = "Greatest", .takes = "ss*", .shape = "GREATEST(%*)", .result = RESULT_FIRST},
    {.name = "Least", .takes = "ss*", .shape = "LEAST(%*)", .result = RESULT_FIRST},
    /* Mathematics. */
    {.name = "Abs", .takes = "n", .shape = "ABS(%1)", .result = RESULT_FIRST},
    {.name = "Ceil", .takes = "n", .shape = "CEILING(%1)", .result = RESULT_FIRST},
    {.name = "Floor", .takes = "n", .shape = "FLOOR(%1)", .result = RESULT_FIRST},
    {.name = "Sign", .takes = "n", .shape = "SIGN(%1)", .result = RESULT_FIRST},
    {.name = "ACos", .takes = "n", .shape = "ACOS(%1)", .result = RESULT_NUMERIC},
    {.name = "ASin", .takes = "n", .shape = "ASIN(%1)", .result = RESULT_NUMERIC},
    {.name = "ATan", .takes = "n", .shape = "ATAN(%1)", .result = RESULT_NUMERIC},
    {.name = "Cos", .takes = "n", .shape = "COS(%1)", .result = RESULT_NUMERIC},
    {.name = "Cot", .takes = "n", .shape = "COT(%1)", .result = RESULT_NUMERIC},
    {.name = "Degrees", .takes = "n", .shape = "DEGREES(%1)", .result = RESULT_NUMERIC},
    {.name = "Exp", .takes = "n", .shape = "EXP(%1)", .result = RESULT_NUMERIC},
    {.name = "Ln", .takes = "n", .shape = "LN(%1)", .result = RESULT_NUMERIC},
    {.name = "Radians", .takes = "n", .shape = "RADIANS(%1)", .result = RESULT_NUMERIC},
    {.name = "Sin", .takes = "n", .shape = "SIN(%1)", .result = RESULT_NUMERIC},
    {.name = "Sqrt", .takes = "n", .shape = "SQRT(%1)", .result = RESULT_NUMERIC},
    {.name = "Tan", .takes = "n", .shape = "TAN(%1)", .result = RESULT_NUMERIC},
    {.name = "ATan2", .takes = "nn", .shape = "ATAN2(%1, %2)", .result = RESULT_NUMERIC},
    {.name = "Log", .takes = "nn", .shape = "LOG((%1)::numeric, (%2)::numeric)",
     .result = RESULT_NUMERIC},
    {.name = "Mod", .takes = "nn", .shape = "MOD((%1)::numeric, (%2)::numeric)",
     .result = RESULT_NUMERIC},
    {.name = "Power", .takes = "nn", .shape = "POWER(%1, %2)", .result = RESULT_NUMERIC},
    {.name = "Pi", .takes = "", .shape = "PI()", .output = "FloatField"},
    {.name = "Random", .takes = "", .shape = "RANDOM()", .output = "FloatField"},
    {.name = "Round", .takes = "n", .shape = "ROUND((%1)::numeric)", .result = RESULT_FIRST},
    {.name = "Round", .takes = "ni", .shape = "ROUND((%1)::numeric, %2)", .result = RESULT_FIRST},
    /* Text. */
    {.name = "Lower", .takes = "t", .shape = "LOWER(%1)", .output = "CharField"},
    {.name = "Upper", .takes = "t", .shape = "UPPER(%1)", .output = "CharField"},
    {.name = "LTrim", .takes = "t", .shape = "LTRIM(%1)", .output = "CharField"},
    {.name = "RTrim", .takes = "t", .shape = "RTRIM(%1)", .output = "CharField"},
    {.name = "Trim", .takes = "t", .shape = "BTRIM(%1)", .output = "CharField"},
    {.name = "Reverse", .takes = "t", .shape = "REVERSE(%1)", .output = "CharField"},
    {.name = "MD5", .takes = "t", .shape = "MD5(%1)", .output = "CharField"},
    {.name = "SHA224", .takes = "t", .shape = "ENCODE(SHA224(CONVERT_TO(%1, 'UTF8')), 'hex')",
     .output = "CharField"},
    {.name = "SHA256", .takes = "t", .shape = "ENCODE(SHA256(CONVERT_TO(%1, 'UTF8')), 'hex')",
     .output = "CharField"},
    {.name = "SHA384", .takes = "t", .shape = "ENCODE(SHA384(CONVERT_TO(%1, 'UTF8')), 'hex')",
     .output = "CharField"},
    {.name = "SHA512", .takes = "t", .shape = "ENCODE(SHA512(CONVERT_TO(%1, 'UTF8')), 'hex')",
     .output = "CharField"},
    {.name = "SHA1", .takes = "t", .shape = "ENCODE(DIGEST(%1, 'sha1'), 'hex')",
     .output = "CharField"},
    {.name = "Length", .takes = "t", .shape = "LENGTH(%1)", .output = "IntegerField"},
    {.name = "Ord", .takes = "t", .shape = "ASCII(%1)", .output = "IntegerField"},
    {.name = "Chr", .takes = "i", .shape = "CHR(%1)", .output = "CharField"},
    {.name = "Concat", .takes = "aa*", .shape = "CONCAT(%*)", .output = "TextField"},
    {.name = "Left", .takes = "ti", .shape = "LEFT(%1, %2)", .output = "CharField"},
    {.name = "Right", .takes = "ti", .shape = "RIGHT(%1, %2)", .output = "CharField"},
    {.name = "Substr", .takes = "tii?", .shape = "SUBSTRING(%*)", .output = "CharField"},
    {.name = "StrIndex", .takes = "tt", .shape = "STRPOS(%1, %2)", .output = "IntegerField"},
    {.name = "Repeat", .takes = "ti", .shape = "REPEAT(%1, %2)", .output = "CharField"},
    {.name = "Replace", .takes = "tt", .shape = "REPLACE(%1, %2, '')", .output = "CharField"},
    {.name = "Replace", .takes = "ttt", .shape = "REPLACE(%1, %2, %3)", .output = "CharField"},
    {.name = "LPad", .takes = "tit?", .shape = "LPAD(%*)", .output = "CharField"},
    {.name = "RPad", .takes = "tit?", .shape = "RPAD(%*)", .output = "CharField"},
    {.name = "Unaccent", .takes = "t", .shape = "UNACCENT(%1)", .output = "CharField",
     .is_bilateral = true},
    /* Arrays and ranges. */
    {.name = "ArrayLength", .takes = "A", .output = "IntegerField",
     .shape = "CASE WHEN %1 IS NULL THEN NULL ELSE COALESCE(ARRAY_LENGTH(%1, 1), 0) END"},
    {.name = "RangeLower", .takes = "R", .shape = "LOWER(%1)", .result = RESULT_BOUND},
    {.name = "RangeUpper", .takes = "R", .shape = "UPPER(%1)", .result = RESULT_BOUND},
    {.name = "RangeIsEmpty", .takes = "R", .shape = "ISEMPTY(%1)", .output = "BooleanField"},
    /* Dates and times. */
    {.name = "Now", .takes = "", .shape = "STATEMENT_TIMESTAMP()", .output = "DateTimeField"},
    {.name = "TransactionNow", .takes = "", .shape = "CURRENT_TIMESTAMP",
     .output = "DateTimeField"},
    {.name = "RandomUUID", .takes = "", .shape = "GEN_RANDOM_UUID()", .output = "UUIDField"},
    {.name = "ExtractYear", .takes = "D", .shape = "EXTRACT(YEAR FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractYear", .takes = "d", .shape = "EXTRACT(YEAR FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractIsoYear", .takes = "D", .shape = "EXTRACT(ISOYEAR FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractIsoYear", .takes = "d", .shape = "EXTRACT(ISOYEAR FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractMonth", .takes = "D", .shape = "EXTRACT(MONTH FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractMonth", .takes = "d", .shape = "EXTRACT(MONTH FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractDay", .takes = "D", .shape = "EXTRACT(DAY FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractDay", .takes = "d", .shape = "EXTRACT(DAY FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractWeek", .takes = "D", .shape = "EXTRACT(WEEK FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractWeek", .takes = "d", .shape = "EXTRACT(WEEK FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractIsoWeekDay", .takes = "D", .shape = "EXTRACT(ISODOW FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractIsoWeekDay", .takes = "d", .shape = "EXTRACT(ISODOW FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractQuarter", .takes = "D", .shape = "EXTRACT(QUARTER FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractQuarter", .takes = "d", .shape = "EXTRACT(QUARTER FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractWeekDay", .takes = "D", .shape = "(EXTRACT(DOW FROM %z)::integer + 1)",
     .output = "IntegerField"},
    {.name = "ExtractWeekDay", .takes = "d", .shape = "(EXTRACT(DOW FROM %z)::integer + 1)",
     .output = "IntegerField"},
    {.name = "ExtractHour", .takes = "D", .shape = "EXTRACT(HOUR FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractHour", .takes = "T", .shape = "EXTRACT(HOUR FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractMinute", .takes = "D", .shape = "EXTRACT(MINUTE FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractMinute", .takes = "T", .shape = "EXTRACT(MINUTE FROM %z)::integer",
     .output = "IntegerField"},
    {.name = "ExtractSecond", .takes = "D", .shape = "FLOOR(EXTRACT(SECOND FROM %z))::integer",
     .output = "IntegerField"},
    {.name = "ExtractSecond", .takes = "T", .shape = "FLOOR(EXTRACT(SECOND FROM %z))::integer",
     .output = "IntegerField"},
    {.name = "TruncYear", .takes = "D", .shape = "DATE_TRUNC('year', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncYear", .takes = "d", .shape = "DATE_TRUNC('year', %1)::date",
     .output = "DateField"},
    {.name = "TruncQuarter", .takes = "D", .shape = "DATE_TRUNC('quarter', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncQuarter", .takes = "d", .shape = "DATE_TRUNC('quarter', %1)::date",
     .output = "DateField"},
    {.name = "TruncMonth", .takes = "D", .shape = "DATE_TRUNC('month', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncMonth", .takes = "d", .shape = "DATE_TRUNC('month', %1)::date",
     .output = "DateField"},
    {.name = "TruncWeek", .takes = "D", .shape = "DATE_TRUNC('week', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncWeek", .takes = "d", .shape = "DATE_TRUNC('week', %1)::date",
     .output = "DateField"},
    {.name = "TruncDay", .takes = "D", .shape = "DATE_TRUNC('day', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncDay", .takes = "d", .shape = "(%1)", .output = "DateField"},
    {.name = "TruncHour", .takes = "D", .shape = "DATE_TRUNC('hour', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncHour", .takes = "T", .shape = "DATE_TRUNC('hour', %1)::time",
     .output = "TimeField"},
    {.name = "TruncMinute", .takes = "D", .shape = "DATE_TRUNC('minute', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncMinute", .takes = "T", .shape = "DATE_TRUNC('minute', %1)::time",
     .output = "TimeField"},
    {.name = "TruncSecond", .takes = "D", .shape = "DATE_TRUNC('second', %z)%Z",
     .output = "DateTimeField"},
    {.name = "TruncSecond", .takes = "T", .shape = "DATE_TRUNC('second', %1)::time",
     .output = "TimeField"},
    {.name = "TruncDate", .takes = "D", .shape = "(%z)::date", .output = "DateField"},
    {.name = "TruncTime", .takes = "D", .shape = "(%z)::time", .output = "TimeField"},
};
static const size_t functions_count = sizeof functions / sizeof *functions;

#define NUMBERS (KIND(TYPE_INTEGER) | KIND(TYPE_FLOAT) | KIND(TYPE_DECIMAL))
#define UNORDERED                                                                                  \
	(KIND(TYPE_BOOLEAN) | KIND(TYPE_UUID) | KIND(TYPE_JSON) | KIND(TYPE_BINARY) |      \
	 KIND(TYPE_HSTORE) | KIND(TYPE_RANGE))

static const struct {
	char letter;
	unsigned kinds;
	const char *name;
} letters[] = {
    {'a', KINDS_ALL, "anything"},
    {'s', KINDS_ALL, "anything"},
    {'o', KINDS_ALL & ~UNORDERED, "a value that has an order"},
    {'t', KIND(TYPE_TEXT), "text"},
    {'i', KIND(TYPE_INTEGER), "an integer"},
    {'n', NUMBERS, "a number"},
    {'m', NUMBERS | KIND(TYPE_DURATION), "a number or a duration"},
    {'b', KIND(TYPE_BOOLEAN), "a boolean"},
    {'d', KIND(TYPE_DATE), "a date"},
    {'D', KIND(TYPE_DATETIME), "a datetime"},
    {'T', KIND(TYPE_TIME), "a time"},
    {'A', KIND(TYPE_ARRAY), "an array"},
    {'R', KIND(TYPE_RANGE), "a range"},
};

bool letter_accepts(char letter, enum type_kind kind)
{
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].letter == letter)
			return (letters[i].kinds & KIND(kind)) != 0;
	return false;
}

const char *letter_name(char letter)
{
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].letter == letter)
			return letters[i].name;
	return "nothing";
}

void function_arity(const struct function *function, size_t *least, size_t *most)
{
	*least = *most = 0;
	for (const char *p = function->takes; *p != '\0'; p++) {
		if (*p == '?') {
			(*least)--;
		} else if (*p == '*') {
			*most = SIZE_MAX;
			return;
		} else {
			(*least)++;
			(*most)++;
		}
	}
}

char function_takes(const struct function *function, size_t i)
{
	char last = 'a';

	for (const char *p = function->takes; *p != '\0'; p++) {
		if (*p == '?' || *p == '*')
			continue;
		last = *p;
		if (i-- == 0)
			return last;
	}
	return last;
}

const struct function *function_find(struct str name, size_t nargs, enum type_kind first)
{
	for (size_t i = 0; i < functions_count; i++) {
		size_t least, most;

		if (!str_is(name, functions[i].name))
			continue;
		function_arity(&functions[i], &least, &most);
		if (nargs < least || nargs > most)
			continue;
		if (nargs == 0 || letter_accepts(function_takes(&functions[i], 0), first))
			return &functions[i];
	}
	return NULL;
}

const struct function *function_by_name(struct str name)
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

const struct function *function_rows(size_t *n)
{
	*n = functions_count;
	return functions;
}

size_t function_names(struct arena *arena, const struct str **names)
{
	struct str *list = ARENA_ARRAY(arena, struct str, functions_count);
	size_t n = 0;

	for (size_t i = 0; i < functions_count; i++)
		if (i == 0 || !str_is(list[n - 1], functions[i].name))
			list[n++] = str_of(functions[i].name);
	qsort(list, n, sizeof *list, compare_names);
	*names = list;
	return n;
}

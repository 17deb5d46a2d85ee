/* The lookups and the transforms, a row each.  See lookups.h for what the columns mean. */
#include "orm/query/lookups.h"

#include <stdlib.h>

#define ORDERED (KINDS_ALL & ~KIND(TYPE_HSTORE))
/* What text lookups look at: the value as text; of a JSON document's key the text it holds. */
#define AS_TEXT (KINDS_ALL & ~(KIND(TYPE_HSTORE) | KIND(TYPE_ARRAY) | KIND(TYPE_RANGE)))
#define SEARCHED (AS_TEXT & ~KIND(TYPE_JSON))
#define TEXT KIND(TYPE_TEXT)
#define JSON KIND(TYPE_JSON)
#define HSTORE KIND(TYPE_HSTORE)
#define ARRAY KIND(TYPE_ARRAY)
#define RANGE KIND(TYPE_RANGE)

/* A pattern made of an expression: its own %, _ and \ match themselves. */
#define ESCAPED "REPLACE(REPLACE(REPLACE((%r)::text, '\\', '\\\\'), '%%', '\\%%'), '_', '\\_')"

static const struct lookup lookups[] = {
    {"exact", KINDS_ALL, LOOKUP_SAME, PATTERN_NONE, "%l = %r", NULL, true, false},
    {"iexact", AS_TEXT, LOOKUP_TEXT, PATTERN_NONE, "UPPER(%t) = %u",
     "UPPER(%t) = UPPER((%r)::text)", false, false},
    {"gt", ORDERED, LOOKUP_SAME, PATTERN_NONE, "%l > %r", NULL, true, false},
    {"gte", ORDERED, LOOKUP_SAME, PATTERN_NONE, "%l >= %r", NULL, true, false},
    {"lt", ORDERED, LOOKUP_SAME, PATTERN_NONE, "%l < %r", NULL, true, false},
    {"lte", ORDERED, LOOKUP_SAME, PATTERN_NONE, "%l <= %r", NULL, true, false},
    {"in", KINDS_ALL, LOOKUP_LIST, PATTERN_NONE, "%l = ANY(%r)", NULL, true, false},
    {"range", ORDERED, LOOKUP_PAIR, PATTERN_NONE, "%l BETWEEN %r AND %s", NULL, true, false},
    {"isnull", KINDS_ALL, LOOKUP_FLAG, PATTERN_NONE, "%l IS NULL", NULL, true, false},
    {"contains", JSON | HSTORE | ARRAY, LOOKUP_SAME, PATTERN_NONE, "%l @> %r", NULL, false, false},
    {"contains", RANGE, LOOKUP_INSIDE, PATTERN_NONE, "%l @> %r", NULL, false, false},
    {"contained_by", JSON | HSTORE | ARRAY | RANGE, LOOKUP_SAME, PATTERN_NONE, "%l <@ %r", NULL, false,
     false},
    {"overlap", ARRAY | RANGE, LOOKUP_SAME, PATTERN_NONE, "%l && %r", NULL, false, false},
    {"has_key", JSON | HSTORE, LOOKUP_TEXT, PATTERN_NONE, "%l ? %r", NULL, false, false},
    {"has_keys", JSON | HSTORE, LOOKUP_TEXTS, PATTERN_NONE, "%l ?& %r", NULL, false, false},
    {"has_any_keys", JSON | HSTORE, LOOKUP_TEXTS, PATTERN_NONE, "%l ?| %r", NULL, false, false},
    {"fully_lt", RANGE, LOOKUP_SAME, PATTERN_NONE, "%l << %r", NULL, false, false},
    {"fully_gt", RANGE, LOOKUP_SAME, PATTERN_NONE, "%l >> %r", NULL, false, false},
    {"not_lt", RANGE, LOOKUP_SAME, PATTERN_NONE, "%l &> %r", NULL, false, false},
    {"not_gt", RANGE, LOOKUP_SAME, PATTERN_NONE, "%l &< %r", NULL, false, false},
    {"adjacent_to", RANGE, LOOKUP_SAME, PATTERN_NONE, "%l -|- %r", NULL, false, false},
    {"search", TEXT, LOOKUP_TEXT, PATTERN_NONE, "to_tsvector(COALESCE(%t, '')) @@ plainto_tsquery(%r)",
     NULL, false, false},
    {"trigram_similar", TEXT, LOOKUP_TEXT, PATTERN_NONE, "%t %% %r", NULL, false, false},
    {"contains", SEARCHED, LOOKUP_PATTERN, PATTERN_CONTAINS, "%t LIKE %r",
     "%t LIKE '%%' || " ESCAPED " || '%%'", false, false},
    {"icontains", AS_TEXT, LOOKUP_PATTERN, PATTERN_CONTAINS, "UPPER(%t) LIKE %u",
     "UPPER(%t) LIKE '%%' || UPPER(" ESCAPED ") || '%%'", false, false},
    {"startswith", AS_TEXT, LOOKUP_PATTERN, PATTERN_STARTS, "%t LIKE %r",
     "%t LIKE " ESCAPED " || '%%'", false, false},
    {"istartswith", AS_TEXT, LOOKUP_PATTERN, PATTERN_STARTS, "UPPER(%t) LIKE %u",
     "UPPER(%t) LIKE UPPER(" ESCAPED ") || '%%'", false, false},
    {"endswith", AS_TEXT, LOOKUP_PATTERN, PATTERN_ENDS, "%t LIKE %r",
     "%t LIKE '%%' || " ESCAPED, false, false},
    {"iendswith", AS_TEXT, LOOKUP_PATTERN, PATTERN_ENDS, "UPPER(%t) LIKE %u",
     "UPPER(%t) LIKE '%%' || UPPER(" ESCAPED ")", false, false},
    {"regex", AS_TEXT, LOOKUP_TEXT, PATTERN_NONE, "%t ~ %r", "%t ~ (%r)::text", false, true},
    {"iregex", AS_TEXT, LOOKUP_TEXT, PATTERN_NONE, "%t ~* %r", "%t ~* (%r)::text", false, true},
};
static const size_t lookups_count = sizeof lookups / sizeof *lookups;

static const struct transform transforms[] = {
    {"date", "TruncDate"},
    {"time", "TruncTime"},
    {"year", "ExtractYear"},
    {"iso_year", "ExtractIsoYear"},
    {"month", "ExtractMonth"},
    {"day", "ExtractDay"},
    {"week", "ExtractWeek"},
    {"week_day", "ExtractWeekDay"},
    {"iso_week_day", "ExtractIsoWeekDay"},
    {"quarter", "ExtractQuarter"},
    {"hour", "ExtractHour"},
    {"minute", "ExtractMinute"},
    {"second", "ExtractSecond"},
    {"lower", "Lower"},
    {"upper", "Upper"},
    {"length", "Length"},
    {"trim", "Trim"},
    {"ltrim", "LTrim"},
    {"rtrim", "RTrim"},
    {"reverse", "Reverse"},
    {"md5", "MD5"},
    {"abs", "Abs"},
    {"ceil", "Ceil"},
    {"floor", "Floor"},
    {"round", "Round"},
    {"sign", "Sign"},
    {"sqrt", "Sqrt"},
    {"unaccent", "Unaccent"},
    {"len", "ArrayLength"},
    {"startswith", "RangeLower"},
    {"endswith", "RangeUpper"},
    {"isempty", "RangeIsEmpty"},
};
static const size_t transforms_count = sizeof transforms / sizeof *transforms;

const struct lookup *lookup_find(struct str name, enum type_kind kind)
{
	for (size_t i = 0; i < lookups_count; i++)
		if ((lookups[i].kinds & KIND(kind)) != 0 && str_is(name, lookups[i].name))
			return &lookups[i];
	return NULL;
}

const struct function *transform_find(struct str name, enum type_kind kind)
{
	for (size_t i = 0; i < transforms_count; i++)
		if (str_is(name, transforms[i].name))
			return function_find(str_of(transforms[i].function), 1, kind);
	return NULL;
}

const struct lookup *lookup_rows(size_t *n)
{
	*n = lookups_count;
	return lookups;
}

const struct transform *transform_rows(size_t *n)
{
	*n = transforms_count;
	return transforms;
}

static int compare_names(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

size_t lookup_names(struct arena *arena, enum type_kind kind, const struct str **names)
{
	struct str *list = ARENA_ARRAY(arena, struct str, lookups_count + transforms_count);
	size_t n = 0;

	for (size_t i = 0; i < lookups_count; i++)
		if ((lookups[i].kinds & KIND(kind)) != 0)
			list[n++] = str_of(lookups[i].name);
	for (size_t i = 0; i < transforms_count; i++)
		if (transform_find(str_of(transforms[i].name), kind) != NULL)
			list[n++] = str_of(transforms[i].name);
	qsort(list, n, sizeof *list, compare_names);
	*names = list;
	return n;
}

/* The declarations of a field as indexes; see unique_for.h. */
#include "orm/model/unique_for.h"

#include "orm/model/build.h"

static struct str last_part(struct str table)
{
	ptrdiff_t at = str_find(table, STR("\".\""));

	return at < 0 ? table : str_sub(table, (size_t)at + 3, table.n);
}

size_t unique_for_list(struct arena *arena, const struct field *field, struct unique_for list[3])
{
	const struct {
		enum unique_part part;
		const char *option, *word, *suffix;
		struct str name;
	} kinds[] = {
		{UNIQUE_DATE, "unique_for_date", "date", "_for_date", field->unique_for_date},
		{UNIQUE_MONTH, "unique_for_month", "month", "_for_month", field->unique_for_month},
		{UNIQUE_YEAR, "unique_for_year", "year", "_for_year", field->unique_for_year},
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct field *date =
			kinds[i].name.n ? model_field(field->model, kinds[i].name) : NULL;
		if (!date || !field->column.p)
			continue;
		struct str columns[] = {field->column, date->column};
		list[n++] = (struct unique_for){
			.part = kinds[i].part,
			.option = kinds[i].option,
			.word = kinds[i].word,
			.date = date,
			.index = django_index_name(arena, last_part(field->model->table), columns, 2,
		                               kinds[i].suffix),
		};
	}
	return n;
}

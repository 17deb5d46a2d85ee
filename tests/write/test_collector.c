/* What a delete takes with it, worked out without a database: the test hands over the rows that
 * refer to a step's rows. */
#include "orm/write/collector.h"
#include "tests/support/suite.h"
#include "tests/write/models.h"

#define KEY(model, on_delete, more)                                                                \
	"{'type': 'ForeignKey', 'to': '" model "', 'on_delete': '" on_delete "'" more "}"

static const char models[] =
	"{'models': {"
	"'Artist': {'fields': {'name': {'type': 'CharField', 'max_length': 9}}},"
	"'Album': {'fields': {'artist': " KEY(
		"Artist", "CASCADE",
		"") "}},"
			"'Song': {'fields': {'artist': " KEY("Artist", "CASCADE", "") ", 'album': " KEY(
				"Album", "RESTRICT",
				"") "}},"
					"'Fan': {'fields': {'artist': " KEY(
						"Artist", "SET_NULL",
						", 'null': true") "}},"
										  "'Note': {'fields': {'artist': " KEY(
											  "Artist", "CASCADE",
											  "") "}},"
												  "'Contract': {'fields': {'album': " KEY(
													  "Album", "PROTECT",
													  "") "}},"
														  "'Link': {'fields': {'artist': " KEY(
															  "Artist", "DO_NOTHING",
															  "") "}},"
																  "'Node': {'fields': "
                                                                  "{'parent': " KEY(
																	  "Node", "CASCADE",
																	  ", 'null': true") "}},"
																						"'Tag': "
                                                                                        "{'fields':"
                                                                                        " {'albums'"
                                                                                        ": "
                                                                                        "{'type': "
                                                                                        "'ManyToMan"
                                                                                        "yField', "
                                                                                        "'to': "
                                                                                        "'Album'}}}"
                                                                                        ","
																						"'Egg': "
                                                                                        "{'fields':"
                                                                                        " {'hen':"
                                                                                        " " KEY(
																							"Hen",
																							"CASCAD"
                                                                                            "E",
																							", "
                                                                                            "'relat"
                                                                                            "ed_"
                                                                                            "name':"
                                                                                            " '"
                                                                                            "eggs'") "}},"
																									 "'Hen': {'fields': {'egg': " KEY(
																										 "Egg",
																										 "CASCADE",
																										 ", 'null': true, 'related_name': 'hens'") "}},"
																																				   "'Pair': {'fields': {'a': 'IntegerField', 'b': 'IntegerField'}, 'Meta': {'primary_key': ['a', 'b']}}"
																																				   "}}";

static struct arena *arena;
static const struct registry *registry;
static struct collector collector;
static struct error error;

static void setup(void)
{
	arena = arena_new();
	registry = models_from(arena, models);
	error_init(&error, arena);
}

static void teardown(void)
{
	arena_free(arena);
}

static const struct relation *relation_of(const char *model, const char *field)
{
	return field_named(registry, model, field)->relation;
}

/* Keys of one text each: "1 2 3". */
static size_t keys_from(const char *text, struct str **keys)
{
	struct str rest = str_of(text);
	size_t n = 0;

	*keys = ARENA_ARRAY(arena, struct str, rest.n + 1);
	while (rest.n)
		(*keys)[n++] = str_cut(&rest, STR(" "));
	return n;
}

static void start(const char *model, const char *text)
{
	struct str *keys;
	size_t n = keys_from(text, &keys);

	collector_init(&collector, arena, model_named(registry, model));
	collector_start(&collector, keys, n);
}

static struct collect_step next(const char *model, const char *text)
{
	struct collect_step step;
	struct str *keys;
	size_t n = keys_from(text, &keys);

	ck_assert(collector_next(&collector, &step));
	ck_assert_str_eq(arena_cstr(arena, step.model->name), model);
	ck_assert_uint_eq(step.nkeys, n);
	for (size_t i = 0; i < n; i++)
		ck_assert(str_eq(step.keys[i], keys[i]));
	return step;
}

static void found(const struct collect_step *step, const char *model, const char *field,
                  const char *text)
{
	struct str *keys;
	size_t n = keys_from(text, &keys);

	collector_found(&collector, step, relation_of(model, field), keys, n);
}

static void nothing_left(void)
{
	struct collect_step step;
	ck_assert(!collector_next(&collector, &step));
}

START_TEST(relations_are_dealt_with_by_their_kind)
{
	ck_assert_int_eq(collect_kind_of(relation_of("Album", "artist")), COLLECT_SELECT);
	ck_assert_int_eq(collect_kind_of(relation_of("Note", "artist")), COLLECT_FAST);
	ck_assert_int_eq(collect_kind_of(relation_of("Fan", "artist")), COLLECT_UPDATE);
	ck_assert_int_eq(collect_kind_of(relation_of("Link", "artist")), COLLECT_IGNORE);
	ck_assert_int_eq(collect_kind_of(relation_of("Contract", "album")), COLLECT_SELECT);
	ck_assert_int_eq(collect_kind_of(relation_of("Tag", "albums")), COLLECT_IGNORE);
	/* Nothing refers to a song, but RESTRICT has to know whether it goes. */
	ck_assert_int_eq(collect_kind_of(relation_of("Song", "artist")), COLLECT_SELECT);
	ck_assert_int_eq(collect_kind_of(relation_of("Tag.albums", "album")), COLLECT_FAST);
}
END_TEST

START_TEST(a_model_that_nothing_refers_to_needs_no_collecting)
{
	ck_assert(!collect_has_dependents(model_named(registry, "Note")));
	ck_assert(collect_has_dependents(model_named(registry, "Artist")));
	ck_assert(collect_has_dependents(model_named(registry, "Tag")));
}
END_TEST

START_TEST(cascades_are_followed_level_by_level)
{
	start("Artist", "1 2");
	struct collect_step artists = next("Artist", "1 2");
	found(&artists, "Album", "artist", "10 11");
	found(&artists, "Song", "artist", "");
	struct collect_step albums = next("Album", "10 11");
	found(&albums, "Song", "album", "");
	found(&albums, "Contract", "album", "");
	nothing_left();
	ck_assert(collector_judge(&collector, &error));
	ck_assert_uint_eq(collector.fast.n, 2);
	ck_assert_ptr_eq(collector.fast.items[0].relation, relation_of("Note", "artist"));
	ck_assert_ptr_eq(collector.fast.items[1].relation, relation_of("Tag.albums", "album"));
	ck_assert_uint_eq(collector.updates.n, 1);
	ck_assert_ptr_eq(collector.updates.items[0].relation, relation_of("Fan", "artist"));
}
END_TEST

START_TEST(a_cycle_ends_because_a_row_is_followed_once)
{
	start("Node", "1");
	struct collect_step root = next("Node", "1");
	found(&root, "Node", "parent", "2 3 1");
	struct collect_step children = next("Node", "2 3");
	found(&children, "Node", "parent", "1 2");
	nothing_left();
	size_t n;
	const struct collected **order = collector_order(&collector, &n);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(order[0]->keys.n, 3);
}
END_TEST

START_TEST(a_protected_row_forbids_and_is_named)
{
	start("Album", "10");
	struct collect_step albums = next("Album", "10");
	found(&albums, "Contract", "album", "7 8");
	nothing_left();
	ck_assert(!collector_judge(&collector, &error));
	ck_assert_int_eq(error.kind, ERROR_PROTECTED);
	ck_assert_str_eq(
		arena_cstr(arena, error.detail),
		"Cannot delete some instances of model 'Album' because they are referenced through "
		"protected foreign keys: 'Contract.album'.");
	ck_assert_uint_eq(error.nobjects, 2);
	ck_assert(str_is(error.objects[1].model, "Contract") && str_is(error.objects[1].pk, "8"));
}
END_TEST

START_TEST(a_protected_row_further_away_is_told_by_the_first_relation)
{
	start("Artist", "1");
	struct collect_step artists = next("Artist", "1");
	found(&artists, "Album", "artist", "10");
	struct collect_step albums = next("Album", "10");
	found(&albums, "Contract", "album", "7");
	nothing_left();
	ck_assert(!collector_judge(&collector, &error));
	ck_assert_str_eq(
		arena_cstr(arena, error.detail),
		"Cannot delete some instances of model 'Artist' because they are referenced through "
		"protected foreign keys: 'Album.artist'.");
	ck_assert(str_is(error.objects[0].model, "Contract"));
}
END_TEST

START_TEST(a_restricted_row_forbids)
{
	start("Album", "10");
	struct collect_step albums = next("Album", "10");
	found(&albums, "Song", "album", "5");
	nothing_left();
	ck_assert(!collector_judge(&collector, &error));
	ck_assert_int_eq(error.kind, ERROR_RESTRICTED);
	ck_assert_str_eq(
		arena_cstr(arena, error.detail),
		"Cannot delete some instances of model 'Album' because they are referenced through "
		"restricted foreign keys: 'Song.album'.");
}
END_TEST

START_TEST(a_restricted_row_that_goes_by_another_path_does_not)
{
	start("Artist", "1");
	struct collect_step artists = next("Artist", "1");
	found(&artists, "Album", "artist", "10");
	found(&artists, "Song", "artist", "5 6");
	struct collect_step albums = next("Album", "10");
	found(&albums, "Song", "album", "5");
	next("Song", "5 6");
	nothing_left();
	ck_assert(collector_judge(&collector, &error));
}
END_TEST

START_TEST(only_the_restricted_rows_that_stay_are_told)
{
	start("Artist", "1");
	struct collect_step artists = next("Artist", "1");
	found(&artists, "Album", "artist", "10");
	found(&artists, "Song", "artist", "5");
	struct collect_step albums = next("Album", "10");
	found(&albums, "Song", "album", "5 9");
	next("Song", "5");
	nothing_left();
	ck_assert(!collector_judge(&collector, &error));
	ck_assert_uint_eq(error.nobjects, 1);
	ck_assert(str_is(error.objects[0].pk, "9"));
}
END_TEST

START_TEST(rows_that_refer_to_others_go_first)
{
	start("Artist", "1");
	struct collect_step artists = next("Artist", "1");
	found(&artists, "Album", "artist", "10");
	found(&artists, "Song", "artist", "5");
	next("Album", "10");
	next("Song", "5");
	size_t n;
	const struct collected **order = collector_order(&collector, &n);
	ck_assert_uint_eq(n, 3);
	ck_assert(str_is(order[0]->keys.model->name, "Song"));
	ck_assert(str_is(order[1]->keys.model->name, "Album"));
	ck_assert(str_is(order[2]->keys.model->name, "Artist"));
}
END_TEST

START_TEST(in_a_circle_of_models_a_key_that_may_be_null_gives_way)
{
	start("Egg", "1");
	struct collect_step eggs = next("Egg", "1");
	found(&eggs, "Hen", "egg", "2");
	struct collect_step hens = next("Hen", "2");
	found(&hens, "Egg", "hen", "1");
	nothing_left();
	size_t n;
	const struct collected **order = collector_order(&collector, &n);
	ck_assert_uint_eq(n, 2);
	/* Every egg needs its hen; a hen may be without an egg. */
	ck_assert(str_is(order[0]->keys.model->name, "Egg"));
}
END_TEST

START_TEST(composite_keys_are_told_apart)
{
	const struct str keys[] = {STR("1"), STR("23"), STR("12"), STR("3"), STR("1"), STR("23")};
	struct collect_step step;

	collector_init(&collector, arena, model_named(registry, "Pair"));
	collector_start(&collector, keys, 3);
	ck_assert(collector_next(&collector, &step));
	ck_assert_uint_eq(step.nkeys, 2);
}
END_TEST

START_TEST(a_long_list_of_objects_is_cut)
{
	struct str *keys = ARENA_ARRAY(arena, struct str, 1000);

	for (size_t i = 0; i < 1000; i++)
		keys[i] = arena_printf(arena, "%zu", i);
	start("Album", "10");
	struct collect_step albums = next("Album", "10");
	collector_found(&collector, &albums, relation_of("Contract", "album"), keys, 1000);
	ck_assert(!collector_judge(&collector, &error));
	ck_assert_uint_eq(error.nobjects, 100);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *group = suite_with_case(&suite, "collector");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, relations_are_dealt_with_by_their_kind);
	tcase_add_test(group, a_model_that_nothing_refers_to_needs_no_collecting);
	tcase_add_test(group, cascades_are_followed_level_by_level);
	tcase_add_test(group, a_cycle_ends_because_a_row_is_followed_once);
	tcase_add_test(group, a_protected_row_forbids_and_is_named);
	tcase_add_test(group, a_protected_row_further_away_is_told_by_the_first_relation);
	tcase_add_test(group, a_restricted_row_forbids);
	tcase_add_test(group, a_restricted_row_that_goes_by_another_path_does_not);
	tcase_add_test(group, only_the_restricted_rows_that_stay_are_told);
	tcase_add_test(group, rows_that_refer_to_others_go_first);
	tcase_add_test(group, in_a_circle_of_models_a_key_that_may_be_null_gives_way);
	tcase_add_test(group, composite_keys_are_told_apart);
	tcase_add_test(group, a_long_list_of_objects_is_cut);
	return suite_main(suite);
}

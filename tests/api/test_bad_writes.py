"""Bad writes: each has its own clear answer, and nothing is written.

A row of a table: a name, the request, its body (bytes are sent as they are), then the status, the title, the pointer and what
the detail says, and headers where there are any.  Every table is read before and after.  One more bad write is one more row.
"""

import unittest

import seeds
from harness import ApiTest


def operations(*items, **options):
    return {"operations": list(items), **options}


REQUESTS = [
    ("not json", "POST book", b"{\"title\": ",
     400, "BadRequest", "", "not JSON: the text ends too early (line 1, column 11)"),
    ("an empty body", "POST book", b"",
     400, "BadRequest", "", "The request has no body; a JSON document was expected."),
    ("a text in place of an object", "POST book", b"\"book\"",
     400, "ValueError", "", "A row of Book must be an object of its fields, not a string."),
    ("a number in place of an object", "POST book", b"7",
     400, "ValueError", "", "A row of Book must be an object of its fields, not an integer."),
    ("null in place of an object", "POST book", b"null",
     400, "ValueError", "", "A row of Book must be an object of its fields, not null."),
    ("an array of numbers", "POST book", [1, 2],
     400, "ValueError", "/0", "A row of Book must be an object of its fields, not an integer."),
    ("an array in an array", "POST book", [[{"title": "x", "author": 1}]],
     400, "ValueError", "/0", "A row of Book must be an object of its fields, not an array."),
    ("a member twice", "POST book", b'{"title": "x", "title": "y", "author": 1}',
     400, "BadRequest", "", "duplicate member \"title\" in one object (line 1, column 16)"),
    ("a body of another type", "POST book", b"title=x",
     415, "UnsupportedMediaType", None, "The body's Content-Type is not application/json.", {"Content-Type": "application/x-www-form-urlencoded"}),
    ("a NUL in a text", "POST book", b'{"title": "a\\u0000b", "author": 1}',
     400, "BadRequest", "", "a string may not hold the NUL character \\u0000 (line 1, column 13)"),
    ("half a surrogate", "POST book", b'{"title": "\\ud800", "author": 1}',
     400, "BadRequest", "", "not JSON: unexpected \"\\ud800\" (line 1, column 11)"),
    ("a number that no column holds", "POST book", b'{"title": "x", "author": 99999999999999999999}',
     400, "BadRequest", "", "an integer outside of -9223372036854775808 to 9223372036854775807: write it as a string (line 1, column 26)"),
    ("an unknown model", "POST bok", {"title": "x"},
     404, "NotFound", None, "There is no model \"bok\"."),
    ("an unknown method", "POST book/creat", {"title": "x"},
     404, "NotFound", None, "There is no method \"creat\"."),
    ("an unknown relation", "POST book/1/translator/add", {"objects": [1]},
     404, "NotFound", None, "Book has no relation \"translator\"."),
    ("a key of the wrong type in the address", "PATCH book/one", {"title": "x"},
     404, "DoesNotExist", None, "Book matching query does not exist."),
    ("a row that is not there", "PATCH book/999", {"title": "x"},
     404, "DoesNotExist", None, "Book matching query does not exist."),
    ("a row to put that is not there", "PUT country/QQ", {"name": "x"},
     404, "DoesNotExist", None, "Country matching query does not exist."),
    ("a row to delete that is not there", "DELETE book/999", None,
     404, "DoesNotExist", None, "Book matching query does not exist."),
    ("a method that an address does not take", "PUT book", {"title": "x"},
     405, "MethodNotAllowed", None, "PUT is not understood at this address; it takes GET, HEAD, POST, PATCH, DELETE, QUERY, OPTIONS."),
    ("PATCH without saying which", "PATCH book", {"title": "x"},
     400, "BadRequest", "", "No lookup says which rows; add one, or ?all=true for every row."),
    ("DELETE without saying which", "DELETE book", None,
     400, "BadRequest", "", "No lookup says which rows; add one, or ?all=true for every row."),
    ("PATCH with an unknown lookup", "PATCH book?titel=x", {"title": "x"},
     400, "FieldError", "?titel", "Cannot resolve keyword 'titel' into field."),
    ("DELETE with an unknown lookup", "DELETE book?pages__gtt=1", None,
     400, "FieldError", "?pages__gtt", "Unsupported lookup 'gtt' for PositiveIntegerField or join on the field not permitted."),
    ("DELETE with a value of the wrong type", "DELETE book?pages=many", None,
     400, "ValueError", "?pages", "Field \"pages\" expected an integer, but got \"many\""),
    ("PATCH with a slice", "PATCH book?pages__gt=1&limit=2", {"title": "x"},
     400, "TypeError", "", "Cannot use 'limit' or 'offset' with update"),
]
FIELDS = [
    ("an unknown field", "POST book", {"titel": "x", "author": 1},
     400, "FieldError", "/titel", "Book has no field named 'titel'."),
    ("an unknown field of one of many", "POST book", [{"title": "x", "author": 1}, {"title": "x", "athor": 1}],
     400, "FieldError", "/1/athor", "Book has no field named 'athor'."),
    ("a field twice under two names", "POST book", {"title": "x", "author": 1, "author_id": 2},
     400, "FieldError", "/author_id", "The field 'author' is given twice; 'author_id' is another name of it."),
    ("a missing field", "POST book", {"author": 1},
     422, "ValidationError", "/title", "title: This field cannot be blank."),
    ("a missing foreign key", "POST book", {"title": "x"},
     422, "ValidationError", "/author", "author: This field cannot be null."),
    ("null where it may not be", "POST book", {"title": None, "author": 1},
     422, "ValidationError", "/title", "title: This field cannot be null."),
    ("null as a foreign key", "POST book", {"title": "x", "author": None},
     422, "ValidationError", "/author", "author: This field cannot be null."),
    ("a blank text", "POST book", {"title": "", "author": 1},
     422, "ValidationError", "/title", "title: This field cannot be blank."),
    ("a text too long", "POST book", {"title": "x" * 121, "author": 1},
     422, "ValidationError", "/title", "title: Ensure this value has at most 120 characters (it has 121)."),
    ("a number for a text", "POST book", {"title": 7, "author": 1},
     422, "ValidationError", "/title", "title: Field \"title\" expected a string, but got 7"),
    ("an object for a text", "POST book", {"title": {"a": 1}, "author": 1},
     422, "ValidationError", "/title", "title: Field \"title\" expected a string, but got {\"a\":1}"),
    ("a text for a number", "POST book", {"title": "x", "author": 1, "pages": "many"},
     422, "ValidationError", "/pages", "pages: “many” value must be an integer."),
    ("a fraction for a whole number", "POST book", {"title": "x", "author": 1, "pages": 1.5},
     422, "ValidationError", "/pages", "pages: “1.5” value must be an integer."),
    ("true for a number", "POST book", {"title": "x", "author": 1, "pages": True},
     422, "ValidationError", "/pages", "pages: “True” value must be an integer."),
    ("less than nothing", "POST book", {"title": "x", "author": 1, "pages": -1},
     422, "ValidationError", "/pages", "pages: Ensure this value is greater than or equal to 0."),
    ("more than the column holds", "POST book", {"title": "x", "author": 1, "pages": 2147483648},
     422, "ValidationError", "/pages", "pages: Ensure this value is less than or equal to 2147483647."),
    ("too many digits", "POST book", {"title": "x", "author": 1, "price": "1234567.00"},
     422, "ValidationError", "/price", "price: Ensure that there are no more than 8 digits in total."),
    ("too many decimal places", "POST book", {"title": "x", "author": 1, "price": "1.234"},
     422, "ValidationError", "/price", "price: Ensure that there are no more than 2 decimal places."),
    ("no decimal number", "POST book", {"title": "x", "author": 1, "price": "cheap"},
     422, "ValidationError", "/price", "price: “cheap” value must be a decimal number."),
    ("not a number", "POST book", {"title": "x", "author": 1, "price": "NaN"},
     422, "ValidationError", "/price", "price: “NaN” value must be a decimal number."),
    ("a text for a boolean", "POST book", {"title": "x", "author": 1, "in_print": "maybe"},
     422, "ValidationError", "/in_print", "in_print: “maybe” value must be either True, False, or None."),
    ("a day that does not exist", "POST book", {"title": "x", "author": 1, "published": "2023-02-29"},
     422, "ValidationError", "/published", "published: “2023-02-29” value has the correct format (YYYY-MM-DD) but it is an invalid date."),
    ("a day in another form", "POST book", {"title": "x", "author": 1, "published": "29.2.2024"},
     422, "ValidationError", "/published", "published: “29.2.2024” value has an invalid date format. It must be in YYYY-MM-DD format."),
    ("a moment that is none", "POST book", {"title": "x", "author": 1, "released": "noon"},
     422, "ValidationError", "/released", "released: “noon” value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format."),
    ("an hour that is none", "POST book", {"title": "x", "author": 1, "released": "2024-01-01T25:00:00Z"},
     422, "ValidationError", "/released", "released: “2024-01-01T25:00:00Z” value has the correct format (YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]) but it is an invalid date/time."),
    ("no e-mail address", "POST sample", {"email": "nobody"},
     422, "ValidationError", "/email", "email: Enter a valid email address."),
    ("no URL", "POST sample", {"url": "nowhere"},
     422, "ValidationError", "/url", "url: Enter a valid URL."),
    ("no slug", "POST sample", {"slug": "a b"},
     422, "ValidationError", "/slug", "slug: Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."),
    ("no address", "POST sample", {"address": "1.2.3"},
     422, "ValidationError", "/address", "address: Enter a valid IPv4 or IPv6 address."),
    ("no UUID", "POST sample", {"uuid": "123"},
     422, "ValidationError", "/uuid", "uuid: “123” is not a valid UUID."),
    ("no duration", "POST sample", {"span": "long"},
     422, "ValidationError", "/span", "span: “long” value has an invalid format. It must be in [DD] [[HH:]MM:]ss[.uuuuuu] format."),
    ("no time", "POST sample", {"clock": "25:00"},
     422, "ValidationError", "/clock", "clock: “25:00” value has the correct format (HH:MM[:ss[.uuuuuu]]) but it is an invalid time."),
    ("no base64", "POST sample", {"bytes": "?"},
     422, "ValidationError", "/bytes", "bytes: Field \"bytes\" expected bytes, as a base64 string, but got \"?\""),
    ("an array that is none", "POST sample", {"numbers": 5},
     422, "ValidationError", "/numbers", "numbers: Field \"numbers\" expected an array, but got 5"),
    ("an item of an array", "POST sample", {"numbers": [1, "x"]},
     422, "ValidationError", "/numbers/1", "numbers: Item 2 in the array did not validate: “x” value must be an integer."),
    ("an item of an array too long", "POST sample", {"words": ["ok", "x" * 21]},
     422, "ValidationError", "/words/1", "words: Item 2 in the array did not validate: Ensure this value has at most 20 characters (it has 21)."),
    ("a range that is none", "POST sample", {"integers": [1, 2, 3]},
     422, "ValidationError", "/integers", "integers: Field \"integers\" expected a range: [lower, upper] or an object of lower, upper, bounds, empty, but got [1,2,3]"),
    ("a range with an unknown member", "POST sample", {"integers": {"lower": 1, "uper": 2}},
     422, "ValidationError", "/integers", "integers: a range has the members lower, upper, bounds and empty, not \"uper\""),
    ("a range the wrong way round", "POST sample", {"integers": {"lower": 5, "upper": 1}},
     400, "ValueError", None, "A range begins after its end"),
    ("a choice that is none", "POST stamped", {"level": 9},
     422, "ValidationError", "/level", "level: Value 9 is not a valid choice."),
    ("everything wrong at once", "POST book", {"title": "", "author": None, "pages": -1, "price": "x", "published": "x"},
     422, "ValidationError", "/title", "5 values are not valid; the first: title: This field cannot be blank."),
    ("a wrong value in the third of many", "POST person", [{"name": "a"}, {"name": "b"}, {"name": "x" * 81}],
     422, "ValidationError", "/2/name", "name: Ensure this value has at most 80 characters (it has 81)."),
]
RELATIONS = [
    ("a foreign key to nothing", "POST book", {"title": "x", "author": 999},
     409, "IntegrityError", None, "Person instance with this id does not exist."),
    ("a foreign key of the wrong type", "POST book", {"title": "x", "author": "Dora"},
     422, "ValidationError", "/author", "author: “Dora” value must be an integer."),
    ("a foreign key by a list", "POST book", {"title": "x", "author": [1]},
     422, "ValidationError", "/author", "author: “[1]” value must be an integer."),
    ("a lookup that finds none", "POST book", {"title": "x", "author": {"name": "nobody"}},
     404, "DoesNotExist", "/author", "Person matching query does not exist."),
    ("a lookup that finds several", "POST book", {"title": "x", "author": {"country": "DE"}},
     409, "MultipleObjectsReturned", "/author", "get() returned more than one Person -- it returned 4!"),
    ("a lookup of an unknown field", "POST book", {"title": "x", "author": {"nam": "x"}},
     400, "FieldError", "/author/nam", "Cannot resolve keyword 'nam' into field."),
    ("a lookup of the wrong type", "POST book", {"title": "x", "author": {"id": "x"}},
     400, "ValueError", "/author/id", "Field \"id\" expected an integer, but got \"x\""),
    ("a unique value that is there", "POST country", {"code": "ZZ", "name": "Germany"},
     409, "IntegrityError", None, "Country with this Name already exists."),
    ("a primary key that is there", "POST country", {"code": "DE", "name": "x"},
     409, "IntegrityError", None, "Country with this Code already exists."),
    ("unique together", "POST chapter", {"book": 1, "number": 1},
     409, "IntegrityError", None, "Chapter with this Book and Number already exists."),
    ("the same twice in one request", "POST country", [{"code": "ZZ", "name": "x"}, {"code": "ZZ", "name": "y"}],
     409, "IntegrityError", None, "Country with this Code already exists."),
    ("a one-to-one that is taken", "POST profile", {"person": 2, "bio": "x"},
     409, "IntegrityError", None, "Profile with this Person already exists."),
    ("a related set that is no list", "POST book", {"title": "x", "author": 1, "translators": 3},
     400, "ValueError", "/translators", "Here stands a list of primary keys and lookups, or an object of verbs, not an integer."),
    ("a related row that is not there", "POST book", {"title": "x", "author": 1, "translators": [999]},
     409, "IntegrityError", None, "Person instance with this id does not exist."),
    ("a nested row that breaks a rule", "POST book", {"title": "x", "author": 1, "chapter_set": [{"number": 1}, {"number": -1}]},
     422, "ValidationError", "/chapter_set/1/number", "number: Ensure this value is greater than or equal to 0."),
    ("a nested row of an unknown field", "POST book", {"title": "x", "author": 1, "chapter_set": [{"numbr": 1}]},
     400, "FieldError", "/chapter_set/0/numbr", "Chapter has no field named 'numbr'."),
    ("a nested row that is there twice", "POST book", {"title": "x", "author": 1, "chapter_set": [{"number": 1}, {"number": 1}]},
     409, "IntegrityError", None, "Chapter with this Book and Number already exists."),
    ("an unknown verb of a nested row", "POST book", {"title": "x", "author": {"creat": {"name": "x"}}},
     400, "FieldError", "/author/creat", "Cannot resolve keyword 'creat' into field."),
]
BULK_CREATE = [
    ("bulk_create of no list", "POST country/bulk_create", {"objects": {"code": "ZZ"}},
     400, "ValueError", "/objects", "bulk_create takes an array of objects, or {\"objects\": […]}."),
    ("bulk_create without objects", "POST country/bulk_create", {},
     400, "ValueError", "", "bulk_create takes an array of objects, or {\"objects\": […]}."),
    ("bulk_create with an unknown option", "POST country/bulk_create", {"objects": [], "ignore_conflict": True},
     400, "BadRequest", "/ignore_conflict", "bulk_create takes \"objects\" and its options (batch_size, ignore_conflicts, through_defaults, unique_fields, update_conflicts, update_fields), not 'ignore_conflict'."),
    ("bulk_create with an option that is no flag", "POST country/bulk_create", {"objects": [], "ignore_conflicts": "yes"},
     400, "ValueError", "/ignore_conflicts", "'ignore_conflicts' is true or false, not a string."),
    ("bulk_create that ignores and updates conflicts", "POST country/bulk_create", {"objects": [{"code": "ZZ", "name": "x"}], "ignore_conflicts": True, "update_conflicts": True, "unique_fields": ["code"], "update_fields": ["name"]},
     400, "ValueError", "", "ignore_conflicts and update_conflicts are mutually exclusive."),
    ("update_conflicts without unique_fields", "POST country/bulk_create", {"objects": [{"code": "ZZ", "name": "x"}], "update_conflicts": True, "update_fields": ["name"]},
     400, "ValueError", "", "Unique fields that can trigger the upsert must be provided."),
    ("update_conflicts without update_fields", "POST country/bulk_create", {"objects": [{"code": "ZZ", "name": "x"}], "update_conflicts": True, "unique_fields": ["code"]},
     400, "ValueError", "", "Fields that will be updated when a row insertion fails on conflicts must be provided."),
    ("update_conflicts over fields that are not unique", "POST person/bulk_create", {"objects": [{"name": "x"}], "update_conflicts": True, "unique_fields": ["name"], "update_fields": ["born"]},
     400, "ValueError", "/unique_fields", "No unique constraint of Person is over just these fields; those that can trigger the update are [\"id\"]."),
    ("update_conflicts of an unknown field", "POST country/bulk_create", {"objects": [{"code": "ZZ", "name": "x"}], "update_conflicts": True, "unique_fields": ["code"], "update_fields": ["nam"]},
     400, "FieldError", "/update_fields/0", "Country has no field named 'nam'."),
    ("update_conflicts of the same row twice", "POST country/bulk_create", {"objects": [{"code": "ZZ", "name": "x"}, {"code": "ZZ", "name": "y"}], "update_conflicts": True, "unique_fields": ["code"], "update_fields": ["name"]},
     400, "ValueError", "/objects/1", "This object has the same unique fields as the one at position 0; one row cannot be updated twice."),
    ("bulk_create with a conflict", "POST country/bulk_create", [{"code": "ZZ", "name": "x"}, {"code": "DE", "name": "y"}],
     409, "IntegrityError", None, "Country with this Code already exists."),
]
UPDATE = [
    ("update without set", "POST book/update", {"filter": {"id": 1}},
     400, "BadRequest", "", "update needs \"set\": an object of fields and their new values."),
    ("update with a set that is none", "POST book/update", {"set": [1]},
     400, "ValueError", "/set", "Assignments are an object of fields and values, not an array."),
    ("update of an unknown field", "POST book/update", {"set": {"titel": "x"}},
     400, "FieldError", "/set/titel", "Book has no field named 'titel'."),
    ("update with a wrong filter", "POST book/update", {"filter": {"titel": "x"}, "set": {"title": "x"}},
     400, "FieldError", "/filter/titel", "Cannot resolve keyword 'titel' into field."),
    ("update with an unknown clause", "POST book/update", {"filtr": {"id": 1}, "set": {"title": "x"}},
     400, "BadRequest", "/filtr", "\"filtr\" is not a clause of a query"),
    ("update with a slice", "POST book/update", {"order_by": ["id"], "limit": 2, "set": {"title": "x"}},
     400, "TypeError", "", "Cannot use 'limit' or 'offset' with update"),
    ("update of a unique column of all", "POST country/update", {"set": {"name": "Same"}},
     409, "IntegrityError", None, "Country with this Name already exists."),
    ("update with a broken rule", "POST book/update", {"set": {"title": "x" * 121}},
     422, "ValidationError", "/set/title", "title: Ensure this value has at most 120 characters (it has 121)."),
    ("update with an unknown function", "POST book/update", {"set": {"title": {"Uper": "title"}}},
     400, "FieldError", "/set/title", "Unknown function 'Uper'."),
    ("update with a wrong number of arguments", "POST book/update", {"set": {"title": {"Replace": ["title"]}}},
     400, "TypeError", "/set/title", "Replace takes 2 arguments, got 1"),
    ("update with an unknown column", "POST book/update", {"set": {"title": {"F": "titel"}}},
     400, "FieldError", "/set/title/F", "Cannot resolve keyword 'titel' into field."),
    ("update with a column of several rows", "POST book/update", {"set": {"pages": {"F": "review__stars"}}},
     400, "FieldError", "/set/pages", "'pages' is set from a relation that can have several rows; say which one by a Subquery, or what of them all by an aggregate."),
    ("update that divides by zero", "POST book/update", {"set": {"rating": {"/": [{"F": "rating"}, {"-": [{"F": "pages"}, {"F": "pages"}]}]}}},
     400, "ValueError", None, "Division by zero."),
    ("update beyond what the column holds", "POST book/update", {"set": {"pages": {"+": [{"F": "pages"}, 2147483647]}}},
     400, "ValueError", "/set/pages", "A number that an expression gives is out of its column's range: pages (from 0 to 2147483647)."),
    ("update below what the column holds", "POST book/update", {"set": {"pages": {"-": [{"F": "pages"}, 100000]}}},
     409, "IntegrityError", None, "Pages: the value is out of range."),
    ("update to null by a column", "POST book/update", {"set": {"author": {"F": "editor"}}},
     409, "IntegrityError", None, "Book.author cannot be null."),
    ("update of the wrong type", "POST book/update", {"set": {"pages": {"F": "title"}}},
     400, "TypeError", "/set/pages", "The PositiveIntegerField 'pages' cannot be set to an expression that gives a CharField; wrap it in Cast."),
    ("update of a key that rows refer to", "POST country/update", {"filter": {"code": "DE"}, "set": {"code": "QQ"}},
     409, "IntegrityError", "/set/code", "still refer to the code that was to be changed"),
    ("update to a row that is not there", "POST book/update", {"set": {"author": 999}},
     409, "IntegrityError", None, "Person instance with this id does not exist."),
    ("update that returns an unknown column", "POST book/update", {"set": {"pages": 1}, "returning": ["id", "pags"]},
     400, "FieldError", "/returning/1", "'pags' is no column of Book: 'returning' names columns of the row itself."),
    ("update that requires other numbers", "POST book/update", {"set": {"pages": 1}, "require": {"rows": 1}},
     412, "PreconditionFailed", "/require", "60 rows were there and one row was required; nothing was written."),
    ("update with a requirement that is none", "POST book/update", {"set": {"pages": 1}, "require": {"row": 1}},
     400, "BadRequest", "/require/row", "'require' takes \"rows\", or \"min\" and \"max\", not 'row'."),
    ("update without validation that settings forbid", "POST book/update", {"set": {"title": ""}, "validate": False},
     403, "PermissionDenied", "/validate", "Values are validated here: the setting \"allows_unvalidated\" does not let a request say otherwise."),
    ("one row with an unknown field", "PATCH book/1", {"titel": "x"},
     400, "FieldError", "/titel", "Book has no field named 'titel'."),
    ("one row with a broken rule", "PATCH book/1", {"title": "", "pages": -1},
     422, "ValidationError", "/title", "2 values are not valid; the first: title: This field cannot be blank."),
    ("one row whole that lacks a field", "PUT book/1", {"title": "x"},
     422, "ValidationError", "/author", "author: This field cannot be null."),
    ("one row that has changed", "PATCH book/1", {"title": "x"},
     412, "PreconditionFailed", None, "This Book is not the one that If-Match names: it has changed since. Read it again, without clauses, make the change to what stands there now, and send its new ETag.", {"If-Match": "\"old\""}),
]
BULK_UPDATE = [
    ("bulk_update without a key", "POST book/bulk_update", [{"title": "x"}],
     400, "ValueError", "/0", "All bulk_update() objects must have a primary key set: 'id' is missing."),
    ("bulk_update of the same row twice", "POST book/bulk_update", [{"id": 1, "title": "x"}, {"id": 1, "title": "y"}],
     400, "ValueError", "/1", "The row with the primary key 1 is given twice, first at /0."),
    ("bulk_update with nothing to set", "POST book/bulk_update", [{"id": 1}],
     400, "ValueError", "/0", "The object says which row, and nothing to set in it."),
    ("bulk_update with a listed field that is missing", "POST book/bulk_update", {"objects": [{"id": 1, "title": "x"}], "fields": ["title", "pages"]},
     400, "ValueError", "/objects/0", "The object has no 'pages', which 'fields' lists."),
    ("bulk_update of the key", "POST book/bulk_update", {"objects": [{"id": 1, "title": "x"}], "fields": ["id"]},
     400, "ValueError", "/fields/0", "bulk_update() cannot be used with primary key fields."),
    ("bulk_update with a broken rule", "POST book/bulk_update", [{"id": 1, "title": "x"}, {"id": 2, "title": ""}],
     422, "ValidationError", "/1/title", "title: This field cannot be blank."),
    ("bulk_update of an unknown field", "POST book/bulk_update", [{"id": 1, "titel": "x"}],
     400, "FieldError", "/0/titel", "Book has no field named 'titel'."),
    ("bulk_update with a conflict", "POST country/bulk_update", [{"code": "DE", "name": "Same"}, {"code": "FI", "name": "Same"}],
     409, "IntegrityError", None, "Country with this Name already exists."),
    ("bulk_update with a key of the wrong type", "POST book/bulk_update", [{"id": "x", "title": "x"}],
     400, "ValueError", "/0/id", "Field \"id\" expected an integer, but got \"x\""),
]
FINDING = [
    ("get_or_create without a lookup", "POST country/get_or_create", {"defaults": {"name": "x"}},
     400, "BadRequest", "", "get_or_create needs a \"lookup\"."),
    ("get_or_create with an unknown member", "POST country/get_or_create", {"lookup": {"code": "ZZ"}, "default": {"name": "x"}},
     400, "BadRequest", "/default", "get_or_create takes \"lookup\" and \"defaults\", not 'default'."),
    ("get_or_create with an unknown field", "POST country/get_or_create", {"lookup": {"cod": "XX"}},
     400, "FieldError", "/lookup/cod", "Cannot resolve keyword 'cod' into field."),
    ("get_or_create of several", "POST person/get_or_create", {"lookup": {"country": "DE"}, "defaults": {"name": "x"}},
     409, "MultipleObjectsReturned", "", "get() returned more than one Person -- it returned 4!"),
    ("get_or_create of what lacks a field", "POST country/get_or_create", {"lookup": {"code": "ZZ"}},
     422, "ValidationError", "/lookup/name", "name: This field cannot be blank."),
    ("get_or_create of what is there otherwise", "POST country/get_or_create", {"lookup": {"code": "ZZ"}, "defaults": {"name": "Germany"}},
     409, "IntegrityError", None, "Country with this Name already exists."),
    ("update_or_create with a broken rule", "POST country/update_or_create", {"lookup": {"code": "DE"}, "defaults": {"name": ""}},
     422, "ValidationError", "/defaults/name", "name: This field cannot be blank."),
    ("update_or_create with a conflict", "POST country/update_or_create", {"lookup": {"code": "DE"}, "defaults": {"name": "Finland"}},
     409, "IntegrityError", None, "Country with this Name already exists."),
    ("update_or_create with defaults that are none", "POST country/update_or_create", {"lookup": {"code": "DE"}, "defaults": [1]},
     400, "ValueError", "/defaults", "'defaults' is an object, not an array."),
]
DELETE = [
    ("delete of what is protected", "DELETE owner/3", None,
     409, "ProtectedError", None, "Cannot delete some instances of model 'Owner' because they are referenced through protected foreign keys: 'Protected.owner'."),
    ("delete of what is restricted", "DELETE album/3", None,
     409, "RestrictedError", None, "Cannot delete some instances of model 'Album' because they are referenced through restricted foreign keys: 'Song.album'."),
    ("delete of what is still referred to", "DELETE owner/4", None,
     409, "IntegrityError", None, "Rows of model 'Left' still refer to what was to be deleted: 'Left.owner'."),
    ("delete of several, one of them protected", "POST owner/delete", {"filter": {"id__in": [1, 3, 5]}},
     409, "ProtectedError", None, "Cannot delete some instances of model 'Owner' because they are referenced through protected foreign keys: 'Protected.owner'."),
    ("delete with a slice", "POST node/delete", {"order_by": ["id"], "limit": 2},
     400, "TypeError", "", "Cannot use 'limit' or 'offset' with delete()."),
    ("delete with an unknown lookup", "POST node/delete", {"filter": {"nam": "x"}},
     400, "FieldError", "/filter/nam", "Cannot resolve keyword 'nam' into field."),
    ("delete that requires other numbers", "POST node/delete", {"filter": {"id__gt": 0}, "require": {"rows": 1}},
     412, "PreconditionFailed", "/require", "7 rows were there and one row was required; nothing was written."),
]
MANAGERS = [
    ("add of a row that is not there", "POST book/5/translators/add", {"objects": [1, 999]},
     409, "IntegrityError", None, "Person instance with this id does not exist."),
    ("add by a lookup that finds none", "POST book/5/translators/add", {"objects": [1, {"name": "nobody"}]},
     404, "DoesNotExist", "/objects/1", "Person matching query does not exist."),
    ("add of a value of the wrong type", "POST book/5/translators/add", {"objects": ["one"]},
     400, "ValueError", "/objects/0", "Field \"id\" expected an integer, but got \"one\""),
    ("add of no list", "POST book/5/translators/add", {"objects": 1},
     400, "ValueError", "/objects", "\"objects\" is an array of primary keys and lookups, not an integer."),
    ("add to a row that is not there", "POST book/999/translators/add", {"objects": [1]},
     404, "DoesNotExist", None, "Book matching query does not exist."),
    ("set of a row that is not there", "POST book/5/translators/set", {"objects": [999]},
     409, "IntegrityError", None, "Person instance with this id does not exist."),
    ("remove of what may not be without", "POST book/5/chapter_set/remove", {"objects": [1]},
     400, "TypeError", None, "remove() is only available when the foreign key may be null; Chapter.book may not."),
    ("clear of what may not be without", "POST book/5/chapter_set/clear", None,
     400, "TypeError", None, "clear() is only available when the foreign key may be null; Chapter.book may not."),
    ("clear with objects", "POST book/5/translators/clear", {"objects": [1]},
     400, "BadRequest", "", "clear takes nothing; to take some rows away, use remove."),
    ("add through a relation to one row", "POST book/5/author/add", {"objects": [1]},
     405, "MethodNotAllowed", None, "\"author\" is one row and no manager; it is changed by its own address."),
    ("create by a manager of a row that is not there", "POST book/999/chapter_set", {"number": 1},
     404, "DoesNotExist", None, "Book matching query does not exist."),
    ("through_defaults of a join table without columns", "POST book/5/translators/add", {"objects": [1], "through_defaults": {"level": 1}},
     400, "FieldError", "/through_defaults/level", "Book.translators has no field named 'level'."),
]
BATCHES = [
    ("a batch without operations", "POST /batch", {},
     400, "BadRequest", "", "A batch needs \"operations\": an array."),
    ("a batch of no list", "POST /batch", {"operations": {}},
     400, "ValueError", "/operations", "expected an array of operations, got an object"),
    ("a batch of an unknown model", "POST /batch", operations({"model": "Bok", "method": "create", "body": {}}),
     400, "FieldError", "/operations/0/model", "There is no model \"Bok\"."),
    ("a batch with an unknown method", "POST /batch", operations({"model": "Book", "method": "creat", "body": {}}),
     400, "BadRequest", "/operations/0/method", "There is no method \"creat\"."),
    ("a batch with a Ref to nothing", "POST /batch", operations({"model": "Country", "method": "create", "body": {"code": "ZZ", "name": {"Ref": "nothing.id"}}}),
     400, "FieldError", "/operations/0/body/name/Ref", "There is no operation before the first one; a Ref names an earlier one."),
    ("a batch with a Ref to a later one", "POST /batch", operations({"model": "Book", "method": "create", "body": {"title": "x", "author": {"Ref": "p.id"}}}, {"model": "Person", "method": "create", "body": {"name": "x"}, "as": "p"}),
     400, "FieldError", "/operations/0/body/author/Ref", "There is no operation before the first one; a Ref names an earlier one."),
    ("a batch whose second fails", "POST /batch", operations({"model": "Person", "method": "create", "body": {"name": "x"}}, {"model": "Person", "method": "create", "body": {"name": ""}}),
     422, "ValidationError", "/operations/1/body/name", "name: This field cannot be blank."),
    ("a batch whose last breaks a constraint", "POST /batch", operations({"model": "Person", "method": "create", "body": {"name": "x"}}, {"model": "Book", "method": "update", "body": {"filter": {"id": 1}, "set": {"author": 999}}}),
     409, "IntegrityError", "/operations/1/body/set/author", "Person instance with this id does not exist."),
    ("a batch with two of the same name", "POST /batch", operations({"model": "Person", "method": "create", "body": {"name": "x"}, "as": "a"}, {"model": "Person", "method": "create", "body": {"name": "x"}, "as": "a"}),
     400, "ValueError", "/operations/1/as", "Operation 0 is called \"a\" already."),
    ("a batch with an unknown member", "POST /batch", operations({"model": "Person", "method": "create", "body": {"name": "x"}}, atomc=True),
     400, "BadRequest", "/atomc", "\"atomc\" is not a member of a batch"),
    ("a batch with an unknown member of an operation", "POST /batch", operations({"model": "Person", "methd": "create", "body": {"name": "x"}}),
     400, "BadRequest", "/operations/0/methd", "\"methd\" is not a member of an operation"),
    ("a batch whose Ref has no such member", "POST /batch", operations({"model": "Person", "method": "create", "body": {"name": "x"}, "as": "p"}, {"model": "Book", "method": "create", "body": {"title": "x", "author": {"Ref": "p.key"}}}),
     400, "FieldError", "/operations/1/body/author/Ref", "The result of operation 0 (p) has no \"key\" there."),
    ("a lock outside of a batch", "POST person/query", {"select_for_update": True},
     400, "TransactionManagementError", "/select_for_update", "select_for_update cannot be used outside of a transaction. It belongs into an atomic batch."),
    ("a batch of an unknown isolation", "POST /batch", operations({"model": "Person", "method": "create", "body": {"name": "x"}}, isolation="perfect"),
     400, "ValueError", "/isolation", "\"perfect\" is none of its choices: read committed, repeatable read, serializable"),
]
FILES = [
    ("an Idempotency-Key that is too long", "POST country", {"code": "ZZ", "name": "x"},
     400, "BadRequest", None, "An Idempotency-Key is 1 to 255 printable ASCII characters without blanks; a random UUID for each new request is best.", {"Idempotency-Key": "k" * 300}),
    ("an Idempotency-Key with a blank", "POST country", {"code": "ZZ", "name": "x"},
     400, "BadRequest", None, "An Idempotency-Key is 1 to 255 printable ASCII characters without blanks; a random UUID for each new request is best.", {"Idempotency-Key": "a b"}),
    ("a file with an unknown column", "POST country/bulk_create", b"code,nam\nZZ,x\n",
     400, "FieldError", None, "Country has no field named 'nam'.", {"Content-Type": "text/csv"}),
    ("a file with a broken rule", "POST country/bulk_create", b"code,name\nZZ,x\nYYY,y\n",
     422, "ValidationError", "/1/code", "Line 3, code: Ensure this value has at most 2 characters (it has 3).", {"Content-Type": "text/csv"}),
    ("a file with a conflict", "POST country/bulk_create", b"code,name\nZZ,x\nDE,y\n",
     409, "IntegrityError", "/1/code", "Country with this Code already exists.", {"Content-Type": "text/csv"}),
    ("a file with a line too short", "POST country/bulk_create", b"code,name\nZZ\n",
     422, "ValidationError", "/0", "Line 2, __all__: The row has 1 fields where the header has 2.", {"Content-Type": "text/csv"}),
    ("a file with an open quote", "POST country/bulk_create", b"code,name\nZZ,\"x\n",
     400, "BadRequest", None, "The body is not CSV: line 3: the text ends inside quotes.", {"Content-Type": "text/csv"}),
    ("a file of lines, one of them no JSON", "POST country/bulk_create", b'{"code": "ZZ", "name": "x"}\n{"code"\n',
     400, "BadRequest", None, "Line 2, column 8: not JSON: the text ends too early", {"Content-Type": "application/x-ndjson"}),
    ("a file of lines, one of them with a broken rule", "POST country/bulk_create", b'{"code": "ZZ", "name": "x"}\n{"code": "YY"}\n',
     422, "ValidationError", "/1/name", "Line 2, name: This field cannot be blank.", {"Content-Type": "application/x-ndjson"}),
]


class BadWritesTest(ApiTest):
    models = ("press", "every_type", "deletion")
    seed = seeds.PRESS + seeds.DELETION

    def contents(self):
        """Every row of every table."""
        return self.sql(self.everything)

    def refused(self, cases):
        tables = [row[0] for row in self.sql("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")]
        self.everything = " UNION ALL ".join("SELECT '%s', json_agg(t ORDER BY t::text)::text FROM %s t" % (
            table.replace('"', ""), table) for table in tables)
        before = self.contents()
        for name, request, body, status, title, pointer, detail, *headers in cases:
            with self.subTest(case=name, request=request):
                method, address = request.split(" ", 1)
                address = address if address.startswith("/") else "/api/" + address
                response = self.api.request(method, address, body, *headers)
                self.assert_problem(response, status, title, pointer=pointer, detail=detail)
                self.assertEqual(before, self.contents(), "refused, and yet something is written")
                self.assertEqual(self.ok(self.api.get("/api/country/count")), {"count": 6})

    def test_names_are_unique(self):
        names = [case[0] for cases in TABLES for case in cases]
        self.assertEqual(len(names), len(set(names)))

    def test_every_violation_is_told(self):
        body = {"title": "", "author": None, "pages": -1, "price": "x", "published": "x"}
        problem = self.assert_problem(self.api.post("/api/book", body), 422, "ValidationError")
        self.assertEqual({name: found[0]["pointer"] for name, found in problem["errors"].items()}, {name: "/" + name for name in body})

    def test_requests(self):
        self.refused(REQUESTS)

    def test_fields(self):
        self.refused(FIELDS)

    def test_relations(self):
        self.refused(RELATIONS)

    def test_bulk_create(self):
        self.refused(BULK_CREATE)

    def test_update(self):
        self.refused(UPDATE)

    def test_bulk_update(self):
        self.refused(BULK_UPDATE)

    def test_finding(self):
        self.refused(FINDING)

    def test_delete(self):
        self.refused(DELETE)

    def test_managers(self):
        self.refused(MANAGERS)

    def test_batches(self):
        self.refused(BATCHES)

    def test_files(self):
        self.refused(FILES)

TABLES = (REQUESTS, FIELDS, RELATIONS, BULK_CREATE, UPDATE, BULK_UPDATE, FINDING, DELETE, MANAGERS, BATCHES, FILES)

if __name__ == "__main__":
    unittest.main()

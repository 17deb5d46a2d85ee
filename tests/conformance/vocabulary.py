"""The columns and relations of models.json that random queries are made of."""

COLUMNS = {
    "book": {
        "id": "key", "title": "text", "price": "decimal", "cost": "decimal", "pages": "integer", "rating": "float",
        "published": "date", "released": "moment", "opens": "time", "reading_time": "duration", "in_print": "boolean",
        "attributes": "json", "keywords": "texts", "scores": "integers", "ages": "range", "author_id": "link", "editor_id": "link",
        "publisher_id": "link",
    },
    "person": {"id": "key", "name": "text", "nickname": "text", "born": "date", "country_id": "code", "mentor_id": "link"},
    "country": {"code": "text", "name": "text", "people": "integer"},
    "profile": {"id": "key", "bio": "text", "karma": "integer", "settings": "json"},
    "publisher": {"id": "key", "name": "text", "slug": "text", "founded": "integer"},
    "cover": {"book_id": "link", "color": "text"},
    "tag": {"id": "key", "name": "text"},
    "tagging": {"id": "key", "weight": "integer", "added": "date"},
    "chapter": {"id": "key", "number": "integer", "title": "text", "words": "integer"},
    "review": {"id": "key", "stars": "integer", "text": "text", "written_at": "moment"},
}
# (name, model, whether there may be several, accessor for prefetches)
RELATIONS = {
    "book": [("author", "person", False, "author"), ("editor", "person", False, "editor"), ("publisher", "publisher", False, "publisher"),
             ("imprint", "publisher", False, "imprint"), ("prequel", "book", False, "prequel"), ("sequel", "book", False, "sequel"),
             ("cover", "cover", False, "cover"), ("review", "review", True, "reviews"), ("chapter", "chapter", True, "chapter_set"),
             ("translators", "person", True, "translators"), ("tags", "tag", True, "tags"), ("tagging", "tagging", True, "tagging_set")],
    "person": [("country", "country", False, "country"), ("mentor", "person", False, "mentor"), ("profile", "profile", False, "profile"),
               ("pupil", "person", True, "pupils"), ("friends", "person", True, "friends"), ("follows", "person", True, "follows"),
               ("followers", "person", True, "followers"), ("written", "book", True, "written"), ("edited", "book", True, "edited"),
               ("translations", "book", True, "translations"), ("review", "review", True, "review_set"), ("covers", "cover", True, "covers")],
    "country": [("person", "person", True, "person_set"), ("publisher", "publisher", True, "publisher_set")],
    "profile": [("person", "person", False, "person")],
    "publisher": [("country", "country", False, "country"), ("book", "book", True, "books"), ("imprinted", "book", True, "imprinted")],
    "cover": [("book", "book", False, "book"), ("artist", "person", False, "artist")],
    "tag": [("parent", "tag", False, "parent"), ("children", "tag", True, "children"), ("books", "book", True, "books"),
            ("tagging", "tagging", True, "tagging_set")],
    "tagging": [("book", "book", False, "book"), ("tag", "tag", False, "tag")],
    "chapter": [("book", "book", False, "book")],
    "review": [("book", "book", False, "book"), ("reviewer", "person", False, "reviewer")],
}
KEYS = {"country": "code", "cover": "book_id"}

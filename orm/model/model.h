/* The registry: every model with its fields, relations, constraints and indexes,
 * built once from declarations and frozen before the first request.
 *
 * Everything here is read-only after registry_freeze() and shared by all workers.
 * Names follow Django: a ForeignKey `role` has the attname and column `role_id`, the
 * reverse accessor `employee_set` and the reverse query name `employee`.
 */
#ifndef QUERN_MODEL_MODEL_H
#define QUERN_MODEL_MODEL_H

#include "orm/base/arena.h"
#include "orm/base/map.h"
#include "orm/base/value.h"

struct field_type; /* orm/model/field_types.h */
struct model;
struct field;

enum relation_kind { RELATION_FOREIGN_KEY, RELATION_ONE_TO_ONE, RELATION_MANY_TO_MANY };

enum on_delete {
	ON_DELETE_CASCADE,
	ON_DELETE_PROTECT,
	ON_DELETE_RESTRICT,
	ON_DELETE_SET_NULL,
	ON_DELETE_SET_DEFAULT,
	ON_DELETE_SET,
	ON_DELETE_DO_NOTHING,
};

/* A relation as its declaring field says it; walked forward from `from` to `to` or
 * backward from `to` to `from`. */
struct relation {
	enum relation_kind kind;
	const struct field *field; /* the declaring field */
	const struct model *from;  /* the model that declares it */
	const struct model *to;
	const struct field *target; /* the column on `to` that a foreign key holds (to_field, else pk) */
	enum on_delete on_delete;
	const struct value *set_value; /* with ON_DELETE_SET */
	bool db_constraint;
	/* Reverse side.  `accessor` names the related manager and the prefetch member
	 * (vote_set, related_name; lower-cased model name for a one-to-one), `query_name`
	 * the step in a path (vote).  Both p == NULL when related_name ends in "+". */
	struct str accessor;
	struct str query_name;
	const struct value *limit_choices_to; /* NULL when none */
	/* Many-to-many: the join model and its two foreign keys. */
	const struct model *through;
	const struct field *through_from; /* points at `from` */
	const struct field *through_to;   /* points at `to` */
	bool is_auto;                     /* the join model was made by us */
	bool is_symmetrical;              /* self-relation whose rows stand for both directions */
};

struct choice {
	struct value value;
	struct str label;
};

/* One validator of a field; the built-in ones of a type are not listed here. */
struct validator {
	struct str name;               /* "RegexValidator", "MinValueValidator", … */
	const struct value *arguments; /* as declared, an object or NULL */
	struct str message;            /* p == NULL: the validator's own */
	struct str code;
};

struct field {
	struct str name;    /* role */
	struct str attname; /* role_id; same as name where there is no relation */
	struct str column;  /* role_id or db_column; p == NULL for many-to-many */
	const struct field_type *type; /* of a generated field, the type of its output_field */
	/* The type a foreign key's column holds, following to_field to the end (for a
	 * many-to-many, what its join table holds for the other side); for any other field the
	 * field itself.  Values are parsed and printed by this one. */
	const struct field *value_field;
	const struct model *model;
	size_t index; /* in model->fields */
	const struct relation *relation; /* NULL for a scalar */

	/* A primary key is unique too.  is_indexed is what db_index says, also of a unique field. */
	bool is_null, is_blank, is_unique, is_primary_key, is_indexed, is_editable;
	bool auto_now, auto_now_add;
	bool is_generated; /* GeneratedField: never written */
	int64_t max_length; /* -1: none */
	int max_digits, decimal_places; /* -1: none */
	const struct value *default_value; /* NULL: none.  A literal, {"Now": []}, {"RandomUUID": []} … */
	const struct value *db_default;
	struct str db_collation, db_comment; /* p == NULL: none */
	/* The column's own type where the field type's is another ("mood", "timestamp without time
	 * zone"): Quern's own option, for databases that others made.  p == NULL: the field type's. */
	struct str db_type;
	const struct choice *choices;
	size_t nchoices;
	const struct validator *validators;
	size_t nvalidators;
	const struct value *error_messages; /* object: code -> text, or NULL */
	struct str help_text, verbose_name;
	struct str unique_for_date, unique_for_month, unique_for_year;
	const struct field *base_field;     /* ArrayField: a field without model, name and column */
	int64_t array_size;                 /* ArrayField: -1 none */
	const struct value *expression;     /* GeneratedField */
	const struct field *output_field;   /* GeneratedField */
	struct str protocol;                /* GenericIPAddressField: both, ipv4, ipv6 */
	const struct value *declaration;    /* as written, for messages and migrations */
};

/* What a name in a path can be, seen from a model. */
enum member_kind {
	MEMBER_FIELD,   /* a scalar field, or the key of a relation by its attname (role_id) */
	MEMBER_FORWARD, /* a relation declared here (foreign key, one-to-one, many-to-many) */
	MEMBER_REVERSE, /* a relation declared elsewhere that points here, by its query name */
};

struct model_member {
	struct str name;
	enum member_kind kind;
	const struct field *field;       /* the (declaring) field */
	const struct relation *relation; /* FORWARD and REVERSE */
};

enum constraint_kind { CONSTRAINT_UNIQUE, CONSTRAINT_CHECK, CONSTRAINT_EXCLUSION };

/* A constraint or index over fields and/or expressions. */
struct index_part {
	const struct field *field;        /* or NULL with: */
	const struct value *expression;   /* an expression of PROTOCOL section 5 */
	bool is_descending;
	struct str opclass;  /* p == NULL: default */
	struct str with_operator; /* exclusion constraints: "&&" … */
};

struct constraint {
	enum constraint_kind kind;
	struct str name;
	const struct index_part *parts;
	size_t nparts;
	const struct value *condition; /* unique, exclusion: partial; check: the check itself */
	const struct field *const *include;
	size_t ninclude;
	enum { CONSTRAINT_IMMEDIATE_ONLY, CONSTRAINT_DEFERRED, CONSTRAINT_DEFERRABLE_IMMEDIATE } deferrable;
	bool nulls_distinct;
	struct str index_type;         /* exclusion: "GIST" … */
	struct str violation_message;  /* p == NULL: none */
	struct str violation_code;
};

struct index {
	struct str name; /* given, or Django's generated one */
	struct str method; /* "btree", "gin", "gist", "brin", "hash", "spgist" */
	const struct index_part *parts;
	size_t nparts;
	const struct value *condition;
	const struct field *const *include;
	size_t ninclude;
	const struct value *options; /* fillfactor … : object or NULL */
	struct str db_tablespace;
};

struct model {
	struct str name;  /* Vote; "Administrator.servers" for an automatic join table */
	struct str path;  /* vote, or Meta.path; in addresses; administrator.servers */
	struct str table; /* vote, or Meta.db_table */
	struct str app_label; /* unused in names; "" */
	const struct registry *registry;
	size_t index; /* in registry->models */

	const struct field *const *fields; /* as declared; the automatic id first; many-to-many included */
	size_t nfields;
	const struct field *const *columns; /* the fields that have a column, in order */
	size_t ncolumns;
	const struct field *pk; /* NULL with a composite key */
	const struct field *const *pk_fields; /* one, or several with a composite key */
	size_t npk_fields;

	struct map members; /* name -> struct model_member: everything a path step may name, attnames included; not "pk" */
	const struct str *member_names; /* sorted, for suggestions */
	size_t nmember_names;
	const struct relation *const *reverse; /* every relation that points here, hidden ones included */
	size_t nreverse;

	/* Meta.ordering: "-created_at", or an object (section 3, order_by). */
	const struct value *ordering; /* list, or NULL */
	const struct value *get_latest_by; /* list of names, or NULL */
	const struct constraint *constraints;
	size_t nconstraints;
	const struct index *indexes;
	size_t nindexes;
	const struct field *const *const *unique_together; /* NULL-ended lists */
	size_t nunique_together;
	struct str order_with_respect_to;
	bool is_managed;
	bool is_auto; /* automatic join table */
	struct str verbose_name, db_table_comment;
	struct str notify_channel; /* where changes of its rows are told (NOTIFY); p == NULL: nowhere */
	const struct value *declaration;
	const struct value *meta; /* as written, its own or inherited; NULL: none */
};

struct registry {
	struct arena *arena;
	const struct model *const *models; /* in order of declaration, automatic join tables last */
	size_t nmodels;
	struct map by_name; /* Vote -> model, also lower-cased */
	struct map by_path; /* vote -> model */
	const struct str *paths; /* sorted, for suggestions */
	size_t npaths;
};

/* By declared name, letters of any case; NULL when there is none. */
const struct model *registry_model(const struct registry *registry, struct str name);
/* By the part of an address. */
const struct model *registry_path(const struct registry *registry, struct str path);
/* One step of a path; "pk" gives the primary key.  NULL when unknown. */
const struct model_member *model_member(const struct model *model, struct str name);
/* The forward or reverse relation that the accessor names (vote_set, servers, role), with
 * its direction; false when there is none. */
bool model_accessor(const struct model *model, struct str accessor,
                    const struct relation **relation, bool *is_reverse);
/* A field by name or attname; NULL when it is no field of this model. */
const struct field *model_field(const struct model *model, struct str name);
/* The model at the other end, and whether several rows can be there. */
const struct model *relation_end(const struct relation *relation, bool is_reverse);
bool relation_is_multiple(const struct relation *relation, bool is_reverse);

#endif

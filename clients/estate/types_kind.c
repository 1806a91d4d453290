/* What a field holds, in words. */
#include <inttypes.h>
#include <stdio.h>

#include "types.h"

static void
bounds(const struct field *f, const char *noun, char out[TYPES_KIND_SIZE])
{
	const char *space = f->unit != NULL ? " " : "", *unit = f->unit != NULL ? f->unit : "";

	if (f->max == INT64_MAX && f->min == INT64_MIN)
		snprintf(out, TYPES_KIND_SIZE, "%s%s%s", noun, space, unit);
	else if (f->max == INT64_MAX)
		snprintf(out, TYPES_KIND_SIZE, "%s %" PRId64 "..%s%s", noun, f->min, space, unit);
	else
		snprintf(out, TYPES_KIND_SIZE, "%s %" PRId64 "..%" PRId64 "%s%s", noun, f->min, f->max, space, unit);
}

const char *
types_kind(const struct field *f, char out[TYPES_KIND_SIZE])
{
	const char *name = field_kind_name(f->kind);

	switch (f->kind) {
	case FIELD_ENUM:
		snprintf(out, TYPES_KIND_SIZE, f->list->open ? "one of %s, or other" : "one of %s", f->list->name);
		break;
	case FIELD_INT:
	case FIELD_NUMBER:
	case FIELD_SEQ:
		bounds(f, name, out);
		break;
	case FIELD_TEXT:
	case FIELD_IDS:
	case FIELD_ITEMS:
	case FIELD_MAP:
		snprintf(out, TYPES_KIND_SIZE, "%s <= %" PRId64 " %s", name, f->max, f->unit);
		break;
	case FIELD_WHEN:
		snprintf(out, TYPES_KIND_SIZE, "date or instant");
		break;
	default:
		snprintf(out, TYPES_KIND_SIZE, "%s", name);
	}
	return (out);
}

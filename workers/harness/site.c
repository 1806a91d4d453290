#include "site.h"

#include <assert.h>
#include <string.h>

int
site_configure(struct calendar **calendar, struct roster **roster, const char *kind, const char *text, char *why, size_t why_size)
{
	if (strcmp(kind, "calendar") == 0) {
		struct calendar *fresh = text != NULL ? calendar_parse(text, why, why_size) : NULL;

		if (fresh == NULL && text != NULL)
			return (-1);
		calendar_free(*calendar);
		*calendar = fresh;
	} else {
		struct roster *fresh = text != NULL ? roster_parse(text, why, why_size) : NULL;

		assert(strcmp(kind, "roster") == 0);
		if (fresh == NULL && text != NULL)
			return (-1);
		roster_free(*roster);
		*roster = fresh;
	}
	return (0);
}

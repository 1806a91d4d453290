#include "language.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool
language_is_zh(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && *value != '\0')
			return (strncmp(value, "zh", 2) == 0);
	}
	return (false);
}

static const struct {
	const char *en, *zh;
} sentences[] = {
#define SENTENCE(en, zh) { en, zh },
#include "sentences.def"
#undef SENTENCE
};

const char *
phrase(const char *en)
{
	if (!language_is_zh())
		return (en);
	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++)
		if (strcmp(sentences[i].en, en) == 0)
			return (sentences[i].zh);
	return (en);
}

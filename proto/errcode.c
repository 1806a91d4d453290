/* The texts of errcode.def. */
#include "errcode.h"

#include <stddef.h>

static const struct row {
	int number;
	const char *wire;
	enum errcode_retry retry;
	const char *text;
} rows[] = {
#define CODE(number, name, wire, retry, text) { number, wire, RETRY_##retry, text },
#include "errcode.def"
#undef CODE
};
#define ROWS	(sizeof(rows) / sizeof(*rows))

static const struct row *
row_of(int number)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].number == number)
			return (&rows[i]);
	return (NULL);
}

const char *
errcode_name(int number)
{
	const struct row *r = row_of(number);

	return (r != NULL ? r->wire : "unknown-code");
}

const char *
errcode_text(int number)
{
	const struct row *r = row_of(number);

	return (r != NULL ? r->text : "a code that this release does not know");
}

/* A code from a newer daemon: never again by itself, so that nothing is sent in a loop. */
enum errcode_retry
errcode_retry(int number)
{
	const struct row *r = row_of(number);

	return (r != NULL ? r->retry : RETRY_NEVER);
}

const char *
errcode_retry_name(enum errcode_retry retry)
{
	switch (retry) {
	case RETRY_NEVER:
		return ("never");
	case RETRY_LATER:
		return ("later");
	case RETRY_SESSION:
		return ("session");
	}
	return ("never");
}

int
errcode_at(unsigned i)
{
	return (i < ROWS ? rows[i].number : 0);
}

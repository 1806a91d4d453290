/* Arguments that many verbs share: see arguments.h. */
#include "arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "wrap.h"

void
common_init(struct common *c)
{
	const char *endpoint = getenv("ESTATE_ENDPOINT");

	c->connect = endpoint != NULL && *endpoint != '\0' ? endpoint : ESTATE_ENDPOINT_DEFAULT;
	c->key_file = getenv("ESTATE_KEY_FILE");
	c->server_key = getenv("ESTATE_SERVER_KEY");
	c->json = false;
	c->timeout_ms = 30000;
	optind = 1;
}

int
usage_error(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "estate %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; estate %s --help shows examples\n", verb);
	return (2);
}

bool
argument_number(const char *verb, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || v < min || v > max) {
		usage_error(verb, "%s must be a whole number from %" PRIu64 " to %" PRIu64 ", not %s", option, min, max, text);
		return (false);
	}
	*value = v;
	return (true);
}

int
common_option(struct common *c, int option, const char *verb, const char *help)
{
	uint64_t seconds;

	switch (option) {
	case OPTION_CONNECT:
		c->connect = optarg;
		return (-1);
	case OPTION_KEY_FILE:
		c->key_file = optarg;
		return (-1);
	case OPTION_SERVER_KEY:
		c->server_key = optarg;
		return (-1);
	case OPTION_JSON:
		c->json = true;
		return (-1);
	case OPTION_TIMEOUT:
		if (!argument_number(verb, "--timeout", optarg, 1, 86400, &seconds))
			return (2);
		c->timeout_ms = (int)seconds * 1000;
		return (-1);
	case 'h':
		wrap_print(stdout, help);
		return (0);
	case '?':
		fprintf(stderr, "estate %s --help shows examples\n", verb);
		return (2);
	default:
		return (COMMON_OWN);
	}
}

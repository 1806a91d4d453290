/* Arguments that many verbs share: see arguments.h. */
#include "arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "language.h"
#include "nearest.h"
#include "verb_help.h"

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

/* In one write: what stands on a terminal beside other output stays whole. */
static void
vcomplain(const char *verb, const char *fmt, va_list ap, const char *tail)
{
	struct buffer b = { NULL, 0, 0 };
	char *sentence;

	if (vasprintf(&sentence, phrase(fmt), ap) < 0)
		sentence = NULL;
	buffer_printf(&b, "estate %s: %s%s", verb, sentence != NULL ? sentence : phrase(fmt), tail);
	fputs(b.data, stderr);
	free(sentence);
	buffer_free(&b);
}

void
complain(const char *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain(verb, fmt, ap, "\n");
	va_end(ap);
}

int
usage_error(const char *verb, const char *fmt, ...)
{
	char tail[128];
	va_list ap;

	snprintf(tail, sizeof(tail), phrase("; estate %s --help shows examples\n"), verb);
	va_start(ap, fmt);
	vcomplain(verb, fmt, ap, tail);
	va_end(ap);
	return (2);
}

/* The option that is nearest to what was written. */
static const char *
nearest_option(const char *word, const struct option *options)
{
	struct nearest n;

	nearest_begin(&n, word, strcspn(word, "="));
	for (; options->name != NULL; options++)
		nearest_offer(&n, options->name);
	return (n.best);
}

/* Does more than one option begin with that? */
static bool
is_ambiguous(const char *word, const struct option *options)
{
	unsigned count = 0;

	for (; options->name != NULL; options++)
		count += strncmp(options->name, word, strcspn(word, "=")) == 0;
	return (count > 1);
}

/* What next_option() was given last: what is wrong with it is said by who knows the verb. */
static struct {
	char **argv;
	const char *letters;
	const struct option *options;
} last;

int
next_option(int argc, char **argv, const char *letters, const struct option *options)
{
	last.argv = argv;
	last.letters = letters;
	last.options = options;
	opterr = 0;
	return (getopt_long(argc, argv, letters, options, NULL));
}

/* A word, or a letter of one. */
int
option_error(const char *verb)
{
	const char *word = last.argv[optind - 1], *at, *near;
	char letter[3] = { '-', (char)optopt, '\0' };

	if (strncmp(word, "--", 2) != 0) {
		at = optopt > 0 && optopt < 256 ? strchr(last.letters, optopt) : NULL;
		return (usage_error(verb, at != NULL && at[1] == ':' ? "%s needs a value behind it" : "there is no option %s", letter));
	}
	if (optopt != 0)
		return (usage_error(verb, strchr(word, '=') != NULL ? "%s takes no value" : "%s needs a value behind it", word));
	if (is_ambiguous(word + 2, last.options))
		return (usage_error(verb, "%s could be several options: write more of it", word));
	if ((near = nearest_option(word + 2, last.options)) != NULL)
		return (usage_error(verb, "there is no option %s; did you mean --%s?", word, near));
	return (usage_error(verb, "there is no option %s", word));
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
		help_print(help);
		return (0);
	case '?':
		return (option_error(verb));
	default:
		return (COMMON_OWN);
	}
}

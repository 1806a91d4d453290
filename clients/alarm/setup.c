/* What the file says: see alarm.h. */
#include "alarm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

#define FILE_BYTES_MAX	65536

static bool
read_text(const char *path, char text[FILE_BYTES_MAX], char *why, size_t why_len)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL) {
		snprintf(why, why_len, "cannot read %s: %s", path, strerror(errno));
		return (false);
	}
	n = fread(text, 1, FILE_BYTES_MAX - 1, f);
	text[n] = '\0';
	fclose(f);
	return (true);
}

static void
read_watch(struct setup *s)
{
	if (!conf_entry(s->conf, "watch", 0))
		return;
	s->endpoint = conf_text(s->conf, "endpoint", NULL);
	s->site = conf_text(s->conf, "site", "estated");
	s->language = conf_text(s->conf, "language", "zh");
	s->zh = strcmp(s->language, "zh") == 0;
	s->answer_ns = conf_span(s->conf, "answer_within");
	s->repeat_ns = conf_span(s->conf, "repeat");
}

static void
read_lists(struct setup *s)
{
	while (s->consumer_count < CONSUMERS_MAX && conf_entry(s->conf, "consumers", s->consumer_count)) {
		struct watched *w = &s->consumers[s->consumer_count++];

		w->name = conf_text(s->conf, "name", NULL);
		w->lag_ns = conf_span(s->conf, "lag");
	}
	while (s->gateway_count < GATEWAYS_MAX && conf_entry(s->conf, "gateways", s->gateway_count)) {
		struct gateway *g = &s->gateways[s->gateway_count++];

		g->url = conf_text(s->conf, "url", NULL);
		g->method = conf_text(s->conf, "method", "POST");
		g->type = conf_text(s->conf, "type", "application/json");
		g->body = conf_text(s->conf, "body", "");
		g->authorization = conf_text(s->conf, "authorization", "");
		g->within_ns = conf_span(s->conf, "within");
		g->tries = conf_int(s->conf, "tries", 1, 5);
	}
	while (s->phone_count < PHONES_MAX && conf_entry(s->conf, "phones", s->phone_count))
		s->phones[s->phone_count++] = conf_text(s->conf, "number", NULL);
}

static bool
templates_fine(const struct setup *s, char *why, size_t why_len)
{
	static const char *const types[] = { "application/json", "application/x-www-form-urlencoded", "text/plain" };

	for (unsigned i = 0; i < s->gateway_count; i++) {
		const struct gateway *g = &s->gateways[i];
		char *url = fill_in(g->url, "url", "", ""), *body = fill_in(g->body, g->type, "", "");
		bool known = false, fine = url != NULL && body != NULL;

		for (unsigned k = 0; k < sizeof(types) / sizeof(types[0]); k++)
			known |= strcmp(g->type, types[k]) == 0;
		free(url);
		free(body);
		if (!fine || !known || (strncmp(g->url, "http://", 7) != 0 && strncmp(g->url, "https://", 8) != 0)) {
			snprintf(why, why_len, "gateway %u: %s", i + 1, !fine ? "a template holds {{text}} and {{phone}}, and no other {{" :
			    !known ? "type is application/json, application/x-www-form-urlencoded or text/plain" :
			    "url begins with http:// or https://");
			return (false);
		}
	}
	return (true);
}

bool
setup_read(struct setup *s, const char *path, char *why, size_t why_len)
{
	static char text[FILE_BYTES_MAX];
	char reason[400];

	memset(s, 0, sizeof(*s));
	if (!read_text(path, text, why, why_len))
		return (false);
	if ((s->conf = conf_read(text, reason, sizeof(reason))) != NULL) {
		read_watch(s);
		read_lists(s);
		if (conf_fine(s->conf, reason, sizeof(reason)) && templates_fine(s, reason, sizeof(reason))) {
			if (s->endpoint == NULL || s->gateway_count == 0 || s->phone_count == 0)
				snprintf(reason, sizeof(reason), "one entry of watch, and at least one of gateways and of phones are needed");
			else if (!s->zh && strcmp(s->language, "en") != 0)
				snprintf(reason, sizeof(reason), "language: %.20s is none of zh, en", s->language);
			else
				return (true);
		}
	}
	snprintf(why, why_len, "%s: %s", path, reason);
	return (false);
}

void
setup_free(struct setup *s)
{
	if (s->conf != NULL)
		conf_free(s->conf);
}

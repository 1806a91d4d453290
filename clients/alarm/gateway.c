/* Telling a phone through an HTTP gateway: see alarm.h. */
#include "alarm.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "json.h"

static void
add_percent(struct buffer *b, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s != '\0'; s++)
		if (strchr(plain, *s) != NULL)
			buffer_add(b, s, 1);
		else
			buffer_printf(b, "%%%02X", (unsigned char)*s);
}

static void
add_escaped(struct buffer *b, const char *type, const char *s)
{
	struct buffer quoted = { NULL, 0, 0 };

	if (strcmp(type, "application/json") == 0) {
		json_write_text(&quoted, s, strlen(s));
		buffer_add(b, quoted.data + 1, quoted.len - 2);		/* the template has the quotes */
		buffer_free(&quoted);
	} else if (strcmp(type, "text/plain") == 0)
		buffer_text(b, s);
	else
		add_percent(b, s);
}

char *
fill_in(const char *template, const char *type, const char *text, const char *phone)
{
	struct buffer b = { NULL, 0, 0 };
	const char *from = template, *at;

	buffer_text(&b, "");
	while ((at = strstr(from, "{{")) != NULL) {
		buffer_add(&b, from, (size_t)(at - from));
		if (strncmp(at, "{{text}}", 8) == 0) {
			add_escaped(&b, type, text);
			from = at + 8;
		} else if (strncmp(at, "{{phone}}", 9) == 0) {
			add_escaped(&b, type, phone);
			from = at + 9;
		} else {
			buffer_free(&b);
			return (NULL);
		}
	}
	buffer_text(&b, from);
	return (b.data);
}

static size_t
discard(char *p, size_t size, size_t n, void *user)
{
	(void)p;
	(void)user;
	return (size * n);
}

/* One request; an empty string, or why it failed. */
static const char *
request(const struct gateway *g, const char *url, const char *body, char why[CURL_ERROR_SIZE])
{
	struct curl_slist *headers = NULL;
	struct buffer line = { NULL, 0, 0 };
	CURL *c = curl_easy_init();
	long status = 0;
	CURLcode rc;

	if (c == NULL)
		abort();
	why[0] = '\0';
	buffer_printf(&line, "Content-Type: %s; charset=utf-8", g->type);
	headers = curl_slist_append(headers, line.data);
	if (*g->authorization != '\0') {
		buffer_clear(&line);
		buffer_printf(&line, "Authorization: %s", g->authorization);
		headers = curl_slist_append(headers, line.data);
	}
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (strcmp(g->method, "GET") != 0)
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, g->method);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(g->within_ns / 1000000));
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, discard);
	if ((rc = curl_easy_perform(c)) != CURLE_OK) {
		if (why[0] == '\0')
			snprintf(why, CURL_ERROR_SIZE, "%s", curl_easy_strerror(rc));
	} else if (curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status / 100 != 2)
		snprintf(why, CURL_ERROR_SIZE, "it answered %ld", status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	buffer_free(&line);
	return (why);
}

/* By the first gateway that takes it.  The number is not said: logs have more readers than this file. */
static bool
tell_phone(const struct setup *s, unsigned phone, const char *text, bool dry_run)
{
	char why[CURL_ERROR_SIZE];
	bool told = dry_run;

	for (unsigned i = 0; i < s->gateway_count && !told; i++) {
		const struct gateway *g = &s->gateways[i];
		char *url = fill_in(g->url, "url", text, s->phones[phone]), *body = fill_in(g->body, g->type, text, s->phones[phone]);

		for (int64_t n = 0; n < g->tries && !told; n++)
			if (*request(g, url, body, why) == '\0')
				told = true;
			else
				fprintf(stderr, "estate-alarm: phone %u, gateway %u: %s\n", phone + 1, i + 1, why);
		free(url);
		free(body);
	}
	return (told);
}

unsigned
gateway_tell(const struct setup *s, const char *text, bool dry_run)
{
	unsigned told = 0;

	printf("%s\n", text);
	for (unsigned i = 0; i < s->phone_count; i++)
		told += tell_phone(s, i, text, dry_run);
	return (told);
}

#include "contacts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "conf.h"

#define FILE_BYTES_MAX	(1u << 20)

struct contacts {
	struct contact *list;
	unsigned count;
};

bool
contact_phone(const char *s, size_t len, char out[24])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '+' ? n > 0 : strchr(" -.()", s[i]) == NULL && (s[i] < '0' || s[i] > '9'))
			return (false);
		if (s[i] == '\0' || n >= 17)
			return (false);
		if (s[i] == '+' || (s[i] >= '0' && s[i] <= '9'))
			out[n++] = s[i];
	}
	out[n] = '\0';
	n -= n > 0 && out[0] == '+';
	return (n >= 5 && n <= 15);
}

bool
contact_email(const char *s, size_t len, char out[255])
{
	const char *at = memchr(s, '@', len);

	if (len > 254 || at == NULL || at == s || at + 1 == s + len || memchr(at + 1, '@', (size_t)(s + len - at - 1)) != NULL)
		return (false);
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("<>()[]\\,;:\"", s[i]) != NULL)
			return (false);
	memcpy(out, s, len);
	out[len] = '\0';
	return (true);
}

static bool
read_list(struct contacts *all, struct conf *c, char *why, size_t size)
{
	for (; conf_entry(c, "contacts", all->count); all->count++) {
		struct contact *k;
		const char *phone, *email;

		all->list = alloc_or_exit(all->list, (all->count + 1) * sizeof(*all->list));
		k = memset(&all->list[all->count], 0, sizeof(*k));
		snprintf(k->id, sizeof(k->id), "%s", conf_id(c, "id", 64));
		phone = conf_text(c, "phone", "");
		email = conf_text(c, "email", "");
		k->english = strcmp(conf_text(c, "language", "zh"), "en") == 0;
		if ((*phone != '\0' && !contact_phone(phone, strlen(phone), k->phone)) || (*email != '\0' && !contact_email(email, strlen(email), k->email)))
			return (snprintf(why, size, "contact %s: its %s is none", k->id, k->email[0] == '\0' && *email != '\0' ? "email" : "phone"), false);
	}
	return (conf_fine(c, why, size));
}

struct contacts *
contacts_read(const char *path, char *why, size_t size)
{
	struct contacts *all = memset(alloc_or_exit(NULL, sizeof(*all)), 0, sizeof(*all));
	FILE *f = fopen(path, "re");
	char *text, reason[500] = "too large";
	struct conf *c = NULL;
	size_t n;

	if (f == NULL && errno == ENOENT)
		return (all);
	if (f == NULL) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		free(all);
		return (NULL);
	}
	text = alloc_or_exit(NULL, FILE_BYTES_MAX);
	n = fread(text, 1, FILE_BYTES_MAX, f);
	fclose(f);
	if (n < FILE_BYTES_MAX) {
		text[n] = '\0';
		if ((c = conf_read(text, reason, sizeof(reason))) != NULL && read_list(all, c, reason, sizeof(reason))) {
			conf_free(c);
			free(text);
			return (all);
		}
	}
	conf_free(c);
	free(text);
	contacts_free(all);
	snprintf(why, size, "%s: %s", path, reason);
	return (NULL);
}

void
contacts_free(struct contacts *all)
{
	if (all == NULL)
		return;
	free(all->list);
	free(all);
}

const struct contact *
contacts_find(const struct contacts *all, const char *id)
{
	for (unsigned i = 0; i < all->count; i++)
		if (strcmp(all->list[i].id, id) == 0)
			return (&all->list[i]);
	return (NULL);
}

/* From a request and an address to what leaves. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "sender.h"

#define SMS_SEGMENTS_MAX	10u
#define MAIL_BYTES_MAX		32768u	/* in base64 it goes through the pipe of a mailer at once */

void
letter_free(struct letter *l)
{
	buffer_free(&l->headline);
	buffer_free(&l->text);
}

bool
letter_addressed(const struct letter *l, char *why, size_t size)
{
	enum medium m = l->channel->medium;

	if (((m == MEDIUM_SMS || m == MEDIUM_CALL_LIST) && l->phone[0] == '\0') || (m == MEDIUM_EMAIL && l->email[0] == '\0'))
		return (snprintf(why, size, "no address: %s has no %s that is one", l->to, m == MEDIUM_EMAIL ? "email" : "phone"), false);
	return (true);
}

bool
letter_render(struct letter *l, const struct templates *all, const struct settings *s, struct mp params, char *why, size_t size)
{
	const struct template *t = templates_find(all, l->template);
	const struct filling f = { params, l->to, l->subject, s->sign };
	bool sms = l->channel->medium == MEDIUM_SMS;

	if (t == NULL)
		return (snprintf(why, size, "there is no template %s", l->template), false);
	if (l->channel->group && !template_public(t))
		return (snprintf(why, size, "template %s is not for groups", l->template), false);
	if (sms && s->sign[0] != '\0')
		buffer_printf(&l->text, "【%s】", s->sign);
	if (!template_fill(t, sms ? PART_SMS : PART_TEXT, l->english, &f, &l->text, why, size) ||
	    !template_fill(t, PART_SUBJECT, l->english, &f, &l->headline, why, size))
		return (false);
	if (sms)
		l->segments = segment_count(l->text.data, l->text.len);
	if (l->segments.count > SMS_SEGMENTS_MAX)
		return (snprintf(why, size, "too long: %u segments, at most %u", l->segments.count, SMS_SEGMENTS_MAX), false);
	if (l->channel->medium == MEDIUM_EMAIL && l->text.len > MAIL_BYTES_MAX)
		return (snprintf(why, size, "too long: %zu bytes, at most %u", l->text.len, MAIL_BYTES_MAX), false);
	return (true);
}

/* The sign once, then each text with its number; a mail has the headlines, too. */
static void
join(struct letter **all, unsigned n, const struct settings *s, struct buffer *headline, struct buffer *text)
{
	bool sms = all[0]->channel->medium == MEDIUM_SMS;
	size_t sign = sms && s->sign[0] != '\0' ? strlen(s->sign) + strlen("【】") : 0;

	buffer_clear(headline);
	buffer_clear(text);
	buffer_printf(headline, all[0]->english ? "%s: %u notices" : "%s：%u 条通知", s->sign, n);
	buffer_add(text, all[0]->text.data, sign);
	for (unsigned i = 0; i < n; i++) {
		buffer_printf(text, "%s%u. ", i == 0 ? "" : sms ? "\n" : "\n\n", i + 1);
		if (!sms)
			buffer_printf(text, "%s\n", all[i]->headline.data);
		buffer_text(text, all[i]->text.data + sign);
	}
}

unsigned
letter_join(struct letter **all, unsigned count, const struct settings *s)
{
	struct buffer headline = { NULL, 0, 0 }, text = { NULL, 0, 0 };
	struct segments segments = { .count = 0 };
	unsigned n;

	for (n = count; n > 1; n--) {
		join(all, n, s, &headline, &text);
		if (all[0]->channel->medium == MEDIUM_SMS)
			segments = segment_count(text.data, text.len);
		if (segments.count <= SMS_SEGMENTS_MAX && text.len <= MAIL_BYTES_MAX)
			break;
	}
	if (n > 1) {
		letter_free(all[0]);
		all[0]->headline = headline;
		all[0]->text = text;
		all[0]->segments = segments;
	} else {
		buffer_free(&headline);
		buffer_free(&text);
	}
	return (n);
}

bool
secrets_read(struct secrets *k, const char *path, char *why, size_t size)
{
	char text[8192], reason[400];
	FILE *f;
	struct conf *c;
	size_t n;
	bool fine;

	memset(k, 0, sizeof(*k));
	if (*path == '\0')
		return (true);
	if ((f = fopen(path, "re")) == NULL)
		return (snprintf(why, size, "%s: %s", path, strerror(errno)), false);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	if ((c = conf_read(text, reason, sizeof(reason))) == NULL)
		return (snprintf(why, size, "%s: %s", path, reason), false);
	snprintf(k->user, sizeof(k->user), "%s", conf_text(c, "user", ""));
	snprintf(k->password, sizeof(k->password), "%s", conf_text(c, "password", ""));
	snprintf(k->token, sizeof(k->token), "%s", conf_text(c, "token", ""));
	snprintf(k->secret, sizeof(k->secret), "%s", conf_text(c, "secret", ""));
	snprintf(k->url, sizeof(k->url), "%s", conf_text(c, "url", ""));
	fine = conf_fine(c, reason, sizeof(reason));
	conf_free(c);
	/* What would end a header has no place in one. */
	if (fine && (strpbrk(k->token, "\r\n") != NULL || strpbrk(k->url, "\r\n ") != NULL)) {
		snprintf(reason, sizeof(reason), "token and url are one line");
		fine = false;
	}
	if (!fine)
		snprintf(why, size, "%s: %s", path, reason);
	return (fine);
}

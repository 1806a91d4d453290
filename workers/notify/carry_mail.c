/* A mail server: RFC 5321 by libcurl; the letter itself is ours. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sender.h"

#define LINE_BYTES	57u		/* 76 characters of base64 */

static void
add_base64(struct buffer *b, const char *s, size_t len, const char *end)
{
	char line[2 * LINE_BYTES];

	for (size_t at = 0; at < len; at += LINE_BYTES) {
		size_t n = len - at < LINE_BYTES ? len - at : LINE_BYTES;

		sodium_bin2base64(line, sizeof(line), (const unsigned char *)s + at, n, sodium_base64_VARIANT_ORIGINAL);
		buffer_printf(b, "%s%s", line, end);
	}
}

/* RFC 2047, whatever is in it: no character of a headline ends a header.  A word has 75 characters at most, whole characters in each. */
static void
add_headline(struct buffer *b, const char *s)
{
	size_t len = strlen(s);
	const char *between = "";

	while (len > 0) {
		size_t n = len < 42 ? len : 42;

		while (n > 0 && n < len && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
		if (n == 0)
			n = len < 42 ? len : 42;
		buffer_printf(b, "%s=?UTF-8?B?", between);
		add_base64(b, s, n, "");
		buffer_text(b, "?=");
		between = "\r\n ";
		s += n;
		len -= n;
	}
}

static void
add_letter(struct buffer *b, const struct letter *l)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm t;

	gmtime_r(&now, &t);
	buffer_printf(b, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
	buffer_printf(b, "From: <%s>\r\nTo: <%s>\r\n", l->channel->from, l->email);
	/* The same key, the same letter: whoever gets it twice can tell. */
	buffer_printf(b, "Message-ID: <%s@estated>\r\nAuto-Submitted: auto-generated\r\n", l->key);
	buffer_text(b, "Subject: ");
	add_headline(b, l->headline.data);
	if (l->urgency != ROUTINE)
		buffer_text(b, "\r\nImportance: high");
	buffer_text(b, "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	add_base64(b, l->text.data, l->text.len, "\r\n");
}

static size_t
on_read(char *out, size_t size, size_t n, void *user)
{
	struct parcel *p = user;
	size_t room = size * n, left = p->body.len - p->read;

	if (left == 0)
		p->all_read = true;
	if (room > left)
		room = left;
	memcpy(out, p->body.data + p->read, room);
	p->read += room;
	return (room);
}

void
carry_mail_prepare(struct parcel *p)
{
	const struct letter *l = p->letter;
	const struct channel *c = l->channel;
	char from[300], to[300];

	add_letter(&p->body, l);
	snprintf(from, sizeof(from), "<%s>", c->from);
	snprintf(to, sizeof(to), "<%s>", l->email);
	p->to = curl_slist_append(NULL, to);
	buffer_text(&p->url, c->url);
	curl_easy_setopt(p->easy, CURLOPT_URL, p->url.data);
	curl_easy_setopt(p->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(p->easy, CURLOPT_USE_SSL, c->tls ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
	if (l->secrets->user[0] != '\0') {
		curl_easy_setopt(p->easy, CURLOPT_USERNAME, l->secrets->user);
		curl_easy_setopt(p->easy, CURLOPT_PASSWORD, l->secrets->password);
	}
	curl_easy_setopt(p->easy, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(p->easy, CURLOPT_MAIL_RCPT, p->to);
	curl_easy_setopt(p->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(p->easy, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(p->easy, CURLOPT_READDATA, p);
}

void
carry_mail_result(const struct parcel *p, CURLcode rc, struct result *r)
{
	long status = 0;

	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	snprintf(r->reason, sizeof(r->reason), "%s%s (last answer %ld)", p->all_read && status < 400 ? REASON_UNKNOWN ": " : "", curl_easy_strerror(rc), status);
	if (rc == CURLE_OK) {
		r->how = HOW_LEFT;
		r->reason[0] = '\0';
	} else if (rc == CURLE_LOGIN_DENIED || status / 100 == 4)
		r->how = HOW_TEMPORARY;
	else if (status / 100 == 5)
		r->how = HOW_PERMANENT;
	else
		/* Before the dot that ends it a server has taken nothing. */
		r->how = p->all_read ? HOW_UNKNOWN : HOW_TEMPORARY;
}

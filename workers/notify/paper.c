/*
 * Call lists and letters: a page of HTML each, for people to print, call and tick off.  The name of the file is the message's idempotency
 * key, so a repeat replaces it; its number is that of the notification.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sender.h"
#include "sitetime.h"

static void
add_html(struct buffer *b, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '<')
			buffer_text(b, "&lt;");
		else if (*s == '>')
			buffer_text(b, "&gt;");
		else if (*s == '&')
			buffer_text(b, "&amp;");
		else if (*s == '"')
			buffer_text(b, "&quot;");
		else if (*s == '\n')
			buffer_text(b, "<br>\n");
		else
			buffer_add(b, s, 1);
}

static void
add_page(struct buffer *b, const struct letter *l)
{
	bool call = l->channel->medium == MEDIUM_CALL_LIST;
	char when[SITETIME_TEXT];

	sitetime_local(sitetime_now(), 0, when);
	buffer_printf(b, "<!DOCTYPE html>\n<html lang=\"%s\"><meta charset=\"utf-8\">\n<title>", l->english ? "en" : "zh");
	add_html(b, l->notification);
	buffer_text(b, "</title>\n<style>body{font:12pt/1.6 serif;max-width:17cm;margin:2cm auto}footer,header{font-size:9pt}.box{border:1px solid;padding:.4em;margin-top:2em}</style>\n<header>");
	buffer_printf(b, "%s ", l->english ? "No." : "编号");
	add_html(b, l->notification);
	buffer_printf(b, " · %s</header>\n<h1>", when);
	add_html(b, l->headline.data);
	buffer_printf(b, "</h1>\n<p>%s <b>", l->english ? "To" : "致");
	add_html(b, l->to);
	buffer_text(b, "</b>");
	if (call) {
		buffer_text(b, " ☎ ");
		add_html(b, l->phone);
	}
	buffer_text(b, "</p>\n<p>");
	add_html(b, l->text.data);
	buffer_printf(b, "</p>\n<div class=\"box\">%s</div>\n</html>\n", call ? (l->english ? "Reached ☐ &nbsp; not reached ☐ &nbsp; by ______ at ______" :
	    "已接通 ☐ &nbsp; 未接通 ☐ &nbsp; 经办人______ 时间______") : (l->english ?
	    "For the management ______<br>Received ______ &nbsp; served on ______ &nbsp; by ______" :
	    "负责人签字（盖章）______<br>签收______ &nbsp; 送达日期______ &nbsp; 送达人______"));
}

bool
paper_store(int folder, const char *name, const struct buffer *b)
{
	char aside[200];
	int fd;
	bool fine;

	snprintf(aside, sizeof(aside), ".%s.new", name);
	if ((fd = openat(folder, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)) < 0)
		return (false);
	fine = write(fd, b->data, b->len) == (ssize_t)b->len && fsync(fd) == 0;
	if (close(fd) != 0)
		fine = false;
	return (fine && renameat(folder, aside, folder, name) == 0 && fsync(folder) == 0);
}

/* So that a page that is shown years later is the one that was served: nobody can have written another under its number. */
static void
hash(const struct buffer *b, char out[PAGE_HASH_SIZE])
{
	unsigned char bytes[crypto_generichash_BYTES];

	crypto_generichash(bytes, sizeof(bytes), (const unsigned char *)b->data, b->len, NULL, 0);
	sodium_bin2hex(out, PAGE_HASH_SIZE, bytes, sizeof(bytes));
}

void
paper_write(const struct letter *l, struct result *r)
{
	struct buffer page = { NULL, 0, 0 };
	char name[ID_TEXT_SIZE + 24];
	int folder;

	/* The first page makes the folder; if it cannot, opening it says why. */
	(void)mkdir(l->channel->folder, 0750);
	folder = open(l->channel->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(name, sizeof(name), "%s.html", l->key);
	for (char *c = name; *c != '\0'; c++)
		if (*c == '/' || *c == ':')
			*c = '_';
	add_page(&page, l);
	if (folder >= 0 && paper_store(folder, name, &page)) {
		r->how = HOW_LEFT;
		snprintf(r->provider, sizeof(r->provider), "%.99s", name);
		hash(&page, r->page_hash);
	} else {
		r->how = HOW_TEMPORARY;
		snprintf(r->reason, sizeof(r->reason), "the page could not be written: %s", strerror(errno));
	}
	if (folder >= 0)
		close(folder);
	buffer_free(&page);
}

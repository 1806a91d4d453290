/* How a household wants to be told, and which event bears its address. */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "notification.h"
#include "yamltext.h"

bool
house_load(struct worker *w, const char *id, struct house *h)
{
	const void *v;
	size_t len;

	memset(h, 0, sizeof(*h));
	if (id[0] == '\0' || !worker_get(w, HOUSES, id, strlen(id), &v, &len) || len < sizeof(h->f) || len > sizeof(*h))
		return (false);
	memcpy(h, v, len);
	return (true);
}

static void
store(struct turn *t, struct text id, const struct house *h)
{
	worker_put(t->w, HOUSES, id.s, id.len, h, offsetof(struct house, opt_out) + strlen(h->opt_out) + 1);
}

static void
load(struct turn *t, struct text id, struct house *h)
{
	char name[ID_TEXT_SIZE];

	snprintf(name, sizeof(name), "%.*s", (int)id.len, id.s);
	house_load(t->w, name, h);
}

static uint64_t
party_of(struct text party)
{
	return (XXH64(party.s, party.len, 0) | 1);
}

/* Wishes and addresses were those of whoever has left. */
static void
changed_hands(struct house *h, uint64_t seq)
{
	memset(h, 0, sizeof(*h));
	h->f.changed = seq;
}

void
house_transferred(struct turn *t, const struct worker_event *v)
{
	struct house h;
	struct text x;

	if (v->e->subject.len == 0)
		return;
	load(t, v->e->subject, &h);
	/* Their entry may have come before. */
	if (event_text(v->e, "to", &x) && h.f.party == party_of(x))
		return;
	changed_hands(&h, v->seq);
	if (event_text(v->e, "to", &x))
		h.f.party = party_of(x);
	store(t, v->e->subject, &h);
}

void
house_registered(struct turn *t, const struct worker_event *v)
{
	struct house h;
	struct text x;

	if (v->e->subject.len == 0)
		return;
	load(t, v->e->subject, &h);
	/* An entry replaces the one before it; of another party it is another household. */
	if (event_text(v->e, "party", &x)) {
		if (h.f.party != 0 && h.f.party != party_of(x))
			changed_hands(&h, v->seq);
		h.f.party = party_of(x);
	}
	h.f.contact = v->seq;
	h.f.has_phone = event_text(v->e, "phone", &x);
	h.f.has_email = event_text(v->e, "email", &x);
	h.f.english = event_text(v->e, "language", &x) && mp_equal(x.s, x.len, "en");
	store(t, v->e->subject, &h);
}

static bool
span_of(struct text q, uint16_t *from, uint16_t *to)
{
	unsigned a, b;
	char text[12];

	if (q.len != 11 || q.s[5] != '-')
		return (false);
	snprintf(text, sizeof(text), "%.*s", (int)q.len, q.s);
	if (!yamltext_clock(text, &a) || !yamltext_clock(text + 6, &b))
		return (false);
	*from = (uint16_t)a;
	*to = (uint16_t)b;
	return (true);
}

void
house_contact_rule(struct turn *t, const struct worker_event *v)
{
	struct house h;
	struct mp m;
	struct text x;
	uint32_t n;
	size_t len = 0;

	if (v->e->subject.len == 0)
		return;
	load(t, v->e->subject, &h);
	/* It replaces what was said before. */
	h.opt_out[0] = '\0';
	h.f.quiet_set = event_text(v->e, "quiet", &x) && span_of(x, &h.f.quiet_from, &h.f.quiet_to);
	if (event_field(v->e, "opt_out", &m) && mp_array(&m, &n))
		for (; n > 0 && mp_str(&m, &x.s, &x.len); n--)
			if (len + x.len + 3 < sizeof(h.opt_out))
				len += (size_t)snprintf(h.opt_out + len, sizeof(h.opt_out) - len, "%s%.*s ", len == 0 ? " " : "", (int)x.len, x.s);
	store(t, v->e->subject, &h);
}

bool
house_refuses(const struct house *h, const char *word)
{
	char with[80];

	snprintf(with, sizeof(with), " %s ", word);
	return (word[0] != '\0' && strstr(h->opt_out, with) != NULL);
}

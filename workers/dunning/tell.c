/* What is concluded. */
#include "notices.h"

#include <stdio.h>
#include <string.h>

#define LISTED_BYTES	180u	/* of bills in a message: the rest is counted; not in a letter, which is evidence of what was demanded */

/* Within one call the instant makes a step the one it is: of one object no two of a kind come at once. */
static void
derive(struct turn *t, const char *type, const char *subject, const char *object)
{
	struct worker_identity i = { "F3", text_of(object), type, (uint64_t)t->now };

	worker_derive(t->w, type, text_of(subject), &i);
}

void
tell_arrears(struct turn *t, const char *type, const char *id, const struct bill *b, int64_t amount)
{
	derive(t, type, id, id);
	worker_field(t->w, "household", text_of(b->household));
	worker_field_int(t->w, "amount", amount);
	worker_emit(t->w);
}

void
tell_step(struct turn *t, const char *id, const struct bill *b, const struct step *s)
{
	derive(t, "dunning.due", id, id);
	worker_field(t->w, "household", text_of(b->household));
	worker_field_int(t->w, "step", s->day);
	worker_field(t->w, "channel", text_of(s->channel));
	worker_field_int(t->w, "amount", b->open);
	worker_emit(t->w);
}

void
tell_wish(struct turn *t, const char *id, const struct notice *n)
{
	derive(t, "contact.requested", n->household, id);
	worker_field(t->w, "for", text_of("dunning"));
	worker_field(t->w, "ref", text_of(id));
	worker_field_instant(t->w, "until", n->until);
	worker_emit(t->w);
}

void
tell_notice(struct turn *t, const char *id, const struct notice *n, const struct step *s, int64_t due, int64_t not_before, int64_t expires)
{
	char bills[NOTICE_BILLS_MAX * NAME_SIZE + 16] = "", date[16];
	size_t most = s->act == ACT_LETTER ? sizeof(bills) : LISTED_BYTES;
	unsigned i = 0;

	for (; i < n->count && strlen(bills) + strlen(n->bills[i]) + 1 < most; i++) {
		strcat(bills, i > 0 ? " " : "");
		strcat(bills, n->bills[i]);
	}
	if (i < n->count)
		snprintf(bills + strlen(bills), 16, " +%u", n->count - i);
	day_name(due, date);
	derive(t, "notification.requested", n->household, id);
	worker_urgency(t->w, "routine");
	worker_field(t->w, "notification", text_of(id));
	worker_field(t->w, "to", text_of(n->household));
	worker_field(t->w, "channel", text_of(s->channel));
	worker_field(t->w, "template", text_of(s->template));
	worker_field_map(t->w, "params", 4);
	worker_field(t->w, "household", text_of(n->household));
	worker_field(t->w, "bills", text_of(bills));
	worker_field_int(t->w, "amount", n->amount);
	worker_field(t->w, "due", text_of(date));
	worker_field_map_end(t->w);
	worker_field(t->w, "urgency", text_of("routine"));
	if (not_before != 0)
		worker_field_instant(t->w, "not_before", not_before);
	worker_field_instant(t->w, "expires", expires);
	worker_emit(t->w);
}

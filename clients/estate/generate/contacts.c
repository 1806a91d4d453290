#include <stdio.h>

#include "event.h"
#include "stories.h"
#include "words.h"

enum purpose { FOR_REPAIR, FOR_COMPLAINT, FOR_QUESTION, FOR_INFO, BY_MISTAKE, PURPOSES };

/* Of 1000 contacts by that way, how many are about what. */
static const uint16_t purposes[][PURPOSES] = {
	/*		   repair  complaint  question  info  mistake */
	[VIA_PHONE] =	{    240,        26,       40,  634,      60 },
	[VIA_VISIT] =	{    140,        45,       30,  785,       0 },
	[VIA_KIOSK] =	{     90,        10,        0,  900,       0 },
	[VIA_MAILBOX] =	{      0,       700,        0,  300,       0 },
	[VIA_WEB] =	{    200,        45,        0,  755,       0 },
	[VIA_WECHAT] =	{    230,        35,        0,  735,       0 },
	[VIA_APP] =	{    230,        30,        0,  740,       0 }
};

const char *
contact_source(char buffer[SOURCE_SIZE], const struct story *s)
{
	switch ((enum via)s->via) {
	case VIA_KIOSK:
		snprintf(buffer, SOURCE_SIZE, "/estate/kiosk/%u", s->kiosk);
		return (buffer);
	case VIA_WEB:
		return ("/estate/web");
	case VIA_WECHAT:
		return ("/estate/wechat");
	case VIA_APP:
		return ("/estate/app");
	case VIA_COMPANY:
		return ("/company/hotline");
	case VIA_PHONE:
	case VIA_VISIT:
	case VIA_MAILBOX:
	case VIA_CALLBACK:
		break;
	}
	return (FROM_DESK);		/* written down by a clerk */
}

int64_t
contact_known_at(const struct world *w, const struct story *s)
{
	return (s->via == VIA_KIOSK ? kiosk_online_at(w, s->kiosk, w->now) : w->now);
}

const char *
contact_served(struct world *w, struct story *s)
{
	switch ((enum purpose)rng_weighted(&w->rng, purposes[s->via], PURPOSES)) {
	case FOR_REPAIR:
		if (w->plan->in_home > 0)
			break;
		repair_requested(w, s);
		return ("case");
	case FOR_COMPLAINT:
		if (w->plan->complaints > 0)
			break;
		complaint_opened(w, s);
		return ("case");
	case FOR_QUESTION:
		help_requested(w, s);
		return ("case");
	case BY_MISTAKE:
		return ("wrong_number");
	case FOR_INFO:
	case PURPOSES:
		break;
	}
	return ("info");
}

/* Not by phone: there the exchange frames the contact, and it is received when the call ends. */
static void
contact_received(struct world *w, struct story *s)
{
	const char *outcome = contact_served(w, s);
	bool info = s->subject.letter == '\0';
	char source[SOURCE_SIZE], id[ID_SIZE];

	subject_id(id, s->subject);
	event_begin(w, "contact.received", contact_source(source, s), info ? NULL : id, s);
	data_text(w, "via", via_names[s->via]);
	data_household(w, s->household);
	data_text(w, "text", info ? words_pick(&w->rng, words_inquiries) : NULL);
	data_text(w, "outcome", outcome);
	event_end_late(w, contact_known_at(w, s));
}

void
contact_at_kiosk(struct world *w, struct story *s)
{
	if ((s->household = estate_resident(&w->estate, &w->rng)) == NOBODY)
		return;
	s->via = VIA_KIOSK;
	s->kiosk = kiosk_near(&w->estate, s->household);
	contact_received(w, s);
}

void
contact_at_desk(struct world *w, struct story *s)
{
	s->household = estate_resident(&w->estate, &w->rng);
	s->via = VIA_VISIT;
	contact_received(w, s);
}

void
contact_online(struct world *w, struct story *s)
{
	static const uint16_t weights[] = { 12, 60, 28 };

	s->household = estate_resident(&w->estate, &w->rng);
	s->via = (uint8_t)(VIA_WEB + rng_weighted(&w->rng, weights, 3));
	contact_received(w, s);
}

/* However they come when so many a month are asked for: mostly by phone. */
static void
some_way(struct world *w, struct story *s)
{
	static const uint16_t weights[] = { [VIA_PHONE] = 60, [VIA_VISIT] = 10, [VIA_KIOSK] = 10, [VIA_MAILBOX] = 0, [VIA_WEB] = 2, [VIA_WECHAT] = 12,
	    [VIA_APP] = 6 };

	s->household = estate_resident(&w->estate, &w->rng);
	s->via = (uint8_t)rng_weighted(&w->rng, weights, sizeof(weights) / sizeof(*weights));
	if (s->via == VIA_KIOSK)
		s->kiosk = kiosk_near(&w->estate, s->household == NOBODY ? 0 : s->household);
}

void
repair_at_home(struct world *w, struct story *s)
{
	some_way(w, s);
	if (s->household == NOBODY)
		return;
	do
		s->matter = words_trade(&w->rng);
	while (!((const struct trade *)s->matter)->in_home);
	repair_requested(w, s);
}

void
complaint_somehow(struct world *w, struct story *s)
{
	some_way(w, s);
	complaint_opened(w, s);
}

/* The box is emptied every working day; letters count from then. */
void
contact_in_mailbox(struct world *w, struct story *s)
{
	s->household = rng_chance(&w->rng, 700) ? estate_resident(&w->estate, &w->rng) : NOBODY;
	s->via = VIA_MAILBOX;
	contact_received(w, s);
}

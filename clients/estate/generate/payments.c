/* initiated -> posted or failed, with a receipt for some; a part now and the rest later; now and then twice, and taken back. */
#include <stdio.h>

#include "event.h"
#include "fees.h"

enum method { BY_WECHAT, BY_ALIPAY, BY_BANK, BY_POS, BY_CASH, BY_OTHER, METHODS };

static const char *const methods[METHODS] = { "wechat", "alipay", "bank", "pos", "cash", "other" };

static bool
is_mobile(const struct story *s)
{
	return (s->method == BY_WECHAT || s->method == BY_ALIPAY);
}

static void
payment_event(struct world *w, const char *type, const struct story *s)
{
	event_case(w, type, is_mobile(s) ? "/estate/pay" : FROM_FINANCE, s);
}

static void
payment_fields(struct world *w, const struct story *s)
{
	char bill[ID_SIZE];

	data_household(w, s->household);
	data_int(w, "amount", s->amount_fen);
	bill_id(bill, s);
	data_text(w, "bill", bill);
}

static void
payment_reversed(struct world *w, struct story *s)
{
	payment_event(w, "payment.reversed", s);
	data_text(w, "reason", "重复缴费,退回");
	event_end(w);
}

static void
receipt_event(struct world *w, const char *type, const struct story *s)
{
	char receipt[ID_SIZE], payment[ID_SIZE];

	snprintf(receipt, sizeof(receipt), "S-%08u", s->receipt);
	event_begin(w, type, FROM_FINANCE, receipt, s);
	data_text(w, "kind", s->flag ? "invoice" : "receipt");
	subject_id(payment, s->subject);
	data_text(w, "payment", payment);
	data_int(w, "amount", s->amount_fen);
	data_staff(w, "by", staff_on_duty(&w->estate, &w->rng, DUTY_FINANCE, w->now));
	event_end(w);
}

static void
receipt_voided(struct world *w, struct story *s)
{
	receipt_event(w, "receipt.voided", s);
}

/* Serial numbers have no gaps: they are given when the paper is printed. */
static void
receipt_issued(struct world *w, struct story *s)
{
	s->receipt = ++w->receipts;
	s->flag = rng_chance(&w->rng, 300);
	receipt_event(w, "receipt.issued", s);
	if (rng_chance(&w->rng, 8))
		world_in(w, 2 * MINUTE, 3 * HOUR, receipt_voided, s);
}

static void
payment_posted(struct world *w, struct story *s)
{
	payment_event(w, "payment.posted", s);
	payment_fields(w, s);
	data_text(w, "method", methods[s->method]);
	data_date(w, "received", w->now / DAY - (s->method == BY_BANK && rng_chance(&w->rng, 500)));	/* the bank's day */
	s->cause = event_end(w);

	if (s->flag && rng_chance(&w->rng, 850))		/* the second time: given back */
		world_at(w, world_office_hours(w, w->now + rng_between(&w->rng, 1 * DAY, 6 * DAY)), payment_reversed, s);
	if (!s->flag && rng_chance(&w->rng, is_mobile(s) ? 120 : 800))
		world_at(w, world_office_hours(w, w->now + rng_between(&w->rng, 1 * MINUTE, 30 * MINUTE)), receipt_issued, s);
	if (!s->flag && rng_chance(&w->rng, 5)) {
		struct story second = *s;

		second.flag = true;
		second.subject.letter = '\0';
		second.cause.number = 0;
		world_in(w, 30 * SECOND, 30 * HOUR, payment_made, &second);
	}
	if (s->rest_fen > 0) {
		struct story rest = *s;

		rest.amount_fen = s->rest_fen;
		rest.rest_fen = 0;
		rest.cause.number = 0;
		if (rng_chance(&w->rng, 700))
			world_in(w, 3 * DAY, 40 * DAY, payment_made, &rest);
	}
}

static void
payment_failed(struct world *w, struct story *s)
{
	payment_event(w, "payment.failed", s);
	payment_fields(w, s);
	event_end(w);
	world_in(w, 1 * MINUTE, 20 * HOUR, payment_made, s);
}

static void
payment_initiated(struct world *w, struct story *s)
{
	payment_event(w, "payment.initiated", s);
	payment_fields(w, s);
	data_instant(w, "expires", w->now + 15 * MINUTE);
	s->cause = event_end(w);
	if (rng_chance(&w->rng, 975))
		world_in(w, 6 * SECOND, 80 * SECOND, payment_posted, s);
	else
		world_in(w, 30 * SECOND, 15 * MINUTE, payment_failed, s);
}

/* A mobile payment goes through the provider, others are posted as they come. */
void
payment_made(struct world *w, struct story *s)
{
	static const uint16_t weights[METHODS] = { 520, 200, 120, 80, 50, 30 };

	s->method = (uint8_t)rng_weighted(&w->rng, weights, METHODS);
	if (!is_mobile(s) && w->now % DAY / HOUR < 8)		/* the counter is shut and the bank posts by day */
		s->method = BY_WECHAT;
	if (s->rest_fen == 0 && !s->flag && !s->round && rng_chance(&w->rng, 30)) {
		s->rest_fen = s->amount_fen * (int32_t)rng_between(&w->rng, 30, 70) / 100;
		s->amount_fen -= s->rest_fen;
		s->round = 1;		/* in two parts, not more */
	}
	s->subject = world_subject(w, 'P');
	if (is_mobile(s))
		payment_initiated(w, s);
	else
		payment_posted(w, s);
}

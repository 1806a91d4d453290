/* What notify can be asked: estate ask notify NAME. */
#include <string.h>

#include "errcode.h"
#include "notification.h"

static void
reply_row(struct worker *w, struct text id, const struct row *r)
{
	worker_reply(w, "notification", id);
	worker_reply(w, "fate", text_of(fate_names[r->f.fate]));
	worker_reply(w, "urgency", text_of(urgency_names[r->f.urgency]));
	worker_reply(w, "to", text_of(r->to));
	worker_reply(w, "subject", text_of(r->subject));
	worker_reply(w, "template", text_of(r->template));
	worker_reply(w, "channel", text_of(r->via[0] != '\0' ? r->via : r->wanted));
	worker_reply_int(w, "attempts", r->f.attempts);
	if (r->f.fate == WAITING)
		worker_reply_instant(w, "not_before", r->f.not_before);
	if (r->reason[0] != '\0')
		worker_reply(w, "reason", text_of(r->reason));
	worker_reply_int(w, "event", (int64_t)r->f.requested);
}

static int
ask_one(struct worker *w)
{
	struct text id;
	struct row r;

	if (!worker_asked_text(w, "id", ID_CHARS_MAX, &id))
		return (worker_refuse(w, E_ARGUMENT, "id", "which notification?  estate ask notify notification id=…"));
	if (!row_load(w, id, &r))
		return (worker_refuse(w, E_NOT_FOUND, "id", "there is none of that id, or it ended so long ago that it was forgotten; estate tail "
		    "--type 'notification.*' has what the log holds"));
	reply_row(w, id, &r);
	worker_reply_instant(w, "asked", r.f.asked_at);
	worker_reply_instant(w, "expires", r.f.expires);
	worker_reply(w, "owner", text_of(r.owner));
	if (r.lead[0] != '\0')
		worker_reply(w, "with", text_of(r.lead));
	if (r.f.attempted > 0) {
		worker_reply_int(w, "attempted_event", (int64_t)r.f.attempted);
		worker_reply_instant(w, "attempted", r.f.attempted_at);
	}
	if (r.f.outcome > 0)
		worker_reply_int(w, "outcome_event", (int64_t)r.f.outcome);
	return (0);
}

static int
ask_waiting(struct worker *w)
{
	struct worker_walk walk = { .key_len = 0 };
	struct text fate = { NULL, 0 }, prefix = { NULL, 0 };
	bool all = !worker_asked_text(w, "fate", 20, &fate);

	worker_asked_text(w, "prefix", ID_CHARS_MAX, &prefix);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, NOTES, prefix.s, prefix.len, &walk)) {
		struct text id = { (const char *)walk.key, (uint32_t)walk.key_len };
		struct row r;

		if (!row_load(w, id, &r) || (all ? r.f.fate > ATTEMPTING : !mp_equal(fate.s, fate.len, fate_names[r.f.fate])))
			continue;
		worker_reply_row(w);
		reply_row(w, id, &r);
	}
	return (0);
}

static int
ask_breakers(struct worker *w)
{
	const struct settings *s = *(struct settings **)worker_user(w);

	worker_reply_list(w, "rows");
	for (unsigned i = 0; s != NULL && i < s->channel_count; i++) {
		struct breaker b = breaker_load(w, s->channels[i].name);
		bool open = b.until > worker_now(w);

		worker_reply_row(w);
		worker_reply(w, "channel", text_of(s->channels[i].name));
		worker_reply(w, "breaker", text_of(open ? "open" : b.until > 0 ? "half-open" : "closed"));
		worker_reply_int(w, "failures", (int64_t)b.failures);
		if (open)
			worker_reply_instant(w, "until", b.until);
	}
	return (0);
}

const struct worker_query ask_queries[] = {
	{ "waiting", "fate prefix", "what was not sent yet and why, or with fate=sent, failed, … what ended so", ask_waiting },
	{ "notification", "id", "how it stands with one notification", ask_one },
	{ "breakers", NULL, "providers, and whether routine messages rest since they failed", ask_breakers },
	{ NULL, NULL, NULL, NULL },
};

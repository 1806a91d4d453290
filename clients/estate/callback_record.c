/* Recording what became of a callback: asked for first, put, and asked for again, so that who records it hears what it counts for. */
#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agenda.h"
#include "callback_verbs.h"
#include "command.h"
#include "json.h"
#include "language.h"
#include "nearest.h"
#include "paint.h"
#include "sitetime.h"
#include "worker.h"

#define SOURCE		"/estate/desk"
#define GIVEN_MAX	24u

enum { BY = OPTION_OWN, WHEN, ANYWAY, FLAG, FIELD };

/* An option and the field that it becomes; `flag` chooses another type instead. */
struct choice {
	const char *option, *field, *type;
};
static const struct deed {
	const char *name, *type;
	struct choice choices[12];
} deeds[] = {
	{ "done", "callback.done", { { "mode", "mode", NULL }, { "grade", "grade", NULL }, { "conforms", "conforms", NULL }, { "covers", "covers", NULL },
	    { "effect", "effect", NULL }, { "attitude", "attitude", NULL }, { "shortcomings", "shortcomings", NULL }, { "suggestions", "suggestions", NULL } } },
	{ "attempted", "callback.attempted", { { "result", "result", NULL } } },
	{ "extend", "callback.extended", { { "until", "until", NULL }, { "reason", "reason", NULL } } },
	{ "appoint", "appointment.requested", { { "at", "at", NULL }, { "agreed", NULL, "appointment.agreed" }, { "refused", NULL, "appointment.refused" },
	    { "no-show", NULL, "appointment.no_show" } } },
	{ "visit", "visit.started", { { "signed", NULL, "visit.signed" }, { "signer", "signer", NULL }, { "evidence", "evidence", NULL } } },
	{ "noted", NULL, { { "dept", "dept", "issue.opened" }, { "complaint", "category", "complaint.opened" }, { "severity", "severity", NULL }, { "text", "text", NULL } } },
};
#define DEEDS	(sizeof(deeds) / sizeof(*deeds))

struct record {
	struct common common;
	const struct deed *deed;
	const struct type *type;
	const char *callback, *by;
	struct {
		const struct choice *choice;
		const char *value;
	} given[GIVEN_MAX];
	unsigned count;
	int64_t when;
	bool anyway, zh;
	struct estate *e;
	struct answers before, after;	/* the callback */
	struct event is;		/* before, as an event's data */
	msgpack_sbuffer event;
	uint64_t stored;
	bool acked, refused;
	struct estate_fault fault;
};

bool
callback_is_deed(const char *name)
{
	for (size_t i = 0; i < DEEDS; i++)
		if (strcmp(deeds[i].name, name) == 0)
			return (true);
	return (false);
}

void
callback_offer_deeds(struct nearest *n)
{
	for (size_t i = 0; i < DEEDS; i++)
		nearest_offer(n, deeds[i].name);
}

int
callback_ask(const char *callback, uint64_t at_least, const struct common *c, struct estate *e, struct answers *a)
{
	struct question q = { .verb = "callback", .service = CALLBACK_SERVICE, .name = "callback", .at_least = at_least };

	question_text(&q, "callback", callback);
	return (question_ask(&q, c, e, a));
}

/* ---- Is it possible? ---- */

static struct event
as_event(const struct answers *a)
{
	return ((struct event){ .data = mp_over(a->bytes.data, a->bytes.len) });
}

static struct text
said(const struct event *e, const char *name)
{
	struct text t;

	return (event_text(e, name, &t) ? t : (struct text){ "", 0 });
}

static int
impossible(const struct record *r, const char *en, const char *zh, const char *detail)
{
	if (r->common.json) {
		struct buffer b = { NULL, 0, 0 };

		buffer_text(&b, "{\"refused\":");
		json_write_text(&b, en, strlen(en));
		buffer_text(&b, "}\n");
		fputs(b.data, stderr);
		buffer_free(&b);
	} else
		complain("callback", "%s: %s%s", r->callback, r->zh ? zh : en, detail);
	return (EXIT_PART);
}

/* What is over, or not yet open, takes a second thought: it may be the wrong one. */
static int
check_state(const struct record *r)
{
	struct text state = said(&r->is, "state"), who = said(&r->is, "done_by"), kind = said(&r->is, "kind");
	char detail[200] = "", at[SITETIME_TEXT];
	bool ended = false;
	int64_t opens;

	event_bool(&r->is, "ended", &ended);
	if (r->anyway || r->deed->type == NULL)
		return (0);
	if (strcmp(r->deed->name, "appoint") == 0 && mp_equal(kind.s, kind.len, "call"))
		return (impossible(r, "it is a call to be returned by telephone within minutes, not a visit: estate callback done or attempted records it, and a visit\n"
		    "  is appointed with the callback of the case that comes of it; --anyway records what was agreed for the case",
		    "这是须在数分钟内回拨的电话，不是上门：请用 estate callback done 或 attempted 记录，上门在由此产生的个案的回访中预约；确已约定请加 --anyway", ""));
	if (ended && mp_equal(state.s, state.len, "done")) {
		if (event_instant(&r->is, "done", &opens)) {
			sitetime_local(opens, 0, at);
			snprintf(detail, sizeof(detail), " (%.*s, %s)", (int)who.len, who.s, at);
		}
		return (impossible(r, "it is done already; a further result changes nothing, --anyway records it", "已完成；再次记录不改变结果，确需记录请加 --anyway", detail));
	}
	if (ended)
		return (impossible(r, "it is no longer owed; estate callback show tells why, --anyway records what happened all the same",
		    "已不再要求回访；estate callback show 说明原因，确需记录请加 --anyway", ""));
	if (strcmp(r->deed->name, "done") == 0 && event_instant(&r->is, "opens", &opens) && opens > r->when) {
		sitetime_local(opens, 0, at);
		snprintf(detail, sizeof(detail), " %s", at);
		return (impossible(r, "it is not open yet: before then nobody can say whether it lasts, and it would not count (C6); --anyway records it. It opens on",
		    "尚未到回访时间，提前回访不计入（C6）；确需记录请加 --anyway。可回访时间：", detail));
	}
	return (0);
}

/* ---- The event ---- */

static void
pack_text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

static void
pack_lent(msgpack_packer *p, struct text t)
{
	msgpack_pack_str_with_body(p, t.s, t.len);
}

static void
pack_instant(msgpack_packer *p, int64_t ns)
{
	msgpack_pack_timestamp(p, &(msgpack_timestamp){ ns / SECOND_NS, (uint32_t)(ns % SECOND_NS) });
}

static void
pack_ids(msgpack_packer *p, const char *list)
{
	uint32_t count = 1;

	for (const char *s = list; *s != '\0'; s++)
		count += *s == ',';
	msgpack_pack_array(p, count);
	for (size_t len; count > 0; count--, list += len + 1) {
		len = strcspn(list, ",");
		msgpack_pack_str_with_body(p, list, len);
	}
}

static int
no_time(const char *option, const char *value, const char *right)
{
	unsigned last = sitetime_last_day(value);

	if (last > 0)
		return (usage_error("callback", "--%s: there is no such day as %.10s: the last of that month is %.8s%u", option, value, value, last));
	return (usage_error("callback", "--%s: %s is no time; %s is", option, value, right));
}

/* 0, or an exit status after a sentence. */
static int
pack_value(msgpack_packer *p, const struct field *f, const char *option, const char *value)
{
	int64_t at;

	switch (f->kind) {
	case FIELD_INSTANT:
		if (!sitetime_parse(value, sitetime_now(), &at))
			return (no_time(option, value, "2026-11-27 or '2026-11-27 15:00'"));
		/* Until a day is until its end. */
		pack_instant(p, strcmp(f->name, "until") == 0 && strlen(value) == 10 ? at + 86400 * SECOND_NS : at);
		return (0);
	case FIELD_BOOL:
		if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
			return (usage_error("callback", "--%s: yes or no, not %s", option, value));
		if (value[0] == 'y')
			msgpack_pack_true(p);
		else
			msgpack_pack_false(p);
		return (0);
	case FIELD_IDS:
		pack_ids(p, value);
		return (0);
	default:
		pack_text(p, value);
		return (0);
	}
}

static bool
is_given(const struct record *r, const char *field)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->given[i].choice->field != NULL && strcmp(r->given[i].choice->field, field) == 0)
			return (true);
	return (false);
}

static bool
has_field(const struct record *r, const char *name)
{
	return (catalogue_field(r->type, name, strlen(name)) != NULL && !is_given(r, name));
}

/* What the callback itself tells. */
static uint32_t
pack_known(const struct record *r, msgpack_packer *p)
{
	static const char *const known[] = { "kind", "household", "mode" };
	struct event appointment = { .data = { NULL, NULL } };
	uint32_t count = 0;
	struct text t;
	int64_t at;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (has_field(r, known[i]) && !(i == 0 && strcmp(r->type->name, "callback.done") != 0) && (t = said(&r->is, known[i])).len > 0) {
			pack_text(p, known[i]);
			pack_lent(p, t);
			count++;
		}
	if (has_field(r, "callback")) {
		pack_text(p, "callback");
		pack_text(p, r->callback);
		count++;
	}
	if (has_field(r, "by")) {
		pack_text(p, "by");
		pack_text(p, r->by);
		count++;
	}
	if (strcmp(r->type->name, "complaint.opened") == 0) {
		pack_text(p, "via");
		pack_text(p, "callback");
		count++;
		if (has_field(r, "severity")) {
			pack_text(p, "severity");
			pack_text(p, "ordinary");
			count++;
		}
	}
	/* Agreed, refused and missed is what was proposed. */
	if (has_field(r, "at") && event_field(&r->is, "appointment", &appointment.data) && event_instant(&appointment, "at", &at)) {
		pack_text(p, "at");
		pack_instant(p, at);
		count++;
	}
	return (count);
}

static void
pack_subject(const struct record *r, msgpack_packer *p, const char *id)
{
	char fresh[32];

	/* A new issue or complaint has an id of its own. */
	snprintf(fresh, sizeof(fresh), "%c-%.12s", strcmp(r->type->name, "issue.opened") == 0 ? 'I' : 'C', id + 3);
	if (strcmp(r->deed->name, "noted") == 0)
		pack_text(p, fresh);
	else
		pack_lent(p, said(&r->is, "subject"));
}

/* 0, or an exit status after a sentence. */
static int
make_event(struct record *r)
{
	msgpack_sbuffer data;
	msgpack_packer p;
	struct data_fault f;
	struct event made;
	uint64_t random[2];
	char id[40];
	uint32_t count;
	int n = 0;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		complain("callback", "no random numbers: %s", phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	snprintf(id, sizeof(id), "cb-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	msgpack_sbuffer_init(&data);
	msgpack_packer_init(&p, &data, msgpack_sbuffer_write);
	count = pack_known(r, &p);
	for (unsigned i = 0; i < r->count && n == 0; i++) {
		const struct choice *c = r->given[i].choice;
		const struct field *field = c->field != NULL ? catalogue_field(r->type, c->field, strlen(c->field)) : NULL;

		if (c->field == NULL)
			continue;
		if (field == NULL)
			n = usage_error("callback", "--%s does not belong here: %s has no such field", c->option, r->type->name);
		else {
			pack_text(&p, field->name);
			n = pack_value(&p, field, c->option, r->given[i].value);
			count++;
		}
	}
	msgpack_sbuffer_init(&r->event);
	msgpack_packer_init(&p, &r->event, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 7);
	pack_text(&p, "specversion");
	pack_text(&p, "1.0");
	pack_text(&p, "id");
	pack_text(&p, id);
	pack_text(&p, "source");
	pack_text(&p, SOURCE);
	pack_text(&p, "type");
	pack_text(&p, r->type->name);
	pack_text(&p, "time");
	pack_instant(&p, r->when);
	pack_text(&p, "subject");
	pack_subject(r, &p, id);
	pack_text(&p, "data");
	msgpack_pack_map(&p, count);
	msgpack_sbuffer_write(&r->event, data.data != NULL ? data.data : "", data.size);
	msgpack_sbuffer_destroy(&data);
	if (n == 0 && event_decode(&made, r->event.data, r->event.size, &f) != 0)
		n = usage_error("callback", "%s: %s", strncmp(f.path, "data.", 5) == 0 ? f.path + 5 : f.path, f.detail);
	return (n);
}

/* ---- Putting it ---- */

static void
on_ack(void *user, const struct estate_ack *a)
{
	struct record *r = user;

	r->stored = a->seq;
	r->acked = true;
}

static void
on_nak(void *user, const struct estate_nak *n)
{
	struct record *r = user;

	r->fault = *n->fault;
	r->refused = true;
}

static int
put(struct record *r)
{
	int n;

	if ((n = estate_put(r->e, r->event.data, r->event.size, 0)) != 0)
		return (reach_refused("callback", &r->common, n, NULL));
	while (!r->acked && !r->refused && !reach_stop)
		if (estate_pump(r->e, 1000) < 0)
			break;
	if (r->refused)
		return (reach_refused("callback", &r->common, r->fault.code, &r->fault));
	if (!r->acked)
		complain("callback", "whether it was stored is not known: estate callback show %s tells", r->callback);
	return (r->acked ? 0 : EXIT_PART);
}

/* ---- What it counts for ---- */

/* Notes that say: a rule was broken, or it does not count. */
static bool
is_warning(struct text what, struct text detail)
{
	static const char *const words[] = { "own_case", "early", "unasked", "repeated", "earlier", "not_extended", "no_time", "hours", "apart" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (mp_equal(what.s, what.len, words[i]))
			return (true);
	return (mp_equal(what.s, what.len, "visit") && detail.len > 0);
}

static void
show_note(struct buffer *b, const struct record *r, struct text what, struct text detail)
{
	static const char *const words[][3] = {
		{ "own_case", "it does not count: nobody calls back about a case of his own (C4); somebody else has to", "不计入：不得回访本人经办的个案（C4），须由他人回访" },
		{ "early", "it does not count: it came before it could be verified (C6)", "不计入：尚不能验证（C6）" },
		{ "unasked", "it was no longer owed", "该回访已不再要求" },
		{ "repeated", "a further result: the first one counts", "重复记录：以第一次为准" },
		{ "earlier", "it does not count: it came before what it is about", "不计入：早于所回访的事项" },
		{ "not_extended", "the limit stays as it is (C6)", "期限不变（C6）" },
		{ "no_time", "no appointment: nobody can come at that hour (V4.time)", "未预约：该时间不可能上门（V4.time）" },
		{ "hours", "a breach: at that hour or on that day nobody is visited (V4.hours); the appointment stands until another is made",
		    "违规：该时段不得上门（V4.hours）；改约之前该预约仍有效" },
		{ "apart", "it changes nothing of this callback: it is no visit, not on the agenda, or nothing was agreed; a visit agreed to is noted for the case",
		    "本次回访不变（不是上门、不在日程中，或没有约定）；已同意的上门记在个案上" },
		{ "visit", "a breach: a visit without an agreed appointment (V4), recorded as such", "违规：未经预约同意上门（V4），已记录" },
	};

	buffer_printf(b, "  %s", paint(PAINT_RED));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (mp_equal(what.s, what.len, words[i][0])) {
			buffer_text(b, words[i][r->zh ? 2 : 1]);
			if (mp_equal(what.s, what.len, "not_extended")) {
				buffer_text(b, r->zh ? "：" : ": ");
				agenda_reason(b, detail, r->zh);
			}
			buffer_printf(b, "%s\n", paint(PAINT_OFF));
			return;
		}
	paint_clean(b, what.s, what.len, 0);
	buffer_text(b, ": ");
	paint_clean(b, detail.s, detail.len, 0);
	buffer_printf(b, "%s\n", paint(PAINT_OFF));
}

static void
write_note(struct buffer *b, bool first, struct text what, struct text detail)
{
	buffer_text(b, first ? "{\"what\":" : ",{\"what\":");
	json_write_text(b, what.s, what.len);
	buffer_text(b, ",\"detail\":");
	json_write_text(b, detail.s, detail.len);
	buffer_text(b, "}");
}

/* Every note about the event that was put; true if one of them is a warning. */
static bool
tell_notes(struct record *r, struct buffer *b)
{
	bool warned = false, first = true;
	struct event note;
	int64_t seq;

	while (answers_row(&r->after, "history", &note)) {
		struct text what = said(&note, "what"), detail = said(&note, "detail");

		if (!event_int(&note, "event", &seq) || (uint64_t)seq != r->stored)
			continue;
		if (r->common.json)
			write_note(b, first, what, detail);
		else if (is_warning(what, detail))
			show_note(b, r, what, detail);
		warned |= is_warning(what, detail);
		first = false;
	}
	return (warned);
}

/* An hour that was proposed makes a visit of it, one that was refused a telephone call: that is said, for nobody asked for it in so many words. */
static void
tell_mode(const struct record *r, const struct event *now, struct buffer *b)
{
	struct text before = said(&r->is, "mode"), mode = said(now, "mode");

	if (mode.len == 0 || (mode.len == before.len && memcmp(mode.s, before.s, mode.len) == 0))
		return;
	buffer_text(b, r->zh ? "，改为" : ", now by ");
	agenda_word(b, "mode", mode, r->zh);
}

static int
tell(struct record *r)
{
	struct buffer b = { NULL, 0, 0 };
	struct event now = as_event(&r->after);
	struct text state = said(&now, "state");
	bool warned;

	if (r->common.json) {
		buffer_printf(&b, "{\"seq\":%" PRIu64 ",\"callback\":", r->stored);
		json_write_text(&b, r->callback, strlen(r->callback));
		buffer_text(&b, ",\"state\":");
		json_write_text(&b, state.s, state.len);
		buffer_text(&b, ",\"notes\":[");
		warned = tell_notes(r, &b);
		buffer_text(&b, "]}\n");
	} else {
		buffer_printf(&b, r->zh ? "已记录，序号 %" PRIu64 "；%s：" : "recorded as event %" PRIu64 "; %s: ", r->stored, r->callback);
		callback_state(&b, state, r->zh);
		tell_mode(r, &now, &b);
		buffer_text(&b, "\n");
		warned = tell_notes(r, &b);
	}
	fwrite(b.data, 1, b.len, stdout);
	buffer_free(&b);
	return (warned ? EXIT_PART : 0);
}

static int
run(struct record *r)
{
	struct estate_options o = { .user = r, .on_ack = on_ack, .on_nak = on_nak };
	int n;

	if ((r->e = reach_open("callback", &r->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("callback", &r->common, r->e)) == 0 &&
	    (n = callback_ask(r->callback, estate_log(r->e)->last, &r->common, r->e, &r->before)) == 0) {
		r->is = as_event(&r->before);
		if ((n = check_state(r)) == 0 && (n = make_event(r)) == 0 && (n = put(r)) == 0 &&
		    (n = callback_ask(r->callback, r->stored, &r->common, r->e, &r->after)) == 0)
			n = tell(r);
	}
	estate_close(r->e);
	answers_free(&r->before);
	answers_free(&r->after);
	if (r->event.data != NULL)
		msgpack_sbuffer_destroy(&r->event);
	return (n);
}

/* ---- Options ---- */

/* Which type it becomes: one that an option chooses, or the deed's own. */
static int
settle_type(struct record *r)
{
	const char *name = r->deed->type, *option = NULL;

	for (unsigned i = 0; i < r->count; i++) {
		if (r->given[i].choice->type == NULL)
			continue;
		if (option != NULL)
			return (usage_error("callback", "--%s or --%s, not both", option, r->given[i].choice->option));
		option = r->given[i].choice->option;
		name = r->given[i].choice->type;
	}
	if (name == NULL)
		return (usage_error("callback", "what was noted? --dept engineering opens an issue, --complaint noise a complaint"));
	r->type = catalogue_find(name, strlen(name));
	return (0);
}

int
callback_record(int argc, char **argv)
{
	static const struct option common[] = { { "by", required_argument, NULL, BY }, { "when", required_argument, NULL, WHEN },
	    { "anyway", no_argument, NULL, ANYWAY }, COMMON_OPTIONS };
	struct option options[sizeof(common) / sizeof(*common) + 12];
	struct record r = { .zh = language_is_zh() };
	const char *when = NULL;
	unsigned own = 0;
	int c, n;

	for (size_t i = 0; i < DEEDS; i++)
		if (strcmp(deeds[i].name, argv[0]) == 0)
			r.deed = &deeds[i];
	for (; own < 12 && r.deed->choices[own].option != NULL; own++)
		options[own] = (struct option){ r.deed->choices[own].option, r.deed->choices[own].field != NULL ? required_argument : no_argument, NULL,
		    FIELD + (int)own };
	memcpy(options + own, common, sizeof(common));
	common_init(&r.common);
	optind = 0;
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if (c == 'h') {
			char *help[] = { argv[0], (char *)(uintptr_t)"--help", NULL };

			return (cmd_callback(2, help));
		}
		if ((n = common_option(&r.common, c, "callback", "")) == -1)
			continue;
		if (n != COMMON_OWN)
			return (n);
		if (c == BY)
			r.by = optarg;
		else if (c == WHEN)
			when = optarg;
		else if (c == ANYWAY)
			r.anyway = true;
		else if (r.count < GIVEN_MAX) {
			r.given[r.count].choice = &r.deed->choices[c - FIELD];
			r.given[r.count++].value = optarg;
		}
	}
	if (optind + 1 != argc)
		return (usage_error("callback", "which one? estate callback %s CALLBACK …; estate agenda names them", r.deed->name));
	r.callback = argv[optind];
	if (!id_valid(r.callback, strlen(r.callback)))
		return (usage_error("callback", "%s is no callback's id; C-17/1 is", r.callback));
	if (r.by == NULL || !id_valid(r.by, strlen(r.by)))
		return (usage_error("callback", r.by == NULL ? "who did it? --by STAFF" : "--by: that is no staff id"));
	if (!sitetime_init())
		return (EXIT_USAGE);
	r.when = sitetime_now();
	if (when != NULL && !sitetime_parse(when, r.when, &r.when))
		return (no_time("when", when, "'2026-11-27 15:00' or '10min ago'"));
	if (r.when > sitetime_now())
		return (usage_error("callback", "--when %s is still to come: what happened is recorded", when));
	if ((n = settle_type(&r)) != 0)
		return (n);
	paint_init(false);
	return (run(&r));
}

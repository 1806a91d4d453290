/* estate person: what the log holds about a household, and the end of it. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "buffer.h"
#include "command.h"
#include "event.h"
#include "json.h"
#include "language.h"
#include "paint.h"
#include "reach.h"
#include "retention.h"
#include "sitetime.h"
#include "view.h"

static const char help[] =
"Usage: estate person show [OPTION...] HOUSEHOLD\n"
"       estate person erase --reason TEXT --yes [OPTION...] HOUSEHOLD\n"
"show: every event that holds personal data of a household: its own, those that name it, and those of the cases and\n"
"calls that were ever linked with it. Who lacks the right to see personal data gets masks.\n"
"erase: destroy the keys this data is sealed with. Names, numbers, addresses and texts are then gone from the log, its\n"
"backups and archives; events, their numbers and all figures stay. There is no way back. The log keeps who did it and\n"
"why. Backups of the file DATA/vault still hold the keys: remove those made before, within 30 days at most. Refused, with\n"
"the clause and the day from which on it is possible, while a record must be kept by the rules of retention (early:\n"
"blocked) or is held.\n"
"\n"
"      --reason TEXT        why (erase)\n"
"      --yes                it shall be gone for good (erase)\n"
"      --bundles FOLDER     where the bundles of trimmed months are; needed once something was trimmed (erase)\n"
RETENTION_HELP
"      --no-color           no colour\n"
COMMON_HELP
"\n"
"Examples\n"
"  estate person show 3-2-1201\n"
"  estate person erase --reason 'asked by letter of 2026-11-20' --yes 3-2-1201\n"
"Exit status: 0 done, 1 nothing is known about it or refused, 2 wrong usage, 3 daemon not reached\n";

/* A list of ids that grows. */
struct ids {
	char **items;
	size_t count, room;
};

struct person {
	struct common common;
	struct view view;
	const char *household, *reason, *rules_file, *bundles;
	bool yes;
	struct ids subjects;		/* the household, and what was linked with it */
	size_t known;			/* of them when this pass began */
	bool telling;			/* the second pass */
	uint64_t shown, masked;
	struct buffer out;
	struct estate_fault fault;
	bool refused, done;
};

static bool
ids_hold(const struct ids *l, struct text t)
{
	for (size_t i = 0; i < l->count; i++)
		if (mp_equal(t.s, t.len, l->items[i]))
			return (true);
	return (false);
}

static void
ids_add(struct ids *l, struct text t)
{
	if (t.s == NULL || ids_hold(l, t))
		return;
	if (l->count == l->room) {
		l->room = l->room == 0 ? 16 : l->room * 2;
		l->items = alloc_or_exit(l->items, l->room * sizeof(*l->items));
	}
	l->items[l->count] = memcpy(alloc_or_exit(NULL, t.len + 1), t.s, t.len);
	l->items[l->count++][t.len] = '\0';
}

/* First pass: what is linked with the household.  Second pass: what is theirs. */
static void
on_event(void *user, const struct estate_event *v)
{
	struct person *p = user;
	struct event e;
	struct text household;
	bool named;

	if (!view_read(&e, v))
		return;
	household = event_named_household(&e);
	named = household.s != NULL && mp_equal(household.s, household.len, p->household);
	if (!p->telling) {
		if (named)
			ids_add(&p->subjects, e.subject);
		return;
	}
	/* Another household's own words stay its own, though they stand in a case that both share. */
	if (!event_holds_personal(&e) || !(household.s != NULL ? named : e.subject.s != NULL && ids_hold(&p->subjects, e.subject)))
		return;
	p->shown++;
	p->masked += (v->flags & EVENT_SEALED) != 0;
	view_event(&p->view, &p->out, v);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct person *p = user;

	(void)seq;
	(void)log_time;
	p->done |= end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct person *p = user;

	p->fault = *f;
	p->refused = p->done = true;
}

/* Read the whole log once. */
static int
pass(struct person *p, struct estate *e)
{
	struct estate_subscribe_options so = { .from = ESTATE_FROM_FIRST, .user = p, .on_event = on_event, .on_progress = on_progress,
	    .on_ended = on_ended };
	struct estate_subscription *s;
	int n;

	p->done = false;
	if ((n = estate_subscribe(e, &so, &s)) != 0)
		return (reach_refused("person", &p->common, n, NULL));
	while (!p->done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (p->refused)
		return (reach_refused("person", &p->common, p->fault.code, &p->fault));
	if (!p->done)
		return (EXIT_PART);
	estate_unsubscribe(s);
	return (0);
}

static int
show(struct person *p)
{
	struct estate_options o = { .user = p };
	struct estate *e;
	int n;

	ids_add(&p->subjects, (struct text){ p->household, (uint32_t)strlen(p->household) });
	if ((e = reach_open("person", &p->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("person", &p->common, e)) == 0 && (n = pass(p, e)) == 0) {
		p->telling = true;
		n = pass(p, e);
	}
	estate_close(e);
	if (n != 0)
		return (n);
	if (p->shown == 0) {
		fprintf(stderr, p->view.zh ? "estate person: 日志中没有 %s 的个人信息\n" : "estate person: the log holds no personal data of %s\n",
		    p->household);
		return (EXIT_PART);
	}
	fwrite(p->out.data, 1, p->out.len, stdout);
	if (!p->common.json)
		fprintf(stderr, p->view.zh ? "%s：%" PRIu64 " 个事件含个人信息，其中 %" PRIu64 " 个已遮蔽或已清除\n" :
		    "%s: %" PRIu64 " events hold personal data, %" PRIu64 " of them masked or erased\n", p->household, p->shown, p->masked);
	return (0);
}

static void
on_erased(void *user, const char *verb, struct mp body)
{
	const struct person *p = user;
	uint64_t keys = 0;
	uint32_t pairs, len;
	const char *key;

	(void)verb;
	if (mp_map(&body, &pairs))
		for (; pairs > 0 && mp_str(&body, &key, &len); pairs--)
			if (!mp_equal(key, len, "keys") || !mp_uint(&body, &keys))
				mp_skip(&body);
	if (p->common.json)
		printf("{\"household\":\"%s\",\"keys\":%" PRIu64 "}\n", p->household, keys);
	else
		printf(p->view.zh ? "%s：已销毁 %" PRIu64 " 个密钥，个人信息不可恢复；清除前的 vault 备份须在 30 天内删除\n" :
		    "%s: %" PRIu64 " keys destroyed, the personal data is gone; remove backups of the vault made before this, within 30 days\n",
		    p->household, keys);
}

/* What the rules of retention, or a hold, keep of it: refused with the reason.  0, or an exit status. */
static int
may_erase(struct person *p, struct estate *e)
{
	struct retention_rules rules;
	struct kept kept = { .subjects = NULL };
	const struct kept_subject *s;
	const struct kept_record *k;
	struct buffer why = { NULL, 0, 0 };
	int64_t until;
	int r;

	if ((r = retention_rules_load("person", p->rules_file, &rules)) != 0)
		return (r);
	if ((r = kept_read("person", &p->common, e, &rules, p->bundles, &kept)) == 0 &&
	    (s = kept_find(&kept, p->household, strlen(p->household))) != NULL && (k = kept_longest(&kept, s, true, &until)) != NULL && until > kept.now) {
		plan_show_reason(&rules, k, until, p->view.zh, &why);
		if (p->common.json) {
			struct buffer text = { NULL, 0, 0 };

			json_write_text(&text, why.data, why.len);
			fprintf(stderr, "{\"household\":\"%s\",\"name\":\"kept\",\"detail\":%s}\n", p->household, text.data);
			buffer_free(&text);
		} else
			fprintf(stderr, p->view.zh ? "estate person: %s 现在不得清除：%s\n" : "estate person: %s must not be erased now: %s\n", p->household, why.data);
		r = EXIT_PART;
	}
	kept_free(&kept);
	retention_rules_free(&rules);
	buffer_free(&why);
	return (r);
}

static int
erase(struct person *p)
{
	struct estate_options o = { .user = p };
	struct estate *e;
	struct ask a = { .verb = "person", .request = "person", .on_answer = on_erased, .user = p };
	msgpack_sbuffer b;
	msgpack_packer k;
	const char *pairs[][2] = { { "household", p->household }, { "do", "erase" }, { "reason", p->reason } };
	int r;

	if (p->reason == NULL)
		return (usage_error("person", "say why: --reason TEXT stays in the log"));
	if (!p->yes)
		return (usage_error("person", "there is no way back: say --yes if it shall be gone for good"));
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&k, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&k, 3);
	for (unsigned i = 0; i < 3; i++) {
		msgpack_pack_str_with_body(&k, pairs[i][0], strlen(pairs[i][0]));
		msgpack_pack_str_with_body(&k, pairs[i][1], strlen(pairs[i][1]));
	}
	a.argument = b.data;
	a.len = b.size;
	if ((e = reach_open("person", &p->common, &o)) == NULL)
		r = EXIT_USAGE;
	else {
		if ((r = reach_wait("person", &p->common, e)) == 0 && (r = may_erase(p, e)) == 0)
			r = ask_over(e, &p->common, &a);
		estate_close(e);
	}
	msgpack_sbuffer_destroy(&b);
	return (r);
}

int
cmd_person(int argc, char **argv)
{
	enum { REASON = OPTION_OWN, YES, RULES, BUNDLES, NO_COLOR };
	static const struct option options[] = {
		{ "reason", required_argument, NULL, REASON },
		{ "yes", no_argument, NULL, YES },
		{ "rules", required_argument, NULL, RULES },
		{ "bundles", required_argument, NULL, BUNDLES },
		{ "no-color", no_argument, NULL, NO_COLOR },
		COMMON_OPTIONS
	};
	struct person p = { .view = { .format = VIEW_SHORT } };
	bool no_color = false;
	int c, r;

	common_init(&p.common);
	while ((c = next_option(argc, argv, "h", options)) != -1) {
		if ((r = common_option(&p.common, c, "person", help)) == -1)
			continue;
		if (r != COMMON_OWN)
			return (r);
		if (c == REASON)
			p.reason = optarg;
		else if (c == YES)
			p.yes = true;
		else if (c == RULES)
			p.rules_file = optarg;
		else if (c == BUNDLES)
			p.bundles = optarg;
		else
			no_color = true;
	}
	if (optind + 2 != argc || (strcmp(argv[optind], "show") != 0 && strcmp(argv[optind], "erase") != 0))
		return (usage_error("person", "show or erase, then one household such as 3-2-1201"));
	p.household = argv[optind + 1];
	if (!id_valid(p.household, strlen(p.household)))
		return (usage_error("person", "\"%s\" is no household: 1 to 64 characters of A-Z a-z 0-9 . _ : / -", p.household));
	if (!sitetime_init())
		return (EXIT_USAGE);
	if (p.common.json)
		p.view.format = VIEW_JSON;
	paint_init(no_color);
	p.view.zh = language_is_zh();
	p.view.columns = paint_columns();
	r = strcmp(argv[optind], "show") == 0 ? show(&p) : erase(&p);
	for (size_t i = 0; i < p.subjects.count; i++)
		free(p.subjects.items[i]);
	free(p.subjects.items);
	buffer_free(&p.out);
	return (r);
}

/* Rules of estate-escalate: what is read, what is refused with which words, and what a trigger meets. */
#include "material.h"

#include "calendar.h"
#include "escalate.h"
#include "rule.h"

#define HEAD	"ladders:\n  l:\n    - { after: 0, role: cs_lead }\nrules:\n"
#define GOOD	"  - id: C1\n    on: complaint.opened anonymous!=true\n    until: case.replied\n    due: eod 1\n    role: clerk\n    ladder: l\n"

static void
refused(const char *text, const char *words)
{
	char why[400];
	struct rules *r = rules_read(text, why, sizeof(why));

	if (r != NULL)
		fail_msg("taken, though %s:\n%s", words, text);
	if (strstr(why, words) == NULL || strncmp(why, "line ", 5) != 0)
		fail_msg("%s\nis not\n%s", why, words);
}

static void
test_refused(void **state)
{
	(void)state;
	refused("rules: []\n", "there are no rules");
	refused("rulse:\n", "did you mean rules?");
	refused(HEAD GOOD "    lader: l\n", "line 11: there is no key of a rule lader; did you mean ladder?");
	refused(HEAD GOOD GOOD, "line 11: C1 is the id of two rules");
	refused(HEAD "  - id: C1\n    id: C2\n", "id is given twice");
	refused(HEAD "  - id: a b\n", "id is 1 to 24 characters");
	refused(HEAD "  - id: X/Y\n", "has no stroke");
	refused(HEAD "  - id: X\n    on: complaint.openned\n", "there is no type complaint.openned; did you mean complaint.opened?");
	refused(HEAD "  - id: X\n    on: obligation.breached\n", "would be a cycle");
	refused(HEAD "  - id: X\n    on: complaint.opened sevrity=major\n", "complaint.opened has no field sevrity; did you mean severity?");
	refused(HEAD "  - id: X\n    on: complaint.opened severity=mayor\n", "severity is never mayor; did you mean major?");
	refused(HEAD "  - id: X\n    on: complaint.opened anonymous=yes\n", "anonymous is true or false");
	refused(HEAD "  - id: X\n    on: complaint.opened text=x\n", "is personal");
	refused(HEAD "  - id: X\n    on: complaint.opened severity>major\n", "a condition is");
	refused(HEAD "  - id: X\n    on: complaint.opened severity=\n", "compared with nothing");
	refused(HEAD "  - id: X\n    on: call.abandoned wait_s>=five\n", "compared with a whole number");
	refused(HEAD "  - id: X\n    on: call.abandoned @wait_s\n", "is no id");
	refused(HEAD "  - id: X\n    on: []\n", "needs one of on");
	refused(HEAD "  - id: X\n    every: weak\n", "there is no period weak; did you mean week?");
	refused(HEAD "  - id: X\n    due: eof 1\n", "eod");
	refused(HEAD "  - id: X\n    due: eod 0\n", "from 1 to");
	refused(HEAD "  - id: X\n    due: eod 1 roll\n", "says nothing");
	refused(HEAD "  - id: X\n    due: elapsed 5\n", "5min");
	refused(HEAD "  - id: X\n    warn: [1.5]\n", "1.5 of the time is impossible");
	refused(HEAD "  - id: X\n    warn: [0]\n", "is impossible");
	refused(HEAD "  - id: X\n    warn: [\"25:00\"]\n", "warn is a part");
	refused(HEAD "  - id: X\n    warn: [0.1, 0.2, 0.3, 0.4, 0.5]\n", "more than 4 warnings");
	refused(HEAD "  - id: X\n    role: cs_leed\n", "there is no role cs_leed; did you mean cs_lead?");
	refused(HEAD "  - id: X\n    calendar: de\n", "there is no calendar de");
	refused(HEAD "  - id: X\n    ladder: m\n", "there is no ladder m");
	refused(HEAD "  - id: X\n    ladder: []\n", "tells nobody");
	refused(HEAD "  - id: X\n    ladder: [{ after: 0 }]\n", "tells nobody: it needs a role");
	refused(HEAD "  - id: X\n    ladder: [{ after: 2h, role: clerk }, { after: 1h, role: clerk }]\n", "a ladder goes up");
	refused(HEAD "  - id: X\n    ladder: [{ after: soon, role: clerk }]\n", "after is a time");
	refused(HEAD "  - id: X\n    ladder: [{ role: clerk, urgency: urgend }]\n", "did you mean urgent?");
	refused(HEAD "  - id: X\n    ladder: [{ role: clerk, times: 0 }]\n", "times is a whole number");
	refused(HEAD "  - on: complaint.opened\n", "needs an id");
	refused(HEAD "  - id: X\n    on: complaint.opened\n    role: clerk\n    due: eod 1\n    ladder: l\n", "needs until");
	refused(HEAD "  - id: X\n    on: complaint.opened\n    until: case.replied\n    due: eod 1\n    ladder: l\n", "needs a role");
	refused(HEAD "  - id: X\n    on: complaint.opened\n    until: case.replied\n    due: eod 1\n    role: clerk\n", "needs a ladder");
	refused(HEAD "  - id: X\n    on: complaint.opened\n    until: case.replied\n    role: clerk\n    ladder: l\n", "due is missing");
	refused(HEAD "  - id: X\n    on: complaint.opened\n    until: case.replied\n    role: clerk\n    ladder: l\n    due: event category\n", "no instant category");
	refused(HEAD GOOD "    priority: 3\n", "needs a group");
	refused(HEAD GOOD "    merge: colour\n", "no field colour");
	refused(HEAD GOOD "    without: case.replied\n", "without belongs to never");
	refused(HEAD "  - id: X\n    never: case.declined\n    until: case.replied\n", "never is a rule of its own");
	refused(HEAD GOOD "defaults:\n  ack: 5min\n", "stands above the rules");
	refused("defaults:\n  cancel: case.closd\n", "did you mean case.closed?");
	refused(HEAD "  - [\n", "line ");
}

static void
test_taken(void **state)
{
	char why[400] = "", term[TERM_TEXT_SIZE];
	struct rules *r = rules_read("defaults:\n  pause: case.suspended\n" HEAD GOOD "    pause: none\n    warn: [0.5, \"09:00\", 3d]\n    group: reply\n    priority: 2\n", why,
	    sizeof(why));

	(void)state;
	if (r == NULL)
		fail_msg("%s", why);
	assert_int_equal(r->count, 1);
	assert_ptr_equal(rules_find(r, "C1", 2), r->rule[0]);
	assert_null(rules_find(r, "C10", 3));
	assert_int_equal(r->rule[0]->on[PAUSE].count, 0);
	assert_int_equal(r->rule[0]->warns, 3);
	assert_int_equal(r->rule[0]->warn[0].n, 500000);
	assert_int_equal(r->rule[0]->warn[1].n, 540);
	assert_string_equal(term_text(r->rule[0], term), "eod 1");
	assert_string_equal(r->rule[0]->step[0].channel, "email");
	/* Two types concern it, and no other. */
	assert_int_equal(r->by_type[catalogue_find("complaint.opened", 16)->index].count, 1);
	assert_int_equal(r->by_type[catalogue_find("case.replied", 12)->index].count, 1);
	assert_int_equal(r->by_type[catalogue_find("case.closed", 11)->index].count, 0);
	rules_free(r);
}

/* Whether { severity: ordinary, anonymous: false, wait_s: 7 } meets it; 2: partly known only. */
static bool
meets(const char *conditions, bool partial)
{
	static const uint8_t data[] = "\x82\xa8severity\xa8ordinary\xa9" "anonymous\xc2", waits[] = "\x81\xa6wait_s\x07";
	bool call = strstr(conditions, "wait_s") != NULL;
	struct mp m = call ? mp_over(waits, sizeof(waits) - 1) : mp_over(data, sizeof(data) - 1), none = mp_over(NULL, 0);
	char text[600], why[400];
	struct rules *r;
	bool met;

	snprintf(text, sizeof(text), HEAD "  - id: X\n    on: %s %s\n    until: case.replied\n    due: eod 1\n    role: clerk\n    ladder: l\n",
	    call ? "call.abandoned" : "complaint.opened", conditions);
	r = rules_read(text, why, sizeof(why));
	if (r == NULL)
		fail_msg("%s", why);
	met = trigger_matches(&r->rule[0]->on[ON].list[0], &none, &m, partial);
	rules_free(r);
	return (met);
}

static void
test_triggers(void **state)
{
	(void)state;
	assert_true(meets("", false));
	assert_true(meets("severity=major|ordinary", false));
	assert_false(meets("severity=major", false));
	assert_true(meets("severity!=major", false));
	assert_false(meets("severity!=ordinary|major", false));
	assert_true(meets("anonymous!=true", false));
	assert_true(meets("anonymous=false", false));
	assert_true(meets("severity !household", false));
	assert_false(meets("household", false));
	/* Not there: it is not one of them, and it is none of them. */
	assert_false(meets("category=noise", false));
	assert_true(meets("category!=noise", false));
	assert_true(meets("category=noise", true));
	assert_true(meets("wait_s>=7", false));
	assert_false(meets("wait_s>=8", false));
	assert_true(meets("wait_s<=7", false));
	assert_true(meets("wait_s=7", false));
}

static void
test_keys(void **state)
{
	char subject[ID_CHARS_MAX + 1], id[OBLIGATION_SIZE], other[OBLIGATION_SIZE];
	struct row_key k = row_key(text_of("C-17"), "C1");

	(void)state;
	obligation_id(&k, id);
	assert_string_equal(id, "C1/C-17");
	assert_int_equal(row_subject(&k).len, 4);
	assert_int_equal(row_rule(&k).len, 2);
	/* Too long for an id: still one, and another one for another subject. */
	memset(subject, 'a', ID_CHARS_MAX);
	subject[ID_CHARS_MAX] = '\0';
	k = row_key(text_of(subject), "H2.abandoned.at.the.desk");
	obligation_id(&k, id);
	assert_true(id_valid(id, strlen(id)));
	subject[ID_CHARS_MAX - 1] = 'b';
	k = row_key(text_of(subject), "H2.abandoned.at.the.desk");
	obligation_id(&k, other);
	assert_string_not_equal(id, other);
}

static void
test_plan(void **state)
{
	char why[400];
	struct rules *rules = rules_read(HEAD "  - id: X\n    on: complaint.opened\n    until: case.replied\n    due: elapsed 100s\n    warn: [0.5]\n    role: clerk\n    ladder:\n"
	    "      - { after: 10s, role: cs_lead, repeat: 3s, times: 2 }\n      - { after: 20s, role: site_manager }\n", why, sizeof(why));
	struct escalate x = { .rules = rules };
	struct row o = { .state = ROW_OPEN, .opened = 1000 * SECOND_NS };
	struct plan p;

	(void)state;
	assert_non_null(rules);
	o.term = rules->rule[0]->term;
	assert_true(plan_due(&x, &o));
	assert_true(o.due == 1100 * SECOND_NS);
	o.warned = o.opened;
	p = plan_next(&x, rules->rule[0], &o);
	assert_true(p.act == ACT_WARN && p.at == 1050 * SECOND_NS);
	o.warned = p.at;
	p = plan_next(&x, rules->rule[0], &o);
	assert_true(p.act == ACT_BREACH && p.at == o.due);
	o.paused = o.opened;
	assert_int_equal(plan_next(&x, rules->rule[0], &o).act, ACT_NONE);
	o.paused = 0;
	o.rest = 1090 * SECOND_NS;
	assert_int_equal(plan_next(&x, rules->rule[0], &o).act, ACT_AGAIN);
	o.rest = 0;
	o.breached = true;
	o.breach = o.due;
	p = plan_next(&x, rules->rule[0], &o);
	assert_true(p.act == ACT_STEP && p.step == 0 && p.at == 1110 * SECOND_NS);
	o.level = 1;
	o.told = p.at;
	p = plan_next(&x, rules->rule[0], &o);
	assert_true(p.act == ACT_REPEAT && p.at == 1113 * SECOND_NS);
	o.repeats = 1;
	p = plan_next(&x, rules->rule[0], &o);
	assert_true(p.act == ACT_STEP && p.step == 1 && p.at == 1120 * SECOND_NS);
	o.level = 2;
	assert_int_equal(plan_next(&x, rules->rule[0], &o).act, ACT_NONE);
	o.state = ROW_FULFILLED;
	o.ended = 2000 * SECOND_NS;
	p = plan_next(&x, rules->rule[0], &o);
	assert_true(p.act == ACT_FORGET && p.at == o.ended + rules->keep);
	rules_free(rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_triggers),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_plan),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

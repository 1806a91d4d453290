/* The engine: order of events and timers, identity, what a failed callback leaves, poison and replay, loops, rebuilds. */
#include "worker_material.h"

#include <sodium.h>

#include "config.h"
#include "emit.h"

/*
 * The worker under test obeys the text of a probe, word by word:
 *	say WORD; set NAME DUE; cancel NAME; put KEY VALUE; show KEY; fail; twice (the same identity)
 * A timer says its name; one named again-N sets itself again, for the same instant, N times.
 */
enum { NOTES };

static void
say(struct worker *w, const char *word, uint64_t occurrence)
{
	worker_derive(w, "probe.recorded", text_of("S"), &(struct worker_identity){ "U1", text_of(word), "said", occurrence });
	worker_field(w, "text", text_of(word));
	worker_emit(w);
}

static void
obey(struct worker *w, char *words)
{
	static uint64_t occurrence;
	char *rest = words, *word;

	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		char *a = NULL, *b = NULL;
		const void *v;
		size_t len;

		if (strcmp(word, "fail") == 0)
			worker_fail(w, "told to");
		else if (strcmp(word, "twice") == 0) {
			say(w, "same", 1);
			say(w, "same", 1);
		} else if ((a = strtok_r(NULL, " ", &rest)) == NULL)
			fail_msg("%s", word);
		else if (strcmp(word, "say") == 0)
			say(w, a, ++occurrence);
		else if (strcmp(word, "cancel") == 0)
			worker_cancel_timer(w, a, strlen(a));
		else if (strcmp(word, "show") == 0) {
			if (worker_get(w, NOTES, a, strlen(a), &v, &len)) {
				char copy[64];

				snprintf(copy, sizeof(copy), "%.*s", (int)len, (const char *)v);
				say(w, copy, ++occurrence);
			} else
				say(w, "none", ++occurrence);
		} else if ((b = strtok_r(NULL, " ", &rest)) == NULL)
			fail_msg("%s", word);
		else if (strcmp(word, "set") == 0)
			worker_set_timer(w, a, strlen(a), atoll(b), NULL, 0);
		else if (strcmp(word, "put") == 0)
			worker_put(w, NOTES, a, strlen(a), b, strlen(b));
		else
			fail_msg("%s", word);
	}
}

static int
update(struct worker *w, const struct worker_event *v)
{
	char words[512];
	struct text t;

	if (!event_text(v->e, "text", &t))
		return (0);
	snprintf(words, sizeof(words), "%.*s", (int)t.len, t.s);
	if (v->flagged)
		say(w, "flagged", v->seq);
	if (v->replayed && worker_get_number(w, NOTES, "mended", 6) == 0 && strncmp(words, "fail ", 5) == 0)
		memmove(words, words + 5, strlen(words + 5) + 1);	/* the second time it is taken */
	obey(w, words);
	return (0);
}

static int
due(struct worker *w, const struct worker_timer *t)
{
	char name[STATE_KEY_MAX + 1];
	int left;

	snprintf(name, sizeof(name), "%.*s", (int)t->name_len, (const char *)t->name);
	say(w, name, 0);
	if (sscanf(name, "again-%d", &left) == 1 && left > 0) {
		snprintf(name, sizeof(name), "again-%d", left - 1);
		worker_set_timer(w, name, strlen(name), t->due, NULL, 0);
	}
	if (strcmp(name, "bad") == 0)
		return (worker_fail(w, "a bad timer"));
	return (0);
}

static const char *const types[] = { "probe.*", NULL }, *const tables[] = { "notes", NULL };
static const struct worker_kind kind = { .name = "unit", .about = "", .version = 1, .types = types, .tables = tables, .update = update, .due = due };

static void
probe(struct stage *g, uint64_t seq, int64_t log_time, const char *subject, const char *words)
{
	char json[1024];

	snprintf(json, sizeof(json), "{\"specversion\":\"1.0\",\"id\":\"p%d\",\"source\":\"/unit\",\"type\":\"probe.recorded\",\"subject\":\"%s\","
	    "\"data\":{\"text\":\"%s\"}}", (int)seq, subject, words);
	stage_event(g, seq, log_time, json);
}

static void
said(struct stage *g, const char *expected)
{
	assert_int_equal(g->state->error, 0);
	assert_string_equal(g->said, expected);
	g->said[0] = '\0';
}

static void
test_timers_between_events(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "set b 200 set a 200 set c 150");
	probe(g, 2, 150, "S", "say two");			/* c is due at 150: after all of that instant */
	probe(g, 3, 150, "S", "say three");
	probe(g, 4, 151, "S", "say four");
	said(g, "two@150 three@150 c@150 four@151 ");
	engine_progress(&g->worker, 4, 199);
	said(g, "");
	engine_progress(&g->worker, 4, 200);			/* by due, then by name */
	said(g, "a@200 b@200 ");
	engine_progress(&g->worker, 4, 1000);
	said(g, "");
	stage_close(g);
}

static void
test_timers_are_replaced_cancelled_and_late(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "set a 200 set b 300 set a 400");	/* replaced: 200 is gone */
	probe(g, 2, 250, "S", "cancel b cancel nobody set late 50");
	said(g, "");
	probe(g, 3, 250, "S", "say three");			/* due long ago, so before this one, although of the same instant */
	said(g, "late@50 three@250 ");
	assert_int_equal(engine_next_due(&g->worker), 400);
	engine_progress(&g->worker, 3, 399);
	said(g, "");
	stage_restart(g, &kind);
	engine_progress(&g->worker, 3, 500);
	said(g, "a@400 ");
	assert_int_equal(engine_next_due(&g->worker), INT64_MAX);
	stage_close(g);
}

static void
test_a_stale_promise_is_none(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 1000, "S", "set a 900 say one");
	engine_progress(&g->worker, 0, 950);
	said(g, "one@1000 ");
	engine_progress(&g->worker, 1, 1000);
	said(g, "a@900 ");
	assert_int_equal(g->state->cursor.seq, 1);
	stage_close(g);
}

static void
test_identity(void **state)
{
	struct worker_identity i = { "C1", text_of("case"), "due", 0 };
	char a[ID_SIZE], b[ID_SIZE];

	(void)state;
	derived_id("w", 4711, &i, a);
	assert_int_equal(strlen(a), 48);
	assert_memory_equal(a, "0000000000001267", 16);
	assert_true(id_valid(a, strlen(a)));
	derived_id("w", 4711, &i, b);
	assert_string_equal(a, b);
	/* For good: ids in logs must come out the same from every release. */
	assert_string_equal(a, "0000000000001267c0177d963380a13857e5532a8c9b1794");
	derived_id("x", 4711, &i, b);
	assert_string_not_equal(a, b);
	/* Where one text ends and the next begins counts. */
	i = (struct worker_identity){ "C", text_of("1case"), "due", 0 };
	derived_id("w", 4711, &i, b);
	assert_string_not_equal(a, b);
	i = (struct worker_identity){ "C1", text_of("case"), "due", 1 };
	derived_id("w", 4711, &i, b);
	assert_string_not_equal(a, b);
}

static void
test_a_failed_update_leaves_nothing(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "put k old set t 500 set u 600");
	probe(g, 2, 110, "T", "put k new put n x cancel t set u 150 set v 120 say lost fail");
	said(g, "told to@110 ");				/* worker.parked, and nothing else */
	probe(g, 3, 300, "S", "show k show n");
	said(g, "old@300 none@300 ");
	engine_progress(&g->worker, 3, 1000);
	said(g, "t@500 u@600 ");
	stage_close(g);
}

static void
test_poison_flags_its_subject_until_replayed(void **state)
{
	struct stage *g = stage_open(&kind);
	static const char again[] = "{\"specversion\":\"1.0\",\"id\":\"r\",\"source\":\"/op\",\"type\":\"worker.replayed\",\"subject\":\"unit\","
	    "\"data\":{\"event\":2,\"reason\":\"mended\",\"by\":\"admin\"}}";

	(void)state;
	probe(g, 2, 100, "T", "fail say taken");
	said(g, "told to@100 ");
	probe(g, 3, 110, "T", "say three");
	probe(g, 4, 110, "S", "say four");
	said(g, "flagged@110 three@110 four@110 ");
	stage_restart(g, &kind);
	stage_event(g, 5, 120, again);				/* as of the operator's event */
	said(g, "taken@120 ");
	assert_memory_equal(g->ids[(g->count - 1) % SAID_MAX], "0000000000000005", 16);
	probe(g, 6, 130, "T", "say six");
	said(g, "six@130 ");
	stage_event(g, 7, 140, again);				/* nothing is parked any more */
	said(g, "");
	stage_close(g);
}

static void
test_a_bad_timer_is_parked_and_replayed(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "set bad 200 set good 300");
	engine_progress(&g->worker, 1, 400);
	said(g, "a bad timer@200 good@300 ");
	stage_event(g, 2, 500, "{\"specversion\":\"1.0\",\"id\":\"r\",\"source\":\"/op\",\"type\":\"worker.replayed\",\"subject\":\"unit\","
	    "\"data\":{\"event\":1,\"reason\":\"again\",\"by\":\"admin\"}}");
	said(g, "a bad timer@500 ");
	stage_close(g);
}

static void
test_the_same_identity_twice(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "twice");
	said(g, "it concludes two events probe.recorded with the same rule, object, step and occurrence@100 ");
	stage_close(g);
}

static void
test_a_timer_that_lets_no_time_pass(void **state)
{
	struct stage *g = stage_open(&kind);
	unsigned n = 0;

	(void)state;
	probe(g, 1, 100, "S", "set again-16 200");
	engine_progress(&g->worker, 1, 200);
	for (const char *p = g->said; (p = strstr(p, "again-")) != NULL; p++)
		n++;
	assert_int_equal(n, 17);
	assert_null(strstr(g->said, "loop"));
	g->said[0] = '\0';
	probe(g, 2, 300, "S", "set again-40 400");
	engine_progress(&g->worker, 2, 400);
	assert_non_null(strstr(g->said, "without letting time pass"));
	assert_int_equal(engine_next_due(&g->worker), INT64_MAX);
	stage_close(g);
}

/* Rebuilt, it concludes the same, silently up to where it was: timers that the old one had still to fire are news. */
static void
test_rebuild_is_silent_up_to_the_old_cursor(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "say one set a 200 set b 900");
	engine_progress(&g->worker, 1, 250);
	said(g, "one@100 a@200 ");
	assert_int_equal(state_commit(g->state), 0);
	engine_close(&g->worker);
	assert_int_equal(state_restart(g->state, true, 1), 0);
	stage_engine(g, &kind);
	probe(g, 1, 100, "S", "say one set a 200 set b 900");
	probe(g, 2, 260, "S", "say two set past 210");
	said(g, "one@100(muted) a@200(muted) two@260 ");
	engine_progress(&g->worker, 2, 1000);
	said(g, "past@210 b@900 ");				/* set by news, it is news, however long ago */
	stage_close(g);
}

/* The old one was cut between an event and the timers due by then: those had not fired, and are news. */
static void
test_rebuild_tells_what_the_old_one_had_still_to_fire(void **state)
{
	struct stage *g = stage_open(&kind);

	(void)state;
	probe(g, 1, 100, "S", "set a 150 set b 200");
	probe(g, 2, 200, "S", "say two set late 120");
	said(g, "a@150 two@200 ");				/* b is due at this instant, late long ago: neither has fired */
	assert_int_equal(state_commit(g->state), 0);
	engine_close(&g->worker);
	assert_int_equal(state_restart(g->state, true, 1), 0);
	stage_engine(g, &kind);
	probe(g, 1, 100, "S", "set a 150 set b 200");
	probe(g, 2, 200, "S", "say two set late 120");
	probe(g, 3, 300, "S", "say three");
	said(g, "a@150(muted) two@200(muted) late@120 b@200 three@300 ");
	stage_close(g);
}

/* ---- What an activation changes ---- */

static char in_force[64];
static bool unfollowable;

static int
configure(void *user, const char *name, const char *text, char *why, size_t size)
{
	(void)user;
	(void)name;
	if (text == NULL || strcmp(text, "bad") != 0) {
		snprintf(in_force, sizeof(in_force), "%s", text != NULL ? text : "(none)");
		return (0);
	}
	snprintf(why, size, "it is bad");
	return (-1);
}

/* It says the kind's name, and sets a timer that no event sets. */
static int
activated(struct worker *w, const char *name)
{
	say(w, name, (uint64_t)worker_now(w));
	worker_set_timer(w, "tick", 4, worker_now(w) + 50, NULL, 0);
	return (unfollowable || worker_now(w) == 666 ? worker_fail(w, "cannot follow") : 0);
}

static const struct worker_config configs[] = { { "rules", "r.yaml" }, { NULL, NULL } };
static const struct worker_kind following = { .name = "unit", .about = "", .version = 1, .types = types, .tables = tables, .configs = configs,
    .configure = configure, .activated = activated, .update = update, .due = due };

static void
activate(struct stage *g, uint64_t seq, int64_t at, const char *text)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1], json[600];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	snprintf(json, sizeof(json), "{\"specversion\":\"1.0\",\"id\":\"a-%llu\",\"source\":\"/t\",\"type\":\"config.activated\",\"subject\":\"unit\",\"data\":"
	    "{\"kind\":\"rules\",\"digest\":\"%s\",\"by\":\"unit\",\"content\":\"%s\"}}", (unsigned long long)seq, hex, text);
	stage_event(g, seq, at, json);
}

/* Told once at its number, not at a restart; what it does is kept, replayed silently in a rebuild, and taken back if it fails. */
static void
test_an_activation_is_followed(void **state)
{
	struct stage *g = stage_open(&following);

	(void)state;
	probe(g, 1, 100, "S", "say before");
	activate(g, 2, 110, "good");
	engine_progress(&g->worker, 2, 200);
	said(g, "before@100 rules@110 tick@160 ");
	stage_restart(g, &following);
	activate(g, 3, 210, "bad");
	assert_non_null(strstr(g->said, "it is bad"));
	g->said[0] = '\0';
	activate(g, 4, 666, "lame");
	engine_progress(&g->worker, 4, 1000);
	assert_non_null(strstr(g->said, "cannot follow"));
	assert_null(strstr(g->said, "tick"));
	g->said[0] = '\0';
	assert_int_equal(state_commit(g->state), 0);
	engine_close(&g->worker);
	assert_int_equal(state_restart(g->state, true, 1), 0);
	stage_engine(g, &following);
	probe(g, 1, 100, "S", "say before");
	activate(g, 2, 110, "good");
	engine_progress(&g->worker, 2, 200);
	said(g, "before@100(muted) rules@110(muted) tick@160(muted) ");
	stage_close(g);
}

/* What can be read but not followed is not in force: neither in memory, nor after a restart, nor for what proposes the next one. */
static void
test_an_activation_that_cannot_be_followed_changes_nothing(void **state)
{
	struct stage *g = stage_open(&following);
	struct config_in_force c = { .kind = "" };
	char why[200];

	(void)state;
	activate(g, 1, 666, "lame");
	assert_string_equal(in_force, "(none)");
	assert_false(config_next(&g->worker, &c));
	activate(g, 2, 667, "good");
	assert_string_equal(in_force, "good");
	activate(g, 3, 668, "bad");
	assert_string_equal(in_force, "good");
	unfollowable = true;
	activate(g, 4, 669, "lame");
	unfollowable = false;
	assert_string_equal(in_force, "good");
	in_force[0] = '\0';
	assert_int_equal(config_load(&g->worker, why, sizeof(why)), 0);
	assert_string_equal(in_force, "good");
	c = (struct config_in_force){ .kind = "" };
	assert_true(config_next(&g->worker, &c));
	assert_int_equal(c.since, 2);
	stage_close(g);
}

/* Rules that hold throughout begin with the first event, whatever the log activates. */
static void
test_fixed_rules_are_followed_from_the_first_event(void **state)
{
	struct stage *g = stage_open(&following);

	(void)state;
	g->worker.fixed_config = true;
	activate(g, 1, 100, "good");
	probe(g, 2, 120, "S", "say one");
	engine_progress(&g->worker, 2, 200);
	said(g, "rules@100 one@120 tick@150 ");
	stage_close(g);
}

/* Any events, committed in any batches, with restarts between: the same. */
static void
test_batches_do_not_matter(void **state)
{
	char *first = NULL;

	(void)state;
	for (unsigned run = 0; run < 4; run++) {
		struct stage *g = stage_open(&kind);
		uint64_t seed = 7, cut = run;
		char words[200];

		for (unsigned i = 1; i <= 300; i++) {
			uint64_t t = 1000 + 10 * i;

			snprintf(words, sizeof(words), "set t%u %u%s set u%u %u put k%u v%u show k%u%s", (unsigned)below(&seed, 20),
			    (unsigned)(t + below(&seed, 200)) / 50 * 50, below(&seed, 3) == 0 ? " cancel t3" : "", (unsigned)below(&seed, 20),
			    (unsigned)(t - below(&seed, 200)), (unsigned)below(&seed, 5), i, (unsigned)below(&seed, 5), below(&seed, 9) == 0 ? " fail" : "");
			/* `say` counts what it was told; the occurrence is no part of what is compared here. */
			probe(g, i, (int64_t)t, "S", words);
			if (below(&cut, 4) < run)
				stage_restart(g, &kind);
			if (below(&cut, 4) < run)
				engine_progress(&g->worker, i, (int64_t)t);
		}
		engine_progress(&g->worker, 300, 100000);
		assert_int_equal(g->state->error, 0);
		assert_true(strlen(g->said) < sizeof(g->said) - 200 && strlen(g->said) > 1000);
		if (first == NULL)
			first = strdup(g->said);
		else
			assert_string_equal(first, g->said);
		stage_close(g);
	}
	free(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_between_events),
		cmocka_unit_test(test_timers_are_replaced_cancelled_and_late),
		cmocka_unit_test(test_a_stale_promise_is_none),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_a_failed_update_leaves_nothing),
		cmocka_unit_test(test_poison_flags_its_subject_until_replayed),
		cmocka_unit_test(test_a_bad_timer_is_parked_and_replayed),
		cmocka_unit_test(test_the_same_identity_twice),
		cmocka_unit_test(test_a_timer_that_lets_no_time_pass),
		cmocka_unit_test(test_rebuild_is_silent_up_to_the_old_cursor),
		cmocka_unit_test(test_rebuild_tells_what_the_old_one_had_still_to_fire),
		cmocka_unit_test(test_an_activation_is_followed),
		cmocka_unit_test(test_an_activation_that_cannot_be_followed_changes_nothing),
		cmocka_unit_test(test_fixed_rules_are_followed_from_the_first_event),
		cmocka_unit_test(test_batches_do_not_matter),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

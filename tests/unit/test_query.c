/* Queries: what they may, what they take, their pages, and that each mistake is told to the right one. */
#include "worker_material.h"

#include "errcode.h"
#include "personal.h"
#include "query.h"

enum { NOTES, PAIRS };

/* Fills the tables: "N" keys of table NOTES. */
static int
update(struct worker *w, const struct worker_event *v)
{
	char key[32];
	int64_t n = 0;

	event_int(v->e, "n", &n);
	for (int64_t i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s-%05d", i % 2 == 0 ? "even" : "odd", (int)i);
		worker_put_number(w, NOTES, key, strlen(key), (uint64_t)i + 1);
		worker_set_timer(w, key, strlen(key), 1000000 - 10 * (i / 3), "p", 1);
	}
	return (0);
}

static int
due(struct worker *w, const struct worker_timer *t)
{
	(void)w;
	(void)t;
	return (0);
}

/* Rows whose number divides by `of`. */
static int
rows(struct worker *w)
{
	int64_t of = worker_asked_int(w, "of", 1, 1, 1 << 30);
	struct worker_walk walk = { 0 };
	struct text prefix;

	worker_asked_text(w, "prefix", 8, &prefix);
	worker_reply_list(w, "rows");
	while (worker_each_row(w, NOTES, prefix.s, prefix.len, &walk)) {
		uint64_t n = worker_get_number(w, NOTES, walk.key, walk.key_len);

		if (n % (uint64_t)of != 0)
			continue;
		worker_reply_row(w);
		worker_reply_int(w, "n", (int64_t)n);
		worker_reply_list(w, "more");
		worker_reply_bool(w, NULL, true);
		worker_reply_end(w);
	}
	worker_reply_end(w);
	worker_reply_bool(w, "behind", true);
	return (0);
}

static int
timers(struct worker *w)
{
	struct worker_timer_walk walk = { .key_len = 0 };

	worker_reply_list(w, "rows");
	while (worker_each_timer(w, &walk)) {
		worker_reply_row(w);
		worker_reply_int(w, "n", walk.t.due);
	}
	return (0);
}

static int
personal(struct worker *w)
{
	worker_reply(w, "asker", text_of(worker_asker(w)));
	worker_reply_personal(w, "name", text_of("王五"));
	worker_reply_instant(w, "now", worker_now(w));
	return (0);
}

static int
none(struct worker *w)
{
	return (worker_refuse(w, E_NOT_FOUND, "case", "nothing is known of %s", "C-9"));
}

/* Everything a query must not. */
static int
wicked(struct worker *w)
{
	int64_t what = worker_asked_int(w, "what", 0, 0, 9);

	switch (what) {
	case 0: worker_put_number(w, NOTES, "k", 1, 7); break;
	case 1: worker_delete(w, NOTES, "even-00000", 10); break;
	case 2: worker_set_timer(w, "k", 1, 5, NULL, 0); break;
	case 3: worker_cancel_timer(w, "even-00000", 10); break;
	case 4: worker_derive(w, "probe.recorded", text_of("S"), &(struct worker_identity){ "r", text_of("S"), "s", 0 });
		worker_field(w, "text", text_of("x"));
		worker_emit(w); break;
	case 5: worker_reply_end(w); break;
	case 6: worker_reply_row(w); break;
	case 7: for (int i = 0; i < 20; i++)
			worker_reply_map(w, "m");
		break;
	case 8: worker_reply(w, "~personel", text_of("x")); break;
	case 9: return (-1);
	}
	return (0);
}

static const struct worker_query queries[] = {
	{ "rows", "prefix of", "rows", rows }, { "timers", NULL, "timers", timers }, { "personal", NULL, "a name", personal },
	{ "none", NULL, "nothing", none }, { "wicked", "what", "what must not be", wicked }, { NULL, NULL, NULL, NULL },
};
static const char *const types[] = { "probe.*", NULL }, *const tables[] = { "notes", "pairs", NULL };
static const struct worker_kind kind = { .name = "unit", .about = "", .version = 1, .types = types, .tables = tables, .update = update, .due = due,
    .queries = queries };

static struct query
ask(struct stage *g, const char *json, const char *page)
{
	size_t len;
	uint8_t *bytes = pack_json(json, &len);
	struct query q = { .question = mp_over(bytes, len), .asker = "desk", .page = page };

	query_answer(&g->worker, &q);
	assert_int_equal(g->state->error, 0);
	free(bytes);
	return (q);
}

static void
refused(struct stage *g, const char *json, const char *page, int code, const char *path)
{
	struct query q = ask(g, json, page);

	assert_int_equal(q.code, code);
	assert_string_equal(q.path, path);
	assert_true(q.detail[0] != '\0');
	query_free(&q);
}

static struct stage *
stage_with(unsigned count)
{
	struct stage *g = stage_open(&kind);
	char json[256];

	snprintf(json, sizeof(json), "{\"specversion\":\"1.0\",\"id\":\"p\",\"source\":\"/unit\",\"type\":\"probe.recorded\",\"subject\":\"S\","
	    "\"data\":{\"n\":%u}}", count);
	stage_event(g, 1, 100, json);
	return (g);
}

/* All pages of a question: how many rows, pages; each row's number is told to `sum`, and they come in order if `rising`. */
static unsigned
pages(struct stage *g, const char *json, unsigned *count, uint64_t *sum)
{
	char page[sizeof(((struct query *)0)->next)] = "";
	unsigned n = 0;

	*count = 0;
	*sum = 0;
	do {
		struct query q = ask(g, json, page);
		struct mp m = mp_over(q.answer.data, q.answer.size);
		uint32_t pairs, len, rows_here;
		const char *key;

		assert_int_equal(q.code, 0);
		assert_true(mp_map(&m, &pairs) && mp_str(&m, &key, &len) && mp_equal(key, len, "rows") && mp_array(&m, &rows_here));
		for (; rows_here > 0; rows_here--, ++*count) {
			uint32_t members;
			int64_t v;

			assert_true(mp_map(&m, &members) && mp_str(&m, &key, &len) && mp_int(&m, &v));
			*sum += (uint64_t)v;
			for (; members > 1; members--)
				assert_true(mp_skip(&m) && mp_skip(&m));
		}
		snprintf(page, sizeof(page), "%s", q.next);
		query_free(&q);
		n++;
	} while (page[0] != '\0');
	return (n);
}

static void
test_pages_tell_each_row_once(void **state)
{
	struct stage *g = stage_with(250);
	unsigned count;
	uint64_t sum;

	(void)state;
	assert_int_equal(pages(g, "{\"name\":\"rows\"}", &count, &sum), 3);
	assert_true(count == 250 && sum == 250 * 251 / 2);
	assert_int_equal(pages(g, "{\"name\":\"rows\",\"limit\":250}", &count, &sum), 1);		/* none behind the last row */
	assert_int_equal(count, 250);
	assert_int_equal(pages(g, "{\"name\":\"rows\",\"limit\":1,\"prefix\":\"odd\"}", &count, &sum), 125);
	assert_true(count == 125 && sum == 125 * 126);
	assert_int_equal(pages(g, "{\"name\":\"rows\",\"prefix\":\"nobody\"}", &count, &sum), 1);
	assert_int_equal(count, 0);
	assert_int_equal(pages(g, "{\"name\":\"timers\",\"limit\":7}", &count, &sum), 36);
	assert_true(count == 250);
	stage_close(g);
}

/* However few of them are rows: a page looks at no more keys than that, and says how to go on. */
static void
test_a_page_looks_at_so_many_keys(void **state)
{
	struct stage *g = stage_with(25000);
	struct query q = ask(g, "{\"name\":\"rows\",\"of\":1000000}", "");
	unsigned count;
	uint64_t sum;

	(void)state;
	assert_true(q.code == 0 && q.next[0] != '\0');
	assert_int_equal(q.steps, QUERY_STEPS_MAX);
	query_free(&q);
	assert_int_equal(pages(g, "{\"name\":\"rows\",\"of\":5000}", &count, &sum), 3);
	assert_true(count == 5 && sum == 5000 + 10000 + 15000 + 20000 + 25000);
	stage_close(g);
}

static void
test_timers_come_as_they_fire(void **state)
{
	struct stage *g = stage_with(10);
	struct query q = ask(g, "{\"name\":\"timers\"}", "");
	struct mp m = mp_over(q.answer.data, q.answer.size);
	int64_t before = 0, dues;
	uint32_t n, len, count;
	const char *key;

	(void)state;
	assert_true(mp_map(&m, &n) && mp_str(&m, &key, &len) && mp_array(&m, &count) && count == 10);
	while (count-- > 0) {
		assert_true(mp_map(&m, &n) && mp_str(&m, &key, &len) && mp_int(&m, &dues) && dues >= before);
		before = dues;
	}
	query_free(&q);
	stage_close(g);
}

static void
test_what_is_asked_wrongly_is_refused_by_its_name(void **state)
{
	struct stage *g = stage_with(10);

	(void)state;
	refused(g, "{\"name\":\"nonsense\"}", "", E_ARGUMENT, "question.name");
	refused(g, "{\"name\":7}", "", E_ARGUMENT, "question.name");
	refused(g, "{}", "", E_ARGUMENT, "question.name");
	refused(g, "{\"name\":\"rows\",\"off\":1}", "", E_ARGUMENT, "question.off");
	refused(g, "{\"name\":\"rows\",\"of\":0}", "", E_ARGUMENT, "question.of");
	refused(g, "{\"name\":\"rows\",\"of\":\"1\"}", "", E_ARGUMENT, "question.of");
	refused(g, "{\"name\":\"rows\",\"prefix\":1}", "", E_ARGUMENT, "question.prefix");
	refused(g, "{\"name\":\"rows\",\"prefix\":\"123456789\"}", "", E_ARGUMENT, "question.prefix");
	refused(g, "{\"name\":\"rows\",\"limit\":1001}", "", E_ARGUMENT, "question.limit");
	refused(g, "{\"name\":\"rows\"}", "not base64!", E_ARGUMENT, "page");
	refused(g, "{\"name\":\"personal\",\"limit\":1}", "", E_ARGUMENT, "question.limit");
	refused(g, "{\"name\":\"personal\"}", "AAAA", E_ARGUMENT, "page");
	refused(g, "{\"name\":\"none\"}", "", E_NOT_FOUND, "question.case");
	stage_close(g);
}

/* A page that nobody gave out leads nowhere else. */
static void
test_a_page_stays_within_its_prefix(void **state)
{
	struct stage *g = stage_with(10);
	static const char *const elsewhere[] = { "AAAA", "ZXZlbi0wMDAwMA", "enp6eg" };		/* before, of another prefix, behind */

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct query q = ask(g, "{\"name\":\"rows\",\"prefix\":\"odd\"}", elsewhere[i]);

		assert_int_equal(q.code, 0);
		assert_non_null(memmem(q.answer.data, q.answer.size, "rows\xdd\0\0\0\0", 9));
		query_free(&q);
	}
	stage_close(g);
}

static void
test_a_query_changes_nothing(void **state)
{
	struct stage *g = stage_with(10);
	uint64_t entries = state_entries(g->state, DB_OWN), names = state_entries(g->state, DB_NAMES);
	char json[64];

	(void)state;
	for (unsigned i = 0; i <= 9; i++) {
		snprintf(json, sizeof(json), "{\"name\":\"wicked\",\"what\":%u}", i);
		refused(g, json, "", E_INTERNAL, "");
		assert_true(state_entries(g->state, DB_OWN) == entries && state_entries(g->state, DB_NAMES) == names);
		assert_int_equal(worker_get_number(&g->worker, NOTES, "k", 1), 0);
	}
	assert_string_equal(g->said, "");
	/* And the next update is as good as ever. */
	stage_event(g, 2, 200, "{\"specversion\":\"1.0\",\"id\":\"q\",\"source\":\"/unit\",\"type\":\"probe.recorded\",\"subject\":\"S\",\"data\":{\"n\":11}}");
	assert_true(state_entries(g->state, DB_OWN) == 11 && g->worker.parked == 0);
	stage_close(g);
}

static void
test_personal_values_are_marked(void **state)
{
	struct stage *g = stage_with(1);
	struct query q = ask(g, "{\"name\":\"personal\"}", "");
	uint8_t shown[256];
	char why[128];
	size_t n;

	(void)state;
	assert_int_equal(q.code, 0);
	n = personal_show((const uint8_t *)q.answer.data, q.answer.size, false, shown, why, sizeof(why));
	assert_true(n > 0 && memmem(shown, n, "***", 3) != NULL && memmem(shown, n, "王五", 6) == NULL && memmem(shown, n, "desk", 4) != NULL);
	n = personal_show((const uint8_t *)q.answer.data, q.answer.size, true, shown, why, sizeof(why));
	assert_true(n > 0 && memmem(shown, n, "王五", 6) != NULL);
	query_free(&q);
	stage_close(g);
}

/* While the state is made again it knows too little: only how it stands is told. */
static void
test_asked_during_a_rebuild(void **state)
{
	struct stage *g = stage_with(10);
	struct query q;

	(void)state;
	g->state->mute.seq = 9;
	refused(g, "{\"name\":\"rows\"}", "", E_NO_SERVICE, "");
	q = ask(g, "{\"name\":\"status\"}", "");
	assert_true(q.code == 0 && memmem(q.answer.data, q.answer.size, "rebuild_target\x09", 15) != NULL);
	query_free(&q);
	q = ask(g, "{\"name\":\"help\"}", "");
	assert_int_equal(q.code, 0);
	query_free(&q);
	stage_close(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_tell_each_row_once),
		cmocka_unit_test(test_a_page_looks_at_so_many_keys),
		cmocka_unit_test(test_timers_come_as_they_fire),
		cmocka_unit_test(test_what_is_asked_wrongly_is_refused_by_its_name),
		cmocka_unit_test(test_a_page_stays_within_its_prefix),
		cmocka_unit_test(test_a_query_changes_nothing),
		cmocka_unit_test(test_personal_values_are_marked),
		cmocka_unit_test(test_asked_during_a_rebuild),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

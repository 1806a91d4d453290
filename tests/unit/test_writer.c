/* The writer: jobs lie ready behind the one at work, are done in order, and wait when somebody was told to come again later. */
#include "material.h"

#include <pthread.h>
#include <semaphore.h>

#include "errcode.h"
#include "event.h"
#include "writer.h"

#define JOBS	64u

static char folder[64];
static struct store *store;
static struct applier *applier;
static struct logclock *clock_of_log;
static struct writer *writer;
static sem_t done;
static uint8_t *packed[JOBS];

static void
on_done(void *arg)
{
	(void)arg;
	sem_post(&done);
}

static void
on_progress(void *arg)
{
	(void)arg;
}

static int
set_up(void **state)
{
	struct store_options o = { .folder = make_folder(folder), .segment_bytes = 4u << 20, .segments_max = 4 };
	char why[512];

	(void)state;
	if ((store = store_open(&o, NULL, why, sizeof(why))) == NULL)
		fail_msg("%s", why);
	sem_init(&done, 0, 0);
	clock_of_log = logclock_new(0, 0);
	applier = applier_start(store, on_progress, NULL);
	writer = writer_start(store, applier, clock_of_log, on_done, NULL);
	return (0);
}

static int
tear_down(void **state)
{
	(void)state;
	writer_stop(writer);
	applier_stop(applier);
	writer_free(writer);
	logclock_free(clock_of_log);
	store_close(store);
	for (unsigned i = 0; i < JOBS; i++) {
		free(packed[i]);
		packed[i] = NULL;
	}
	remove_folder(folder);
	return (0);
}

/* One put of one event, which the log does not have yet. */
static struct job *
job_of(unsigned n)
{
	struct job *j = job_new();
	struct job_put *p = job_add_put(j);
	struct job_event *e;
	struct data_fault f;
	struct event event;
	char text[256];
	size_t len;

	snprintf(text, sizeof(text), "{\"specversion\":\"1.0\",\"id\":\"w-%u\",\"source\":\"/test\",\"type\":\"case.closed\",\"subject\":\"C-1\","
	    "\"time\":\"2026-11-02T08:00:00Z\",\"data\":{\"by\":\"clerk-1\"}}", n);
	packed[n] = pack_json(text, &len);
	assert_int_equal(event_decode(&event, packed[n], len, &f), 0);
	p->sender = "test";
	p->sender_len = 4;
	p->count = 1;
	e = job_add_event(j);
	e->bytes = event.bytes;
	e->len = event.len;
	entry_fill(&e->entry, &event, store->identity.secret);
	j->bytes = event.len;
	return (j);
}

static struct job *
next_done(void)
{
	struct job *j;

	sem_wait(&done);
	j = writer_take(writer);
	assert_non_null(j);
	return (j);
}

static void
await_begun(void)
{
	while (writer_has_ready(writer))
		sched_yield();
}

static void
make_full(bool full)
{
	store->reserve_bytes = full ? UINT64_MAX / 2 : 0;
	store_measure_space(store);
	assert_int_equal(store->full, full);
}

static void
test_jobs_are_done_in_order(void **state)
{
	uint64_t seq = store->last_seq;

	(void)state;
	for (unsigned n = 0; n < JOBS; n++) {
		await_begun();
		writer_submit(writer, job_of(n));
	}
	assert_false(writer_idle(writer));
	for (unsigned n = 0; n < JOBS; n++) {
		struct job *j = next_done();

		assert_false(j->put_off);
		assert_true(j->events[0].seq == ++seq);
		job_free(j);
	}
	assert_true(writer_idle(writer));
	assert_null(writer_take(writer));
	assert_null(writer_recall(writer));
}

/* The disk was full for one put and has room for the next of the same sender: taking that would turn their order round. */
static void
test_after_a_refusal_nothing_is_begun(void **state)
{
	struct job *first = job_of(0), *second = job_of(1), *j;

	(void)state;
	make_full(true);
	writer_submit(writer, first);
	await_begun();
	writer_submit(writer, second);
	assert_ptr_equal(j = next_done(), first);
	assert_true(j->put_off);
	assert_int_equal(j->puts[0].code, E_DISK_FULL);
	make_full(false);
	writer_wake(writer);
	assert_false(writer_idle(writer));
	assert_ptr_equal(writer_recall(writer), second);
	assert_true(writer_idle(writer));

	writer_submit(writer, second);
	assert_true(writer_has_ready(writer));
	writer_go_on(writer);
	assert_ptr_equal(next_done(), second);
	assert_int_equal(second->puts[0].code, 0);
	assert_true(second->events[0].seq == store->last_seq + 1);
	job_free(first);
	job_free(second);
}

/* Told to end while it is halted, it leaves what lies ready to be freed. */
static void
test_it_can_be_stopped_while_it_waits(void **state)
{
	(void)state;
	make_full(true);
	writer_submit(writer, job_of(0));
	await_begun();
	writer_submit(writer, job_of(1));
	sem_wait(&done);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jobs_are_done_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_after_a_refusal_nothing_is_begun, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_it_can_be_stopped_while_it_waits, set_up, tear_down),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

#include "applier.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "journal.h"
#include "log.h"

/* A step begins when this much waits: a few milliseconds of work, and LMDB's two flushes are spread over 16,000 small events. */
#define STEP_BYTES	(4u << 20)

/* … or when something has waited this long, so that memory and journal empty themselves when intake pauses. */
#define STEP_WAIT_MS	2000

/* A full disk is looked at again this often. */
#define FULL_WAIT_MS	1000

/* No ack waits for it, and on two busy cores it takes a third of what an event costs: the loop and the writer go first.  It cannot fall
 * behind for good, since the writer waits for room in the journal. */
#define NICENESS	15

/* Batches in one step: bounds the transaction. */
#define STEP_BATCHES	1024u

struct errand {
	void (*run)(void *);
	void *arg;
	STAILQ_ENTRY(errand) link;
};

struct applier {
	struct store *store;
	void (*on_progress)(void *);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct batch_queue queue;	/* by apply_link */
	STAILQ_HEAD(, errand) errands;
	size_t bytes;			/* in the queue */
	uint64_t submitted, applied;	/* last numbers */
	unsigned drains;		/* callers waiting in applier_drain() */
	int error;			/* of the last step */
	bool hurry, stopping;
};

static void
wait_ms(struct applier *a, unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += (long)ms % 1000 * 1000000;
	t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&a->work, &a->lock, &t);
}

/* Until a step is worth doing.  Lock held. */
static void
await_work(struct applier *a)
{
	bool waited = false;

	while (!a->stopping && a->drains == 0 && !a->hurry && a->bytes < STEP_BYTES && STAILQ_EMPTY(&a->errands)) {
		if (a->error != 0 || a->store->full) {
			if (waited)
				return;
			wait_ms(a, FULL_WAIT_MS);
			waited = true;
		} else if (STAILQ_EMPTY(&a->queue))
			pthread_cond_wait(&a->work, &a->lock);
		else if (waited)
			return;
		else {
			wait_ms(a, STEP_WAIT_MS);
			waited = true;
		}
	}
	/* A full disk is not asked without pause, whoever is in a hurry. */
	if (a->error != 0 && !waited && !a->stopping)
		wait_ms(a, FULL_WAIT_MS);
}

/* The batches of the next step, still in the queue.  Lock held. */
static unsigned
next_step(struct applier *a, struct batch **step)
{
	struct batch *b;
	size_t bytes = 0;
	unsigned n = 0;

	STAILQ_FOREACH(b, &a->queue, apply_link) {
		if (n == STEP_BATCHES || bytes > 2 * STEP_BYTES)
			break;
		bytes += b->block_len;
		step[n++] = b;
	}
	return (n);
}

/* A segment and keys, ready before they are needed. */
static int
prepare(struct applier *a)
{
	int e = journal_prepare(a->store->journal);

	if (e == 0)
		e = vault_prepare(a->store->vault);
	if (e == 0 || store_may_retry(e))
		return (e == 0 ? 0 : ENOSPC);
	store_distrust(a->store->folder, "preparing a journal segment or keys", strerror(e));
}

/* One step, without the lock. */
static int
do_step(struct applier *a, struct batch *const *step, unsigned n)
{
	int e, prepared = prepare(a);

	e = n > 0 ? store_apply(a->store, step, n) : 0;
	/* What was released may serve at once. */
	if (prepared != 0 || n > 0)
		prepared = prepare(a);
	store_measure_space(a->store);
	return (e != 0 ? e : prepared);
}

static void
finish_step(struct applier *a, struct batch *const *step, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		STAILQ_REMOVE_HEAD(&a->queue, apply_link);
		a->bytes -= step[i]->block_len;
		a->applied = batch_last(step[i]);
		batch_unref(step[i]);
	}
}

/* Lock held, and given up meanwhile. */
static void
run_errands(struct applier *a)
{
	struct errand *e;

	while ((e = STAILQ_FIRST(&a->errands)) != NULL) {
		STAILQ_REMOVE_HEAD(&a->errands, link);
		pthread_mutex_unlock(&a->lock);
		e->run(e->arg);
		free(e);
		pthread_mutex_lock(&a->lock);
	}
}

/* Of this thread alone, which is Linux's way, not that of POSIX. */
static void
step_back(void)
{
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS) != 0)
		log_info("the applier runs at the priority of the rest: intake is slower under full load", "error=\"%s\"", strerror(errno));
}

static void *
applier_main(void *arg)
{
	struct applier *a = arg;
	struct batch *step[STEP_BATCHES];
	unsigned n;
	int e;

	step_back();
	pthread_mutex_lock(&a->lock);
	for (;;) {
		await_work(a);
		run_errands(a);
		if (a->stopping && (STAILQ_EMPTY(&a->queue) || a->error != 0))
			break;
		a->hurry = false;
		n = next_step(a, step);
		pthread_mutex_unlock(&a->lock);
		e = do_step(a, step, n);
		pthread_mutex_lock(&a->lock);
		/* Applied, though the next segment may lack room: the batches are done with. */
		if (e == 0 || a->store->applied >= (n > 0 ? batch_last(step[n - 1]) : 0))
			if (a->store->keys->applied >= (n > 0 ? batch_last(step[n - 1]) : 0))
				finish_step(a, step, n);
		a->error = e;
		pthread_cond_broadcast(&a->done);
		a->on_progress(a->arg);
	}
	pthread_mutex_unlock(&a->lock);
	return (NULL);
}

struct applier *
applier_start(struct store *s, void (*on_progress)(void *), void *arg)
{
	struct applier *a = must_alloc(sizeof(*a));
	pthread_condattr_t monotonic;

	memset(a, 0, sizeof(*a));
	a->store = s;
	a->on_progress = on_progress;
	a->arg = arg;
	a->applied = a->submitted = s->applied;
	STAILQ_INIT(&a->queue);
	STAILQ_INIT(&a->errands);
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->work, &monotonic);
	pthread_cond_init(&a->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&a->thread, NULL, applier_main, a) != 0)
		abort();
	pthread_setname_np(a->thread, "applier");
	return (a);
}

void
applier_submit(struct applier *a, struct batch *b)
{
	bool first;

	batch_ref(b);
	pthread_mutex_lock(&a->lock);
	first = STAILQ_EMPTY(&a->queue);
	STAILQ_INSERT_TAIL(&a->queue, b, apply_link);
	a->bytes += b->block_len;
	a->submitted = batch_last(b);
	if (first || a->bytes >= STEP_BYTES)
		pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
}

void
applier_hurry(struct applier *a)
{
	pthread_mutex_lock(&a->lock);
	a->hurry = true;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
}

bool
applier_errand(struct applier *a, void (*run)(void *), void *arg)
{
	struct errand *e = must_alloc(sizeof(*e));

	*e = (struct errand){ .run = run, .arg = arg };
	pthread_mutex_lock(&a->lock);
	if (a->stopping) {
		pthread_mutex_unlock(&a->lock);
		free(e);
		return (false);
	}
	STAILQ_INSERT_TAIL(&a->errands, e, link);
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	return (true);
}

int
applier_drain(struct applier *a)
{
	uint64_t target;
	int e = 0;

	pthread_mutex_lock(&a->lock);
	target = a->submitted;
	a->drains++;
	while (a->applied < target && e == 0) {
		pthread_cond_signal(&a->work);
		pthread_cond_wait(&a->done, &a->lock);
		e = a->applied < target ? a->error : 0;
	}
	a->drains--;
	pthread_mutex_unlock(&a->lock);
	return (e);
}

void
applier_stop(struct applier *a)
{
	struct batch *b;

	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	a->error = 0;
	pthread_cond_signal(&a->work);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	while ((b = STAILQ_FIRST(&a->queue)) != NULL) {
		/* Only on a full disk: they stay in the journal, which the next start reads. */
		STAILQ_REMOVE_HEAD(&a->queue, apply_link);
		batch_unref(b);
	}
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

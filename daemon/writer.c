#include "writer.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dedup.h"
#include "errcode.h"
#include "journal.h"
#include "levers.h"
#include "seal.h"
#include "vault.h"

struct writer {
	struct store *store;
	struct applier *applier;
	struct logclock *clock;
	struct dedup *dedup;
	uint64_t next_seq;
	void (*on_done)(void *);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *next;		/* handed over, not begun */
	struct job_queue finished;	/* waiting for the loop */
	bool woken, stopping;
	bool halted;			/* until the loop has seen to it that order holds */
	unsigned out;			/* the loop's view: jobs handed over and not taken again */
	struct writer_counters counters;
	/* The new events of the job at hand. */
	struct record *records;
	struct index_entry *entries;
	unsigned count, room;
	size_t bytes;
	uint8_t **sealed;		/* those of them that are sealed have bytes of their own, until the batch is built */
	unsigned sealed_count, sealed_room;
	bool full;			/* as it was when the job began: within one job all new events are put off or none, so order holds */
};

/* Take back the numbers given since `from`. */
static void
rollback(struct writer *w, unsigned from)
{
	while (w->count > from) {
		w->count--;
		w->bytes -= w->records[w->count].len;
		dedup_remove(w->dedup, &w->entries[w->count]);
	}
}

/* The event's bytes as they are stored: personal values become ciphertext.  0 or a code. */
static int
seal(struct writer *w, const struct job *j, const struct job_event *e, struct record *r)
{
	uint8_t key[SEAL_KEY_BYTES], *out;
	uint64_t slot;
	int rc;

	if ((rc = vault_key_for(w->store->vault, e->person.s, e->person.len, &slot, key)) != 0) {
		/* From here on nothing new of this job is taken, as if it had been full from the start: order holds. */
		if ((w->full = store_may_retry(rc)))
			return (E_DISK_FULL);
		store_distrust(w->store->folder, "taking a key from the vault", mdb_strerror(rc));
	}
	out = must_alloc(e->len + e->spans * SEAL_OVERHEAD);
	if (w->sealed_count == w->sealed_room) {
		w->sealed_room = w->sealed_room == 0 ? 64 : w->sealed_room * 2;
		w->sealed = must_realloc(w->sealed, w->sealed_room * sizeof(*w->sealed));
	}
	w->sealed[w->sealed_count++] = out;
	r->bytes = out;
	r->len = (uint32_t)seal_event(out, e->bytes, e->len, &j->spans[e->span], e->spans, slot, key, e->entry.digest, e->seq);
	r->flags |= EVENT_SEALED;
	sodium_memzero(key, sizeof(key));
	return (0);
}

static void
drop_sealed(struct writer *w)
{
	while (w->sealed_count > 0)
		free(w->sealed[--w->sealed_count]);
}

/* It gets the next number.  0 or a code. */
static int
accept_event(struct writer *w, const struct job *j, const struct job_put *p, struct job_event *e)
{
	struct record *r;
	int code;

	if (w->count == w->room) {
		w->room = w->room == 0 ? 256 : w->room * 2;
		w->records = must_realloc(w->records, w->room * sizeof(*w->records));
		w->entries = must_realloc(w->entries, w->room * sizeof(*w->entries));
	}
	e->seq = w->next_seq + w->count;
	r = &w->records[w->count];
	*r = (struct record){ .bytes = e->bytes, .len = e->len, .flags = e->flags, .sender = p->sender, .sender_len = p->sender_len };
	if (e->spans > 0 && (code = seal(w, j, e, r)) != 0)
		return (code);
	dedup_add(w->dedup, &e->entry, e->seq);
	w->entries[w->count++] = e->entry;
	w->bytes += r->len;
	return (0);
}

/* New, known, or refused: 0 or the code. */
static int
decide_event(struct writer *w, const struct job *j, const struct job_put *p, struct job_event *e)
{
	switch (dedup_find(w->dedup, &e->entry, &e->seq)) {
	case DEDUP_SAME:
		e->duplicate = true;
		w->counters.duplicates++;
		return (0);
	case DEDUP_CONFLICT:
		w->counters.conflicts++;
		return (E_ID_CONFLICT);
	case DEDUP_NEW:
		if (w->full) {
			w->counters.refused_full++;
			return (E_DISK_FULL);
		}
		return (accept_event(w, j, p, e));
	case DEDUP_FAILED:
		break;
	}
	store_distrust(w->store->folder, "reading the key index", "a look-up failed");
}

static void
decide_put(struct writer *w, struct job *j, struct job_put *p)
{
	unsigned mark = w->count;

	for (unsigned i = 0; i < p->count && p->code == 0; i++) {
		struct job_event *e = &j->events[p->first + i];
		int code;

		if (p->first + i + DEDUP_AHEAD < j->event_count)
			dedup_expect(w->dedup, &e[DEDUP_AHEAD].entry);
		if ((code = decide_event(w, j, p, e)) == 0)
			continue;
		j->put_off |= code == E_DISK_FULL;
		if (p->each && code != E_DISK_FULL)
			e->code = code;
		else if (p->each) {
			/* From here on: order holds. */
			for (unsigned k = i; k < p->count; k++)
				j->events[p->first + k].code = k == i ? E_DISK_FULL : E_HELD;
			return;
		} else {
			p->code = code;
			p->bad = i;
			rollback(w, mark);
		}
	}
}

/* Room in the journal for that many bytes; false if the disk is full.  Takes and leaves the lock. */
static bool
await_room(struct writer *w, size_t bytes)
{
	while (!journal_has_room(w->store->journal, bytes)) {
		if (w->store->full)
			return (false);
		applier_hurry(w->applier);
		pthread_mutex_lock(&w->lock);
		while (!w->woken)
			pthread_cond_wait(&w->wake, &w->lock);
		w->woken = false;
		pthread_mutex_unlock(&w->lock);
	}
	return (true);
}

/* Everything new in the job is refused: nothing of it was written. */
static void
refuse_new(struct writer *w, struct job *j)
{
	uint64_t first = w->next_seq;

	j->put_off = true;
	for (unsigned i = 0; i < j->put_count; i++) {
		struct job_put *p = &j->puts[i];

		for (unsigned k = 0; k < p->count && p->code == 0; k++) {
			struct job_event *e = &j->events[p->first + k];

			/* A number from this job, its own or a twin's, is no number. */
			if (e->code != 0 || e->seq < first)
				continue;
			w->counters.refused_full++;
			e->duplicate = false;
			if (p->each)
				e->code = E_DISK_FULL;
			else {
				p->code = E_DISK_FULL;
				p->bad = k;
			}
		}
	}
	rollback(w, 0);
}

static uint64_t
monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
}

/* Number, write, flush.  When this returns the batch survives a power cut. */
static void
write_batch(struct writer *w, struct job *j)
{
	uint64_t log_time = logclock_stamp(w->clock), before;
	struct index_entry *entries = must_alloc(w->count * sizeof(*entries));
	struct batch *b;
	int e;

	for (unsigned i = 0; i < w->count; i++)
		w->records[i].log_time = log_time;
	memcpy(entries, w->entries, w->count * sizeof(*entries));
	b = batch_build(w->next_seq, w->records, entries, w->count);
	drop_sealed(w);
	if (!await_room(w, b->buffer_len)) {
		batch_unref(b);
		refuse_new(w, j);
		return;
	}
	before = monotonic_ns();
	if ((e = journal_append(w->store->journal, b)) != 0)
		store_distrust(w->store->folder, "writing the journal", strerror(e));
	w->counters.flush_ns += monotonic_ns() - before;
	w->counters.batches++;
	w->counters.events += w->count;
	w->counters.bytes += w->bytes;
	w->next_seq += w->count;
	applier_submit(w->applier, b);
	j->batch = b;
}

static void
do_job(struct writer *w, struct job *j)
{
	int rc;

	if ((rc = dedup_begin(w->dedup)) != 0)
		store_distrust(w->store->folder, "reading the key index", mdb_strerror(rc));
	if ((rc = vault_read_begin(w->store->vault)) != 0)
		store_distrust(w->store->folder, "reading the vault", mdb_strerror(rc));
	w->count = 0;
	w->bytes = 0;
	w->full = w->store->full;
	for (unsigned i = 0; i < j->put_count; i++)
		if (j->puts[i].code == 0)
			decide_put(w, j, &j->puts[i]);
	lever_reach("after-decide");
	if (w->count > 0)
		write_batch(w, j);
	drop_sealed(w);
	vault_read_end(w->store->vault);
	dedup_end(w->dedup);
	lever_reach("before-done");
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	struct job *j;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while ((w->next == NULL || w->halted) && !w->woken && !w->stopping)
			pthread_cond_wait(&w->wake, &w->lock);
		j = w->halted ? NULL : w->next;
		if (j == NULL && w->stopping)
			break;
		if (j != NULL)
			w->next = NULL;
		w->woken = false;
		pthread_mutex_unlock(&w->lock);
		if (j != NULL)
			do_job(w, j);
		else
			dedup_rest(w->dedup);
		pthread_mutex_lock(&w->lock);
		if (j != NULL) {
			w->halted = j->put_off;
			STAILQ_INSERT_TAIL(&w->finished, j, link);
			w->on_done(w->arg);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return (NULL);
}

/* What the journal holds and LMDB does not yet: known to all as if it had just been written. */
static void
adopt_unapplied(struct writer *w)
{
	struct batch *b;

	STAILQ_FOREACH(b, &w->store->unapplied, recent_link) {
		for (unsigned i = 0; i < b->count; i++)
			dedup_add(w->dedup, &b->entries[i], b->first_seq + i);
		applier_submit(w->applier, b);
	}
}

struct writer *
writer_start(struct store *s, struct applier *a, struct logclock *clock, void (*on_done)(void *), void *arg)
{
	struct writer *w = must_alloc(sizeof(*w));

	memset(w, 0, sizeof(*w));
	w->store = s;
	w->applier = a;
	w->clock = clock;
	w->dedup = dedup_new(s->keys);
	w->next_seq = s->last_seq + 1;
	w->on_done = on_done;
	w->arg = arg;
	STAILQ_INIT(&w->finished);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	adopt_unapplied(w);
	if (pthread_create(&w->thread, NULL, writer_main, w) != 0)
		abort();
	pthread_setname_np(w->thread, "writer");
	return (w);
}

bool
writer_idle(const struct writer *w)
{
	return (w->out == 0);
}

bool
writer_has_ready(struct writer *w)
{
	bool ready;

	pthread_mutex_lock(&w->lock);
	ready = w->next != NULL;
	pthread_mutex_unlock(&w->lock);
	return (ready);
}

void
writer_submit(struct writer *w, struct job *j)
{
	pthread_mutex_lock(&w->lock);
	assert(w->next == NULL);
	w->next = j;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	w->out++;
}

struct job *
writer_recall(struct writer *w)
{
	struct job *j;

	pthread_mutex_lock(&w->lock);
	j = w->next;
	w->next = NULL;
	pthread_mutex_unlock(&w->lock);
	w->out -= j != NULL;
	return (j);
}

struct job *
writer_take(struct writer *w)
{
	struct job *j;

	pthread_mutex_lock(&w->lock);
	if ((j = STAILQ_FIRST(&w->finished)) != NULL)
		STAILQ_REMOVE_HEAD(&w->finished, link);
	pthread_mutex_unlock(&w->lock);
	w->out -= j != NULL;
	return (j);
}

void
writer_go_on(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->halted = false;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void
writer_wake(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->woken = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void
writer_stop(struct writer *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}

void
writer_free(struct writer *w)
{
	struct job *j;

	if (w == NULL)
		return;
	while ((j = STAILQ_FIRST(&w->finished)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->finished, link);
		job_free(j);
	}
	dedup_free(w->dedup);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	job_free(w->next);
	free(w->sealed);
	free(w->records);
	free(w->entries);
	free(w);
}

const struct writer_counters *
writer_counters(const struct writer *w)
{
	return (&w->counters);
}

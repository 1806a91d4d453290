/* intake: between gathering and answering, on the loop.  While the writer flushes one job, the next one fills; it lies ready for the
 * writer meanwhile, so that no change of thread comes between two flushes. */
#include <unistd.h>

#include "daemon.h"
#include "errcode.h"
#include "journal.h"
#include "levers.h"
#include "progress.h"
#include "session.h"

/* A job that has gathered this much is closed and waits its turn: what one flush shall cover at most.  The journal's own bound is
 * higher for every setting of its size. */
static size_t
job_bytes_max(const struct daemon *d)
{
	size_t max = journal_batch_bytes_max(d->store->journal) / 2;

	return (max < (2u << 20) ? max : (2u << 20));
}

/* 23 bytes of directory an event may add: see block_bound(). */
#define JOB_EVENTS_MAX	16384u

/* The writer's, the ready one, the one that fills: more are not in use but for moments. */
#define SPARES_MAX	2u

static struct job *
empty_job(struct daemon *d)
{
	struct job *j = STAILQ_FIRST(&d->spares);

	if (j == NULL)
		return (job_new());
	STAILQ_REMOVE_HEAD(&d->spares, link);
	d->spare_count--;
	return (j);
}

static void
done_with_job(struct daemon *d, struct job *j)
{
	if (d->spare_count == SPARES_MAX) {
		job_free(j);
		return;
	}
	job_clear(j);
	STAILQ_INSERT_HEAD(&d->spares, j, link);
	d->spare_count++;
}

void
intake_free_spares(struct daemon *d)
{
	struct job *j;

	while ((j = STAILQ_FIRST(&d->spares)) != NULL) {
		STAILQ_REMOVE_HEAD(&d->spares, link);
		job_free(j);
	}
	d->spare_count = 0;
}

static bool
is_full(const struct daemon *d, const struct job *j)
{
	return (j->bytes >= job_bytes_max(d) || j->event_count >= JOB_EVENTS_MAX);
}

static struct job *
next_job(struct daemon *d)
{
	struct job *j = STAILQ_FIRST(&d->ready);

	if (j != NULL) {
		STAILQ_REMOVE_HEAD(&d->ready, link);
		return (j);
	}
	if (d->gather->put_count == 0)
		return (NULL);
	j = d->gather;
	d->gather = empty_job(d);
	return (j);
}

void
intake_turn(struct daemon *d)
{
	struct job *j;

	/* Who waits to hear how late it is hears it between two jobs. */
	if ((d->telling_wanted && !writer_idle(d->writer)) || writer_has_ready(d->writer) || (j = next_job(d)) == NULL)
		return;
	lever_reach("before-submit");
	writer_submit(d->writer, j);
}

struct job *
intake_open(struct daemon *d)
{
	struct job *j;

	if (d->gather->put_count == 0 && STAILQ_EMPTY(&d->ready) && (j = writer_recall(d->writer)) != NULL) {
		if (is_full(d, j))
			STAILQ_INSERT_HEAD(&d->ready, j, link);
		else {
			done_with_job(d, d->gather);
			d->gather = j;
		}
	}
	return (d->gather);
}

/* Called after every message, so that a job never grows past its bound by more than one. */
void
intake_gathered(struct daemon *d)
{
	if (!is_full(d, d->gather))
		return;
	STAILQ_INSERT_TAIL(&d->ready, d->gather, link);
	d->gather = empty_job(d);
	intake_turn(d);
}

/* Somebody is told to come again later: what he put since must not be taken first. */
static void
answer_put_off(struct daemon *d, struct job *j)
{
	struct job *next = writer_recall(d->writer);

	if (next != NULL)
		STAILQ_INSERT_HEAD(&d->ready, next, link);
	ack_job(d, j);
	writer_go_on(d->writer);
}

/* Commit, then ack, then fan-out; fan-out reads committed events only. */
static void
on_job_done(struct daemon *d, struct job *j)
{
	if (j->batch != NULL) {
		d->durable = batch_last(j->batch);
		d->log_time = d->told_time = j->batch->log_time;
		recent_add(&d->recent, j->batch);
	}
	lever_reach("before-ack");
	if (j->put_off)
		answer_put_off(d, j);
	else
		ack_job(d, j);
	lever_reach("after-ack");
	progress_between_batches(d);
	intake_turn(d);
	if (j->batch != NULL)
		fanout_wake(d);
	done_with_job(d, j);
}

void
intake_on_done(struct daemon *d)
{
	struct job *j;

	while ((j = writer_take(d->writer)) != NULL)
		on_job_done(d, j);
}

static void
hold_job(struct job *j, const struct session *s)
{
	for (unsigned i = 0; i < j->put_count; i++)
		if (j->puts[i].session == s && j->puts[i].code == 0)
			j->puts[i].code = E_HELD;
}

void
intake_hold(struct daemon *d, struct session *s)
{
	struct job *j;

	STAILQ_FOREACH(j, &d->ready, link)
		hold_job(j, s);
	hold_job(d->gather, s);
}

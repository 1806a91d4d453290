/* intake: between gathering and answering, on the loop.  While the writer flushes one job, the next one fills. */
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

static struct job *
empty_job(struct daemon *d)
{
	struct job *j = d->spare != NULL ? d->spare : job_new();

	d->spare = NULL;
	return (j);
}

static void
done_with_job(struct daemon *d, struct job *j)
{
	if (d->spare != NULL) {
		job_free(j);
		return;
	}
	job_clear(j);
	d->spare = j;
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

	if (writer_idle(d->writer) && (j = next_job(d)) != NULL) {
		lever_reach("before-submit");
		writer_submit(d->writer, j);
	}
}

/* Called after every message, so that a job never grows past its bound by more than one. */
void
intake_gathered(struct daemon *d)
{
	if (d->gather->bytes < job_bytes_max(d) && d->gather->event_count < JOB_EVENTS_MAX)
		return;
	STAILQ_INSERT_TAIL(&d->ready, d->gather, link);
	d->gather = empty_job(d);
	intake_turn(d);
}

/* Commit, then ack, then fan-out; fan-out reads committed events only. */
void
intake_on_done(struct daemon *d)
{
	struct job *j = writer_take(d->writer);

	if (j == NULL)
		return;
	if (j->batch != NULL) {
		d->durable = batch_last(j->batch);
		d->log_time = d->told_time = j->batch->log_time;
		recent_add(&d->recent, j->batch);
	}
	lever_reach("before-ack");
	ack_job(d, j);
	lever_reach("after-ack");
	progress_between_batches(d);
	intake_turn(d);
	if (j->batch != NULL)
		fanout_wake(d);
	done_with_job(d, j);
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

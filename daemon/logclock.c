#include "logclock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "batch.h"

#define NS	1000000000LL

struct logclock {
	pthread_mutex_t lock;
	int64_t last;			/* the greatest stamp or time told so far */
	int64_t base_real, base_boot;	/* the same instant on both clocks, when they last agreed */
	int64_t jump;			/* wall clock minus log time while they disagree, else 0 */
	bool report;
};

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (t.tv_sec * NS + t.tv_nsec);
}

struct logclock *
logclock_new(uint64_t last, int64_t jump)
{
	struct logclock *c = must_alloc(sizeof(*c));
	int64_t real = read_clock(CLOCK_REALTIME);

	pthread_mutex_init(&c->lock, NULL);
	c->last = (int64_t)last;
	/* A wall clock far behind the log is a clock that lost its battery: go on from the log. */
	c->base_real = real < c->last - CLOCK_JUMP_MAX_S * NS ? c->last : real;
	/* Of the two readings, as it is and without the known jump, the one nearer to the log. */
	if (jump != 0 && last != 0 && llabs(real - jump * NS - c->last) < llabs(real - c->last))
		c->base_real = real - jump * NS > c->last ? real - jump * NS : c->last;
	c->base_boot = read_clock(CLOCK_BOOTTIME);
	c->jump = 0;
	c->report = false;
	return (c);
}

void
logclock_free(struct logclock *c)
{
	if (c == NULL)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Where log time stands by the clocks alone, jumps left out; under the lock. */
static int64_t
by_the_clocks(struct logclock *c)
{
	int64_t boot = read_clock(CLOCK_BOOTTIME), real = read_clock(CLOCK_REALTIME), now;
	int64_t expected = c->base_real + (boot - c->base_boot);

	if (llabs(real - expected) > CLOCK_JUMP_MAX_S * NS) {
		if (c->jump == 0)
			c->report = true;
		c->jump = real - expected;
		now = expected;
	} else {
		c->jump = 0;
		c->base_real = now = real;
		c->base_boot = boot;
	}
	return (now);
}

uint64_t
logclock_stamp(struct logclock *c)
{
	int64_t now;

	pthread_mutex_lock(&c->lock);
	now = by_the_clocks(c);
	c->last = now > c->last ? now : c->last + 1;
	now = c->last;
	pthread_mutex_unlock(&c->lock);
	return ((uint64_t)now);
}

uint64_t
logclock_tell(struct logclock *c)
{
	int64_t now;

	pthread_mutex_lock(&c->lock);
	now = by_the_clocks(c);
	c->last = now > c->last ? now : c->last;
	now = c->last;
	pthread_mutex_unlock(&c->lock);
	return ((uint64_t)now);
}

uint64_t
logclock_now(struct logclock *c)
{
	int64_t now;

	pthread_mutex_lock(&c->lock);
	now = by_the_clocks(c);
	if (now < c->last)
		now = c->last;
	pthread_mutex_unlock(&c->lock);
	return ((uint64_t)now);
}

int64_t
logclock_wait(struct logclock *c, int64_t at)
{
	int64_t wait;

	pthread_mutex_lock(&c->lock);
	wait = at <= c->last ? 0 : at - by_the_clocks(c);
	pthread_mutex_unlock(&c->lock);
	return (wait);
}

int64_t
logclock_jump(struct logclock *c)
{
	int64_t jump;

	pthread_mutex_lock(&c->lock);
	jump = c->jump / NS;
	pthread_mutex_unlock(&c->lock);
	return (jump);
}

bool
logclock_take_report(struct logclock *c)
{
	bool report;

	pthread_mutex_lock(&c->lock);
	report = c->report;
	c->report = false;
	pthread_mutex_unlock(&c->lock);
	return (report);
}

void
logclock_accept(struct logclock *c)
{
	pthread_mutex_lock(&c->lock);
	c->base_real = read_clock(CLOCK_REALTIME);
	c->base_boot = read_clock(CLOCK_BOOTTIME);
	c->jump = 0;
	c->report = false;
	pthread_mutex_unlock(&c->lock);
}

/* The way out: see effects.h.  Before: turn.c, whose commit it follows.  The loop that waits is here, too. */
#include "effects.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live_internal.h"

/* Cookies of the outbox are its numbers, which begin at 1 and stay below. */
#define COOKIE_EFFECT	(1ULL << 63)

struct put {
	struct put *next;
	uint64_t cookie;
	void (*stored)(void *, uint64_t, bool, const char *);
	void *user;
};

struct effects {
	struct live *l;
	const struct worker_effects *kind;
	struct event_base *base;
	struct event *news, *term, *interrupt, *patience;
	struct put *puts;		/* not acknowledged yet: as many as libestate's window at most */
	uint64_t cookie, began;
	bool began_known;
	int64_t leave_ms;		/* told to stop: until then */
	void *user;
};

static void
on_news(evutil_socket_t fd, short what, void *user)
{
	(void)fd;
	(void)what;
	(void)user;
}

static void
on_signal(evutil_socket_t number, short what, void *user)
{
	(void)what;
	(void)user;
	live_stop((int)number);
}

static int
open_loop(struct effects *x)
{
	x->base = event_base_new();
	if (x->base == NULL)
		return (-1);
	x->news = event_new(x->base, estate_fd(x->l->e), EV_READ | EV_PERSIST, on_news, x);
	x->term = evsignal_new(x->base, SIGTERM, on_signal, x);
	x->interrupt = evsignal_new(x->base, SIGINT, on_signal, x);
	x->patience = evtimer_new(x->base, on_news, x);
	return (x->news != NULL && x->term != NULL && x->interrupt != NULL && x->patience != NULL && event_add(x->news, NULL) == 0 &&
	    event_add(x->term, NULL) == 0 && event_add(x->interrupt, NULL) == 0 ? 0 : -1);
}

int
effects_open(struct live *l, const struct worker_effects *kind)
{
	struct effects *x = alloc_or_exit(NULL, sizeof(*x));
	char why[600] = "no memory for the loop";

	*x = (struct effects){ .l = l, .kind = kind };
	l->effects = x;
	if (open_loop(x) == 0 && (x->user = kind->open(x, l->o->folder, why, sizeof(why))) != NULL)
		return (0);
	fprintf(stderr, "estate-%s: %s\n", l->kind->name, why);
	return (EXIT_WRONG_STATE);
}

void
effects_close(struct live *l)
{
	struct effects *x = l->effects;

	if (x == NULL)
		return;
	if (x->user != NULL)
		x->kind->close(x->user);
	while (x->puts != NULL) {
		struct put *p = x->puts;

		x->puts = p->next;
		free(p);
	}
	for (struct event **at = (struct event *[]){ x->news, x->term, x->interrupt, x->patience, NULL }; *at != NULL; at++)
		event_free(*at);
	if (x->base != NULL)
		event_base_free(x->base);
	free(x);
	l->effects = NULL;
}

void
effects_turn(struct live *l)
{
	struct effects *x = l->effects;

	if (x == NULL || l->rebuilding || l->done)
		return;
	if (!x->began_known && estate_log(l->e) != NULL) {
		x->began = estate_log(l->e)->last;
		x->began_known = true;
	}
	x->kind->turn(x->user);
}

bool
effects_leaving(struct live *l)
{
	struct effects *x = l->effects;

	if (x == NULL || l->done)
		return (false);
	if (x->leave_ms == 0)
		x->leave_ms = live_now_ms() + EFFECTS_LEAVE_MS;
	return (x->kind->leaving(x->user) && live_now_ms() < x->leave_ms);
}

/* As ppoll() does: the signals are open only while it waits. */
void
effects_wait(struct live *l, const struct timespec *timeout, const sigset_t *open)
{
	struct effects *x = l->effects;
	sigset_t before;

	if (timeout != NULL)
		event_add(x->patience, &(struct timeval){ timeout->tv_sec, timeout->tv_nsec / 1000 });
	else
		evtimer_del(x->patience);
	sigprocmask(SIG_SETMASK, open, &before);
	event_base_loop(x->base, EVLOOP_ONCE);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

bool
effects_answered(struct live *l, uint64_t cookie, uint64_t seq, bool duplicate, const char *refusal)
{
	struct put **at, *p;

	if ((cookie & COOKIE_EFFECT) == 0)
		return (false);
	for (at = &l->effects->puts; (p = *at) != NULL; at = &p->next)
		if (p->cookie == cookie) {
			*at = p->next;
			p->stored(p->user, seq, duplicate, refusal);
			free(p);
			break;
		}
	return (true);
}

struct event_base *
effects_base(struct effects *x)
{
	return (x->base);
}

struct estate *
effects_estate(struct effects *x)
{
	return (x->l->e);
}

bool
effects_settled(const struct effects *x)
{
	return (x->began_known && !x->l->rebuilding && !x->l->stalled && x->l->state->cursor.seq >= x->began);
}

uint64_t
effects_began(const struct effects *x)
{
	return (x->began);
}

uint64_t
effects_read(const struct effects *x)
{
	return (x->l->state->cursor.seq);
}

uint64_t
effects_end(const struct effects *x)
{
	const struct estate_log *log = estate_log(x->l->e);
	uint64_t read = x->l->state->cursor.seq;

	/* What the welcome and progress told; events tell it sooner. */
	return (log != NULL && log->last > read ? log->last : read);
}

int64_t
effects_now_ms(void)
{
	return (live_now_ms());
}

void
effects_look(struct effects *x, void (*look)(struct worker *, void *), void *user)
{
	state_begin(x->l->state);
	look(&x->l->worker, user);
	state_abort(x->l->state);
}

bool
effects_put(struct effects *x, const void *bytes, size_t len, void (*stored)(void *, uint64_t, bool, const char *), void *user)
{
	uint64_t cookie = COOKIE_EFFECT | (x->cookie + 1);
	struct put *p, **at = &x->puts;

	if (estate_put(x->l->e, bytes, len, cookie) != 0)
		return (false);
	x->cookie++;
	p = alloc_or_exit(NULL, sizeof(*p));
	*p = (struct put){ NULL, cookie, stored, user };
	/* Answers come in this order, so the first is found first. */
	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	return (true);
}

/* Questions while the worker lives: kept until it has read far enough, answered between turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errcode.h"
#include "live_internal.h"
#include "log.h"
#include "query.h"

/* Answering takes no longer than this before reading goes on; a question takes a few milliseconds at most. */
#define ANSWER_MS	20

/* More than the daemon lets wait here.  Those whose deadline passed make room first. */
#define ASKED_MAX	(2 * SERVICE_WINDOW)

struct asked {
	struct asked *next;
	uint64_t id, at_least;
	int64_t deadline_ms;		/* of live_now_ms(): later nobody waits */
	char asker[CLIENT_NAME_CHARS_MAX + 1], page[ASK_PAGE_BYTES_MAX + 1];
	size_t len;
	uint8_t question[];
};

static void
drop(struct live *l, struct asked **at)
{
	struct asked *a = *at;

	*at = a->next;
	l->asked_count--;
	free(a);
}

static void
drop_late(struct live *l)
{
	struct asked **at = &l->asked;

	while (*at != NULL)
		if ((*at)->deadline_ms <= live_now_ms())
			drop(l, at);
		else
			at = &(*at)->next;
}

static void
on_ask(void *user, const struct estate_question *q)
{
	struct live *l = user;
	struct asked *a, **at = &l->asked;

	drop_late(l);
	if (l->asked_count == ASKED_MAX) {
		estate_refuse(l->e, q->id, E_BUSY, NULL, "too many questions wait");
		return;
	}
	a = alloc_or_exit(NULL, sizeof(*a) + q->len);
	*a = (struct asked){ .id = q->id, .at_least = q->at_least, .deadline_ms = live_now_ms() + q->deadline_ms, .len = q->len };
	snprintf(a->asker, sizeof(a->asker), "%s", q->asker);
	snprintf(a->page, sizeof(a->page), "%s", q->page);
	memcpy(a->question, q->bytes, q->len);
	while (*at != NULL)
		at = &(*at)->next;
	*at = a;
	l->asked_count++;
}

static void
on_unserved(void *user, const struct estate_fault *f)
{
	const struct live *l = user;
	char quoted[400];

	log_warn(f->code == E_FORBIDDEN ? "it cannot be asked: its client lacks the right `answer` for its name" :
	    "another one answers under its name: it is asked no more", "worker=%s reason=%s", l->kind->name,
	    log_quote(quoted, sizeof(quoted), f->detail));
}

int
live_serve(struct live *l)
{
	return (estate_serve(l->e, &(struct estate_serve_options){ .service = l->kind->name, .user = l, .on_ask = on_ask, .on_ended = on_unserved },
	    NULL));
}

bool
live_asked_by(const struct live *l, uint64_t seq)
{
	for (const struct asked *a = l->asked; a != NULL; a = a->next)
		if (a->at_least <= seq)
			return (true);
	return (false);
}

static void
answer(struct live *l, const struct asked *a)
{
	struct query q = { .question = mp_over(a->question, a->len), .asker = a->asker, .page = a->page };

	state_begin(l->state);
	query_answer(&l->worker, &q);
	state_abort(l->state);
	/* A session that was lost has told whoever asked: no error of ours. */
	if (q.code != 0)
		(void)estate_refuse(l->e, a->id, q.code, q.path[0] != '\0' ? q.path : NULL, q.detail);
	else
		(void)estate_answer(l->e, a->id, &(struct estate_reply){ .bytes = q.answer.data, .len = q.answer.size,
		    .next = q.next[0] != '\0' ? q.next : NULL, .seq = l->state->cursor.seq });
	query_free(&q);
	l->answers++;
	if (l->state->error != 0)
		live_give_up(l, EXIT_DISK, "%s: %s; look at the disk, then start again: nothing is lost", l->o->state, state_why(l->state));
}

bool
live_answer(struct live *l)
{
	struct asked **at = &l->asked;
	int64_t until;

	if (l->asked == NULL)
		return (false);
	drop_late(l);
	until = live_now_ms() + ANSWER_MS;
	while (*at != NULL && !l->done && live_now_ms() < until)
		if ((*at)->at_least <= l->state->cursor.seq) {
			answer(l, *at);
			drop(l, at);
		} else
			at = &(*at)->next;
	return (live_asked_by(l, l->state->cursor.seq));
}

void
live_ask_nobody(struct live *l)
{
	while (l->asked != NULL)
		drop(l, &l->asked);
}

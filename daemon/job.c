#include "job.h"

#include <stdlib.h>
#include <string.h>

struct job *
job_new(void)
{
	struct job *j = must_alloc(sizeof(*j));

	memset(j, 0, sizeof(*j));
	return (j);
}

void
job_drop_messages(struct job *j, unsigned count)
{
	while (j->message_count > count)
		zmq_msg_close(&j->messages[--j->message_count]);
}

void
job_clear(struct job *j)
{
	job_drop_messages(j, 0);
	if (j->batch != NULL)
		batch_unref(j->batch);
	j->batch = NULL;
	j->bytes = 0;
	j->put_off = false;
	j->put_count = j->event_count = j->warning_count = j->span_count = 0;
}

void
job_free(struct job *j)
{
	if (j == NULL)
		return;
	job_clear(j);
	free(j->puts);
	free(j->events);
	free(j->warnings);
	free(j->spans);
	free(j->messages);
	free(j);
}

/* Room for one more element of `size` bytes in *list. */
static void *
grow(void **list, unsigned *count, unsigned *room, size_t size)
{
	void *fresh;

	if (*count == *room) {
		*room = *room == 0 ? 16 : *room * 2;
		*list = must_realloc(*list, *room * size);
	}
	fresh = (char *)*list + (*count)++ * size;
	memset(fresh, 0, size);
	return (fresh);
}

struct job_put *
job_add_put(struct job *j)
{
	return (grow((void **)&j->puts, &j->put_count, &j->put_room, sizeof(*j->puts)));
}

struct job_event *
job_add_event(struct job *j)
{
	return (grow((void **)&j->events, &j->event_count, &j->event_room, sizeof(*j->events)));
}

struct job_warning *
job_add_warning(struct job *j)
{
	return (grow((void **)&j->warnings, &j->warning_count, &j->warning_room, sizeof(*j->warnings)));
}

struct span *
job_add_span(struct job *j)
{
	return (grow((void **)&j->spans, &j->span_count, &j->span_room, sizeof(*j->spans)));
}

const uint8_t *
job_add_message(struct job *j, zmq_msg_t *from)
{
	zmq_msg_t *m;

	/* Moving a small message moves its bytes with it, and the list may move later: small ones get memory of their own. */
	m = grow((void **)&j->messages, &j->message_count, &j->message_room, sizeof(*j->messages));
	if (zmq_msg_size(from) > 64) {
		zmq_msg_init(m);
		zmq_msg_move(m, from);
	} else {
		if (zmq_msg_init_size(m, 128) != 0)
			abort();
		memcpy(zmq_msg_data(m), zmq_msg_data(from), zmq_msg_size(from));
		zmq_msg_close(from);
	}
	return (zmq_msg_data(m));
}

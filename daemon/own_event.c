/* The daemon's own events: daemon.started, clock.jumped, consumer.paused …  They take the way of every other event from the batch on. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "daemon.h"
#include "errcode.h"
#include "event.h"
#include "log.h"

#define SOURCE	"/estated"
#define SENDER	"daemon"

/* An id that begins with the time, as our index likes them: 10 characters of milliseconds in Crockford's base 32, 8 of chance. */
static void
make_id(uint64_t ns, char out[19])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t ms = ns / 1000000, chance;

	randombytes_buf(&chance, sizeof(chance));
	for (int i = 9; i >= 0; i--, ms >>= 5)
		out[i] = digits[ms & 31];
	for (int i = 10; i < 18; i++, chance >>= 5)
		out[i] = digits[chance & 31];
	out[18] = '\0';
}

static void
pack_envelope(struct answer *a, const char *type, const char *subject, uint64_t now, unsigned data_pairs)
{
	char id[19];

	msgpack_sbuffer_init(&a->buffer);
	msgpack_packer_init(&a->packer, &a->buffer, msgpack_sbuffer_write);
	make_id(now, id);
	msgpack_pack_map(&a->packer, 7);
	answer_key_text(a, "specversion", "1.0");
	answer_key_text(a, "id", id);
	answer_key_text(a, "source", SOURCE);
	answer_key_text(a, "type", type);
	answer_key_text(a, "subject", subject);
	answer_text(a, "time");
	msgpack_pack_timestamp(&a->packer, &(msgpack_timestamp){ (int64_t)(now / 1000000000u), (uint32_t)(now % 1000000000u) });
	answer_text(a, "data");
	msgpack_pack_map(&a->packer, data_pairs);
}

/* The packed event joins the batch that fills; its put, or NULL. */
static struct job_put *
gather(struct daemon *d, struct answer *a)
{
	struct job *j = d->gather;
	struct data_fault f;
	struct job_put *p;
	struct job_event *je;
	struct event e;
	zmq_msg_t m;
	const uint8_t *bytes;
	size_t len = a->buffer.size;

	answer_finish(a, &m);
	bytes = job_add_message(j, &m);
	if (event_decode(&e, bytes, len, &f) != 0) {
		/* Our own bug, and no reason to stop taking other people's events. */
		log_error("the daemon made an event that its own catalogue refuses", "path=%s detail=\"%s\"", f.path, f.detail);
		return (NULL);
	}
	p = job_add_put(j);
	p->sender = SENDER;
	p->sender_len = sizeof(SENDER) - 1;
	p->first = j->event_count;
	p->count = 1;
	je = job_add_event(j);
	je->bytes = e.bytes;
	je->len = e.len;
	entry_fill(&je->entry, &e, d->store->identity.secret);
	j->bytes += e.len;
	return (p);
}

void
own_event_started(struct daemon *d)
{
	struct answer a;

	pack_envelope(&a, "daemon.started", "estated", logclock_now(d->clock), 2);
	answer_key_text(&a, "version", ESTATE_VERSION);
	answer_key_text(&a, "log", d->store->identity.uuid_text);
	gather(d, &a);
}

void
own_event_clock(struct daemon *d, const char *type, int64_t seconds, const char *by)
{
	struct answer a;

	pack_envelope(&a, type, "estated", logclock_now(d->clock), by != NULL ? 2 : 1);
	answer_key_int(&a, "seconds", seconds);
	if (by != NULL)
		answer_key_text(&a, "by", by);
	gather(d, &a);
}

void
own_event_consumer(struct daemon *d, const struct own_consumer_event *e)
{
	struct job_put *p;
	struct answer a;

	pack_envelope(&a, e->type, e->name, logclock_now(d->clock),
	    1 + (e->from != OWN_EVENT_NONE) + (e->to != OWN_EVENT_NONE) + (e->reason != NULL));
	answer_key_text(&a, "by", e->by);
	if (e->from != OWN_EVENT_NONE)
		answer_key_uint(&a, "from", e->from);
	if (e->to != OWN_EVENT_NONE)
		answer_key_uint(&a, "to", e->to);
	if (e->reason != NULL)
		answer_key_text(&a, "reason", e->reason);
	if ((p = gather(d, &a)) != NULL) {
		p->on_stored = e->on_stored;
		p->arg = e->arg;
	} else if (e->on_stored != NULL)
		e->on_stored(d, e->arg, E_INTERNAL);
}

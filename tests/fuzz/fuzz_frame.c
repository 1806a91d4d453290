/*
 * Any bytes as a message from a peer, to a whole daemon without sockets: the parser, every verb's handler, and the answers, each of
 * which must itself be a well-formed message.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "ceiling.h"
#include "consumer.h"
#include "daemon.h"
#include "fuzz.h"
#include "ingest.h"
#include "lag.h"
#include "progress.h"
#include "refusals.h"
#include "retention.h"
#include "session.h"
#include "settings.h"

static struct daemon d;
static const uint8_t id[5] = "peer";
static const char peer[] = "ipc:localhost:12345:1:1";	/* a stranger: no operator's verbs */

/* Stands where zsock.c stands: looks at every answer. */
int
zsock_send(struct zsock *z, const uint8_t *to, size_t to_len, zmq_msg_t *m)
{
	static const struct mp_bounds bounds = { 8 + ASK_ANSWER_DEPTH_MAX, 1u << 20, true };
	struct mp answer = mp_over(zmq_msg_data(m), zmq_msg_size(m));
	size_t where;

	(void)z;
	assert(to_len == sizeof(id) && memcmp(to, id, to_len) == 0);
	assert(mp_check(&answer, &bounds, &where) == MP_OK && mp_peek(&answer) == MP_ARRAY);
	zmq_msg_close(m);
	return (0);
}

struct event *
daemon_event(struct daemon *unused, int fd, short what, event_callback_fn callback)
{
	return (event_new(unused->base, fd, what, callback, unused));
}

static void
nothing(void *arg)
{
	(void)arg;
}

static void
begin(void)
{
	static struct settings *settings;
	const char *below = getenv("TMPDIR");
	char folder[256], why[512];
	struct store_options o = { folder, 4u << 20, 3, 1u << 20 };

	snprintf(folder, sizeof(folder), "%s/fuzz-frame-XXXXXX", below != NULL ? below : "/tmp");
	if (mkdtemp(folder) == NULL)
		abort();
	d.settings = settings = settings_new();
	d.base = event_base_new();
	d.clients = clients_new();
	refusals_start(&d);
	d.store = store_open(&o, NULL, why, sizeof(why));
	assert(d.store != NULL);
	d.reader = store_reader_new(d.store);
	d.clock = logclock_new(0, 0);
	d.ceiling = ceiling_open(folder, &d.store->identity, why, sizeof(why));
	assert(d.ceiling != NULL);
	d.applier = applier_start(d.store, nothing, NULL);
	d.writer = writer_start(d.store, d.applier, d.clock, nothing, NULL);
	d.gather = job_new();
	STAILQ_INIT(&d.ready);
	STAILQ_INIT(&d.subscriptions);
	STAILQ_INIT(&d.consumers);
	recent_init(&d.recent);
	d.session_sweep = event_new(d.base, -1, 0, session_on_sweep, &d);
	fanout_start(&d);
	progress_start(&d);
	lag_start(&d);
	retention_start(&d);
	ask_start(&d);
	if (consumer_start(&d, why, sizeof(why)) != 0)
		abort();
}

static void
deliver(const void *bytes, size_t len)
{
	zmq_msg_t m;

	zmq_msg_init_size(&m, len);
	if (len > 0)
		memcpy(zmq_msg_data(&m), bytes, len);
	ingest_on_message(&d, id, sizeof(id), peer, &m, 1);
	zmq_msg_close(&m);
	/* What was gathered is answered at once, unwritten: the writer has tests of its own. */
	for (unsigned i = 0; i < d.gather->put_count; i++)
		d.gather->puts[i].code = E_STOPPING;
	ack_job(&d, d.gather);
	job_free(d.gather);
	d.gather = job_new();
	event_base_loop(d.base, EVLOOP_NONBLOCK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t hello[] = "\x94\x01\xa5hello\x01\x81\xa6" "client\xa4" "fuzz";
	static const uint8_t resume[] = "\x93\x01\xa6resume\x02";

	if (d.base == NULL)
		begin();
	d.asks->next_id = ASK_ID_FIRST;		/* so that an input can name them */
	deliver(hello, sizeof(hello) - 1);
	/* Several messages in one input: each behind a byte of 0xc1, which no message holds. */
	while (len > 0) {
		const uint8_t *end = memchr(bytes, 0xc1, len);
		size_t n = end != NULL ? (size_t)(end - bytes) : len;

		deliver(bytes, n);
		deliver(resume, sizeof(resume) - 1);
		bytes += n;
		len -= n;
		if (end != NULL) {
			bytes++;
			len--;
		}
	}
	session_end_all(&d);
	return (0);
}

/* get, status, ping, bye, backup, clock-accept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backup.h"
#include "clockwatch.h"
#include "consumer.h"
#include "daemon.h"
#include "errcode.h"
#include "files.h"
#include "ingest.h"
#include "log.h"
#include "session.h"
#include "status.h"

void
control_on_ping(struct daemon *d, struct request *r)
{
	struct answer a;

	answer_begin(&a, "pong", r->number, 4);
	msgpack_pack_map(&a.packer, 2);
	answer_key_uint(&a, "last", d->durable);
	answer_key_uint(&a, "log_time", d->log_time);
	session_send(d, r->session, &a);
}

void
control_on_bye(struct daemon *d, struct request *r)
{
	struct answer a;

	answer_begin(&a, "bye", r->number, 3);
	if (session_send(d, r->session, &a) == 0)
		session_end(d, r->session);
}

/* The map of one argument: its key must be `name`. */
static bool
read_single(struct request *r, const char *name)
{
	uint32_t pairs, len;
	const char *key;

	return (mp_map(&r->m, &pairs) && pairs == 1 && mp_str(&r->m, &key, &len) && mp_equal(key, len, name));
}

static void
send_event(struct daemon *d, struct request *r, const struct record *rec, uint64_t seq)
{
	struct answer a;

	answer_begin(&a, "event", r->number, 4);
	msgpack_pack_array(&a.packer, 5);
	msgpack_pack_uint64(&a.packer, seq);
	msgpack_pack_uint64(&a.packer, rec->log_time);
	answer_text_n(&a, rec->sender, rec->sender_len);
	msgpack_pack_uint32(&a.packer, rec->flags);
	msgpack_pack_bin(&a.packer, rec->len);
	msgpack_pack_bin_body(&a.packer, rec->bytes, rec->len);
	session_send(d, r->session, &a);
}

void
control_on_get(struct daemon *d, struct request *r)
{
	const struct batch *recent;
	struct record rec;
	struct block b;
	uint64_t wanted, seq;
	char why[512];
	int code;

	if (!read_single(r, "seq") || !mp_uint(&r->m, &wanted)) {
		request_nak(d, r, E_ARGUMENT, "[3]", "{\"seq\": N}");
		return;
	}
	if (wanted == 0 || wanted > d->durable) {
		snprintf(why, sizeof(why), "the log ends with %llu", (unsigned long long)d->durable);
		request_nak(d, r, E_NOT_FOUND, "seq", why);
		return;
	}
	if ((recent = recent_find(&d->recent, wanted)) != NULL)
		block_open_trusted(&b, recent->block, recent->block_len);
	else if ((code = store_read_block(d->reader, wanted, &b, why, sizeof(why))) != 0) {
		store_read_end(d->reader);
		if (code != E_TRIMMED)
			log_error("an event cannot be read", "seq=%llu code=%s", (unsigned long long)wanted, errcode_name(code));
		request_nak(d, r, code, "seq", why);
		return;
	}
	while (block_next(&b, &rec, &seq))
		if (seq == wanted) {
			send_event(d, r, &rec, seq);
			break;
		}
	store_read_end(d->reader);
}

void
control_on_status(struct daemon *d, struct request *r)
{
	struct status_line lines[STATUS_LINES_MAX];
	unsigned n = status_collect(d, lines);
	struct answer a;

	answer_begin(&a, "status", r->number, 4);
	msgpack_pack_map(&a.packer, n);
	for (unsigned i = 0; i < n; i++) {
		if (lines[i].text != NULL)
			answer_key_text(&a, lines[i].key, lines[i].text);
		else
			answer_key_int(&a, lines[i].key, lines[i].value);
	}
	session_send(d, r->session, &a);
}

bool
control_refuse_stranger(struct daemon *d, struct request *r)
{
	if (session_is_operator(r->session))
		return (false);
	d->counters.forbidden++;
	request_nak(d, r, E_FORBIDDEN, NULL, "only root or the daemon's own user, over ipc");
	return (true);
}

/* Who asked for the running backup. */
static struct {
	struct session *session;
	uint64_t number;
	int fd;
	struct event *done;
} asked;

static void
on_backup_done(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	if (write(asked.fd, &one, sizeof(one)) < 0)
		abort();
}

static void
answer_backup(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	uint64_t last, bytes;
	char why[512], quoted[512];
	struct answer a;

	(void)what;
	if (backup_finish(d->backup, &last, &bytes, why, sizeof(why)) != 0) {
		log_error("backup failed", "reason=%s", log_quote(quoted, sizeof(quoted), why));
		session_nak(d, asked.session, asked.number, E_INTERNAL, -1, "path", why);
	} else {
		log_info("backup done", "last=%llu bytes=%llu", (unsigned long long)last, (unsigned long long)bytes);
		answer_begin(&a, "done", asked.number, 4);
		msgpack_pack_map(&a.packer, 4);
		answer_key_uint(&a, "last", last);
		answer_key_uint(&a, "bytes", bytes);
		answer_key_text(&a, "log", d->store->identity.uuid_text);
		answer_key_uint(&a, "epoch", d->store->identity.epoch);
		session_send(d, asked.session, &a);
	}
	session_unref(asked.session);
	d->backup = NULL;
	event_free(asked.done);
	close(fd);
}

/* The daemon stops: whoever asked is answered. */
void
control_end_backup(struct daemon *d)
{
	if (d->backup == NULL)
		return;
	backup_cancel(d->backup);
	answer_backup(asked.fd, EV_READ, d);
}

void
control_on_backup(struct daemon *d, struct request *r)
{
	char path[4096], why[512], *consumers;
	size_t consumers_len;
	const char *s;
	uint32_t len;
	struct answer a;

	if (control_refuse_stranger(d, r))
		return;
	if (!read_single(r, "path") || !mp_str(&r->m, &s, &len) || len == 0 || len >= sizeof(path) - 64 || s[0] != '/' ||
	    memchr(s, '\0', len) != NULL) {
		request_nak(d, r, E_ARGUMENT, "path", "{\"path\": an absolute path of a new folder}");
		return;
	}
	if (d->backup != NULL) {
		request_nak(d, r, E_EXISTS, NULL, "a backup is running");
		return;
	}
	snprintf(path, sizeof(path), "%.*s", (int)len, s);
	asked.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	consumers = consumer_text(d, &consumers_len);
	d->backup = backup_start(d->store, d->applier, path, consumers, consumers_len, on_backup_done, d, why, sizeof(why));
	if (d->backup == NULL) {
		free(consumers);
		close(asked.fd);
		request_nak(d, r, access(path, F_OK) == 0 ? E_EXISTS : E_ARGUMENT, "path", why);
		return;
	}
	asked.session = session_ref(r->session);
	asked.number = r->number;
	asked.done = event_new(d->base, asked.fd, EV_READ, answer_backup, d);
	event_add(asked.done, NULL);
	answer_begin(&a, "accepted", r->number, 3);
	session_send(d, r->session, &a);
}

void
control_on_clock_accept(struct daemon *d, struct request *r)
{
	struct answer a;

	if (control_refuse_stranger(d, r))
		return;
	own_event_clock(d, "clock.accepted", logclock_jump(d->clock), r->session->sender);
	logclock_accept(d->clock);
	clockwatch_accepted(d);
	intake_turn(d);
	fanout_wake(d);		/* timers go by the new time */
	answer_begin(&a, "done", r->number, 4);
	msgpack_pack_map(&a.packer, 0);
	session_send(d, r->session, &a);
}

#include "erasure.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon.h"
#include "errcode.h"
#include "ingest.h"
#include "log.h"
#include "session.h"
#include "vault.h"

#define REASON_BYTES_MAX	1000u

struct erasure {
	struct daemon *d;
	struct session *session;	/* a reference: who asked */
	uint64_t number;
	char household[ID_CHARS_MAX + 1], reason[REASON_BYTES_MAX + 1];
	pthread_t thread;
	int fd;
	struct event *done;
	uint64_t keys;
	int error;			/* an errno or LMDB error */
};

static int
bad(struct data_fault *f, const char *path, const char *detail)
{
	f->code = E_ARGUMENT;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return (E_ARGUMENT);
}

static int
read_wish(struct erasure *x, struct mp *m, struct data_fault *f)
{
	uint32_t pairs, key_len, len;
	const char *key, *s;
	bool told = false;

	if (!mp_map(m, &pairs))
		return (bad(f, "[3]", "{\"household\": H, \"do\": \"erase\", \"reason\": TEXT}"));
	for (; pairs > 0; pairs--) {
		if (!mp_str(m, &key, &key_len) || !mp_str(m, &s, &len))
			return (bad(f, "person", "texts only"));
		if (mp_equal(key, key_len, "household")) {
			if (!id_valid(s, len))
				return (bad(f, "household", "an id: 1 to 64 characters of A-Z a-z 0-9 . _ : / -"));
			snprintf(x->household, sizeof(x->household), "%.*s", (int)len, s);
		} else if (mp_equal(key, key_len, "do")) {
			if (!(told = mp_equal(s, len, "erase")))
				return (bad(f, "do", "erase"));
		} else if (mp_equal(key, key_len, "reason")) {
			if (len == 0 || len > REASON_BYTES_MAX)
				return (bad(f, "reason", "a text of 1 to 1000 bytes"));
			snprintf(x->reason, sizeof(x->reason), "%.*s", (int)len, s);
		} else
			return (bad(f, "person", "known keys: household do reason"));
	}
	if (x->household[0] == '\0' || x->reason[0] == '\0' || !told)
		return (bad(f, x->household[0] == '\0' ? "household" : told ? "reason" : "do", "is missing"));
	return (0);
}

static void *
erase(void *arg)
{
	struct erasure *x = arg;
	uint64_t one = 1;

	if ((x->error = applier_drain(x->d->applier)) == 0)
		x->error = vault_erase(x->d->store->vault, x->household, &x->keys);
	if (x->error != 0 && !store_may_retry(x->error))
		store_distrust(x->d->store->folder, "erasing keys", mdb_strerror(x->error));
	if (write(x->fd, &one, sizeof(one)) < 0)
		abort();
	return (NULL);
}

static void
erasure_free(struct erasure *x)
{
	session_unref(x->session);
	free(x);
}

/* person.erased is durable, or was refused. */
static void
on_stored(struct daemon *d, void *arg, int code)
{
	struct erasure *x = arg;
	struct answer a;

	if (code != 0)
		session_nak(d, x->session, x->number, code, -1, NULL, "the keys are gone, but the log could not take note: ask again");
	else {
		answer_begin(&a, "done", x->number, 4);
		msgpack_pack_map(&a.packer, 1);
		answer_key_uint(&a, "keys", (uint64_t)x->keys);
		session_send(d, x->session, &a);
	}
	erasure_free(x);
}

static void
on_erased(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct erasure *x = d->erasure;

	(void)what;
	pthread_join(x->thread, NULL);
	event_free(x->done);
	close(fd);
	d->erasure = NULL;
	if (x->error != 0) {
		log_error("personal data was not erased", "household=%s error=\"%s\"", x->household, mdb_strerror(x->error));
		session_nak(d, x->session, x->number, E_DISK_FULL, -1, NULL, "not all of it may be gone: ask again");
		erasure_free(x);
		return;
	}
	log_info("personal data erased", "household=%s keys=%llu by=%s", x->household, (unsigned long long)x->keys, x->session->sender);
	own_event_erased(d, x->household, x->session->sender, x->reason, on_stored, x);
	intake_turn(d);
}

void
erasure_end(struct daemon *d)
{
	if (d->erasure != NULL)
		on_erased(d->erasure->fd, EV_READ, d);
}

void
erasure_on_person(struct daemon *d, struct request *r)
{
	struct data_fault f;
	struct erasure *x;
	int code;

	if (control_refuse_stranger(d, r))
		return;
	if (d->erasure != NULL) {
		request_nak(d, r, E_EXISTS, NULL, "another erasure is under way: ask again");
		return;
	}
	x = must_alloc(sizeof(*x));
	memset(x, 0, sizeof(*x));
	if ((code = read_wish(x, &r->m, &f)) != 0) {
		request_nak(d, r, code, f.path, f.detail);
		free(x);
		return;
	}
	x->d = d;
	x->session = session_ref(r->session);
	x->number = r->number;
	x->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	x->done = event_new(d->base, x->fd, EV_READ, on_erased, d);
	event_add(x->done, NULL);
	d->erasure = x;
	if (pthread_create(&x->thread, NULL, erase, x) != 0)
		abort();
	pthread_setname_np(x->thread, "erasure");
}

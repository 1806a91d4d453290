/* Carrying the plan out: what is said first, then what cannot be taken back.  Interrupted, the next run does what is left. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "errcode.h"
#include "retention.h"

/* The daemon erases one at a time, in milliseconds. */
#define BUSY_MS	20

struct apply {
	struct retention *r;
	struct estate *e;
	uint64_t told, erased, keys;
	bool refused;
	struct estate_fault fault;
};

static void
text(msgpack_packer *p, const char *s)
{
	msgpack_pack_str_with_body(p, s, strlen(s));
}

static void
pair(msgpack_packer *p, const char *key, const char *value)
{
	text(p, key);
	text(p, value);
}

static void
reason(const struct apply *a, const struct kept_record *k, struct buffer *b)
{
	buffer_clear(b);
	plan_show_reason(&a->r->rules, k, kept_until(&a->r->kept, k), a->r->zh, b);
}

/* One record's time is over.  The id is the record's own, so that this is said once, whoever says it. */
static int
tell(struct apply *a, const struct kept_record *k, struct buffer *why)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	char id[32];
	int n;

	reason(a, k, why);
	snprintf(id, sizeof(id), "%016" PRIx64 "-expired", k->seq);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 6);
	pair(&p, "specversion", "1.0");
	pair(&p, "id", id);
	pair(&p, "source", RETENTION_SOURCE);
	pair(&p, "type", "record.expired");
	pair(&p, "subject", k->subject->id);
	text(&p, "data");
	msgpack_pack_map(&p, 3);
	text(&p, "event");
	msgpack_pack_uint64(&p, k->seq);
	pair(&p, "by", estate_log(a->e)->sender);
	pair(&p, "reason", why->data);
	while ((n = estate_put(a->e, b.data, b.size, 0)) == ESTATE_AGAIN && !reach_stop)
		if (estate_pump(a->e, 1000) < 0)
			break;
	msgpack_sbuffer_destroy(&b);
	a->told += n == 0;
	return (n);
}

static void
on_erased(void *user, const struct estate_answer *r)
{
	struct mp m = mp_over(r->body, r->len);
	struct apply *a = user;
	uint32_t pairs, len;
	const char *key;
	uint64_t keys = 0;

	if ((a->refused = r->error != 0)) {
		if (r->fault != NULL)
			a->fault = *r->fault;
		return;
	}
	if (mp_map(&m, &pairs))
		for (; pairs > 0 && mp_str(&m, &key, &len); pairs--)
			if (!mp_equal(key, len, "keys") || !mp_uint(&m, &keys))
				mp_skip(&m);
	a->keys += keys;
	a->erased++;
}

static int
erase(struct apply *a, const struct plan_person *who, struct buffer *why)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	int n;

	reason(a, who->record, why);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	msgpack_pack_map(&p, 3);
	pair(&p, "household", who->who->id);
	pair(&p, "do", "erase");
	pair(&p, "reason", why->data);
	/* The erasing that an interrupted run began may still be under way. */
	for (int waited = 0; (n = estate_call(a->e, "person", b.data, b.size, a->r->common.timeout_ms, on_erased, a)) == E_EXISTS &&
	    waited < a->r->common.timeout_ms && !reach_stop; waited += BUSY_MS)
		usleep(BUSY_MS * 1000);
	msgpack_sbuffer_destroy(&b);
	return (n == 0 ? 0 : reach_refused("retention", &a->r->common, n, a->refused ? &a->fault : NULL));
}

int
plan_apply(struct retention *r, struct estate *e, const struct plan *p)
{
	struct apply a = { .r = r, .e = e };
	struct buffer why = { NULL, 0, 0 };
	int n = 0;

	for (size_t i = 0; i < p->over_count && n == 0 && !reach_stop; i++)
		n = tell(&a, p->over[i], &why);
	while (n == 0 && estate_unacked(e) > 0 && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	if (n != 0)
		n = reach_refused("retention", &r->common, n, NULL);
	else if (r->refused > 0)
		n = EXIT_PART;
	for (size_t i = 0; i < p->due_count && n == 0 && !reach_stop; i++)
		n = erase(&a, &p->due[i], &why);
	if (n == 0 && (reach_stop || estate_unacked(e) > 0)) {
		complain("retention", "interrupted; the same command again does what is left");
		n = EXIT_PART;
	}
	if (r->common.json)
		printf("{\"expired\":%" PRIu64 ",\"erased\":%" PRIu64 ",\"keys\":%" PRIu64 "}\n", a.told, a.erased, a.keys);
	else
		printf(r->zh ? "登记期满记录 %" PRIu64 " 份，清除 %" PRIu64 " 人（销毁 %" PRIu64 " 个密钥）；清除前的 vault 备份须在 30 天内删除\n" :
		    "%" PRIu64 " records said to be over, %" PRIu64 " persons erased (%" PRIu64 " keys destroyed); remove backups of the vault made before this, "
		    "within 30 days\n", a.told, a.erased, a.keys);
	buffer_free(&why);
	return (n);
}

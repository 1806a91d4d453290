#include "parked.h"

#include <string.h>

#include "bytes.h"

/* Subject (length u8 first), then for a timer due, depth and payload (length u16 first), then the reason. */
#define RECORD_MAX	(1 + ID_CHARS_MAX + 8 + 1 + 2 + TIMER_PAYLOAD_MAX + 512)

static size_t
key_of(uint8_t *key, const struct parked *p)
{
	put_be64(key, p->seq);
	key[8] = p->is_timer ? 't' : 'e';
	if (!p->is_timer)
		return (9);
	memcpy(key + 9, p->timer.name, p->timer.name_len);
	return (9 + p->timer.name_len);
}

static void
trouble(struct worker *w, struct text subject, int by)
{
	MDB_val v;
	uint8_t bytes[4];
	uint32_t n = 0;

	if (subject.len == 0)
		return;
	if (state_get(w->state, DB_TROUBLED, subject.s, subject.len, &v) && v.mv_size == 4)
		n = get_le32(v.mv_data);
	w->troubled -= n > 0;
	n += (uint32_t)by;
	w->troubled += n > 0;
	put_le32(bytes, n);
	if (n > 0)
		state_put(w->state, DB_TROUBLED, subject.s, subject.len, bytes, sizeof(bytes));
	else
		state_delete(w->state, DB_TROUBLED, subject.s, subject.len);
}

void
parked_put(struct worker *w, const struct parked *p)
{
	uint8_t key[9 + STATE_KEY_MAX], record[RECORD_MAX], *to = record;
	size_t len = key_of(key, p), reason = p->reason.len < 512 ? p->reason.len : 512;
	MDB_val v;

	if (!state_get(w->state, DB_PARKED, key, len, &v))
		trouble(w, p->subject, 1);
	*to++ = (uint8_t)p->subject.len;
	memcpy(to, p->subject.len > 0 ? p->subject.s : "", p->subject.len);
	to += p->subject.len;
	if (p->is_timer) {
		put_le64(to, (uint64_t)p->timer.due);
		to[8] = p->timer.depth;
		to[9] = (uint8_t)(p->timer.len & 0xff);
		to[10] = (uint8_t)(p->timer.len >> 8);
		to += 11;
		if (p->timer.len > 0)
			memcpy(to, p->timer.payload, p->timer.len);
		to += p->timer.len;
	}
	memcpy(to, p->reason.s, reason);
	to += reason;
	state_put(w->state, DB_PARKED, key, len, record, (size_t)(to - record));
}

bool
parked_next(struct worker *w, uint64_t seq, struct parked_key *after, struct parked *p)
{
	const uint8_t *from, *end;
	uint8_t begin[8];
	MDB_val k, v;

	put_be64(begin, seq);
	if (after->len == 0) {
		memcpy(after->bytes, begin, sizeof(begin));
		after->len = sizeof(begin);
	} else
		after->bytes[after->len++] = 0;		/* the least key behind it */
	if (!state_seek(w->state, DB_PARKED, after->bytes, after->len, &k, &v) || k.mv_size < 9 || memcmp(k.mv_data, begin, 8) != 0)
		return (false);
	memset(p, 0, sizeof(*p));
	memcpy(after->bytes, k.mv_data, k.mv_size);
	after->len = k.mv_size;
	p->seq = seq;
	p->is_timer = after->bytes[8] == 't';
	from = v.mv_data;
	end = from + v.mv_size;
	p->subject = (struct text){ (const char *)from + 1, from[0] };
	from += 1 + from[0];
	if (p->is_timer) {
		p->timer.name = after->bytes + 9;
		p->timer.name_len = after->len - 9;
		p->timer.cause = seq;
		p->timer.due = (int64_t)get_le64(from);
		p->timer.depth = from[8];
		p->timer.len = (size_t)(from[9] | from[10] << 8);
		p->timer.payload = from + 11;
		from += 11 + p->timer.len;
	}
	p->reason = (struct text){ (const char *)from, (uint32_t)(end - from) };
	return (true);
}

void
parked_remove(struct worker *w, const struct parked *p)
{
	uint8_t key[9 + STATE_KEY_MAX];

	if (state_delete(w->state, DB_PARKED, key, key_of(key, p)))
		trouble(w, p->subject, -1);
}

bool
subject_is_troubled(struct worker *w, struct text subject)
{
	MDB_val v;

	return (w->troubled > 0 && subject.len > 0 && state_get(w->state, DB_TROUBLED, subject.s, subject.len, &v));
}

#include "seal.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "bytes.h"
#include "vault.h"

#define VERSION		1
#define HEAD_BYTES	41u
#define NONCE_BYTES	crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES	crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(NONCE_BYTES == 24 && TAG_BYTES == 16 && SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "as in the format");

struct text
seal_person(const struct event *e)
{
	struct text t = event_named_household(e);

	if (t.s == NULL)
		t = e->subject;
	return (t.s != NULL ? t : (struct text){ "", 0 });
}

/* A nonce is never used twice: 16 bytes of chance for this process, then a counter.  Writer's thread only. */
static void
next_nonce(uint8_t nonce[NONCE_BYTES])
{
	static uint8_t base[16];
	static uint64_t counter;

	if (counter++ == 0)
		randombytes_buf(base, sizeof(base));
	memcpy(nonce, base, sizeof(base));
	put_be64(nonce + sizeof(base), counter);
}

static uint8_t *
put_ext_header(uint8_t *p, size_t len)
{
	if (len <= UINT8_MAX) {
		*p++ = 0xc7;
		*p++ = (uint8_t)len;
	} else if (len <= UINT16_MAX) {
		*p++ = 0xc8;
		*p++ = (uint8_t)(len >> 8);
		*p++ = (uint8_t)len;
	} else {
		*p++ = 0xc9;
		for (int shift = 24; shift >= 0; shift -= 8)
			*p++ = (uint8_t)(len >> shift);
	}
	*p++ = SEAL_EXT;
	return (p);
}

size_t
seal_event(uint8_t *out, const uint8_t *bytes, size_t len, const struct span *spans, unsigned count, uint64_t slot,
    const uint8_t key[SEAL_KEY_BYTES], uint64_t digest, uint64_t seq)
{
	const uint8_t *from = bytes;
	uint8_t *p = out, number[8];

	put_be64(number, seq);
	for (unsigned i = 0; i < count; i++) {
		const struct span *s = &spans[i];

		assert(s->p >= from && s->p + s->len <= bytes + len);
		memcpy(p, from, (size_t)(s->p - from));
		p = put_ext_header(p + (s->p - from), HEAD_BYTES + s->len + TAG_BYTES);
		p[0] = VERSION;
		put_be64(p + 1, slot);
		put_be64(p + 9, digest);
		next_nonce(p + 17);
		crypto_aead_xchacha20poly1305_ietf_encrypt(p + HEAD_BYTES, NULL, s->p, s->len, number, sizeof(number), NULL, p + 17, key);
		p += HEAD_BYTES + s->len + TAG_BYTES;
		from = s->p + s->len;
	}
	memcpy(p, from, (size_t)(bytes + len - from));
	return ((size_t)(p - out) + (size_t)(bytes + len - from));
}

/* The ext value at the cursor, which moves past it; false if it is none of ours. */
static bool
read_sealed(struct mp *m, struct sealed *s)
{
	const uint8_t *at = m->p, *p;
	uint32_t len;
	int8_t type;

	if (!mp_ext(m, &type, &p, &len) || type != SEAL_EXT || len < HEAD_BYTES + TAG_BYTES || p[0] != VERSION)
		return (false);
	s->value = (struct span){ at, (size_t)(m->p - at) };
	s->slot = get_be64(p + 1);
	s->digest = get_be64(p + 9);
	s->nonce = p + 17;
	s->cipher = p + HEAD_BYTES;
	s->cipher_len = len - HEAD_BYTES;
	return (true);
}

unsigned
seal_fields(const struct event *e, struct sealed out[PERSONAL_FIELDS_MAX])
{
	struct mp m = e->data;
	uint32_t pairs, len;
	const char *name;
	unsigned n = 0;

	if (e->kind == NULL || m.p == NULL || !mp_map(&m, &pairs))
		return (0);
	for (; pairs > 0 && n < PERSONAL_FIELDS_MAX && mp_str(&m, &name, &len); pairs--) {
		const struct field *f = catalogue_field(e->kind, name, len);
		struct mp value = m;

		/* The door lets no ext value into a field of the catalogue: one that stands there is ours. */
		if (f != NULL && f->personal && read_sealed(&value, &out[n]))
			n++;
		if (!mp_skip(&m))
			break;
	}
	return (n);
}

enum opened { OPENED, ERASED, UNKNOWN };

/* The value's own bytes to `out`, which has room for cipher_len. */
static enum opened
open_field(struct vault *v, const struct sealed *s, uint64_t seq, uint8_t *out, unsigned long long *len)
{
	uint8_t key[SEAL_KEY_BYTES], number[8];
	enum vault_answer a = vault_key(v, s->slot, key);
	int rc;

	if (a != VAULT_KEY)
		return (a == VAULT_ERASED ? ERASED : UNKNOWN);
	put_be64(number, seq);
	rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, len, NULL, s->cipher, s->cipher_len, number, sizeof(number), s->nonce, key);
	sodium_memzero(key, sizeof(key));
	return (rc == 0 ? OPENED : UNKNOWN);
}

static uint8_t *
put_text(uint8_t *p, const char *text)
{
	size_t n = strlen(text);

	*p++ = (uint8_t)(0xa0 | n);
	memcpy(p, text, n);
	return (p + n);
}

void
seal_show(struct vault *v, bool open, struct seal_room *room, struct record *r, uint64_t seq)
{
	struct sealed fields[PERSONAL_FIELDS_MAX];
	const uint8_t *from = r->bytes, *end = r->bytes + r->len;
	struct event e;
	unsigned n = 0;
	bool whole;
	uint8_t *p;

	if (event_peek(&e, r->bytes, r->len))
		n = seal_fields(&e, fields);
	whole = open && n > 0;
	/* Every replacement is shorter than what it replaces. */
	if (room->size < r->len) {
		free(room->bytes);
		room->bytes = must_alloc(room->size = r->len);
	}
	p = room->bytes;
	for (unsigned i = 0; i < n; i++) {
		unsigned long long len = 0;
		enum opened o;

		memcpy(p, from, (size_t)(fields[i].value.p - from));
		p += fields[i].value.p - from;
		from = fields[i].value.p + fields[i].value.len;
		o = open ? open_field(v, &fields[i], seq, p, &len) : UNKNOWN;
		whole &= o == OPENED;
		p = o == OPENED ? p + len : put_text(p, o == ERASED ? SEAL_ERASED : SEAL_MASK);
	}
	memcpy(p, from, (size_t)(end - from));
	r->bytes = room->bytes;
	r->len = (uint32_t)(p - room->bytes) + (uint32_t)(end - from);
	if (whole)
		r->flags &= ~(uint32_t)EVENT_SEALED;
}

bool
seal_sound(struct vault *v, const struct record *r, uint64_t seq)
{
	struct sealed fields[PERSONAL_FIELDS_MAX];
	uint8_t *out = must_alloc(r->len);
	unsigned long long len;
	struct event e;
	unsigned n = 0;
	bool sound;

	if (event_peek(&e, r->bytes, r->len))
		n = seal_fields(&e, fields);
	sound = n > 0;
	for (unsigned i = 0; i < n && sound; i++)
		sound = open_field(v, &fields[i], seq, out, &len) != UNKNOWN;
	free(out);
	return (sound);
}

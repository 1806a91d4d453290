#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "bloom.h"
#include "journal.h"
#include "log.h"
#include "seal.h"

void *
must_alloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL) {
		log_error("out of memory", "bytes=%zu", n);
		abort();
	}
	return (p);
}

void *
must_realloc(void *old, size_t n)
{
	void *p = realloc(old, n > 0 ? n : 1);

	if (p == NULL) {
		log_error("out of memory", "bytes=%zu", n);
		abort();
	}
	return (p);
}

char *
must_strdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return (memcpy(must_alloc(n), s, n));
}

void
entry_fill(struct index_entry *en, const struct event *e, uint64_t secret)
{
	event_key(e, secret, en->key);
	en->digest = event_digest(e, secret);
	en->subject = e->subject.s != NULL ? bloom_hash(BLOOM_SUBJECT, e->subject.s, e->subject.len) : 0;
	en->source = bloom_hash(BLOOM_SOURCE, e->source.s, e->source.len);
	en->type = bloom_hash(BLOOM_TYPE, e->type.s, e->type.len);
	en->links = e->kind != NULL && e->subject.s != NULL && catalogue_field(e->kind, "household", 9) != NULL;
}

bool
entry_read(struct index_entry *en, const struct record *r, uint64_t secret)
{
	struct sealed fields[PERSONAL_FIELDS_MAX];
	struct event e;

	if (!event_peek(&e, r->bytes, r->len))
		return (false);
	entry_fill(en, &e, secret);
	if ((r->flags & EVENT_SEALED) != 0 && seal_fields(&e, fields) > 0)
		en->digest = fields[0].digest;
	return (true);
}

static struct batch *
batch_new(size_t block_bound_bytes)
{
	struct batch *b = must_alloc(sizeof(*b));
	size_t n = JOURNAL_ALIGN_UP(JOURNAL_RECORD_HEADER + block_bound_bytes);

	memset(b, 0, sizeof(*b));
	atomic_init(&b->refs, 1);
	if (posix_memalign((void **)&b->buffer, JOURNAL_ALIGN, n) != 0) {
		log_error("out of memory", "bytes=%zu", n);
		abort();
	}
	return (b);
}

static void
batch_describe(struct batch *b, size_t block_len)
{
	struct block block;

	b->block = b->buffer + JOURNAL_RECORD_HEADER;
	b->block_len = block_len;
	block_open_trusted(&block, b->block, block_len);
	b->first_seq = block.first_seq;
	b->count = block.count;
	b->log_time = block.log_time;
	b->buffer_len = JOURNAL_ALIGN_UP(JOURNAL_RECORD_HEADER + block_len);
	memset(b->buffer, 0, JOURNAL_RECORD_HEADER);
	memset(b->buffer + JOURNAL_RECORD_HEADER + block_len, 0, b->buffer_len - JOURNAL_RECORD_HEADER - block_len);
}

struct batch *
batch_build(uint64_t first_seq, const struct record *records, struct index_entry *entries, unsigned count)
{
	struct batch *b = batch_new(block_bound(records, count));

	batch_describe(b, block_build(b->buffer + JOURNAL_RECORD_HEADER, first_seq, records, count));
	b->entries = entries;
	return (b);
}

struct batch *
batch_read(const uint8_t *bytes, size_t len, uint64_t secret)
{
	struct batch *b = batch_new(len);
	struct block block;
	struct record r;
	uint64_t seq;
	unsigned n = 0;

	memcpy(b->buffer + JOURNAL_RECORD_HEADER, bytes, len);
	batch_describe(b, len);
	b->entries = must_alloc(b->count * sizeof(*b->entries));
	block_open_trusted(&block, b->block, b->block_len);
	while (block_next(&block, &r, &seq)) {
		if (!entry_read(&b->entries[n++], &r, secret)) {
			/* Its checksum held, so this is our own bug. */
			log_error("a stored event cannot be read", "seq=%llu", (unsigned long long)seq);
			abort();
		}
	}
	return (b);
}

struct batch *
batch_ref(struct batch *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return (b);
}

void
batch_unref(struct batch *b)
{
	if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(b->buffer);
	free(b->entries);
	free(b);
}

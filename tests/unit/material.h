/* What tests of the store are made of: chance that repeats, packed events, batches, folders that go away. */
#ifndef MATERIAL_H
#define MATERIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ftw.h>
#include <jansson.h>
#include <msgpack.h>
#include <unistd.h>

#include "batch.h"
#include "json.h"

#define SECRET	0x0123456789abcdefull

/* splitmix64: the same numbers for the same seed, everywhere. */
static inline uint64_t
chance(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (z ^ z >> 31);
}

static inline uint64_t
below(uint64_t *seed, uint64_t n)
{
	return (chance(seed) % n);
}

/* JSON as msgpack, malloc'ed to its exact length, so that a byte too far is seen by the sanitizer. */
static inline uint8_t *
pack_json(const char *text, size_t *len)
{
	msgpack_sbuffer b;
	msgpack_packer p;
	json_error_t why;
	json_t *root = json_loads(text, JSON_DECODE_ANY, &why);
	uint8_t *exact;

	if (root == NULL)
		fail_msg("%s: %s", text, why.text);
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	json_to_msgpack(&p, root);
	exact = malloc(b.size);
	assert_non_null(exact);
	memcpy(exact, b.data, b.size);
	*len = b.size;
	msgpack_sbuffer_destroy(&b);
	json_decref(root);
	return (exact);
}

/* A probe with this id, and the subject unless it is NULL. */
static inline uint8_t *
make_probe(const char *id, const char *subject, size_t *len)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/unit\",\"type\":\"probe.recorded\"%s%s%s,\"data\":{}}",
	    id, subject != NULL ? ",\"subject\":\"" : "", subject != NULL ? subject : "", subject != NULL ? "\"" : "");
	return (pack_json(text, len));
}

/* A batch of probes with ids from id_of(first_seq …), `step` nanoseconds apart. */
static inline struct batch *
make_batch(uint64_t first_seq, unsigned count, uint64_t log_time, uint64_t step, void (*id_of)(uint64_t seq, char out[64]),
    void (*subject_of)(uint64_t seq, char out[64]))
{
	struct record *records = calloc(count, sizeof(*records));
	struct index_entry *entries = calloc(count, sizeof(*entries));
	struct batch *b;

	assert_true(records != NULL && entries != NULL);
	for (unsigned i = 0; i < count; i++) {
		char id[64], subject[64];
		struct event e;
		size_t len;

		id_of(first_seq + i, id);
		if (subject_of != NULL)
			subject_of(first_seq + i, subject);
		records[i].bytes = make_probe(id, subject_of != NULL ? subject : NULL, &len);
		records[i].len = (uint32_t)len;
		records[i].log_time = log_time + i * step;
		records[i].sender = "uid:0";
		records[i].sender_len = 5;
		assert_true(event_peek(&e, records[i].bytes, len));
		entry_fill(&entries[i], &e, SECRET);
	}
	b = batch_build(first_seq, records, entries, count);
	for (unsigned i = 0; i < count; i++)
		free((void *)(uintptr_t)records[i].bytes);
	free(records);
	return (b);
}

static inline int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return (remove(path));
}

static inline char *
make_folder(char out[64])
{
	strcpy(out, "/tmp/estate-unit-XXXXXX");
	assert_non_null(mkdtemp(out));
	return (out);
}

static inline void
remove_folder(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif

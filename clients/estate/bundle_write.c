/* Writing a bundle: beside its name until it is whole and flushed, so that a file under that name is never a part of one. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "bundle.h"
#include "bytes.h"
#include "files.h"

/* Measured on 268 MB of records of a generated month: 3 packs no better than 1 (4.9 : 1) at two thirds of its speed, 9 a tenth better at a
 * tenth of it. */
#define LEVEL	1

struct bundle_writer {
	char folder[PATH_MAX], path[PATH_MAX], part[PATH_MAX + sizeof(BUNDLE_PART)];
	int fd;
	struct bundle_head head;
	struct cover *cover;
	ZSTD_CCtx *z;
	crypto_generichash_state running;
	struct bundle_index index;
	uint64_t at;			/* where the next frame goes */
	/* The block that fills. */
	msgpack_sbuffer content;
	uint32_t count;
	uint64_t first_seq, first_time;
	uint8_t *packed;
	/* The record a part from before ends with. */
	uint64_t last;
	uint8_t last_hash[BUNDLE_DIGEST_BYTES];
};

static void
hash_record(const struct estate_event *v, uint8_t out[BUNDLE_DIGEST_BYTES])
{
	crypto_generichash_state s;
	uint8_t n[24];

	put_le64(n, v->seq);
	put_le64(n + 8, (uint64_t)v->log_time);
	put_le64(n + 16, v->flags);
	crypto_generichash_init(&s, NULL, 0, BUNDLE_DIGEST_BYTES);
	crypto_generichash_update(&s, n, sizeof(n));
	crypto_generichash_update(&s, v->bytes, v->len);
	crypto_generichash_final(&s, out, BUNDLE_DIGEST_BYTES);
}

/* What an interrupted run left: its whole blocks count again, and what is behind them goes. */
static void
adopt(struct bundle_writer *w)
{
	struct estate_event v;
	struct bundle b;

	if (bundle_open(&b, w->part) && memcmp(b.head.uuid, w->head.uuid, 16) == 0 && strcmp(b.head.month, w->head.month) == 0) {
		while (bundle_next(&b) == BUNDLE_BLOCK) {
			for (size_t at = 0; bundle_record(&b, &at, &v);) {
				cover_note(w->cover, &v);
				if (v.seq == b.last)
					hash_record(&v, w->last_hash);
			}
			crypto_generichash_update(&w->running, b.content, b.content_len);
		}
		/* A cover that is there already is made again. */
		for (uint32_t i = 0; i < b.index.count; i++)
			bundle_index_add(&w->index, &b.index.items[i]);
		if (b.index.count > 0) {
			const struct bundle_block *k = &b.index.items[b.index.count - 1];

			w->at = k->offset + BUNDLE_FRAME + BUNDLE_BLOCK_BYTES + k->packed;
			w->last = b.last;
		}
	}
	bundle_close(&b);
}

struct bundle_writer *
bundle_begin(const char *folder, const struct bundle_head *head, struct cover *cover, uint64_t *last, char *why, size_t why_len)
{
	struct bundle_writer *w = alloc_or_exit(NULL, sizeof(*w));
	uint8_t h[BUNDLE_FRAME + BUNDLE_HEAD_BYTES];
	char name[sizeof(head->month) + sizeof(BUNDLE_SUFFIX)];
	int e = 0;

	memset(w, 0, sizeof(*w));
	w->head = *head;
	w->cover = cover;
	snprintf(w->folder, sizeof(w->folder), "%s", folder);
	snprintf(name, sizeof(name), "%s" BUNDLE_SUFFIX, head->month);
	path_join(w->path, sizeof(w->path), folder, name);
	snprintf(w->part, sizeof(w->part), "%s" BUNDLE_PART, w->path);
	bundle_digest_begin(&w->running, head);
	/* Two at once would write into each other's blocks. */
	if ((w->fd = open(w->part, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0 || flock(w->fd, LOCK_EX | LOCK_NB) != 0)
		e = errno;
	if (e == EWOULDBLOCK) {
		snprintf(why, why_len, "another estate archive is writing %s: wait until it is done", w->part);
		bundle_leave(w, false);
		return (NULL);
	}
	if (e == 0)
		adopt(w);
	if (e == 0 && w->index.count == 0) {
		bundle_pack_head(h, head);
		w->at = sizeof(h);
		e = write_all(w->fd, h, sizeof(h), 0);
	}
	if (e == 0 && ftruncate(w->fd, (off_t)w->at) != 0)
		e = errno;
	if (e != 0) {
		snprintf(why, why_len, "cannot write %s: %s%s", w->part, strerror(e), e == ENOENT ? "; make the folder first: mkdir -p" : "");
		bundle_leave(w, false);
		return (NULL);
	}
	w->z = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(w->z, ZSTD_c_compressionLevel, LEVEL);
	w->packed = alloc_or_exit(NULL, ZSTD_compressBound(BUNDLE_BLOCK_MAX));
	msgpack_sbuffer_init(&w->content);
	*last = w->last;
	return (w);
}

bool
bundle_ends_with(const struct bundle_writer *w, const struct estate_event *v)
{
	uint8_t hash[BUNDLE_DIGEST_BYTES];

	hash_record(v, hash);
	return (v->seq == w->last && memcmp(hash, w->last_hash, sizeof(hash)) == 0);
}

static int
write_block(struct bundle_writer *w)
{
	struct bundle_block k = { .offset = w->at, .first_seq = w->first_seq, .first_time = w->first_time, .count = w->count,
	    .bytes = (uint32_t)w->content.size };
	uint8_t h[BUNDLE_FRAME + BUNDLE_BLOCK_BYTES];
	size_t n;
	int e;

	if (w->count == 0)
		return (0);
	n = ZSTD_compress2(w->z, w->packed, ZSTD_compressBound(BUNDLE_BLOCK_MAX), w->content.data, w->content.size);
	if (ZSTD_isError(n))
		return (ENOMEM);
	k.packed = (uint32_t)n;
	k.sum = XXH3_64bits(w->packed, n);
	bundle_pack_block(h, &k, w->index.count);
	if ((e = write_all(w->fd, h, sizeof(h), (int64_t)w->at)) != 0 || (e = write_all(w->fd, w->packed, n, (int64_t)(w->at + sizeof(h)))) != 0)
		return (e);
	crypto_generichash_update(&w->running, (const uint8_t *)w->content.data, w->content.size);
	bundle_index_add(&w->index, &k);
	w->at += sizeof(h) + n;
	w->content.size = 0;
	w->count = 0;
	return (0);
}

int
bundle_add(struct bundle_writer *w, const struct estate_event *v)
{
	msgpack_packer p;

	if (w->count == 0) {
		w->first_seq = v->seq;
		w->first_time = (uint64_t)v->log_time;
	}
	msgpack_packer_init(&p, &w->content, msgpack_sbuffer_write);
	msgpack_pack_array(&p, 5);
	msgpack_pack_uint64(&p, v->seq);
	msgpack_pack_int64(&p, v->log_time);
	msgpack_pack_str_with_body(&p, v->sender, v->sender_len);
	msgpack_pack_uint64(&p, v->flags);
	msgpack_pack_bin_with_body(&p, v->bytes, v->len);
	w->count++;
	cover_note(w->cover, v);
	return (w->content.size >= BUNDLE_BLOCK_TARGET ? write_block(w) : 0);
}

/* A skippable frame of these bytes and their checksum. */
static int
write_part(struct bundle_writer *w, uint32_t magic, const void *bytes, size_t len)
{
	uint8_t f[BUNDLE_FRAME], sum[8];
	int e;

	put_le32(f, magic);
	put_le32(f + 4, (uint32_t)len + 8);
	put_le64(sum, XXH3_64bits(bytes, len));
	if ((e = write_all(w->fd, f, sizeof(f), (int64_t)w->at)) != 0 || (e = write_all(w->fd, bytes, len, (int64_t)(w->at + sizeof(f)))) != 0 ||
	    (e = write_all(w->fd, sum, sizeof(sum), (int64_t)(w->at + sizeof(f) + len))) != 0)
		return (e);
	w->at += sizeof(f) + len + sizeof(sum);
	return (0);
}

static int
write_end(struct bundle_writer *w, uint64_t cover_at, uint64_t index_at, const uint8_t digest[BUNDLE_DIGEST_BYTES])
{
	uint8_t p[BUNDLE_END_BYTES - 8];

	memcpy(p, "ESTATEND", 8);
	put_le64(p + 8, cover_at);
	put_le64(p + 16, index_at);
	put_le64(p + 24, w->at + BUNDLE_FRAME + BUNDLE_END_BYTES);
	memcpy(p + 32, digest, BUNDLE_DIGEST_BYTES);
	return (write_part(w, BUNDLE_MAGIC_END, p, sizeof(p)));
}

int
bundle_finish(struct bundle_writer *w, const struct buffer *cover, uint8_t digest[BUNDLE_DIGEST_BYTES])
{
	uint64_t cover_at, index_at;
	uint8_t *index;
	int e;

	if ((e = write_block(w)) != 0)
		return (e);
	crypto_generichash_update(&w->running, (const uint8_t *)cover->data, cover->len);
	crypto_generichash_final(&w->running, digest, BUNDLE_DIGEST_BYTES);
	cover_at = w->at;
	if ((e = write_part(w, BUNDLE_MAGIC_COVER, cover->data, cover->len)) != 0)
		return (e);
	index_at = w->at;
	index = alloc_or_exit(NULL, (size_t)w->index.count * BUNDLE_ENTRY_BYTES);
	for (uint32_t i = 0; i < w->index.count; i++)
		bundle_pack_entry(index + (size_t)i * BUNDLE_ENTRY_BYTES, &w->index.items[i]);
	e = write_part(w, BUNDLE_MAGIC_INDEX, index, (size_t)w->index.count * BUNDLE_ENTRY_BYTES);
	free(index);
	if (e != 0 || (e = write_end(w, cover_at, index_at, digest)) != 0)
		return (e);
	if (fsync(w->fd) != 0 || rename(w->part, w->path) != 0)
		return (errno);
	return (folder_sync(w->folder));
}

void
bundle_leave(struct bundle_writer *w, bool forget)
{
	if (w == NULL)
		return;
	if (forget)
		unlink(w->part);
	if (w->fd >= 0)
		close(w->fd);
	if (w->z != NULL) {
		ZSTD_freeCCtx(w->z);
		msgpack_sbuffer_destroy(&w->content);
	}
	free(w->packed);
	free(w->index.items);
	free(w);
}

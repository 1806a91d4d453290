#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <msgpack.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "buffer.h"
#include "bytes.h"
#include "call.h"
#include "emit.h"
#include "log.h"

#define HEAD_BYTES	(8u + CONFIG_DIGEST_SIZE - 1)

static void
digest_of(const char *text, size_t len, char out[CONFIG_DIGEST_SIZE])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, len);
	sodium_bin2hex(out, CONFIG_DIGEST_SIZE, hash, sizeof(hash));
}

static int
read_file(struct config_file *f, const char *path, char *why, size_t size)
{
	FILE *in = fopen(path, "r");
	size_t where;

	if (in == NULL) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return (-1);
	}
	f->text = alloc_or_exit(NULL, CONFIG_BYTES_MAX + 2);
	f->len = fread(f->text, 1, CONFIG_BYTES_MAX + 1, in);
	if (ferror(in)) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		fclose(in);
		return (-1);
	}
	fclose(in);
	f->text[f->len] = '\0';
	if (f->len > CONFIG_BYTES_MAX) {
		snprintf(why, size, "%s is larger than %u bytes, and would not fit into an event", path, CONFIG_BYTES_MAX);
		return (-1);
	}
	if (!mp_utf8(f->text, f->len, &where) || strlen(f->text) != f->len) {
		snprintf(why, size, "%s is not UTF-8 text", path);
		return (-1);
	}
	digest_of(f->text, f->len, f->digest);
	return (0);
}

/* Ask a copy of the worker that nothing depends on. */
static int
try_files(const struct config_files *c, const struct worker_kind *kind, const char *folder, char *why, size_t size)
{
	void *user = kind->open != NULL ? kind->open() : NULL;
	char reason[512];
	int r = 0;

	for (unsigned i = 0; i < c->count && r == 0; i++)
		if ((r = kind->configure(user, c->files[i].kind, c->files[i].text, reason, sizeof(reason))) != 0)
			snprintf(why, size, "%s/%s: %s", folder, kind->configs[i].file, reason);
	if (kind->close != NULL)
		kind->close(user);
	return (r);
}

int
config_read(struct config_files *c, const struct worker_kind *kind, const char *folder, char *why, size_t size)
{
	char path[4096];

	memset(c, 0, sizeof(*c));
	if (kind->configs == NULL) {
		snprintf(why, size, "this worker has nothing to configure: leave --config out");
		return (-1);
	}
	for (unsigned i = 0; i < CONFIG_KINDS_MAX && kind->configs[i].kind != NULL; i++) {
		c->files[i].kind = kind->configs[i].kind;
		c->count++;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, kind->configs[i].file) >= sizeof(path)) {
			snprintf(why, size, "%s: too long a path", folder);
			return (-1);
		}
		if (read_file(&c->files[i], path, why, size) != 0)
			return (-1);
	}
	return (try_files(c, kind, folder, why, size));
}

void
config_free(struct config_files *c)
{
	for (unsigned i = 0; i < c->count; i++)
		free(c->files[i].text);
	c->count = 0;
}

bool
config_next(struct worker *w, struct config_in_force *c)
{
	/* With its zero the kind is the least key behind it. */
	size_t len = c->kind[0] != '\0' ? strlen(c->kind) + 1 : 0;
	MDB_val k, v;

	if (!state_seek(w->state, DB_CONFIG, c->kind, len, &k, &v) || k.mv_size >= sizeof(c->kind) || v.mv_size < HEAD_BYTES)
		return (false);
	memcpy(c->kind, k.mv_data, k.mv_size);
	c->kind[k.mv_size] = '\0';
	c->since = get_le64(v.mv_data);
	memcpy(c->digest, (const char *)v.mv_data + 8, CONFIG_DIGEST_SIZE - 1);
	c->digest[CONFIG_DIGEST_SIZE - 1] = '\0';
	c->count++;
	return (true);
}

int
config_load(struct worker *w, char *why, size_t size)
{
	char kind[64] = "", reason[512];
	size_t len = 0;
	MDB_val k, v;

	while (state_seek(w->state, DB_CONFIG, kind, len, &k, &v)) {
		char *text;
		int r;

		if (k.mv_size + 1 >= sizeof(kind) || v.mv_size < HEAD_BYTES)
			break;
		memcpy(kind, k.mv_data, k.mv_size);
		kind[k.mv_size] = '\0';
		len = k.mv_size + 1;		/* with the zero: the least key behind it */
		text = strndup((const char *)v.mv_data + HEAD_BYTES, v.mv_size - HEAD_BYTES);
		if (text == NULL || w->kind->configure == NULL) {
			free(text);
			continue;
		}
		if ((r = w->kind->configure(w->user, kind, text, reason, sizeof(reason))) != 0)
			snprintf(why, size, "the %s in force are refused by this release (%s): start it once with --rebuild", kind, reason);
		free(text);
		if (r != 0)
			return (-1);
	}
	return (0);
}

int
config_fix(struct worker *w, const struct config_files *c, char *why, size_t size)
{
	for (unsigned i = 0; i < c->count; i++)
		if (w->kind->configure(w->user, c->files[i].kind, c->files[i].text, why, size) != 0)
			return (-1);
	return (0);
}

static bool
wanted(const struct worker_kind *kind, const char *name)
{
	for (unsigned i = 0; kind->configs != NULL && kind->configs[i].kind != NULL; i++)
		if (strcmp(kind->configs[i].kind, name) == 0)
			return (true);
	return (false);
}

static void
remember(struct worker *w, const char *kind, uint64_t seq, const char digest[CONFIG_DIGEST_SIZE], struct text content)
{
	struct buffer b = { NULL, 0, 0 };
	uint8_t number[8];

	put_le64(number, seq);
	buffer_add(&b, number, sizeof(number));
	buffer_add(&b, digest, CONFIG_DIGEST_SIZE - 1);
	buffer_add(&b, content.s, content.len);
	state_put(w->state, DB_CONFIG, kind, strlen(kind), b.data, b.len);
	buffer_free(&b);
}

/* A text of which no more is known than where it begins and ends, as one that ends with a zero; free it. */
static char *
copy_text(const char *s, size_t len)
{
	return (memcpy(memset(alloc_or_exit(NULL, len + 1), 0, len + 1), s, len));
}

/* What was in force before, or NULL for nothing; free it. */
static char *
text_in_force(struct worker *w, const char *kind)
{
	MDB_val v;

	if (!state_get(w->state, DB_CONFIG, kind, strlen(kind), &v) || v.mv_size < HEAD_BYTES)
		return (NULL);
	return (copy_text((const char *)v.mv_data + HEAD_BYTES, v.mv_size - HEAD_BYTES));
}

/* The worker has read another text and could not follow it: what its tables were made by is in force again. */
static void
restore(struct worker *w, const char *kind, const char *before)
{
	char why[400];

	if (w->kind->configure(w->user, kind, before, why, sizeof(why)) == 0)
		return;
	/* It was in force a moment ago.  Nothing of this transaction is kept; a restart reads what it was. */
	log_error("what was in force is refused: restarting", "worker=%s kind=%s", w->kind->name, kind);
	exit(EX_CONFIG);
}

bool
config_activated(struct worker *w, const struct stored *v, const struct event *e, const struct cause *cause)
{
	char kind[64], digest[CONFIG_DIGEST_SIZE], why[400], *copy, *before;
	struct text k, said, content;
	int r;

	if (!event_text(e, "kind", &k) || k.len >= sizeof(kind))
		return (true);
	snprintf(kind, sizeof(kind), "%.*s", (int)k.len, k.s);
	if (!wanted(w->kind, kind))
		return (true);
	w->failed = false;
	if (!event_text(e, "content", &content) || !event_text(e, "digest", &said)) {
		worker_fail(w, "the activation of %s carries no content", kind);
		return (false);
	}
	digest_of(content.s, content.len, digest);
	if (said.len != CONFIG_DIGEST_SIZE - 1 || memcmp(said.s, digest, said.len) != 0) {
		worker_fail(w, "the digest of %s is not that of its content", kind);
		return (false);
	}
	copy = copy_text(content.s, content.len);
	r = w->kind->configure(w->user, kind, copy, why, sizeof(why));
	free(copy);
	if (r != 0) {
		worker_fail(w, "the %s activated are refused: %s", kind, why);
		return (false);
	}
	/* All of it or nothing: what the worker can read but not follow is not in force either. */
	if (call_activated(w, cause, kind)) {
		remember(w, kind, v->seq, digest, content);
		return (true);
	}
	before = text_in_force(w, kind);
	restore(w, kind, before);
	free(before);
	return (false);
}

void
config_begin(struct worker *w, const struct cause *cause)
{
	for (unsigned i = 0; w->kind->configs != NULL && w->kind->configs[i].kind != NULL; i++)
		if (!call_activated(w, cause, w->kind->configs[i].kind))
			log_warn("the configuration could not be followed", "worker=%s kind=%s", w->kind->name, w->kind->configs[i].kind);
}

static void
pack_text(msgpack_packer *p, const char *s, size_t len)
{
	msgpack_pack_str_with_body(p, s, len);
}

static void
pack_pair(msgpack_packer *p, const char *key, const char *value)
{
	pack_text(p, key, strlen(key));
	pack_text(p, value, strlen(value));
}

/*
 * The activation of f after that of number `before`.  It has no time of its own: the same attempt, after a kill, is the same bytes.
 */
static void
propose(struct worker *w, const struct config_file *f, uint64_t before)
{
	struct worker_identity i = { .rule = f->kind, .object = text_of(f->digest), .step = "activated" };
	struct derived d = { .muted = false };
	msgpack_sbuffer b;
	msgpack_packer p;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	derived_id(w->kind->name, before, &i, d.id);
	msgpack_pack_map(&p, 6);
	pack_pair(&p, "specversion", "1.0");
	pack_pair(&p, "id", d.id);
	pack_pair(&p, "source", w->source);
	pack_pair(&p, "type", "config.activated");
	pack_pair(&p, "subject", w->kind->name);
	pack_text(&p, "data", 4);
	msgpack_pack_map(&p, 4);
	pack_pair(&p, "kind", f->kind);
	pack_pair(&p, "digest", f->digest);
	pack_pair(&p, "by", w->kind->name);
	pack_text(&p, "content", 7);
	pack_text(&p, f->text, f->len);
	d.bytes = b.data;
	d.len = b.size;
	w->ends.derived(w->ends.end, &d);
	msgpack_sbuffer_destroy(&b);
}

unsigned
config_propose(struct worker *w, const struct config_files *c)
{
	unsigned n = 0;
	MDB_val v;

	for (unsigned i = 0; i < c->count; i++) {
		const struct config_file *f = &c->files[i];
		bool have = state_get(w->state, DB_CONFIG, f->kind, strlen(f->kind), &v) && v.mv_size >= HEAD_BYTES;

		if (have && memcmp((const char *)v.mv_data + 8, f->digest, CONFIG_DIGEST_SIZE - 1) == 0)
			continue;
		propose(w, f, have ? get_le64(v.mv_data) : 0);
		n++;
	}
	return (n);
}

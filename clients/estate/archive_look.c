/* Looking at bundles: list says what is there, verify proves it, extract tells the records. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "files.h"
#include "json.h"
#include "language.h"
#include "sealed.h"
#include "view.h"

void
archive_begin_json(struct buffer *out, const char *path)
{
	buffer_text(out, "{\"file\":");
	json_write_text(out, path, strlen(path));
}

int
archive_unsound(const struct archive *a, const struct bundle *b)
{
	struct buffer out = { NULL, 0, 0 };

	if (!a->common.json) {
		complain("archive", "%s: byte %" PRIu64 ": %s", b->path, b->bad_byte, b->why);
		return (EXIT_PART);
	}
	archive_begin_json(&out, b->path);
	buffer_printf(&out, ",\"sound\":false,\"byte\":%" PRIu64, b->bad_byte);
	if (b->bad_block >= 0)
		buffer_printf(&out, ",\"block\":%" PRId64, b->bad_block);
	buffer_text(&out, ",\"problem\":");
	json_write_text(&out, b->why, strlen(b->why));
	printf("%s}\n", out.data);
	buffer_free(&out);
	return (EXIT_PART);
}

int
archive_sound(const struct archive *a, const char *path, struct bundle *b)
{
	return (bundle_open(b, path) && bundle_prove(b) ? 0 : archive_unsound(a, b));
}

/* ---- list ---- */

static int
is_bundle(const struct dirent *d)
{
	size_t n = strlen(d->d_name), end = sizeof(BUNDLE_SUFFIX) - 1;

	return (n > end && strcmp(d->d_name + n - end, BUNDLE_SUFFIX) == 0);
}

static json_int_t
member(const json_t *cover, const char *name)
{
	return (json_integer_value(json_object_get(cover, name)));
}

static bool
list_one(struct archive *a, const char *path)
{
	struct buffer out = { NULL, 0, 0 };
	char digest[BUNDLE_DIGEST_TEXT];
	struct bundle b;
	json_t *cover;
	bool ok;

	if (!(ok = bundle_open(&b, path) && bundle_prove(&b)))
		archive_unsound(a, &b);
	else if (a->common.json) {
		archive_begin_json(&out, path);
		printf("%s,\"file_bytes\":%" PRIu64 ",\"cover\":%s}\n", out.data, b.size, b.cover.data);
		buffer_free(&out);
	} else if ((cover = json_loads(b.cover.data, 0, NULL)) != NULL) {
		bundle_digest_text(b.digest, digest);
		printf(a->zh ? "%s  事件 %" PRIu64 "–%" PRIu64 "（%" PRIu64 " 个）  %.1f MiB  入户维修 %lld（已回访 %lld）  回访 %lld 次 %lld 户  属以前月份 %lld 条  %.20s…\n" :
		    "%s  events %" PRIu64 "-%" PRIu64 " (%" PRIu64 ")  %.1f MiB  in-home repairs %lld (called back %lld)  callbacks %lld to %lld households  %lld for "
		    "earlier months  %.20s...\n", b.head.month, b.first, b.last, b.events, (double)b.size / (1 << 20), member(cover, "repairs_in_home"),
		    member(cover, "repairs_called_back"), member(cover, "callbacks_done"), member(cover, "households_called_back"),
		    member(cover, "amendment_count"), digest);
		json_decref(cover);
	}
	bundle_close(&b);
	return (ok);
}

int
archive_list(struct archive *a)
{
	const char *folder = a->count > 0 ? a->files[0] : ".";
	struct dirent **names;
	char path[4096];
	int n, r = 0;

	if ((n = scandir(folder, &names, is_bundle, alphasort)) < 0) {
		complain("archive", "cannot read %s: %s", folder, phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	for (int i = 0; i < n; i++) {
		if (!list_one(a, path_join(path, sizeof(path), folder, names[i]->d_name)))
			r = EXIT_PART;
		free(names[i]);
	}
	free(names);
	if (n == 0)
		fprintf(stderr, a->zh ? "estate archive: %s 中没有装订件\n" : "estate archive: there is no bundle in %s\n", folder);
	return (r);
}

/* ---- verify ---- */

/* What the log has of the bundle's month, or a sentence why not. */
static bool
fits_log(struct bundle *b, const struct sealed_months *months, const char *log)
{
	const struct sealed_month *m = sealed_find(months, b->head.month);
	char digest[BUNDLE_DIGEST_TEXT], uuid[37];

	bundle_digest_text(b->digest, digest);
	bundle_uuid_text(b->head.uuid, uuid);
	b->bad_byte = BUNDLE_FRAME;
	if (strcmp(uuid, log) != 0)
		snprintf(b->why, sizeof(b->why), "it is sound, but of log %s, and this is log %s", uuid, log);
	else if (m == NULL || m->seq == 0)
		snprintf(b->why, sizeof(b->why), "it is sound, but the log does not say that %s was bound: estate archive --month %s --to its folder",
		    b->head.month, b->head.month);
	else if (strcmp(m->digest, digest) != 0)
		snprintf(b->why, sizeof(b->why), "its digest is %s, and the log says %s (event %" PRIu64 "): it is not what was bound", digest, m->digest, m->seq);
	else
		return (true);
	return (false);
}

static void
report_sound(const struct archive *a, const struct bundle *b)
{
	struct buffer out = { NULL, 0, 0 };
	char digest[BUNDLE_DIGEST_TEXT];

	bundle_digest_text(b->digest, digest);
	if (a->common.json) {
		archive_begin_json(&out, b->path);
		printf("%s,\"sound\":true,\"month\":\"%s\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"events\":%" PRIu64 ",\"blocks\":%" PRIu32
		    ",\"digest\":\"%s\",\"compared\":%s}\n", out.data, b->head.month, b->first, b->last, b->events, b->index.count, digest,
		    a->against_log ? "true" : "false");
		buffer_free(&out);
	} else
		printf(a->zh ? "%s：完好，%s，事件 %" PRIu64 " 至 %" PRIu64 "，%" PRIu32 " 块，%s%s\n" :
		    "%s: sound, %s, events %" PRIu64 " to %" PRIu64 ", %" PRIu32 " blocks, %s%s\n", b->path, b->head.month, b->first, b->last, b->index.count, digest,
		    !a->against_log ? "" : a->zh ? "，与日志一致" : ", as the log says");
}

static int
verify_all(struct archive *a, const struct sealed_months *months, const char *log)
{
	int r = 0;

	for (int i = 0; i < a->count; i++) {
		struct bundle b;

		if (bundle_open(&b, a->files[i]) && bundle_prove(&b) && (!a->against_log || fits_log(&b, months, log)))
			report_sound(a, &b);
		else
			r = archive_unsound(a, &b);
		bundle_close(&b);
	}
	return (r);
}

int
archive_verify(struct archive *a)
{
	struct sealed_months months = { NULL, 0, 0, 0, 0 };
	struct estate_options o = { .user = a };
	struct estate *e;
	int r;

	if (!a->against_log)
		return (verify_all(a, &months, ""));
	if ((e = reach_open("archive", &a->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((r = reach_wait("archive", &a->common, e)) == 0 && (r = sealed_read("archive", &a->common, e, &months)) == 0)
		r = verify_all(a, &months, estate_log(e)->log);
	estate_close(e);
	sealed_free(&months);
	return (r);
}

/* ---- extract ---- */

/* The whole of it is proven first: nothing comes out of a bundle that is not sound. */
static int
extract_one(struct archive *a, struct opening *o, const char *path)
{
	static const struct view view = { .format = VIEW_JSON };
	struct buffer out = { NULL, 0, 0 };
	enum bundle_step step = BUNDLE_BLOCK;
	struct estate_event v;
	struct bundle b;
	int r;

	if ((r = archive_sound(a, path, &b)) == 0)
		r = opening_fits(o, &b);
	bundle_close(&b);
	if (r != 0)
		return (r);
	if (!bundle_open(&b, path))
		step = BUNDLE_BAD;
	while (r == 0 && step == BUNDLE_BLOCK && (step = bundle_next(&b)) == BUNDLE_BLOCK)
		for (size_t at = 0; bundle_record(&b, &at, &v);) {
			opening_show(o, &v);
			view_event(&view, &out, &v);
			if (out.len < (64u << 10) && at < b.content_len)
				continue;
			if (fwrite(out.data, 1, out.len, stdout) != out.len) {
				complain("archive", "cannot write: %s", phrase(strerror(errno)));
				r = EXIT_UNREACHED;
				break;
			}
			buffer_clear(&out);
		}
	/* It was sound a moment ago: somebody writes to it. */
	if (step == BUNDLE_BAD)
		r = archive_unsound(a, &b);
	bundle_close(&b);
	buffer_free(&out);
	return (r);
}

int
archive_extract(struct archive *a)
{
	struct opening o;
	int r;

	/* Records are JSON in any case, and standard output is theirs alone. */
	a->common.json = false;
	if ((r = opening_begin(&o, a->keys)) != 0)
		return (r);
	for (int i = 0; i < a->count && r == 0; i++)
		r = extract_one(a, &o, a->files[i]);
	if (r == 0 && fflush(stdout) != 0) {
		complain("archive", "cannot write: %s", phrase(strerror(errno)));
		r = EXIT_UNREACHED;
	}
	opening_end(&o);
	return (r);
}

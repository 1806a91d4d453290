/* The parts of `estate archive`: a month becomes a bundle, and what can be done with bundles. */
#ifndef ARCHIVE_H
#define ARCHIVE_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle.h"
#include "identity.h"
#include "reach.h"
#include "seal.h"
#include "vault.h"

/* Who says in the log that a month is bound. */
#define ARCHIVE_SOURCE	"/estate/operator/archive"

struct archive {
	struct common common;
	const char *month, *to, *keys;
	bool against_log;	/* verify: the digests that the log has, too */
	bool masked;		/* replay: masks instead of personal data will do */
	bool zh, progress;
	char **files;
	int count;
};

int	archive_bind(struct archive *);
int	archive_list(struct archive *);
int	archive_verify(struct archive *);
int	archive_extract(struct archive *);
int	archive_replay(struct archive *);

/* {"file":PATH: what every line of JSON begins with. */
void	archive_begin_json(struct buffer *, const char *path);

/* "estate archive: FILE: byte 123: what", or as JSON.  Returns EXIT_PART. */
int	archive_unsound(const struct archive *, const struct bundle *);

/* Open and prove all of it: 0, or EXIT_PART after a sentence.  Close it in any case. */
int	archive_sound(const struct archive *, const char *path, struct bundle *);

/* Personal fields of a bundle's records, opened with the keys of a data folder, masked without. */
struct opening {
	struct identity identity;
	struct vault *vault;		/* NULL: masks */
	struct seal_room room;
};

/* With the keys of `folder`, or NULL.  0, or an exit status after a sentence. */
int	opening_begin(struct opening *, const char *folder);
/* The keys are those of the log that the bundle is of?  Else an exit status after a sentence. */
int	opening_fits(const struct opening *, const struct bundle *);
/* The record as its reader may see it; lent until the next one. */
void	opening_show(struct opening *, struct estate_event *);
void	opening_end(struct opening *);

/* archive_masked.c: where masks stand that no log would take, the record without them; lent from `out`. */
void	masked_fit(msgpack_sbuffer *out, struct estate_event *);

#endif

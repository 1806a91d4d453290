/* How long what is known of a subject is kept. */
#include "escalate.h"

#include <string.h>

#include "bytes.h"

#define SEEN_DAYS	400	/* so long at least a former event is remembered that a rule of never asks for: a wrong accusation is worse */

static size_t
watch_name(struct text subject, char out[1 + ID_CHARS_MAX])
{
	out[0] = 'h';
	memcpy(out + 1, subject.s, subject.len);
	return (1 + subject.len);
}

void
subject_watch(struct turn *t, struct text subject)
{
	char name[1 + ID_CHARS_MAX];
	size_t len = watch_name(subject, name);
	struct about a;
	int64_t due;

	/* What is known of a subject goes with the last of its obligations; of one that has none, later. */
	if (!about_load(t->w, subject, &a) && !worker_timer_due(t->w, name, len, &due))
		worker_set_timer(t->w, name, len, t->now + t->x->rules->keep, NULL, 0);
}

/* The same of what rules of never ask for before. */
static bool
tidy_seen(struct turn *t, struct text subject, int64_t before)
{
	char prefix[ID_CHARS_MAX + 1];
	struct worker_walk walk = { .key_len = 0 };
	bool left = false;

	memcpy(prefix, subject.s, subject.len);
	prefix[subject.len] = '\0';
	while (worker_each(t->w, SEEN, prefix, subject.len + 1, &walk)) {
		if (walk.value_len == 16 && (int64_t)get_le64((const uint8_t *)walk.value + 8) > before) {
			left = true;
			continue;
		}
		if (walk.value_len == 16)
			oblige_uncaused(t, get_le64(walk.value), subject);
		worker_delete(t->w, SEEN, walk.key, walk.key_len);
	}
	return (left);
}

void
subject_tidy(struct turn *t, struct text subject)
{
	struct subject_walk s = { .walk.key_len = 0 };
	int64_t keep = t->x->rules != NULL ? t->x->rules->keep : 0, accuse = INT64_C(86400) * SECOND_NS * SEEN_DAYS;
	char name[1 + ID_CHARS_MAX];
	bool records, seen;
	struct about a;

	if (subject.len > 0 && oblige_each(t, subject, &s))
		return;
	if (about_load(t->w, subject, &a)) {
		correct_unlink(t, subject, &a);
		oblige_uncaused(t, a.over_seq, subject);
		oblige_uncaused(t, a.parent_seq, subject);
		oblige_uncaused(t, a.handler_seq, subject);
		worker_delete(t->w, SUBJECTS, subject.s, subject.len);
	}
	history_clear_subject(t, subject);
	records = record_tidy(t, subject, t->now - keep);
	seen = tidy_seen(t, subject, t->now - (accuse > keep ? accuse : keep));
	if (records || seen)
		worker_set_timer(t->w, name, watch_name(subject, name), t->now + keep, NULL, 0);
}

#include "seen.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"

#define ROOM_FIRST	4096u

/* Where it stands, or the free place where it would. */
static size_t
place(const struct seen *s, const uint64_t key[2])
{
	size_t i = (key[1] * 0x9e3779b97f4a7c15ull >> 20) & (s->room - 1);

	while ((s->keys[i][0] | s->keys[i][1]) != 0 && (s->keys[i][0] != key[0] || s->keys[i][1] != key[1]))
		i = (i + 1) & (s->room - 1);
	return (i);
}

static void
grow(struct seen *s)
{
	struct seen larger = { NULL, s->count, s->room == 0 ? ROOM_FIRST : 2 * s->room };

	larger.keys = alloc_or_exit(NULL, larger.room * sizeof(*larger.keys));
	memset(larger.keys, 0, larger.room * sizeof(*larger.keys));
	for (size_t i = 0; i < s->room; i++)
		if ((s->keys[i][0] | s->keys[i][1]) != 0)
			memcpy(larger.keys[place(&larger, s->keys[i])], s->keys[i], sizeof(*s->keys));
	free(s->keys);
	*s = larger;
}

bool
seen_add(struct seen *s, const uint64_t key[2])
{
	size_t i;

	if (2 * (s->count + 1) > s->room)
		grow(s);
	i = place(s, key);
	if ((s->keys[i][0] | s->keys[i][1]) != 0)
		return (false);
	memcpy(s->keys[i], key, sizeof(*s->keys));
	s->count++;
	return (true);
}

void
seen_free(struct seen *s)
{
	free(s->keys);
	memset(s, 0, sizeof(*s));
}

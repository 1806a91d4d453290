/* Opening the personal fields of a bundle's records: archive.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive.h"
#include "event.h"

int
opening_begin(struct opening *o, const char *folder)
{
	char why[1024];

	memset(o, 0, sizeof(*o));
	if (folder == NULL)
		return (0);
	if (identity_open(&o->identity, folder, 0, why, sizeof(why)) == 0 &&
	    (o->vault = vault_open(folder, &o->identity, true, why, sizeof(why))) != NULL)
		return (0);
	complain("archive", "--keys: %s\nnext: name the data folder of the log that the bundle is of, or a backup of it", why);
	return (EXIT_UNREACHED);
}

int
opening_fits(const struct opening *o, const struct bundle *b)
{
	char uuid[37];

	if (o->vault == NULL || memcmp(o->identity.uuid, b->head.uuid, sizeof(b->head.uuid)) == 0)
		return (0);
	bundle_uuid_text(b->head.uuid, uuid);
	complain("archive", "%s is of log %s, the keys are of log %s: name that log's own data folder", b->path, uuid, o->identity.uuid_text);
	return (EXIT_PART);
}

void
opening_show(struct opening *o, struct estate_event *v)
{
	struct record r = { .bytes = v->bytes, .len = (uint32_t)v->len, .flags = (uint32_t)v->flags };

	if ((v->flags & EVENT_SEALED) == 0)
		return;
	seal_show(o->vault, o->vault != NULL, &o->room, &r, v->seq);
	v->bytes = r.bytes;
	v->len = r.len;
	v->flags = r.flags;
}

void
opening_end(struct opening *o)
{
	vault_close(o->vault);
	free(o->room.bytes);
}

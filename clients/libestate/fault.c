/* Refusals: the fault map of PROTOCOL.md section 3, and the texts of all errors. */
#include <stdio.h>
#include <string.h>

#include "internal.h"

static const struct {
	int code;
	const char *name, *text;
} local[] = {
	{ ESTATE_OK,		"ok",		"done" },
	{ ESTATE_AGAIN,		"window-full",	"as many puts as allowed are unanswered; pump, then try again" },
	{ ESTATE_TIMEOUT,	"timeout",	"no answer in time" },
	{ ESTATE_LOST,		"lost",		"the connection was lost before the answer; it may or may not have been carried out" },
	{ ESTATE_INVALID,	"invalid",	"an argument is outside its bound" },
	{ ESTATE_SYSTEM,	"system",	"the system refused" },
	{ ESTATE_REFUSED,	"refused",	"the daemon refused the hello for good" },
	{ ESTATE_INSIDE,	"inside",	"not allowed within a callback" },
	{ ESTATE_FULL,		"outbox-full",	"the outbox has as many entries or bytes as it may" },
	{ ESTATE_LOCKED,	"outbox-locked", "another process has the outbox" },
	{ ESTATE_DAMAGED,	"outbox-damaged", "the outbox is not what was written, or of a newer release" },
};

const char *
estate_error_name(int code)
{
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if (local[i].code == code)
			return (local[i].name);
	return (errcode_name(code));
}

const char *
estate_error_text(int code)
{
	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++)
		if (local[i].code == code)
			return (local[i].text);
	return (errcode_text(code));
}

/* Cut at a character's beginning, never inside one. */
void
es_copy_text(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size) {
		len = size - 1;
		while (len > 0 && ((uint8_t)from[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(to, from, len);
	to[len] = '\0';
}

static enum estate_retry
retry_read(const char *s, uint32_t len)
{
	if (mp_equal(s, len, "later"))
		return (ESTATE_LATER);
	return (mp_equal(s, len, "session") ? ESTATE_SESSION : ESTATE_NEVER);
}

bool
es_fault_read(struct mp *m, struct estate_fault *f)
{
	const char *key, *s;
	uint32_t pairs, len, n;
	uint64_t v;

	memset(f, 0, sizeof(*f));
	f->index = -1;
	if (!mp_map(m, &pairs))
		return (false);
	while (pairs-- > 0) {
		if (!mp_str(m, &key, &len))
			return (false);
		if (mp_equal(key, len, "code") && mp_uint(m, &v))
			f->code = v <= INT32_MAX ? (int)v : 0;
		else if (mp_equal(key, len, "index") && mp_uint(m, &v))
			f->index = (int64_t)(v & INT64_MAX);
		else if (mp_equal(key, len, "retry") && mp_str(m, &s, &n))
			f->retry = retry_read(s, n);
		else if (mp_equal(key, len, "name") && mp_str(m, &s, &n))
			es_copy_text(f->name, sizeof(f->name), s, n);
		else if (mp_equal(key, len, "text") && mp_str(m, &s, &n))
			es_copy_text(f->text, sizeof(f->text), s, n);
		else if (mp_equal(key, len, "path") && mp_str(m, &s, &n))
			es_copy_text(f->path, sizeof(f->path), s, n);
		else if (mp_equal(key, len, "detail") && mp_str(m, &s, &n))
			es_copy_text(f->detail, sizeof(f->detail), s, n);
		else if (!mp_skip(m))
			return (false);
	}
	return (f->code > 0);
}

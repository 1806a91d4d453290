#include "jsonl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "mp.h"
#include "rfc3339.h"

#define DEPTH_MAX	32u
#define NUMBER_MAX	63u

/* The most that any JSON grows: "1e5," becomes nine bytes. */
#define GROWTH		3u

struct scan {
	const char *p, *end;
	uint8_t *out;
	const char *why;
};

static bool	value(struct scan *, unsigned depth);

static bool
fault(struct scan *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
	return (false);
}

static inline char
peek(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'))
		s->p++;
	return (s->p < s->end ? *s->p : '\0');
}

static inline bool
take(struct scan *s, char c)
{
	if (peek(s) != c)
		return (false);
	s->p++;
	return (true);
}

static uint8_t *
put_be(uint8_t *to, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
	return (to + bytes);
}

static uint8_t *
put_str_head(uint8_t *to, size_t len)
{
	if (len < 32) {
		*to = (uint8_t)(0xa0 | len);
		return (to + 1);
	}
	*to++ = len < 256 ? 0xd9 : len < 65536 ? 0xda : 0xdb;
	return (put_be(to, len, len < 256 ? 1 : len < 65536 ? 2 : 4));
}

static bool
hex4(struct scan *s, unsigned *code)
{
	*code = 0;
	if (s->end - s->p < 4)
		return (fault(s, "a \\u needs four hex digits"));
	for (int i = 0; i < 4; i++) {
		char c = *s->p++;
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 :
		    c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 16;

		if (digit == 16)
			return (fault(s, "a \\u needs four hex digits"));
		*code = *code << 4 | digit;
	}
	return (true);
}

static uint8_t *
put_utf8(uint8_t *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (uint8_t)c;
		return (to);
	}
	if (c < 0x800)
		*to++ = (uint8_t)(0xc0 | c >> 6);
	else {
		if (c < 0x10000)
			*to++ = (uint8_t)(0xe0 | c >> 12);
		else {
			*to++ = (uint8_t)(0xf0 | c >> 18);
			*to++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (uint8_t)(0x80 | (c & 0x3f));
	return (to);
}

/* Behind the backslash. */
static bool
escape(struct scan *s, uint8_t **to)
{
	static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *at;
	unsigned high, low;

	if (s->p >= s->end)
		return (fault(s, "the text does not end"));
	if (*s->p != 'u') {
		if (*s->p == '\0' || (at = strchr(from, *s->p)) == NULL)
			return (fault(s, "no such escape"));
		*(*to)++ = (uint8_t)means[at - from];
		s->p++;
		return (true);
	}
	s->p++;
	if (!hex4(s, &high))
		return (false);
	if (high >= 0xd800 && high < 0xdc00) {
		if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u')
			return (fault(s, "half a surrogate pair"));
		s->p += 2;
		if (!hex4(s, &low))
			return (false);
		if (low < 0xdc00 || low > 0xdfff)
			return (fault(s, "half a surrogate pair"));
		high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	} else if (high >= 0xdc00 && high < 0xe000)
		return (fault(s, "half a surrogate pair"));
	*to = put_utf8(*to, high);
	return (true);
}

static inline const char *
plain_end(const char *p, const char *end)
{
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return (p);
}

/* Behind the opening quote. */
static bool
string(struct scan *s)
{
	const char *stop = plain_end(s->p, s->end);
	uint8_t *text, *to;
	size_t len = (size_t)(stop - s->p);

	if (stop < s->end && *stop == '"') {
		s->out = put_str_head(s->out, len);
		memcpy(s->out, s->p, len);
		s->out += len;
		s->p = stop + 1;
		return (true);
	}
	/* With escapes: its length is known at the end; a header is five bytes at most. */
	text = to = s->out + 5;
	for (;;) {
		stop = plain_end(s->p, s->end);
		memcpy(to, s->p, (size_t)(stop - s->p));
		to += stop - s->p;
		s->p = stop;
		if (s->p >= s->end)
			return (fault(s, "the text does not end"));
		s->p++;
		if (*stop == '"')
			break;
		if (*stop != '\\') {
			s->p = stop;
			return (fault(s, "a control character within a text"));
		}
		if (!escape(s, &to))
			return (false);
	}
	len = (size_t)(to - text);
	s->out = put_str_head(s->out, len);
	memmove(s->out, text, len);
	s->out += len;
	return (true);
}

static uint8_t *
put_integer(uint8_t *to, int64_t v)
{
	unsigned bytes;

	if (v >= -32 && v < 128) {
		*to = (uint8_t)v;
		return (to + 1);
	}
	if (v >= 0) {
		bytes = v < 1 << 8 ? 1 : v < 1 << 16 ? 2 : v < 1ll << 32 ? 4 : 8;
		*to++ = (uint8_t)(0xcc + (bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3));
	} else {
		bytes = v >= -(1 << 7) ? 1 : v >= -(1 << 15) ? 2 : v >= -(1ll << 31) ? 4 : 8;
		*to++ = (uint8_t)(0xd0 + (bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3));
	}
	return (put_be(to, (uint64_t)v, bytes));
}

static const char *
digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (p);
}

static bool
number(struct scan *s)
{
	const char *p = s->p, *whole = p + (*p == '-'), *end = digits(whole, s->end), *last;
	char text[NUMBER_MAX + 1];
	uint64_t bits;
	bool real = false;
	double d;

	if (end == whole || (*whole == '0' && end > whole + 1))
		return (fault(s, "not a number"));
	last = end;
	if (end < s->end && *end == '.') {
		if ((last = digits(end + 1, s->end)) == end + 1)
			return (fault(s, "not a number"));
		real = true;
	}
	if (last < s->end && (*last == 'e' || *last == 'E')) {
		const char *power = last + 1 + (last + 1 < s->end && (last[1] == '+' || last[1] == '-'));

		if ((last = digits(power, s->end)) == power)
			return (fault(s, "not a number"));
		real = true;
	}
	if ((size_t)(last - p) > NUMBER_MAX)
		return (fault(s, "a number with too many digits"));
	memcpy(text, p, (size_t)(last - p));
	text[last - p] = '\0';
	errno = 0;
	if (!real) {
		long long v = strtoll(text, NULL, 10);

		if (errno != 0)
			return (fault(s, "an integer beyond 64 bits"));
		s->out = put_integer(s->out, v);
	} else {
		d = strtod(text, NULL);
		if (errno == ERANGE && (d > 1 || d < -1))
			return (fault(s, "a number beyond what a float holds"));
		memcpy(&bits, &d, sizeof(bits));
		*s->out++ = 0xcb;
		s->out = put_be(s->out, bits, 8);
	}
	s->p = last;
	return (true);
}

static bool
word(struct scan *s, const char *text, uint8_t byte)
{
	size_t len = strlen(text);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
		return (fault(s, "no JSON value begins so"));
	s->p += len;
	*s->out++ = byte;
	return (true);
}

/* The header of a container whose one byte was left free at `head`: more than fifteen need more. */
static void
close_container(struct scan *s, uint8_t *head, uint32_t count, uint8_t small, uint8_t large)
{
	unsigned more = count < 16 ? 0 : count < 65536 ? 2 : 4;

	if (more == 0) {
		*head = (uint8_t)(small | count);
		return;
	}
	memmove(head + 1 + more, head + 1, (size_t)(s->out - head) - 1);
	s->out += more;
	*head = (uint8_t)(large + (more == 4));
	put_be(head + 1, count, more);
}

static bool
key(struct scan *s)
{
	if (!take(s, '"'))
		return (fault(s, "a member's name in quotes is missing"));
	if (!string(s))
		return (false);
	return (take(s, ':') ? true : fault(s, "a colon is missing"));
}

static bool
container(struct scan *s, bool map, unsigned depth)
{
	uint8_t *head = s->out++;
	uint32_t count = 0;
	char end = map ? '}' : ']';

	if (depth == 0)
		return (fault(s, "nested too deep"));
	s->p++;
	if (!take(s, end))
		for (;;) {
			if ((map && !key(s)) || !value(s, depth - 1))
				return (false);
			count++;
			if (take(s, end))
				break;
			if (!take(s, ','))
				return (fault(s, "a comma or the end is missing"));
		}
	close_container(s, head, count, map ? 0x80 : 0x90, map ? 0xde : 0xdc);
	return (true);
}

static bool
value(struct scan *s, unsigned depth)
{
	switch (peek(s)) {
	case '{':
		return (container(s, true, depth));
	case '[':
		return (container(s, false, depth));
	case '"':
		s->p++;
		return (string(s));
	case 't':
		return (word(s, "true", 0xc3));
	case 'f':
		return (word(s, "false", 0xc2));
	case 'n':
		return (word(s, "null", 0xc0));
	case '\0':
		return (fault(s, "it ends too early"));
	default:
		return (number(s));
	}
}

/* The four members that are not the event's own. */
enum added { SEQ, LOGTIME, SENDER, FLAGS, ADDED };

static enum added
added_member(const uint8_t *k)
{
	if (memcmp(k, "\xa3seq", 4) == 0)
		return (SEQ);
	if (memcmp(k, "\xa7logtime", 8) == 0)
		return (LOGTIME);
	if (memcmp(k, "\xa6sender", 7) == 0)
		return (SENDER);
	return (memcmp(k, "\xa5" "flags", 6) == 0 ? FLAGS : ADDED);
}

static bool
read_added(struct jsonl *j, struct scan *s, uint8_t *at[ADDED])
{
	struct mp m[ADDED];
	struct text t;
	int64_t seconds;
	uint32_t nanos;

	for (unsigned i = 0; i < ADDED; i++) {
		m[i] = mp_over(at[i], (size_t)(s->out - at[i]));
		mp_skip(&m[i]);
	}
	if (!mp_uint(&m[SEQ], &j->seq) || j->seq == 0 || !mp_uint(&m[FLAGS], &j->flags) ||
	    !mp_str(&m[SENDER], &j->sender.s, &j->sender.len) || !mp_str(&m[LOGTIME], &t.s, &t.len) ||
	    !rfc3339_parse(t.s, t.len, &seconds, &nanos) || seconds > INT64_MAX / 1000000000 - 1 || seconds < INT64_MIN / 1000000000 + 1)
		return (fault(s, "seq, logtime, sender or flags are not as estate tail --json writes them"));
	j->log_time = seconds * 1000000000 + nanos;
	return (true);
}

/* The top level.  estate tail writes the four at the end, and there they may simply be cut off. */
static bool
event(struct jsonl *j, struct scan *s)
{
	uint8_t *at[ADDED] = { NULL }, *first = NULL, *head = s->out++, *k;
	uint32_t count = 0, seen = 0, behind = 0;
	enum added a;

	if (!take(s, '{'))
		return (fault(s, "an event is a JSON object"));
	if (!take(s, '}'))
		for (;;) {
			k = s->out;
			if (!key(s) || !value(s, DEPTH_MAX - 1))
				return (false);
			if ((a = added_member(k)) != ADDED && at[a] == NULL) {
				at[a] = k;
				seen++;
				first = first == NULL ? k : first;
			} else if (first != NULL)
				behind++;
			count++;
			if (take(s, '}'))
				break;
			if (!take(s, ','))
				return (fault(s, "a comma or the end is missing"));
		}
	if (peek(s) != '\0')
		return (fault(s, "something follows the event"));
	j->numbered = seen == ADDED;
	if (j->numbered) {
		if (behind > 0)
			return (fault(s, "seq, logtime, sender and flags stand last, as estate tail --json writes them"));
		if (!read_added(j, s, at))
			return (false);
		s->out = first;
		count -= ADDED;
	}
	if (count >= 16) {
		/* The sender's text stands behind what moves. */
		size_t tail = j->numbered ? (size_t)(j->sender.s - (char *)first) + j->sender.len : 0;

		memmove(head + 3, head + 1, (size_t)(s->out - head) - 1 + tail);
		s->out += 2;
		j->sender.s += j->numbered ? 2 : 0;
		*head = 0xde;
		put_be(head + 1, count, 2);
	} else
		*head = (uint8_t)(0x80 | count);
	return (count < 65536 ? true : fault(s, "too many members"));
}

bool
jsonl_pack(struct jsonl *j, const char *line, size_t len)
{
	struct scan s = { line, line + len, NULL, NULL };
	size_t good;

	if (j->size < GROWTH * len + 64) {
		j->size = 2 * (GROWTH * len + 64);
		j->bytes = alloc_or_exit(j->bytes, j->size);
	}
	s.out = j->bytes;
	j->why = NULL;
	j->numbered = false;
	j->sender = (struct text){ NULL, 0 };
	if (!mp_utf8(line, len, &good)) {
		j->where = good;
		j->why = "not UTF-8";
		return (false);
	}
	if (!event(j, &s)) {
		j->where = (size_t)(s.p - line);
		j->why = s.why;
		return (false);
	}
	j->len = (size_t)(s.out - j->bytes);
	return (true);
}

void
jsonl_free(struct jsonl *j)
{
	free(j->bytes);
	memset(j, 0, sizeof(*j));
}

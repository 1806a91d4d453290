#include "segment.h"

#include <stdint.h>
#include <string.h>

/* The alphabet beyond ASCII, and what of ASCII is not in it or in the extension. */
static const uint16_t gsm_foreign[] = { 0xa1, 0xa3, 0xa4, 0xa5, 0xa7, 0xbf, 0xc4, 0xc5, 0xc6, 0xc7, 0xc9, 0xd1, 0xd6, 0xd8, 0xdc, 0xdf, 0xe0, 0xe4, 0xe5, 0xe6,
    0xe8, 0xe9, 0xec, 0xf1, 0xf2, 0xf6, 0xf8, 0xf9, 0xfc, 0x393, 0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9 };

uint32_t
segment_point(const unsigned char **at, const unsigned char *end)
{
	const unsigned char *p = *at;
	unsigned more = *p < 0x80 ? 0 : (*p & 0xe0) == 0xc0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : (*p & 0xf8) == 0xf0 ? 3 : 0;
	uint32_t c = more == 0 ? *p : *p & (0x3fu >> more);

	if ((size_t)(end - p) <= more)
		more = 0;
	for (unsigned i = 1; i <= more; i++)
		c = c << 6 | (p[i] & 0x3f);
	*at = p + more + 1;
	return (c);
}

/* Places in the GSM alphabet; 0: it is not in it. */
static unsigned
septets(uint32_t c)
{
	if (c < 0x80 && c != 0 && strchr("^{}\\[~]|\f", (int)c) != NULL)
		return (2);
	if (c == 0x20ac)
		return (2);
	if (c < 0x80)
		return (c == '\n' || c == '\r' || (c >= ' ' && c != '`' && c != 0x7f) ? 1 : 0);
	for (size_t i = 0; i < sizeof(gsm_foreign) / sizeof(*gsm_foreign); i++)
		if (gsm_foreign[i] == c)
			return (1);
	return (0);
}

static unsigned
units_of(uint32_t c, bool gsm)
{
	return (gsm ? septets(c) : c > 0xffff ? 2 : 1);
}

static bool
is_gsm(const unsigned char *at, const unsigned char *end)
{
	while (at < end)
		if (septets(segment_point(&at, end)) == 0)
			return (false);
	return (true);
}

struct segments
segment_count(const char *text, size_t len)
{
	const unsigned char *begin = (const unsigned char *)text, *end = begin + len;
	struct segments s = { .gsm = is_gsm(begin, end) };
	unsigned one = s.gsm ? 160 : 70, each = s.gsm ? 153 : 67, in = 0;

	for (const unsigned char *at = begin; at < end;)
		s.units += units_of(segment_point(&at, end), s.gsm);
	s.count = s.units > 0;
	if (s.units <= one)
		return (s);
	for (const unsigned char *at = begin; at < end;) {
		unsigned n = units_of(segment_point(&at, end), s.gsm);

		/* What takes two places is not cut. */
		if (in + n > each) {
			s.count++;
			in = 0;
		}
		in += n;
	}
	return (s);
}

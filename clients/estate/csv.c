#include "csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mp.h"

#define READ_BYTES	(1u << 20)

static int
read_all(struct csv *c, int fd)
{
	size_t size = 0;
	ssize_t n;

	for (;;) {
		if (c->len == size) {
			if (size >= CSV_FILE_BYTES_MAX)
				return (EFBIG);
			size += size < READ_BYTES ? READ_BYTES : size / 2;
			c->bytes = alloc_or_exit(c->bytes, size);
		}
		if ((n = read(fd, c->bytes + c->len, size - c->len)) < 0)
			return (errno);
		if (n == 0)
			return (0);
		c->len += (size_t)n;
	}
}

/* Most often in the first line, outside quotes. */
static char
find_separator(const struct csv *c)
{
	static const char candidates[] = ",;\t";
	size_t counts[sizeof(candidates)] = { 0 }, best = 0;
	const char *found;
	bool quoted = false;

	for (size_t i = c->at; i < c->len && (quoted || (c->bytes[i] != '\n' && c->bytes[i] != '\r')); i++) {
		quoted ^= c->bytes[i] == '"';
		if (!quoted && c->bytes[i] != '\0' && (found = strchr(candidates, c->bytes[i])) != NULL)
			counts[found - candidates]++;
	}
	for (size_t i = 1; candidates[i] != '\0'; i++)
		if (counts[i] > counts[best])
			best = i;
	return (candidates[best]);
}

int
csv_open(struct csv *c, const char *file)
{
	int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC), e;

	memset(c, 0, sizeof(*c));
	c->gb18030 = (iconv_t)-1;
	if (fd < 0)
		return (errno);
	e = read_all(c, fd);
	close(fd);
	if (e == 0 && (c->gb18030 = iconv_open("UTF-8", "GB18030")) == (iconv_t)-1)
		e = errno;
	if (e != 0) {
		csv_close(c);
		return (e);
	}
	c->next_line = 1;
	if (c->len >= 3 && memcmp(c->bytes, "\xef\xbb\xbf", 3) == 0) {
		c->at = 3;
		c->encoding = CSV_UTF8;
	}
	c->separator = find_separator(c);
	return (0);
}

void
csv_close(struct csv *c)
{
	if (c->gb18030 != (iconv_t)-1)
		iconv_close(c->gb18030);
	buffer_free(&c->text);
	free(c->bytes);
	memset(c, 0, sizeof(*c));
	c->gb18030 = (iconv_t)-1;
}

/* One past the end of the line that begins there, its newline included. */
static size_t
line_end(const struct csv *c, size_t at)
{
	const char *newline = at < c->len ? memchr(c->bytes + at, '\n', c->len - at) : NULL;

	return (newline != NULL ? (size_t)(newline - c->bytes) + 1 : c->len);
}

/* The record that begins at c->at: one line, and more as long as a quote is open. */
static enum csv_result
cut_record(struct csv *c, const char **from, size_t *len)
{
	size_t begin = c->at, end, looked = begin;
	uint64_t lines = 0;
	bool quoted = false;

	c->line = c->next_line;
	do {
		end = line_end(c, looked);
		for (; looked < end; looked++)
			quoted ^= c->bytes[looked] == '"';
		lines++;
	} while (quoted && end < c->len && end - begin <= CSV_RECORD_BYTES_MAX);
	if (quoted) {
		end = line_end(c, begin);
		lines = 1;
	}
	c->at = end;
	c->next_line += lines;
	while (end > begin && (c->bytes[end - 1] == '\n' || c->bytes[end - 1] == '\r'))
		end--;
	*from = c->bytes + begin;
	*len = end - begin;
	if (quoted)
		return (CSV_OPEN_QUOTE);
	return (*len > CSV_RECORD_BYTES_MAX ? CSV_TOO_LONG : CSV_RECORD);
}

static bool
is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return (false);
	return (true);
}

/* Into c->text as UTF-8.  False if it is not what the file was so far. */
static bool
decode(struct csv *c, const char *s, size_t len)
{
	char *in = (char *)(uintptr_t)s, *out;
	size_t room = len * 3 + 1, left = room, where;

	buffer_clear(&c->text);
	if (is_ascii(s, len) || (c->encoding != CSV_GB18030 && mp_utf8(s, len, &where))) {
		if (c->encoding == CSV_ASCII && !is_ascii(s, len))
			c->encoding = CSV_UTF8;
		buffer_add(&c->text, s, len);
		return (true);
	}
	if (c->encoding == CSV_UTF8)
		return (false);
	buffer_fill(&c->text, '\0', room);
	out = c->text.data;
	iconv(c->gb18030, NULL, NULL, NULL, NULL);
	if (iconv(c->gb18030, &in, &len, &out, &left) == (size_t)-1)
		return (false);
	c->encoding = CSV_GB18030;
	c->text.len = room - left;
	c->text.data[c->text.len] = '\0';
	return (true);
}

/* Cut the text into fields where it lies: quotes go, so everything moves forward. */
static bool
cut_fields(struct csv *c)
{
	char *t = c->text.data;
	size_t from = 0, to = 0, len = c->text.len;
	bool quoted = false;

	c->count = 1;
	c->from[0] = 0;
	for (; from < len; from++) {
		if (t[from] == '"') {
			if (quoted && from + 1 < len && t[from + 1] == '"')
				t[to++] = t[from++];
			else
				quoted = !quoted;
		} else if (t[from] == c->separator && !quoted) {
			if (c->count == CSV_FIELDS_MAX)
				return (false);
			t[to++] = '\0';
			c->from[c->count++] = to;
		} else
			t[to++] = t[from];
	}
	t[to] = '\0';
	return (true);
}

static bool
is_blank(const struct csv *c, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != c->separator)
			return (false);
	return (true);
}

enum csv_result
csv_next(struct csv *c)
{
	enum csv_result r;
	const char *s;
	size_t len;

	do {
		if (c->at >= c->len)
			return (CSV_END);
		r = cut_record(c, &s, &len);
	} while (r == CSV_RECORD && is_blank(c, s, len));
	if (r != CSV_RECORD)
		return (r);
	if (memchr(s, '\0', len) != NULL)
		return (CSV_NUL);
	if (!decode(c, s, len))
		return (CSV_BAD_ENCODING);
	return (cut_fields(c) ? CSV_RECORD : CSV_TOO_MANY);
}

const char *
csv_field(const struct csv *c, unsigned i)
{
	return (i < c->count ? c->text.data + c->from[i] : "");
}

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level level_max = LOG_INFO;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_ERROR] = { "error", 3 }, [LOG_WARN] = { "warn", 4 }, [LOG_INFO] = { "info", 6 }, [LOG_DEBUG] = { "debug", 7 },
};

void
log_level_set(enum log_level level)
{
	level_max = level;
}

const char *
log_quote(char *out, unsigned size, const char *value)
{
	unsigned n = 0;

	if (size < 3)
		return ("");
	out[n++] = '"';
	for (; *value != '\0' && n + 6 < size; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\') {
			out[n++] = '\\';
			out[n++] = (char)c;
		} else if (c < 0x20 || c == 0x7f)
			n += (unsigned)snprintf(out + n, size - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	out[n++] = '"';
	out[n] = '\0';
	return (out);
}

void
log_line(enum log_level level, const char *what, const char *fmt, ...)
{
	char line[1024];
	size_t n = 0;
	va_list ap;

	if (level > level_max)
		return;
	if (getenv("JOURNAL_STREAM") != NULL)
		n = (size_t)snprintf(line, sizeof(line), "<%d>", levels[level].priority);
	else {
		struct timespec now;
		struct tm tm;

		clock_gettime(CLOCK_REALTIME, &now);
		localtime_r(&now.tv_sec, &tm);
		n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
		n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ld ", now.tv_nsec / 1000000);
	}
	n += (size_t)snprintf(line + n, sizeof(line) - n, "level=%s what=\"%s\"", levels[level].name, what);
	if (*fmt != '\0' && n < sizeof(line) - 2) {
		int m;

		line[n++] = ' ';
		va_start(ap, fmt);
		m = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
		va_end(ap);
		n += m > 0 ? (size_t)m : 0;
	}
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	/* One write a line, so that threads don't interleave.  A log that cannot be written has nobody left to tell. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

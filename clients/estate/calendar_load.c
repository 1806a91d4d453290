/* The file of a calendar, for verbs that count by one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calendar.h"
#include "calendar_verbs.h"
#include "language.h"
#include "reach.h"

#define FILE_BYTES_MAX	61440u		/* config.activated's content: a longer one could not be activated */

static int
read_text(const char *verb, const char *file, char text[FILE_BYTES_MAX + 2])
{
	size_t len = 0;
	ssize_t n = -1;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, text + len, FILE_BYTES_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (fd < 0 || n < 0) {
		complain(verb, "cannot read %s: %s; name another with --calendar, in the source tree config/calendars/cn.yaml", file, phrase(strerror(errno)));
		if (fd >= 0)
			close(fd);
		return (EXIT_UNREACHED);
	}
	close(fd);
	if (len > FILE_BYTES_MAX || memchr(text, '\0', len) != NULL) {
		complain(verb, "%s %s", file, len > FILE_BYTES_MAX ? phrase("is longer than 60 KiB: leave old years out") : phrase("is no text"));
		return (EXIT_USAGE);
	}
	text[len] = '\0';
	return (0);
}

int
calendar_load(const char *verb, const char *file, struct calendar **calendar)
{
	static char text[FILE_BYTES_MAX + 2];
	char why[300];
	int r = read_text(verb, file, text);

	if (r != 0)
		return (r);
	if ((*calendar = calendar_parse(text, why, sizeof(why))) != NULL)
		return (0);
	complain(verb, "%s: %s", file, why);
	return (EXIT_USAGE);
}

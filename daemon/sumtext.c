#include "sumtext.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "batch.h"
#include "files.h"

size_t
sumtext_seal(char *text, size_t len, uint64_t seed)
{
	return (len + (size_t)sprintf(text + len, "sum: %016" PRIx64 "\n", (uint64_t)XXH3_64bits_withSeed(text, len, seed)));
}

char *
sumtext_end(char *text, uint64_t seed)
{
	char *line = strstr(text, "\nsum: ");
	uint64_t sum;

	if (line == NULL || sscanf(line, "\nsum: %16" SCNx64, &sum) != 1 ||
	    sum != XXH3_64bits_withSeed(text, (size_t)(line + 1 - text), seed))
		return (NULL);
	return (line + 1);
}

char *
sumtext_read(const char *folder, const char *name, size_t max)
{
	char path[4096], *text;
	size_t len = 0;
	ssize_t n = 0;
	int fd, e = 0;

	if ((fd = open(path_join(path, sizeof(path), folder, name), O_RDONLY | O_CLOEXEC)) < 0)
		return (NULL);
	text = must_alloc(max + 1);
	while (len < max && (n = read(fd, text + len, max - len)) > 0)
		len += (size_t)n;
	if (n < 0 || len == max)
		e = n < 0 ? errno : EFBIG;
	close(fd);
	text[len] = '\0';
	if (e == 0)
		return (text);
	free(text);
	errno = e;
	return (NULL);
}

#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "block.h"
#include "files.h"

static void
uuid_format(struct identity *id)
{
	char *p = id->uuid_text;

	for (unsigned i = 0; i < 16; i++)
		p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id->uuid[i]);
}

static uint64_t
epoch_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

int
identity_write(const struct identity *id, uint64_t epoch, const char *folder, char *why, size_t why_len)
{
	char text[256];
	int n, e;

	n = snprintf(text, sizeof(text), "format: %d\nuuid: %s\nepoch: %" PRIu64 "\nsecret: %016" PRIx64 "\n", STORE_FORMAT,
	    id->uuid_text, epoch, id->secret);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "sum: %016" PRIx64 "\n", (uint64_t)XXH3_64bits(text, (size_t)n));
	if ((e = file_replace(folder, "identity", text, (size_t)n)) != 0) {
		snprintf(why, why_len, "cannot write %s/identity: %s", folder, strerror(e));
		return (-1);
	}
	return (0);
}

static int
identity_create(struct identity *id, const char *folder, char *why, size_t why_len)
{
	randombytes_buf(id->uuid, sizeof(id->uuid));
	id->uuid[6] = (uint8_t)((id->uuid[6] & 0x0f) | 0x40);	/* RFC 9562: version 4 */
	id->uuid[8] = (uint8_t)((id->uuid[8] & 0x3f) | 0x80);
	uuid_format(id);
	randombytes_buf(&id->secret, sizeof(id->secret));
	id->epoch = epoch_now();
	block_secret_set(id->secret);
	return (identity_write(id, id->epoch, folder, why, why_len));
}

static int
uuid_parse(struct identity *id, const char *text)
{
	size_t n;

	if (sodium_hex2bin(id->uuid, sizeof(id->uuid), text, strlen(text), "-", &n, NULL) != 0 || n != sizeof(id->uuid))
		return (-1);
	uuid_format(id);
	return (0);
}

/* One wrong digit of the secret would make every event a stranger: the text proves itself. */
static bool
sum_holds(const char *text)
{
	const char *line = strstr(text, "\nsum: ");
	uint64_t sum;

	return (line != NULL && sscanf(line, "\nsum: %16" SCNx64, &sum) == 1 && sum == XXH3_64bits(text, (size_t)(line + 1 - text)));
}

int
identity_open(struct identity *id, const char *folder, int create, char *why, size_t why_len)
{
	char path[4096], text[512], uuid[64];
	ssize_t n;
	int fd, format;

	memset(id, 0, sizeof(*id));
	path_join(path, sizeof(path), folder, "identity");
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		if (errno == ENOENT && create)
			return (identity_create(id, folder, why, why_len));
		snprintf(why, why_len, "cannot read %s: %s", path, strerror(errno));
		return (-1);
	}
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "format: %d\n", &format) == 1 && format > STORE_FORMAT) {
		snprintf(why, why_len, "%s is of format %d, this release reads up to %d: install the newer release", folder, format,
		    STORE_FORMAT);
		return (-1);
	}
	if (sscanf(text, "format: %d\nuuid: %63s\nepoch: %" SCNu64 "\nsecret: %" SCNx64, &format, uuid, &id->epoch, &id->secret) != 4 ||
	    uuid_parse(id, uuid) != 0 || !sum_holds(text)) {
		snprintf(why, why_len, "%s is damaged: restore it from a backup of the same log", path);
		return (-1);
	}
	block_secret_set(id->secret);
	if (id->epoch == 0) {
		id->epoch = epoch_now();
		if (create && identity_write(id, id->epoch, folder, why, why_len) != 0)
			return (-1);
	}
	return (0);
}

#include "curvekey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

bool
curvekey_valid(const char *key)
{
	uint8_t bytes[32];

	return (strlen(key) == CURVEKEY_CHARS && zmq_z85_decode(bytes, key) != NULL);
}

static int
read_lines(FILE *f, char secret[CURVEKEY_CHARS + 1])
{
	char line[256];
	int keys = 0;

	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] == '\0' || strncmp(line, "# ", 2) == 0)
			continue;
		if (!curvekey_valid(line))
			return (-1);
		memcpy(secret, line, CURVEKEY_CHARS + 1);
		keys++;
	}
	return (keys == 1 ? 0 : -1);
}

int
curvekey_read(const char *file, char secret[CURVEKEY_CHARS + 1], char *why, size_t why_len)
{
	struct stat st;
	FILE *f = fopen(file, "re");
	int rc = -1;

	if (f == NULL || fstat(fileno(f), &st) != 0)
		snprintf(why, why_len, "cannot read the key %.200s: %s", file, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		snprintf(why, why_len, "%.200s is no file", file);
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		snprintf(why, why_len, "others may read the key %.200s: chmod 600 it, and make a new one if they may have", file);
	else if ((rc = read_lines(f, secret)) != 0)
		snprintf(why, why_len, "%.200s holds no secret key; estate keygen makes one", file);
	if (f != NULL)
		fclose(f);
	return (rc);
}

int
curvekey_make(const char *file, char public[CURVEKEY_CHARS + 1], char *why, size_t why_len)
{
	char secret[CURVEKEY_CHARS + 1], text[320];
	int fd, n;

	if (zmq_curve_keypair(public, secret) != 0) {
		snprintf(why, why_len, "this libzmq makes no keys: %s", zmq_strerror(errno));
		return (-1);
	}
	if ((fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0) {
		snprintf(why, why_len, errno == EEXIST ? "%.200s is there already: a key is never replaced" : "cannot make %.200s: %s", file,
		    strerror(errno));
		explicit_bzero(secret, sizeof(secret));
		return (-1);
	}
	n = snprintf(text, sizeof(text), "# A secret key for estated: whoever reads it can pass for its owner.\n# The public key is %s\n%s\n",
	    public, secret);
	if (write(fd, text, (size_t)n) != n || fsync(fd) != 0) {
		snprintf(why, why_len, "cannot write %.200s: %s", file, strerror(errno));
		unlink(file);
		n = -1;
	}
	close(fd);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(text, sizeof(text));
	return (n < 0 ? -1 : 0);
}

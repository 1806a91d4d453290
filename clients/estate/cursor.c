/* A cursor file: see cursor.h. */
#include "cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "buffer.h"
#include "language.h"

int
cursor_read(const char *verb, const char *path, struct cursor *c)
{
	json_error_t why;
	json_t *root;
	const char *log;
	json_int_t epoch, seq;
	int result = -1;

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return (0);
	if ((root = json_load_file(path, 0, &why)) == NULL) {
		complain(verb, "the cursor file %s cannot be read: %s; move it away to begin anew", path, why.text);
		return (-1);
	}
	if (json_unpack(root, "{s:s, s:I, s:I}", "log", &log, "epoch", &epoch, "seq", &seq) != 0 || seq < 0 || epoch < 0 ||
	    strlen(log) >= sizeof(c->log))
		complain(verb, "%s is no cursor file; remove it to begin anew", path);
	else {
		strcpy(c->log, log);
		c->epoch = (uint64_t)epoch;
		c->seq = (uint64_t)seq;
		result = 1;
	}
	json_decref(root);
	return (result);
}

int
cursor_check(const char *verb, const char *path)
{
	struct buffer next = { NULL, 0, 0 };
	struct stat st;
	FILE *f = NULL;
	int result = -1;

	buffer_printf(&next, "%s.new", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		complain(verb, "%s is no file: give --cursor a path where a new one can be made", path);
	else if ((f = fopen(next.data, "w")) == NULL)
		complain(verb, "cannot write the cursor file %s: %s; nothing was shown", path, phrase(strerror(errno)));
	else
		result = 0;
	if (f != NULL) {
		fclose(f);
		unlink(next.data);
	}
	buffer_free(&next);
	return (result);
}

int
cursor_write(const char *verb, const char *path, const struct cursor *c)
{
	struct buffer next = { NULL, 0, 0 };
	FILE *f;

	buffer_printf(&next, "%s.new", path);
	if ((f = fopen(next.data, "w")) == NULL)
		goto err0;
	if (fprintf(f, "{\"log\":\"%s\",\"epoch\":%" PRIu64 ",\"seq\":%" PRIu64 "}\n", c->log, c->epoch, c->seq) < 0 ||
	    fflush(f) != 0 || fdatasync(fileno(f)) != 0)
		goto err1;
	if (fclose(f) != 0 || rename(next.data, path) != 0)
		goto err0;
	buffer_free(&next);
	return (0);

err1:
	fclose(f);
err0:
	complain(verb, "cannot write the cursor file %s: %s", path, phrase(strerror(errno)));
	unlink(next.data);
	buffer_free(&next);
	return (-1);
}

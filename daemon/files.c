#include "files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

char *
path_join(char *out, size_t size, const char *folder, const char *name)
{
	int n = snprintf(out, size, "%s/%s", folder, name);

	assert(n > 0 && (size_t)n < size);
	return (out);
}

int
folder_sync(const char *folder)
{
	int fd, e = 0;

	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return (errno);
	if (fsync(fd) != 0)
		e = errno;
	close(fd);
	return (e);
}

int
folder_make(const char *folder)
{
	char parent[4096];

	if (mkdir(folder, 0700) != 0)
		return (errno == EEXIST ? 0 : errno);
	path_join(parent, sizeof(parent), folder, "..");
	return (folder_sync(parent));
}

int
write_all(int fd, const void *bytes, size_t len, int64_t offset)
{
	const uint8_t *p = bytes;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (n < 0 ? errno : EIO);
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return (0);
}

int
file_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), e = 0;

	if (fd < 0)
		return (errno);
	if (fsync(fd) != 0)
		e = errno;
	close(fd);
	return (e);
}

/* The plain files in a folder, and the folder. */
static int
remove_folder(const char *folder)
{
	char path[4096];
	struct dirent *d;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return (errno == ENOENT ? 0 : errno);
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			unlink(path_join(path, sizeof(path), folder, d->d_name));
	closedir(dir);
	return (rmdir(folder) != 0 ? errno : 0);
}

int
folder_begin(const char *folder, char *out, size_t size)
{
	int e, n = snprintf(out, size, "%s.new", folder);

	assert(n > 0 && (size_t)n < size);
	if ((e = remove_folder(out)) != 0)
		return (e);
	return (mkdir(out, 0700) != 0 ? errno : 0);
}

int
folder_finish(const char *folder)
{
	char fresh[4096], parent[4096];
	int e;

	snprintf(fresh, sizeof(fresh), "%s.new", folder);
	if ((e = folder_sync(fresh)) != 0)
		return (e);
	if (rename(fresh, folder) != 0)
		return (errno);
	snprintf(parent, sizeof(parent), "%s", folder);
	*strrchr(parent, '/') = '\0';
	return (folder_sync(parent));
}

int
file_replace(const char *folder, const char *name, const void *bytes, size_t len)
{
	char path[4096], temporary[4096 + 8];
	int fd, e;

	path_join(path, sizeof(path), folder, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	if ((fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		return (errno);
	e = write_all(fd, bytes, len, 0);
	if (e == 0 && fsync(fd) != 0)
		e = errno;
	if (close(fd) != 0 && e == 0)
		e = errno;
	if (e == 0 && rename(temporary, path) != 0)
		e = errno;
	if (e != 0) {
		unlink(temporary);
		return (e);
	}
	return (folder_sync(folder));
}

/* A list of CLIENTS_MAX clients with every right spelt out. */
#define COPY_BYTES_MAX	(64u << 20)

int
file_copy(const char *from, const char *to, const char *name)
{
	char path[4096], *bytes = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd, e;

	if ((fd = open(path_join(path, sizeof(path), from, name), O_RDONLY | O_CLOEXEC)) < 0)
		return (errno == ENOENT ? 0 : errno);
	e = fstat(fd, &st) != 0 ? errno : st.st_size > COPY_BYTES_MAX ? EFBIG : 0;
	if (e == 0 && ((bytes = malloc((size_t)st.st_size + 1)) == NULL || (n = pread(fd, bytes, (size_t)st.st_size, 0)) < 0))
		e = errno;
	if (e == 0)
		e = n == st.st_size ? file_replace(to, name, bytes, (size_t)n) : EIO;
	free(bytes);
	close(fd);
	return (e);
}

uint64_t
free_bytes(const char *folder)
{
	struct statvfs s;

	if (statvfs(folder, &s) != 0)
		return (UINT64_MAX);
	return ((uint64_t)s.f_bavail * s.f_frsize);
}

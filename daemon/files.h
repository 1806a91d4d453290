/* files: the few things everybody does with files, done so that they survive a power cut. */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>
#include <stdint.h>

/* "folder/name" into `out`; aborts if it does not fit. */
char	*path_join(char *out, size_t size, const char *folder, const char *name);

/* Flush a folder's entries.  0 or errno. */
int	folder_sync(const char *folder);

/* Flush a file's content, whoever wrote it.  0 or errno. */
int	file_sync(const char *path);

/* Make the folder unless it is there, with mode 0700; its parent is flushed.  0 or errno. */
int	folder_make(const char *folder);

/*
 * Folders that appear whole or not at all.  folder_begin() makes an empty NAME.new beside `folder` (removing what an interrupted
 * one left) and writes its path to `out`; folder_finish() flushes it, renames it to `folder` and flushes the parent.  0 or errno.
 */
int	folder_begin(const char *folder, char *out, size_t size);
int	folder_finish(const char *folder);

/* Replace folder/name by these bytes: temporary file, flush, rename, flush the folder.  0 or errno. */
int	file_replace(const char *folder, const char *name, const void *bytes, size_t len);

/* Copy a small file of that name, if it is there, from one folder to another, durably.  0 or errno. */
int	file_copy(const char *from, const char *to, const char *name);

/* Write all of it at that offset.  0 or errno. */
int	write_all(int fd, const void *bytes, size_t len, int64_t offset);

/* Bytes free to us on the filesystem of `folder`; UINT64_MAX if it cannot be told. */
uint64_t free_bytes(const char *folder);

#endif

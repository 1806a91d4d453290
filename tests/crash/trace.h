/*
 * trace: what interpose.so writes down of a daemon's life, in the order in which it happened, for powercut.c to read.
 *
 * Native byte order: it never leaves the machine.  Each record is a struct trace_record and `len` bytes of payload.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

enum trace_op {
	TRACE_OPEN = 1,		/* payload: path; a file or folder below the data folder was opened as `file` */
	TRACE_CREATE,		/* payload: path; it did not exist before */
	TRACE_TRUNCATE,		/* to `offset` bytes */
	TRACE_WRITE,		/* payload written at `offset`; `durable` if O_DSYNC covered it when the call returned */
	TRACE_FLUSH_BEGIN,	/* what was written to `file` before this … */
	TRACE_FLUSH_END,	/* … is on the disk now, if `result` is 0 */
	TRACE_RENAME,		/* payload: from NUL to NUL */
	TRACE_UNLINK,		/* payload: path */
	TRACE_MKDIR,		/* payload: path */
	TRACE_ACK		/* payload: an ack message, about to leave */
};

struct trace_record {
	uint32_t op;
	uint32_t file;		/* numbered from 1 per path */
	uint64_t offset;
	uint32_t len;
	int32_t result;
	uint32_t durable;
	uint32_t pad;
};

#endif

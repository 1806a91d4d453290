/*
 * csv: records of a table as spreadsheets write it (RFC 4180): fields in quotes may hold separators, quotes and line breaks.  The
 * separator is what stands most often in the first line: comma, semicolon or tab.  Bytes are UTF-8, with or without a mark at the
 * beginning, or GB18030, which Chinese spreadsheets write: what the first line that is not plain ASCII is.  Fields come out as UTF-8.
 */
#ifndef CSV_H
#define CSV_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define CSV_FIELDS_MAX		64u
#define CSV_RECORD_BYTES_MAX	(64u << 10)
#define CSV_FILE_BYTES_MAX	((size_t)1 << 30)

enum csv_encoding { CSV_ASCII, CSV_UTF8, CSV_GB18030 };

struct csv {
	char *bytes;			/* the whole file */
	size_t len, at;
	char separator;
	enum csv_encoding encoding;	/* as far as is known */
	iconv_t gb18030;
	struct buffer text;		/* the record at hand, fields terminated */
	size_t from[CSV_FIELDS_MAX];	/* where in it each begins */
	unsigned count;
	uint64_t line, next_line;	/* of the record at hand, and of the one behind it */
};

enum csv_result {
	CSV_RECORD,
	CSV_BAD_ENCODING,	/* not as the lines before it */
	CSV_NUL,		/* UTF-16, or no text at all */
	CSV_OPEN_QUOTE,		/* it is not closed within CSV_RECORD_BYTES_MAX; reading goes on with the next line */
	CSV_TOO_LONG,		/* above CSV_RECORD_BYTES_MAX */
	CSV_TOO_MANY,		/* above CSV_FIELDS_MAX */
	CSV_END
};

/* Read a file, "-" for standard input.  0, or an errno (EFBIG: above CSV_FILE_BYTES_MAX). */
int		 csv_open(struct csv *, const char *file);
void		 csv_close(struct csv *);

/* The next record that is not blank.  Its fields are valid until the next call. */
enum csv_result	 csv_next(struct csv *);
const char	*csv_field(const struct csv *, unsigned);

#endif

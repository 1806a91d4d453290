/* sumtext: small files of text that prove themselves by their last line, "sum: %016x": XXH3-64 of all before it, its seed the log's
 * secret. */
#ifndef SUMTEXT_H
#define SUMTEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room that the last line takes. */
#define SUMTEXT_LINE	24u

/* Append the line; the text must have that room.  Its new length. */
size_t	sumtext_seal(char *text, size_t len, uint64_t seed);

/* Where the last line begins, or NULL: the text was changed or cut. */
char	*sumtext_end(char *text, uint64_t seed);

/* Read FOLDER/NAME whole, terminated, malloc()ed, the caller's.  NULL with errno: ENOENT, EFBIG if it is larger than `max`. */
char	*sumtext_read(const char *folder, const char *name, size_t max);

#endif

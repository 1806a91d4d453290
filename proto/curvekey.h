/*
 * CURVE keys as text: 40 characters of Z85 (rfc.zeromq.org/spec/32).
 *
 * A key file holds one secret key in a line of its own; lines that begin with "# " are for people.  Whoever can read it can pass for
 * its owner: it must be readable by its owner alone.
 */
#ifndef CURVEKEY_H
#define CURVEKEY_H

#include <stdbool.h>
#include <stddef.h>

#define CURVEKEY_CHARS	40u

/* Is it a key: 40 characters that decode to 32 bytes? */
bool	curvekey_valid(const char *);

/* Read the secret key of a file.  0, or -1 with one sentence in `why`: it cannot be read, others may read it, it holds no key. */
int	curvekey_read(const char *file, char secret[CURVEKEY_CHARS + 1], char *why, size_t why_len);

/* Make a pair and write the secret one to a new file of mode 0600.  0, or -1 with one sentence in `why`; an existing file is never
 * replaced. */
int	curvekey_make(const char *file, char public[CURVEKEY_CHARS + 1], char *why, size_t why_len);

#endif

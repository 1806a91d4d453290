/* The codes of errcode.def as an enum, and their texts. */
#ifndef ERRCODE_H
#define ERRCODE_H

enum errcode {
	E_OK = 0,
#define CODE(number, name, wire, retry, text) E_##name = number,
#include "errcode.def"
#undef CODE
};

enum errcode_retry { RETRY_NEVER, RETRY_LATER, RETRY_SESSION };

/* The wire name, e.g. "id-conflict"; "unknown-code" for a number that is not in the table. */
const char	*errcode_name(int);
/* One English sentence without a full stop. */
const char	*errcode_text(int);
enum errcode_retry errcode_retry(int);
/* The word of a retry rule: never, later, session. */
const char	*errcode_retry_name(enum errcode_retry);
/* Row by row, for documents and tests: the number of row i, or 0 past the end. */
int		 errcode_at(unsigned i);

#endif

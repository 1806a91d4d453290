/* What `estate arrears` and `estate household` share: asking dunning, and money as people write it. */
#ifndef ARREARS_H
#define ARREARS_H

#include "command.h"
#include "question.h"
#include "worker.h"

#define DUNNING_SERVICE	"dunning"

/* "-1,234.50" */
#define YUAN_TEXT	32
void	yuan_text(int64_t fen, char out[YUAN_TEXT]);
/* The same, to the right in so many columns, and a blank before it. */
void	add_yuan(struct buffer *, int64_t fen, unsigned columns);
/* The code of a list of the catalogue in words; as it is if it is none of it. */
void	add_code(struct buffer *, const char *list, struct text code, bool zh, unsigned columns);
/* Text in so many columns, and right-hand text in so many. */
void	add_left(struct buffer *, const char *, unsigned columns);
void	add_right(struct buffer *, const char *, unsigned columns);

/* A member of a row; 0, or an empty text, if there is none. */
int64_t		row_int(const struct event *, const char *name);
struct text	row_text(const struct event *, const char *name);

/* A day as the question takes it; false with a sentence for `verb`. */
bool	arrears_day(const char *verb, const char *text);

#endif

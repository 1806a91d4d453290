/* Which language people read on this terminal. */
#ifndef LANGUAGE_H
#define LANGUAGE_H

#include <stdbool.h>

/* True if the first of LC_ALL, LC_MESSAGES and LANG that is set and not empty begins with zh. */
bool	language_is_zh(void);

#endif

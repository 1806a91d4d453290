/*
 * Structured log lines on stderr: `level=warn what="…" key=value …`, one a line, with fixed keys.
 *
 * Under journald each line begins with the syslog priority it wants (<3> error, <4> warning, <6> info); elsewhere with local time.
 * Safe from any thread.  Values are quoted and escaped when they need it, so that one event is one line whatever a peer sent.
 */
#ifndef LOG_H
#define LOG_H

#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Lines below this level are dropped.  Default LOG_INFO. */
void	log_level_set(enum log_level);

/*
 * One line.  `fmt` is a printf format that yields key=value pairs already quoted where needed (log_quote), or "".
 * `what` is a constant sentence: what happened.
 */
void	log_line(enum log_level, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Quote a value for a log line into `out` (always terminated, cut to fit); returns out. */
const char	*log_quote(char *out, unsigned size, const char *value);

#define log_error(...)	log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_line(LOG_DEBUG, __VA_ARGS__)

#endif

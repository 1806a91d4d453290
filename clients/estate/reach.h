/* Reaching the daemon, and saying why it said no. */
#ifndef REACH_H
#define REACH_H

#include <signal.h>
#include <stdbool.h>

#include "arguments.h"
#include "estate.h"
#include "estate_outbox.h"

#define EXIT_PART	1	/* done in part, or refused */
#define EXIT_USAGE	2
#define EXIT_UNREACHED	3

/* Set by SIGINT and SIGTERM once reach_open() was called: leave the loop. */
extern volatile sig_atomic_t reach_stop;

/*
 * Open a handle to the daemon the options name; endpoint, client and software in *o are filled in here.  NULL after a sentence on
 * stderr.  Does not wait.
 */
struct estate	*reach_open(const char *verb, const struct common *, struct estate_options *o);

/* The same for an outbox, which then sends through it.  False after a sentence. */
bool	reach_outbox(const char *verb, const struct common *, struct estate_outbox *);

/* Pump until the session stands: 0; or EXIT_UNREACHED after a sentence, EXIT_PART if the daemon refused us for good. */
int	reach_wait(const char *verb, const struct common *, struct estate *);

/* The sentence for a daemon that cannot be reached, with what is known of the reason. */
void	reach_failed(const char *verb, const struct common *);

/* The same for a request that failed: a refusal with its code, path, detail and the next step, or an error of the library. */
int	reach_refused(const char *verb, const struct common *, int error, const struct estate_fault *);

/* What to do about a refusal, one clause; "" if there is nothing to add. */
const char	*reach_advice(int code);

/* A fault as a JSON object without braces: "code":…,"name":…,…,"retry":… */
struct buffer;
void	reach_fault_json(struct buffer *, const struct estate_fault *);
/* "out-of-range (30) at data.amount: detail; next step" */
void	reach_fault_text(struct buffer *, const struct estate_fault *);

#endif

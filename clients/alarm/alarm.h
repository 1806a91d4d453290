/*
 * estate-alarm: who watches the watcher.  One run looks once: does the daemon answer, does it take events, are the named consumers within
 * their lag?  What changed since the last run goes to the duty phones, through HTTP gateways of their own: notify may be what is down.
 *
 *	setup.c		what /etc/estated/alarm.yaml says
 *	look.c		what is wrong now
 *	memory.c	what was told before
 *	gateway.c	telling it
 */
#ifndef ALARM_H
#define ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSUMERS_MAX	32u
#define GATEWAYS_MAX	4u
#define PHONES_MAX	16u
#define TROUBLE_BYTES	256
#define TEXT_BYTES	512

struct conf;

struct setup {
	struct conf *conf;		/* lends every text below */
	const char *endpoint, *site, *language;
	bool zh;
	int64_t answer_ns, repeat_ns;	/* how long an answer may take; after how long what is still wrong is told again */
	struct watched {
		const char *name;
		int64_t lag_ns;
	} consumers[CONSUMERS_MAX];
	struct gateway {
		const char *url, *method, *type, *body, *authorization;	/* the last may be "" */
		int64_t within_ns;
		int64_t tries;
	} gateways[GATEWAYS_MAX];
	const char *phones[PHONES_MAX];
	unsigned consumer_count, gateway_count, phone_count;
};

/* Read the file.  False with one sentence, with file and line, in `why`; setup_free() in either case. */
bool	setup_read(struct setup *, const char *path, char *why, size_t why_len);
void	setup_free(struct setup *);

/* What is wrong now, one clause in the setup's language; false: nothing is.  Takes up to answer_ns. */
bool	look(const struct setup *, char trouble[TROUBLE_BYTES]);

/* What was told last: nothing, or a trouble and when.  A file that cannot be read counts as nothing: rather told twice than never. */
struct memory {
	bool trouble;
	int64_t told_s;			/* wall clock, since 1970 */
};
void	memory_read(struct memory *, const char *path);
bool	memory_write(const struct memory *, const char *path);	/* false with errno */

/*
 * {{text}} and {{phone}} in a template, escaped for `type`: a URL ("url"), application/json, application/x-www-form-urlencoded or
 * text/plain.  NULL if the template holds any other {{…}}; else the caller's to free.
 */
char	*fill_in(const char *template, const char *type, const char *text, const char *phone);

/* Tell every phone, by the first gateway that takes it.  How many phones were told; what failed is said on stderr. */
unsigned	gateway_tell(const struct setup *, const char *text, bool dry_run);

#endif

/*
 * Arguments that many verbs share.  A verb adds COMMON_OPTIONS to its table and hands what next_option() returns to
 * common_option() first.
 */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#define ESTATE_ENDPOINT_DEFAULT	"ipc:///run/estated/estated.sock"

struct common {
	const char *connect;	/* endpoint of the daemon */
	const char *key_file;	/* our secret key, or NULL */
	const char *server_key;	/* the daemon's public one, or NULL */
	bool json;
	int timeout_ms;		/* how long to wait for the daemon */
};

/* Values above any character. */
enum { OPTION_CONNECT = 1000, OPTION_JSON, OPTION_TIMEOUT, OPTION_KEY_FILE, OPTION_SERVER_KEY, OPTION_OWN };

#define COMMON_OPTIONS \
	{ "connect", required_argument, NULL, OPTION_CONNECT }, \
	{ "json", no_argument, NULL, OPTION_JSON }, \
	{ "key-file", required_argument, NULL, OPTION_KEY_FILE }, \
	{ "server-key", required_argument, NULL, OPTION_SERVER_KEY }, \
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT }, \
	{ "help", no_argument, NULL, 'h' }, \
	{ NULL, 0, NULL, 0 }

/* The tail of every help text. */
#define COMMON_HELP \
	"      --connect ENDPOINT   the daemon: ipc://PATH or tcp://HOST:PORT\n" \
	"                           (default: $ESTATE_ENDPOINT, else " ESTATE_ENDPOINT_DEFAULT ")\n" \
	"      --key-file FILE      our secret key, for TCP with keys (default: $ESTATE_KEY_FILE)\n" \
	"      --server-key KEY     the daemon's public key (default: $ESTATE_SERVER_KEY)\n" \
	"      --timeout SECONDS    how long to wait for the daemon (default 30)\n" \
	"      --json               for programs: JSON on stdout, and on stderr\n" \
	"      --help               this text\n"

void	common_init(struct common *);

/*
 * Take option `c`.  Returns -1 if it was a common one; else the exit status to end with: 0 after --help (the text is printed), 2
 * for an unknown option or a bad value (it has been said); or COMMON_OWN if it is the verb's own.
 */
#define COMMON_OWN	(-2)
int	common_option(struct common *, int c, const char *verb, const char *help);

/* Read a whole number within its bounds; a sentence on stderr and false if it is none. */
bool	argument_number(const char *verb, const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *);

/* getopt_long() that says nothing: '?' is said by option_error(), which returns 2, in the language of the terminal. */
int	next_option(int argc, char **argv, const char *letters, const struct option *);
int	option_error(const char *verb);

/* "estate VERB: sentence" on stderr; the sentence is one of sentences.def. */
void	complain(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same, and where to read more.  Returns 2. */
int	usage_error(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

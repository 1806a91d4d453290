/* Reaching the daemon, and saying why it said no: see reach.h. */
#include "reach.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"
#include "curvekey.h"
#include "errcode.h"
#include "json.h"
#include "language.h"
#include "paint.h"

/* Who waits longer is told for what. */
#define TELL_MS		1000

volatile sig_atomic_t reach_stop;

static void
on_signal(int number)
{
	(void)number;
	reach_stop = 1;
}

/* The keys for TCP, if there are any; secret is the caller's to forget. */
static bool
read_keys(const char *verb, const struct common *c, struct estate_options *o, char secret[CURVEKEY_CHARS + 1])
{
	bool have_file = c->key_file != NULL && *c->key_file != '\0', have_key = c->server_key != NULL && *c->server_key != '\0';
	char why[512];

	if (strncmp(c->connect, "tcp://", 6) != 0 || (!have_file && !have_key))
		return (true);
	if (!have_file || !have_key)
		usage_error(verb, "keys go together: %s is missing", have_file ? "--server-key" : "--key-file");
	else if (!curvekey_valid(c->server_key))
		usage_error(verb, "--server-key: %s is no public key: 40 characters, in quotes", c->server_key);
	else if (curvekey_read(c->key_file, secret, why, sizeof(why)) != 0)
		complain(verb, "%s", why);
	else {
		o->secret_key = secret;
		o->server_key = c->server_key;
		return (true);
	}
	return (false);
}

/* Open a handle of its own (*e), or the one of a box. */
static bool
open_handle(const char *verb, const struct common *c, struct estate_options *o, struct estate_outbox *box, struct estate **e)
{
	struct sigaction sa = { .sa_handler = on_signal };
	char secret[CURVEKEY_CHARS + 1];
	int error;

	/* Not SA_RESTART: a wait ends, and the loop sees the flag.  A second signal kills as ever. */
	sa.sa_flags = (int)SA_RESETHAND;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	o->endpoint = c->connect;
	o->client = "estate";
	o->software = "estate " ESTATE_VERSION;
	if (!read_keys(verb, c, o, secret))
		return (false);
	error = box != NULL ? estate_outbox_connect(box, o) : estate_open(o, e);
	o->secret_key = NULL;
	explicit_bzero(secret, sizeof(secret));
	if (error == 0)
		return (true);
	if (error == ESTATE_INVALID)
		usage_error(verb, "%s is no endpoint: ipc://PATH or tcp://HOST:PORT", c->connect);
	else
		complain(verb, "cannot open a connection: %s", phrase(strerror(errno)));
	return (false);
}

struct estate *
reach_open(const char *verb, const struct common *c, struct estate_options *o)
{
	struct estate *e;

	return (open_handle(verb, c, o, NULL, &e) ? e : NULL);
}

bool
reach_outbox(const char *verb, const struct common *c, struct estate_outbox *box)
{
	struct estate_options o = { 0 };

	return (open_handle(verb, c, &o, box, NULL));
}

/* Why an ipc endpoint does not answer: the system knows more than libzmq tells. */
static const char *
ipc_reason(const char *endpoint)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = endpoint + strlen("ipc://");
	int fd, error = 0;

	if (strncmp(endpoint, "ipc://", strlen("ipc://")) != 0 || strlen(path) >= sizeof(a.sun_path))
		return (NULL);
	strcpy(a.sun_path, path);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return (NULL);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		error = errno;
	close(fd);
	switch (error) {
	case 0:
		return ("somebody listens there and does not answer");
	case ENOENT:
		return ("there is no such socket; is estated running, and with this --listen?");
	case ECONNREFUSED:
		return ("the socket is there and nobody listens; is estated running?");
	case EACCES:
		return ("permission denied; which group may use the socket is the daemon's setting");
	default:
		return (strerror(error));
	}
}

/* `why` may be NULL. */
static void
failed(const char *verb, const struct common *c, const char *why)
{

	if (c->json) {
		struct buffer b = { NULL, 0, 0 };

		buffer_text(&b, "{\"error\":\"unreachable\",\"endpoint\":");
		json_write_text(&b, c->connect, strlen(c->connect));
		buffer_text(&b, ",\"detail\":");
		json_write_text(&b, why != NULL ? why : "", why != NULL ? strlen(why) : 0);
		fprintf(stderr, "%s}\n", b.data);
		buffer_free(&b);
		return;
	}
	complain(verb, "no answer from estated at %s within %d s%s%s", c->connect, c->timeout_ms / 1000, why != NULL ? phrase(": ") : "", why != NULL ? phrase(why) : "");
}

void
reach_failed(const char *verb, const struct common *c)
{
	failed(verb, c, ipc_reason(c->connect));
}

/* To who sits before it: nothing is said for so long, and then there is a failure to read. */
static void
tell_waiting(const char *verb, const struct common *c, struct estate *e)
{
	const char *why = estate_trouble(e) != NULL ? estate_trouble(e) : ipc_reason(c->connect);

	if (!c->json && isatty(STDERR_FILENO))
		complain(verb, "waiting up to %d s for estated at %s%s%s", c->timeout_ms / 1000, c->connect, why != NULL ? phrase(": ") : "", why != NULL ? phrase(why) : "");
}

int
reach_wait(const char *verb, const struct common *c, struct estate *e)
{
	struct timespec begin, now;
	int64_t waited_ms;
	bool told = false;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (!reach_stop && estate_state(e) != ESTATE_LIVE) {
		if (estate_state(e) == ESTATE_STOPPED)
			return (reach_refused(verb, c, estate_refusal(e)->code, estate_refusal(e)));
		clock_gettime(CLOCK_MONOTONIC, &now);
		waited_ms = (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000;
		if (waited_ms >= TELL_MS && !told) {
			tell_waiting(verb, c, e);
			told = true;
		}
		if (waited_ms >= c->timeout_ms) {
			failed(verb, c, estate_trouble(e) != NULL ? estate_trouble(e) : ipc_reason(c->connect));
			return (EXIT_UNREACHED);
		}
		estate_pump(e, 100);
	}
	return (reach_stop ? EXIT_PART : 0);
}

const char *
reach_advice(int code)
{
	static const struct {
		int code;
		const char *advice;
	} table[] = {
		{ E_VERSION, "use an estate of the same release as the daemon" },
		{ E_VERB, "this daemon is of another release; estate status shows which" },
		{ E_TOO_LARGE, "an event may have 64 KiB, a batch 1 MiB; keep photos elsewhere and store a reference" },
		{ E_TOO_MANY, "send fewer at once" },
		{ E_FORBIDDEN, "an operator can give the right: man clients.yaml" },
		{ E_BUSY, "try again in a moment" },
		{ E_HELD, "try again in a moment" },
		{ E_TYPE, "estate types lists the types" },
		{ E_MISSING, "estate types TYPE lists the fields" },
		{ E_KIND, "estate types TYPE says what kind it must be" },
		{ E_RANGE, "estate types TYPE says the bounds" },
		{ E_VALUE, "estate types TYPE lists the values" },
		{ E_TIME, "write it as 2026-11-24T05:06:07+08:00" },
		{ E_ID_CONFLICT, "give the changed event an id of its own; estate tail --source finds the first" },
		{ E_TRIMMED, "start with --from first" },
		{ E_BEYOND_END, "is this the right daemon, or was a backup restored? then begin with a new cursor file" },
		{ E_OTHER_LOG, "is this the right daemon, or was a backup restored? then begin with a new cursor file" },
		{ E_PATTERN, "for instance complaint.* or **" },
		{ E_EXISTS, "choose another name" },
		{ E_NO_SERVICE, "is its worker running? estate ask lists the services that are there" },
		{ E_SERVICE_LOST, "try again when its worker has started anew" },
		{ E_DEADLINE, "give it longer with --timeout, or see how far behind its worker is: estate consumers" },
		{ E_BAD_ANSWER, "its worker has a fault: look at that one's log" },
		{ E_DISK_FULL, "make room on the daemon's disk" },
		{ E_STOPPING, "try again when it has started anew" },
		{ E_INTERNAL, "the daemon's log says why: journalctl -u estated" },
		{ E_DAMAGED, "run estate verify on the daemon's machine" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (table[i].code == code)
			return (table[i].advice);
	return ("");
}

static const char *
retry_word(const struct estate_fault *f)
{
	return (f->retry == ESTATE_NEVER ? "never" : f->retry == ESTATE_LATER ? "later" : "session");
}

void
reach_fault_json(struct buffer *b, const struct estate_fault *f)
{
	buffer_printf(b, "\"code\":%d,\"name\":", f->code);
	json_write_text(b, f->name, strlen(f->name));
	buffer_text(b, ",\"text\":");
	json_write_text(b, f->text, strlen(f->text));
	if (f->path[0] != '\0') {
		buffer_text(b, ",\"path\":");
		json_write_text(b, f->path, strlen(f->path));
	}
	/* What the text says already is not said again. */
	if (f->detail[0] != '\0' && strstr(f->text, f->detail) == NULL) {
		buffer_text(b, ",\"detail\":");
		json_write_text(b, f->detail, strlen(f->detail));
	}
	buffer_printf(b, ",\"retry\":\"%s\"", retry_word(f));
}

static const char *
retry_phrase(const struct estate_fault *f)
{
	return (f->retry == ESTATE_NEVER ? phrase(" [retry: never]") : f->retry == ESTATE_LATER ? phrase(" [retry: later]") : phrase(" [retry: session]"));
}

void
reach_fault_text(struct buffer *b, const struct estate_fault *f)
{
	const char *advice = reach_advice(f->code), *text = errcode_text(f->code), *said = f->detail[0] != '\0' ? f->detail : f->text;

	buffer_printf(b, "%s (%d)", f->name, f->code);
	if (f->path[0] != '\0')
		buffer_printf(b, phrase(" at %s"), f->path);
	buffer_text(b, phrase(": "));
	/* The other side speaks English: what it means first. */
	if (phrase(text) != text)
		buffer_printf(b, strcmp(said, text) != 0 ? "%s（" : "%s", phrase(text));
	/* It may quote what was sent. */
	if (phrase(text) == text || strcmp(said, text) != 0)
		paint_clean(b, said, strlen(said), 0);
	if (phrase(text) != text && strcmp(said, text) != 0)
		buffer_text(b, "）");
	if (*advice != '\0')
		buffer_printf(b, phrase("; %s"), phrase(advice));
	buffer_text(b, retry_phrase(f));
}

int
reach_refused(const char *verb, const struct common *c, int error, const struct estate_fault *f)
{
	struct buffer b = { NULL, 0, 0 };

	if (error == ESTATE_TIMEOUT && !reach_stop) {
		reach_failed(verb, c);
		return (EXIT_UNREACHED);
	}
	if (f == NULL)
		buffer_printf(&b, c->json ? "{\"error\":\"%s\",\"text\":\"%s\"}" : "estate %s: %s",
		    c->json ? estate_error_name(error) : verb, c->json ? estate_error_text(error) : phrase(estate_error_text(error)));
	else if (c->json) {
		buffer_text(&b, "{\"error\":\"refused\",");
		reach_fault_json(&b, f);
		buffer_text(&b, "}");
	} else {
		buffer_printf(&b, "estate %s: %s", verb, phrase("the daemon refused: "));
		reach_fault_text(&b, f);
	}
	fprintf(stderr, "%s\n", b.data);
	buffer_free(&b);
	return (f == NULL ? EXIT_UNREACHED : EXIT_PART);
}

/* The input of a simulation, and the rehearsals: see simulate.h. */
#include "simulate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "language.h"
#include "nearest.h"
#include "reach.h"
#include "sitetime.h"
#include "view.h"

/* What a worker's program answers when it refuses its configuration. */
#define WORKER_REFUSED	78

/* Of what a worker had to say about the input, so many lines are passed on. */
#define COMPLAINTS_SHOWN	5u

/* ---- Which program ------------------------------------------------------------------------------------------------------------------------ */

/* The folder this program lies in, with its slash. */
static bool
own_folder(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n <= 0)
		return (false);
	path[n] = '\0';
	if ((slash = strrchr(path, '/')) == NULL)
		return (false);
	slash[1] = '\0';
	return (true);
}

/* "estate-example" is the worker example; estate-alarm is a client. */
static bool
is_worker(const char *file)
{
	return (strncmp(file, "estate-", 7) == 0 && file[7] != '\0' && strcmp(file, "estate-alarm") != 0);
}

static void
say_which_there_are(const char *folder, const char *worker)
{
	struct nearest near;
	struct dirent *entry;
	unsigned count = 0;
	DIR *d;

	fprintf(stderr, phrase("estate simulate: there is no worker \"%s\": no program %sestate-%s"), worker, folder, worker);
	nearest_begin(&near, worker, strlen(worker));
	if ((d = opendir(folder)) != NULL) {
		while ((entry = readdir(d)) != NULL)
			if (is_worker(entry->d_name)) {
				fprintf(stderr, "%s%s", count++ == 0 ? phrase("; there are: ") : ", ", entry->d_name + 7);
				nearest_offer(&near, entry->d_name + 7);
			}
		if (near.best != NULL)
			fprintf(stderr, phrase("; did you mean \"%s\"?"), near.best);
		fputc('\n', stderr);
		closedir(d);
	} else
		fputc('\n', stderr);
}

bool
simulate_find(struct simulation *s)
{
	char folder[PATH_MAX - 80];

	if (!own_folder(folder, sizeof(folder))) {
		complain("simulate", "cannot tell where this program lies, and so where its workers are: %s", phrase(strerror(errno)));
		return (false);
	}
	snprintf(s->program, sizeof(s->program), "%sestate-%.64s", folder, s->worker);
	if (access(s->program, X_OK) == 0)
		return (true);
	say_which_there_are(folder, s->worker);
	return (false);
}

/* ---- The input ------------------------------------------------------------------------------------------------------------------------------ */

/* A file of nobody else: it may hold what not everybody may see, and is gone with us however we end.  -1 after a sentence. */
static int
nameless(void)
{
	const char *place = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/estate-simulate-XXXXXX", place != NULL && *place != '\0' ? place : "/tmp");
	if ((fd = mkostemp(path, O_CLOEXEC)) < 0)
		complain("simulate", "%s: %s; name a folder with TMPDIR", path, phrase(strerror(errno)));
	else
		unlink(path);
	return (fd);
}

static bool
write_all(int fd, const char *s, size_t len)
{
	ssize_t n;

	for (; len > 0; s += n, len -= (size_t)n)
		if ((n = write(fd, s, len)) < 0) {
			if (errno != EINTR)
				return (false);
			n = 0;
		}
	return (true);
}

/* Count the lines, and keep a copy if `copy` is a file. */
static int
take_file(struct simulate *s, int fd, const char *name, int copy)
{
	static char block[256 << 10];
	char last = '\n';
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (copy >= 0 && !write_all(copy, block, (size_t)n))) {
			complain("simulate", "%s: %s", name, phrase(strerror(errno)));
			return (EXIT_UNREACHED);
		}
		for (const char *p = block; (p = memchr(p, '\n', (size_t)(block + n - p))) != NULL; p++)
			s->events++;
		last = block[n - 1];
	}
	s->events += last != '\n';
	return (0);
}

static int
input_from_file(struct simulate *s)
{
	bool standard = strcmp(s->path, "-") == 0;
	const char *name = standard ? "standard input" : s->path;
	struct stat st;
	int fd = STDIN_FILENO, r;

	if (!standard && (fd = open(s->path, O_RDONLY | O_CLOEXEC)) < 0) {
		complain("simulate", "%s: %s", s->path, phrase(strerror(errno)));
		return (EXIT_UNREACHED);
	}
	/* Read twice, so what is no file becomes one. */
	if (!standard && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->input = fd;
		return (take_file(s, fd, name, -1));
	}
	if ((s->input = nameless()) < 0)
		r = EXIT_UNREACHED;
	else
		r = take_file(s, fd, name, s->input);
	if (!standard)
		close(fd);
	return (r);
}

struct reading {
	struct simulate *s;
	struct view view;
	struct buffer out;
	struct estate_fault fault;
	int64_t log_time;
	int error;			/* errno of a write */
	bool refused, done;
};

static void
spill(struct reading *r)
{
	if (r->out.len > 0 && r->error == 0 && !write_all(r->s->input, r->out.data, r->out.len)) {
		r->error = errno;
		r->done = true;
	}
	buffer_clear(&r->out);
}

static void
on_event(void *user, const struct estate_event *v)
{
	struct reading *r = user;

	if (r->done)
		return;
	if (r->s->has_until && v->log_time > r->s->period.until) {
		r->done = true;
		return;
	}
	view_event(&r->view, &r->out, v);
	r->s->events++;
	r->log_time = v->log_time;
	if (r->out.len > (256u << 10))
		spill(r);
}

static void
on_progress(void *user, uint64_t seq, int64_t log_time, bool end)
{
	struct reading *r = user;

	(void)seq;
	if (r->done)
		return;
	if (log_time > r->log_time)
		r->log_time = log_time;
	r->done = end;
}

static void
on_ended(void *user, const struct estate_fault *f)
{
	struct reading *r = user;

	r->fault = *f;
	r->refused = r->done = true;
}

/* The log from its first event: what was open when the period began is known from before. */
static int
input_from_log(struct simulate *s)
{
	struct reading r = { .s = s, .view = { .format = VIEW_JSON } };
	struct estate_options o = { .user = &r };
	struct estate_subscribe_options so = { .from = ESTATE_FROM_FIRST, .user = &r, .window_events = 8192, .window_bytes = 1 << 20,
	    .on_event = on_event, .on_progress = on_progress, .on_ended = on_ended };
	struct estate *e;
	int n;

	if ((s->input = nameless()) < 0)
		return (EXIT_UNREACHED);
	if ((e = reach_open("simulate", &s->common, &o)) == NULL)
		return (EXIT_USAGE);
	if ((n = reach_wait("simulate", &s->common, e)) == 0 && (n = estate_subscribe(e, &so, NULL)) != 0)
		n = reach_refused("simulate", &s->common, n, NULL);
	while (n == 0 && !r.done && !reach_stop)
		if (estate_pump(e, 1000) < 0)
			break;
	estate_close(e);
	spill(&r);
	buffer_free(&r.out);
	if (n != 0)
		return (n);
	if (r.refused)
		return (reach_refused("simulate", &s->common, r.fault.code, &r.fault));
	if (reach_stop)
		return (EXIT_PART);
	if (r.error != 0) {
		complain("simulate", "cannot keep the events: %s; TMPDIR may name a folder with more room", phrase(strerror(r.error)));
		return (EXIT_UNREACHED);
	}
	if (!s->has_until) {
		s->period.until = r.log_time;
		s->has_until = true;
	}
	return (0);
}

int
simulate_input(struct simulate *s)
{
	int r = s->path != NULL ? input_from_file(s) : input_from_log(s);

	if (r != 0)
		return (r);
	if (s->events == 0) {
		complain("simulate", "there is no event %s%s", s->path != NULL ? phrase("in ") : phrase("up to then: estate tail --from first -n 1 shows the first"), s->path != NULL ? s->path : "");
		return (EXIT_PART);
	}
	return (0);
}

/* ---- The rehearsals ------------------------------------------------------------------------------------------------------------------------- */

struct child {
	pid_t pid;
	int out, err, status;
};

/* In the child: become the worker. */
static void __attribute__((noreturn))
become(const struct simulate *s, const struct simulation *w, const struct child *c, enum simulate_side side)
{
	char input[64], until[SITETIME_TEXT];
	const char *words[10] = { w->program, "--rehearse", "-" };
	unsigned n = 3;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_DFL);
	snprintf(input, sizeof(input), "/proc/self/fd/%d", s->input);
	/* Opened anew: each reads from its beginning. */
	if ((fd = open(input, O_RDONLY)) < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(c->out, STDOUT_FILENO) < 0 || dup2(c->err, STDERR_FILENO) < 0)
		_exit(127);
	if (s->has_until) {
		sitetime_utc_ns(s->period.until, until);
		words[n++] = "--until";
		words[n++] = until;
	}
	if (s->config[side] != NULL) {
		words[n++] = "--config";
		words[n++] = s->config[side];
	}
	if (s->respond != NULL) {
		words[n++] = "--respond";
		words[n++] = s->respond;
	}
	execv(w->program, (char *const *)(uintptr_t)words);
	_exit(127);
}

static bool
begin(const struct simulate *s, const struct simulation *w, struct child *c, enum simulate_side side)
{
	if ((c->out = nameless()) < 0 || (c->err = nameless()) < 0)
		return (false);
	if ((c->pid = fork()) == 0)
		become(s, w, c, side);
	if (c->pid < 0)
		complain("simulate", "cannot start %s: %s", w->program, phrase(strerror(errno)));
	return (c->pid > 0);
}

/* Pass on the first lines of what it said; the last one of all is its summary. */
static void
pass_on(int fd)
{
	char text[8192];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	unsigned lines = 0;

	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *line = text, *end; lines < COMPLAINTS_SHOWN && *line != '\0'; line = end + 1, lines++) {
		if ((end = strchr(line, '\n')) == NULL)
			break;
		fprintf(stderr, "  %.*s\n", (int)(end - line), line);
	}
}

/* 0: it rehearsed; else an exit status after what it said. */
static int
judge(const struct simulate *s, struct simulation *w, const struct child *c, enum simulate_side side)
{
	const char *config = s->config[side];
	int code = WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;

	if (code == 0)
		return (0);
	if (code == 1)
		complain("simulate", "estate-%s under %c (%s) has complaints, among them:", w->worker, "AB"[side], config != NULL ? config : phrase("as the log activates"));
	else if (code == WORKER_REFUSED)
		complain("simulate", "estate-%s refuses the configuration %c (%s):", w->worker, "AB"[side], config != NULL ? config : phrase("as the log activates"));
	else if (code == -1)
		complain("simulate", "estate-%s under %c was ended by signal %d:", w->worker, "AB"[side], WTERMSIG(c->status));
	else
		complain("simulate", "estate-%s under %c ended with status %d:", w->worker, "AB"[side], code);
	pass_on(c->err);
	w->complained |= code == 1;
	return (code == 1 ? 0 : code == WORKER_REFUSED ? EXIT_PART : EXIT_UNREACHED);
}

int
simulate_run(struct simulate *s, struct simulation *w)
{
	struct child child[SIDES] = { { .out = -1, .err = -1 }, { .out = -1, .err = -1 } };
	int r = 0;

	fflush(stdout);
	for (int side = 0; side < SIDES && r == 0; side++)
		if (!begin(s, w, &child[side], (enum simulate_side)side))
			r = EXIT_UNREACHED;
	for (int side = 0; side < SIDES; side++)
		while (child[side].pid > 0 && waitpid(child[side].pid, &child[side].status, 0) < 0 && errno == EINTR)
			;
	for (int side = 0; side < SIDES && r == 0; side++) {
		r = judge(s, w, &child[side], (enum simulate_side)side);
		if (r == 0 && (lseek(child[side].out, 0, SEEK_SET) != 0 || !conclusions_read(&w->side[side], child[side].out)))
			r = EXIT_UNREACHED;
	}
	for (int side = 0; side < SIDES; side++) {
		if (child[side].out >= 0)
			close(child[side].out);
		if (child[side].err >= 0)
			close(child[side].err);
	}
	return (r);
}

/* The worker: see notification.h. */
#include "notification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "sender.h"

static void *
notify_open(void)
{
	return (memset(alloc_or_exit(NULL, sizeof(struct settings *)), 0, sizeof(struct settings *)));
}

static void
notify_close(void *user)
{
	settings_free(*(struct settings **)user);
	free(user);
}

static int
notify_configure(void *user, const char *kind, const char *text, char *why, size_t size)
{
	struct settings **in_force = user, *fresh = text != NULL ? settings_read(text, why, size) : NULL;

	(void)kind;
	if (fresh == NULL && text != NULL)
		return (-1);
	settings_free(*in_force);
	*in_force = fresh;
	return (0);
}

static struct turn
turn(struct worker *w)
{
	return ((struct turn){ w, *(struct settings **)worker_user(w), worker_now(w) });
}

/* Other channels, other hours: whatever has not left is thought about again. */
static int
notify_activated(struct worker *w, const char *kind)
{
	struct worker_walk walk = { .key_len = 0 };
	struct turn t = turn(w);

	(void)kind;
	while (worker_each(w, NOTES, NULL, 0, &walk)) {
		struct text id = { (const char *)walk.key, (uint32_t)walk.key_len };
		struct row r;

		if (!row_load(w, id, &r) || (r.f.fate != WAITING && r.f.fate != IS_READY))
			continue;
		/* What waited for settings, for the morning or for a limit asks again; a pause after a failure goes on. */
		if (r.f.attempts == 0)
			r.f.not_before = r.f.earliest;
		plan_again(&t, id, &r);
	}
	return (0);
}

static const struct {
	const char *type;
	void (*take)(struct turn *, const struct worker_event *);
} parts[] = {
	{ "notification.requested", plan_requested },
	{ "notification.attempted", fate_attempted },
	{ "notification.sent", fate_sent },
	{ "notification.delivered", fate_delivered },
	{ "notification.failed", fate_failed },
	{ "notification.withdrawn", fate_withdrawn },
	{ "household.registered", house_registered },
	{ "household.contact_rule_set", house_contact_rule },
	{ "household.transferred", house_transferred },
	{ "staff.absent", staff_absent },
};
#define PARTS	(sizeof(parts) / sizeof(*parts))

static int
notify_update(struct worker *w, const struct worker_event *v)
{
	struct turn t = turn(w);

	for (unsigned i = 0; i < PARTS; i++)
		if (mp_equal(v->e->type.s, v->e->type.len, parts[i].type))
			parts[i].take(&t, v);
	return (0);
}

static int
notify_due(struct worker *w, const struct worker_timer *timer)
{
	struct turn t = turn(w);

	return (plan_due(&t, timer));
}

int
main(int argc, char **argv)
{
	static const char *types[PARTS + 1];
	static const char *const tables[] = { "notes", "ready", "houses", "counts", "breakers", "providers", "recent", "company", "windows",
	    "digests", "away", NULL };
	static const struct worker_config configs[] = { { "settings", "notify.yaml" }, { NULL, NULL } };
	static const struct worker_kind notify = {
		.name = "notify", .version = 3, .types = types, .tables = tables, .configs = configs,
		.about = "Sends what others want told: text messages, e-mail, webhooks, call lists and letters; the only way out. Before a message leaves the log "
		    "knows, and afterwards what came of it.\n"
		    "\n"
		    "      --check-config DIR   are notify.yaml, templates and contacts.yaml of that folder fine?\n"
		    "      --dry-run FILE|- --config DIR\n"
		    "                           what it would send for these lines of events (notification.requested and household.*), to nobody",
		.open = notify_open, .close = notify_close, .configure = notify_configure, .activated = notify_activated, .update = notify_update,
		.due = notify_due, .queries = ask_queries, .effects = &notify_effects,
	};

	for (unsigned i = 0; i < PARTS; i++)
		types[i] = parts[i].type;
	if (argc == 2 && strcmp(argv[1], "--carry-mail") == 0)
		return (carry_mail_main());
	if (argc == 3 && strcmp(argv[1], "--check-config") == 0)
		return (dryrun_check(argv[2]));
	if (argc == 5 && strcmp(argv[1], "--dry-run") == 0 && strcmp(argv[3], "--config") == 0)
		return (dryrun(argv[2], argv[4]));
	return (worker_main(&notify, argc, argv));
}

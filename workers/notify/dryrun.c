/* --check-config and --dry-run: all that is done before something leaves, to nobody. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "sender.h"

/* One that is rendered, and waits for others that would leave with it. */
struct shown {
	struct letter letter;
	struct secrets none;
	bool fine, gathers;		/* gathers: it may leave with others */
	int64_t until;			/* and waits so long for them */
	char why[300];
	struct shown *lead;		/* it leaves with that one */
};
#define SHOWN_MAX	1024u	/* a file with more at once shows the rest as the next ones */

struct dry {
	struct shown *shown[SHOWN_MAX];
	unsigned count;
	struct settings *settings;
	struct templates *templates;
	struct contacts *contacts;
	/* Households of the input, by id, and their last entry as JSON. */
	json_t *houses;
};

static bool
read_settings(struct dry *d, const char *folder, char *why, size_t size)
{
	char path[4300], reason[600], *text;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/notify.yaml", folder);
	if ((f = fopen(path, "re")) == NULL)
		return (snprintf(why, size, "%.300s: %s", path, strerror(errno)), false);
	text = alloc_or_exit(NULL, 61441);
	n = fread(text, 1, 61440, f);
	text[n] = '\0';
	fclose(f);
	if ((d->settings = settings_read(text, reason, sizeof(reason))) == NULL)
		snprintf(why, size, "%.300s: %.590s", path, reason);
	free(text);
	return (d->settings != NULL);
}

static void
dry_close(struct dry *d)
{
	settings_free(d->settings);
	templates_free(d->templates);
	contacts_free(d->contacts);
	json_decref(d->houses);
}

/* Credentials are looked at by the check only: a dry run needs none. */
static bool
dry_open(struct dry *d, const char *folder, bool credentials)
{
	struct secrets k;
	char why[900];
	bool fine;

	*d = (struct dry){ .houses = json_object() };
	fine = read_settings(d, folder, why, sizeof(why)) && sender_read(folder, &d->templates, &d->contacts, why, sizeof(why));
	fine = fine && (!credentials || templates_named(d->templates, folder, why, sizeof(why)));
	for (unsigned i = 0; fine && credentials && i < d->settings->channel_count; i++)
		fine = secrets_read(&k, d->settings->channels[i].credentials, why, sizeof(why));
	if (!fine) {
		fprintf(stderr, "estate-notify: %s\n", why);
		dry_close(d);
	}
	return (fine);
}

int
dryrun_check(const char *folder)
{
	struct dry d;

	if (!dry_open(&d, folder, true))
		return (78);
	printf("fine: %u channels, %u routes, %u templates\n", d.settings->channel_count, d.settings->route_count, templates_count(d.templates));
	dry_close(&d);
	return (0);
}

/* Whom it would reach: only the end of a number is shown. */
static void
address(struct dry *d, struct letter *l)
{
	const struct contact *k = contacts_find(d->contacts, l->to);
	const json_t *house = json_object_get(d->houses, l->to);
	const char *phone = json_string_value(json_object_get(house, "phone")), *email = json_string_value(json_object_get(house, "email"));
	const char *language = json_string_value(json_object_get(house, "language"));

	if (k != NULL) {
		snprintf(l->phone, sizeof(l->phone), "%s", k->phone);
		snprintf(l->email, sizeof(l->email), "%s", k->email);
		l->english = k->english;
	}
	if (phone != NULL && !contact_phone(phone, strlen(phone), l->phone))
		l->phone[0] = '\0';
	if (email != NULL && !contact_email(email, strlen(email), l->email))
		l->email[0] = '\0';
	if (language != NULL)
		l->english = strcmp(language, "en") == 0;
}

static void
print_letter(const struct letter *l, bool fine, const char *why, json_t *with)
{
	char nobody[200];

	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "notification", l->notification, "channel", l->channel->name, "to", l->to, "template", l->template);
	const char *number = l->phone[0] != '\0' ? l->phone : l->email;
	size_t n = strlen(number);
	char shown[12];
	char *line;

	snprintf(shown, sizeof(shown), "…%.4s", n > 4 ? number + n - 4 : number);
	json_object_set_new(o, "address", n > 0 ? json_string(shown) : json_null());
	if (!fine)
		json_object_set_new(o, "refused", json_string(why));
	else if (!letter_addressed(l, nobody, sizeof(nobody)))
		json_object_set_new(o, "refused", json_string(nobody));
	if (fine && l->channel->medium == MEDIUM_SMS) {
		json_object_set_new(o, "encoding", json_string(l->segments.gsm ? "GSM-7" : "UCS-2"));
		json_object_set_new(o, "units", json_integer(l->segments.units));
		json_object_set_new(o, "segments", json_integer(l->segments.count));
	} else if (fine)
		json_object_set_new(o, "headline", json_string(l->headline.data));
	if (fine)
		json_object_set_new(o, "text", json_string(l->text.data));
	if (json_array_size(with) > 0)
		json_object_set(o, "with", with);
	if ((line = json_dumps(o, JSON_COMPACT)) != NULL)
		puts(line);
	free(line);
	json_decref(o);
}

/* ---- Several as one ---- */

static bool
leaves_with(const struct shown *s, const struct shown *lead)
{
	return (s->gathers && s->lead == NULL && s->until == lead->until && s->letter.channel == lead->letter.channel && strcmp(s->letter.to, lead->letter.to) == 0);
}

/* With those behind it that it waited for, as far as there is room in one. */
static void
leave(struct dry *d, unsigned i)
{
	struct letter *letters[DIGEST_MAX] = { &d->shown[i]->letter };
	unsigned at[DIGEST_MAX] = { i }, n = 1;
	struct shown *lead = d->shown[i];
	json_t *with = json_array();

	for (unsigned k = i + 1; lead->gathers && k < d->count && n < DIGEST_MAX; k++)
		if (leaves_with(d->shown[k], lead)) {
			letters[n] = &d->shown[k]->letter;
			at[n++] = k;
		}
	n = n > 1 ? letter_join(letters, n, d->settings) : 1;
	for (unsigned k = 1; k < n; k++) {
		d->shown[at[k]]->lead = lead;
		json_array_append_new(with, json_string(d->shown[at[k]]->letter.notification));
	}
	print_letter(&lead->letter, lead->fine, lead->why, with);
	json_decref(with);
}

/* All of them, in the order in which they were asked for. */
static void
flush(struct dry *d)
{
	for (unsigned i = 0; i < d->count; i++)
		if (d->shown[i]->lead == NULL)
			leave(d, i);
	for (unsigned i = 0; i < d->count; i++) {
		letter_free(&d->shown[i]->letter);
		free(d->shown[i]);
	}
	d->count = 0;
}

/* Who waits for it already, or would: until when. */
static void
gather(struct dry *d, struct shown *s, const struct row *r, int64_t at)
{
	char nobody[200];

	s->gathers = s->fine && digest_may(d->settings, s->letter.channel, r) && letter_addressed(&s->letter, nobody, sizeof(nobody));
	s->until = s->gathers ? at + d->settings->digest_ns : at;
	for (unsigned i = d->count; s->gathers && i-- > 0;) {
		const struct shown *other = d->shown[i];

		if (other->gathers && other->until > at && other->letter.channel == s->letter.channel && strcmp(other->letter.to, s->letter.to) == 0) {
			s->until = other->until;
			return;
		}
	}
}

/* Nobody waits any more when that happens. */
static bool
is_over(const struct dry *d, int64_t at)
{
	for (unsigned i = 0; i < d->count; i++)
		if (d->shown[i]->until > at)
			return (false);
	return (true);
}

static void
show(struct dry *d, const struct event *e)
{
	struct turn t = { NULL, d->settings, 0 };
	const struct route *route;
	struct shown *s;
	struct letter *l;
	struct row r;
	struct text id;
	struct mp params;

	if (!plan_row(&t, e, 1, 0, &id, &r) || (route = settings_route(d->settings, text_of(r.wanted))) == NULL) {
		fprintf(stderr, "estate-notify: %.*s: no route for channel %s\n", (int)id.len, id.s, r.wanted);
		return;
	}
	if (is_over(d, e->time_ns) || d->count == SHOWN_MAX)
		flush(d);
	s = memset(alloc_or_exit(NULL, sizeof(*s)), 0, sizeof(*s));
	l = &s->letter;
	l->secrets = &s->none;
	l->channel = &d->settings->channels[route->steps[0]];
	snprintf(s->why, sizeof(s->why), "its parameters cannot be read");
	snprintf(l->notification, sizeof(l->notification), "%.*s", (int)id.len, id.s);
	snprintf(l->to, sizeof(l->to), "%s", r.to);
	snprintf(l->subject, sizeof(l->subject), "%s", r.subject);
	snprintf(l->template, sizeof(l->template), "%s", r.template);
	address(d, l);
	s->fine = event_field(e, "params", &params) && mp_peek(&params) == MP_MAP && letter_render(l, d->templates, d->settings, params, s->why, sizeof(s->why));
	gather(d, s, &r, e->time_ns);
	d->shown[d->count++] = s;
}

/* 0, or 1 for a line that is no event. */
static int
dry_line(struct dry *d, const char *line)
{
	json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(o, "type")), *subject = json_string_value(json_object_get(o, "subject"));
	struct data_fault fault = { .code = 0 };
	msgpack_sbuffer b;
	msgpack_packer p;
	struct event e;
	int bad = 0;

	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
	if (type != NULL && subject != NULL && strcmp(type, "household.registered") == 0)
		json_object_set(d->houses, subject, json_object_get(o, "data"));
	else if (type != NULL && strcmp(type, "notification.requested") == 0) {
		/* What tail --json adds is the daemon's. */
		for (const char *const *k = (const char *const[]){ "seq", "log_time", "sender", "flags", NULL }; *k != NULL; k++)
			json_object_del(o, *k);
		json_to_msgpack(&p, o);
		if (event_decode(&e, b.data, b.size, &fault) == 0)
			show(d, &e);
		else {
			fprintf(stderr, "estate-notify: no event that would be taken: %s: %s\n", fault.path, fault.detail);
			bad = 1;
		}
	} else if (type == NULL) {
		fprintf(stderr, "estate-notify: a line is no event: JSON with a type is expected\n");
		bad = 1;
	}
	msgpack_sbuffer_destroy(&b);
	json_decref(o);
	return (bad);
}

int
dryrun(const char *path, const char *folder)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct dry d;
	char *line = NULL;
	size_t room = 0;
	int bad = 0;

	if (f == NULL) {
		fprintf(stderr, "estate-notify: %s: %s\n", path, strerror(errno));
		return (3);
	}
	if (!dry_open(&d, folder, false)) {
		if (f != stdin)
			fclose(f);
		return (78);
	}
	while (getline(&line, &room, f) > 0)
		bad |= dry_line(&d, line);
	flush(&d);
	free(line);
	if (f != stdin)
		fclose(f);
	dry_close(&d);
	return (bad);
}

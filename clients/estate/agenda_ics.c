/* The agenda as calendars: see agenda.h. */
#include <dirent.h>
#include <errno.h>
#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agenda.h"
#include "files.h"
#include "rfc3339.h"
#include "sitetime.h"
#include "worker.h"

#define PRODID		"-//estated//estate agenda//EN"
#define VISIT_MINUTES	30	/* a visit's length: nobody says how long one will take */
#define KEPT_DAYS	60	/* what was to be done before that is forgotten */
#define FILE_BYTES_MAX	(8u << 20)
#define DONE_MARK	"✓ "

/* One staff member's calendar while it is made. */
struct making {
	struct agenda_calendars *c;
	const struct agenda *a;
	struct text staff;
	icalcomponent *before, *now;	/* before: as it was written last, or NULL */
};

/* ---- One event ---- */

/* Instants are written in UTC: an agreed hour is one instant, whatever rules of the clock the telephone knows. */
static struct icaltimetype
utc(int64_t ns)
{
	return (icaltime_from_timet_with_zone((time_t)(ns / SECOND_NS), 0, icaltimezone_get_utc_timezone()));
}

static void
add_text(icalcomponent *event, icalproperty *(*make)(const char *), const struct buffer *b)
{
	if (b->len > 0)
		icalcomponent_add_property(event, make(b->data));
}

/* An agreed visit has its hour; everything else is to be done some time that day. */
static void
add_times(icalcomponent *event, const struct agenda_row *r)
{
	struct icaltimetype from, until;

	if (r->agreed != INT64_MIN) {
		icalcomponent_add_property(event, icalproperty_new_dtstart(utc(r->agreed)));
		icalcomponent_add_property(event, icalproperty_new_dtend(utc(r->agreed + VISIT_MINUTES * 60 * SECOND_NS)));
		return;
	}
	from = icaltime_from_timet_with_zone((time_t)(r->day * 86400), 1, NULL);
	until = from;
	icaltime_adjust(&until, 1, 0, 0, 0);
	icalcomponent_add_property(event, icalproperty_new_dtstart(from));
	icalcomponent_add_property(event, icalproperty_new_dtend(until));
	icalcomponent_add_property(event, icalproperty_new_transp(ICAL_TRANSP_TRANSPARENT));
}

static void
uid_of(char out[96], const char *callback, size_t len)
{
	snprintf(out, 96, "callback-%.*s@estated", (int)len, callback);
}

/* All but its stamp and SEQUENCE. */
static icalcomponent *
event_of(const struct making *m, const struct agenda_row *r)
{
	icalcomponent *event = icalcomponent_new_vevent();
	struct buffer b = { NULL, 0, 0 };
	char uid[96];

	uid_of(uid, r->callback.s, r->callback.len);
	icalcomponent_add_property(event, icalproperty_new_uid(uid));
	add_times(event, r);
	buffer_printf(&b, "%.*s ", (int)(r->household.s != NULL ? r->household.len : r->subject.len), r->household.s != NULL ? r->household.s : r->subject.s);
	agenda_word(&b, "kind", r->kind, m->c->zh);
	buffer_text(&b, m->c->zh ? "（" : " (");
	agenda_word(&b, "mode", r->mode, m->c->zh);
	buffer_text(&b, m->c->zh ? "）" : ")");
	add_text(event, icalproperty_new_summary, &b);
	buffer_clear(&b);
	agenda_why(&b, m->a, r, m->c->zh);
	buffer_printf(&b, "\n%.*s\nestate callback done %.*s", (int)r->subject.len, r->subject.s, (int)r->callback.len, r->callback.s);
	add_text(event, icalproperty_new_description, &b);
	buffer_clear(&b);
	agenda_word(&b, "kind", r->kind, m->c->zh);
	add_text(event, icalproperty_new_categories, &b);
	icalcomponent_add_property(event, icalproperty_new_class(ICAL_CLASS_PRIVATE));
	icalcomponent_add_property(event, icalproperty_new_status(ICAL_STATUS_CONFIRMED));
	buffer_free(&b);
	return (event);
}

/* ---- What was there before ---- */

static icalcomponent *
find(icalcomponent *calendar, const char *uid)
{
	icalcomponent *e = calendar != NULL ? icalcomponent_get_first_component(calendar, ICAL_VEVENT_COMPONENT) : NULL;

	for (; e != NULL; e = icalcomponent_get_next_component(calendar, ICAL_VEVENT_COMPONENT))
		if (icalcomponent_get_uid(e) != NULL && strcmp(icalcomponent_get_uid(e), uid) == 0)
			return (e);
	return (NULL);
}

static void
drop(icalcomponent *c, icalproperty_kind kind)
{
	icalproperty *p;

	while ((p = icalcomponent_get_first_property(c, kind)) != NULL) {
		icalcomponent_remove_property(c, p);
		icalproperty_free(p);
	}
}

/* Do they say the same, whenever they were written? */
static bool
same(icalcomponent *old, icalcomponent *fresh)
{
	icalcomponent *bare = icalcomponent_new_clone(old);
	char *a, *b;
	bool r;

	drop(bare, ICAL_DTSTAMP_PROPERTY);
	drop(bare, ICAL_SEQUENCE_PROPERTY);
	a = icalcomponent_as_ical_string_r(bare);
	b = icalcomponent_as_ical_string_r(fresh);
	r = strcmp(a, b) == 0;
	free(a);
	free(b);
	icalcomponent_free(bare);
	return (r);
}

/* Into the new calendar: as it was if it is as it was, else with the next number.  Takes `fresh`. */
static void
settle(struct making *m, icalcomponent *old, icalcomponent *fresh)
{
	icalproperty *p = old != NULL ? icalcomponent_get_first_property(old, ICAL_SEQUENCE_PROPERTY) : NULL;

	if (old != NULL && same(old, fresh)) {
		icalcomponent_free(fresh);
		icalcomponent_add_component(m->now, icalcomponent_new_clone(old));
		return;
	}
	icalcomponent_add_property(fresh, icalproperty_new_dtstamp(utc(m->a->now)));
	icalcomponent_add_property(fresh, icalproperty_new_sequence(p != NULL ? icalproperty_get_sequence(p) + 1 : 0));
	icalcomponent_add_component(m->now, fresh);
}

static bool
is_settled(icalcomponent *e)
{
	const char *summary = icalcomponent_get_summary(e);

	return (icalcomponent_get_status(e) == ICAL_STATUS_CANCELLED || (summary != NULL && strncmp(summary, DONE_MARK, strlen(DONE_MARK)) == 0));
}

/* Days since 1970 on which it begins, on the site's clock. */
static int64_t
day_of(icalcomponent *e)
{
	struct icaltimetype t = icalcomponent_get_dtstart(e);
	time_t second = icaltime_as_timet(t);
	struct tm tm;

	if (t.is_date)
		return (second / 86400);
	localtime_r(&second, &tm);
	return (rfc3339_days((unsigned)tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday));
}

/* One that this person no longer has on the agenda: it was done, or it is not to be done, or not by this person, or not then. */
static int
left_out(struct making *m, icalcomponent *old)
{
	const char *uid = icalcomponent_get_uid(old), *at = uid != NULL ? strrchr(uid, '@') : NULL;
	struct buffer summary = { NULL, 0, 0 };
	icalcomponent *fresh;
	char callback[96];
	bool done = false;
	int r;

	if (at == NULL || strncmp(uid, "callback-", 9) != 0 || is_settled(old)) {
		icalcomponent_add_component(m->now, icalcomponent_new_clone(old));
		return (0);
	}
	snprintf(callback, sizeof(callback), "%.*s", (int)(at - uid - 9), uid + 9);
	if ((r = m->c->became(m->c->user, callback, &done)) != 0)
		return (r);
	fresh = icalcomponent_new_clone(old);
	drop(fresh, ICAL_DTSTAMP_PROPERTY);
	drop(fresh, ICAL_SEQUENCE_PROPERTY);
	if (done) {
		buffer_printf(&summary, DONE_MARK "%s", icalcomponent_get_summary(old));
		icalcomponent_set_summary(fresh, summary.data);
		buffer_free(&summary);
	} else
		icalcomponent_set_status(fresh, ICAL_STATUS_CANCELLED);
	settle(m, old, fresh);
	return (0);
}

/* ---- One calendar ---- */

static void
begin(struct making *m)
{
	struct buffer name = { NULL, 0, 0 };
	icalproperty *p;

	m->now = icalcomponent_new_vcalendar();
	icalcomponent_add_property(m->now, icalproperty_new_version("2.0"));
	icalcomponent_add_property(m->now, icalproperty_new_prodid(PRODID));
	icalcomponent_add_property(m->now, icalproperty_new_calscale("GREGORIAN"));
	icalcomponent_add_property(m->now, icalproperty_new_method(ICAL_METHOD_PUBLISH));
	buffer_printf(&name, m->c->zh ? "回访 %.*s" : "callbacks %.*s", (int)m->staff.len, m->staff.s);
	p = icalproperty_new_x(name.data);
	icalproperty_set_x_name(p, "X-WR-CALNAME");
	icalcomponent_add_property(m->now, p);
	buffer_free(&name);
}

static bool
is_mine(const struct making *m, const struct agenda_row *r)
{
	return (r->staff.len == m->staff.len && memcmp(r->staff.len > 0 ? r->staff.s : "", m->staff.s, m->staff.len) == 0);
}

static int
fill(struct making *m)
{
	icalcomponent *e;
	char uid[96];
	int r;

	for (size_t i = 0; i < m->a->count; i++) {
		if (!is_mine(m, &m->a->rows[i]))
			continue;
		uid_of(uid, m->a->rows[i].callback.s, m->a->rows[i].callback.len);
		settle(m, find(m->before, uid), event_of(m, &m->a->rows[i]));
	}
	/* A component has one place to walk from: not before the search above is over. */
	e = m->before != NULL ? icalcomponent_get_first_component(m->before, ICAL_VEVENT_COMPONENT) : NULL;
	for (; e != NULL; e = icalcomponent_get_next_component(m->before, ICAL_VEVENT_COMPONENT)) {
		if (find(m->now, icalcomponent_get_uid(e) != NULL ? icalcomponent_get_uid(e) : "") != NULL || day_of(e) < m->a->first - KEPT_DAYS)
			continue;
		/* What is further ahead than was asked for is as it was. */
		if (day_of(e) > m->a->last)
			icalcomponent_add_component(m->now, icalcomponent_new_clone(e));
		else if ((r = left_out(m, e)) != 0)
			return (r);
	}
	return (0);
}

/* ---- Files ---- */

static void
name_of(char out[80], struct text staff)
{
	snprintf(out, 80, "%.*s.ics", (int)(staff.len < 70 ? staff.len : 70), staff.s);
	for (char *p = out; *p != '\0'; p++)
		if (*p == '/' || (p == out && *p == '.'))
			*p = '_';
}

static int
refuse(const char *folder, const char *name, const char *why)
{
	complain("agenda", "%s/%s: %s", folder, name, why);
	return (EXIT_UNREACHED);
}

/* What stands in the file; *text NULL if there is none. */
static int
read_before(const char *folder, const char *name, char **text)
{
	char path[4096];
	struct stat st;
	FILE *f;
	size_t len;

	*text = NULL;
	if ((f = fopen(path_join(path, sizeof(path), folder, name), "re")) == NULL)
		return (errno == ENOENT ? 0 : refuse(folder, name, strerror(errno)));
	if (fstat(fileno(f), &st) != 0 || st.st_size > (off_t)FILE_BYTES_MAX) {
		fclose(f);
		return (refuse(folder, name, "is larger than any calendar of ours: move it away"));
	}
	*text = alloc_or_exit(NULL, (size_t)st.st_size + 1);
	len = fread(*text, 1, (size_t)st.st_size, f);
	(*text)[len] = '\0';
	if (ferror(f)) {
		fclose(f);
		return (refuse(folder, name, strerror(errno)));
	}
	fclose(f);
	return (0);
}

/* Is it a calendar that we wrote?  Another's is not to be written over. */
static bool
is_ours(icalcomponent *c)
{
	icalproperty *p = c != NULL && icalcomponent_isa(c) == ICAL_VCALENDAR_COMPONENT ? icalcomponent_get_first_property(c, ICAL_PRODID_PROPERTY) : NULL;

	return (p != NULL && icalproperty_get_prodid(p) != NULL && strcmp(icalproperty_get_prodid(p), PRODID) == 0);
}

static int
write_file(struct making *m, const char *name)
{
	char *text = NULL, *made;
	int r;

	if ((r = read_before(m->c->folder, name, &text)) != 0)
		goto out;
	m->before = text != NULL ? icalparser_parse_string(text) : NULL;
	if (text != NULL && !is_ours(m->before)) {
		r = refuse(m->c->folder, name, "is not a calendar that this command has written: move it away, or name another folder");
		goto out;
	}
	begin(m);
	if ((r = fill(m)) != 0)
		goto out;
	made = icalcomponent_as_ical_string_r(m->now);
	if (text == NULL || strcmp(text, made) != 0) {
		m->c->changed++;
		if ((r = file_replace(m->c->folder, name, made, strlen(made))) != 0)
			r = refuse(m->c->folder, name, strerror(r));
	}
	m->c->written++;
	free(made);
out:
	if (m->before != NULL)
		icalcomponent_free(m->before);
	if (m->now != NULL)
		icalcomponent_free(m->now);
	m->before = m->now = NULL;
	free(text);
	return (r);
}

static int
to_output(struct making *m)
{
	char *made;
	int r;

	begin(m);
	if ((r = fill(m)) == 0) {
		made = icalcomponent_as_ical_string_r(m->now);
		buffer_text(m->c->out, made);
		free(made);
	}
	icalcomponent_free(m->now);
	return (r);
}

static bool
on_agenda(const struct agenda *a, const char *file)
{
	char name[80];

	for (size_t i = 0; i < a->count; i++) {
		name_of(name, a->rows[i].staff);
		if (a->rows[i].staff.len > 0 && strcmp(name, file) == 0)
			return (true);
	}
	return (false);
}

/* Whoever has a calendar there and nothing to do any more. */
static int
write_idle(struct making *m)
{
	struct dirent **list;
	int n = scandir(m->c->folder, &list, NULL, alphasort), r = 0;

	if (n < 0)
		return (refuse(m->c->folder, "", strerror(errno)));
	for (int i = 0; i < n; i++) {
		const char *file = list[i]->d_name, *end = strrchr(file, '.');

		if (r == 0 && end != NULL && end != file && strcmp(end, ".ics") == 0 && !on_agenda(m->a, file)) {
			m->staff = (struct text){ file, (uint32_t)(end - file) };
			r = write_file(m, file);
		}
		free(list[i]);
	}
	free(list);
	return (r);
}

int
agenda_calendars(struct agenda_calendars *c, const struct agenda *a)
{
	struct making m = { .c = c, .a = a };
	char name[80];
	int r = 0;

	if (c->staff != NULL) {
		m.staff = text_of(c->staff);
		name_of(name, m.staff);
		return (strcmp(c->folder, "-") == 0 ? to_output(&m) : write_file(&m, name));
	}
	for (size_t i = 0; i < a->count && r == 0; i++)
		if (agenda_begins(a, i) && a->rows[i].staff.len > 0) {
			m.staff = a->rows[i].staff;
			name_of(name, m.staff);
			r = write_file(&m, name);
		}
	return (r == 0 ? write_idle(&m) : r);
}

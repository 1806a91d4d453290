/* Who is on duty: see roster.h.  Before: roster_read.c. */
#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "nearest.h"
#include "roster_internal.h"

#define NS		INT64_C(1000000000)
#define CHAIN_MAX	8u		/* deputies of deputies */

/* ---- Roles ---- */

static const struct enum_list *
role_list(void)
{
	for (unsigned i = 0; i < catalogue_list_count(); i++)
		if (strcmp(catalogue_list_at(i)->name, "role") == 0)
			return (catalogue_list_at(i));
	return (NULL);
}

unsigned
roster_role_index(const char *name)
{
	static const struct {
		const char *name, *code;
	} others[] = { { "主任", "site_manager" }, { "项目经理", "site_manager" }, { "主管", "supervisor" } };
	const struct enum_list *l = role_list();

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(name, others[i].name) == 0)
			name = others[i].code;
	for (unsigned i = 0; i < l->count && i < ROLES_MAX; i++)
		if (strcmp(name, l->values[i].code) == 0 || strcmp(name, l->values[i].zh) == 0)
			return (i);
	return (ROLES_MAX);
}

const char *
roster_role_code(unsigned index)
{
	return (role_list()->values[index].code);
}

unsigned
roster_role_count(void)
{
	return (role_list()->count);
}

const char *
roster_role_nearest(const char *name)
{
	struct nearest near;

	nearest_begin(&near, name, strlen(name));
	for (unsigned i = 0; i < roster_role_count(); i++)
		nearest_offer(&near, roster_role_code(i));
	return (near.best);
}

const char *
roster_role(const char *name)
{
	unsigned i = roster_role_index(name);

	return (i < ROLES_MAX ? roster_role_code(i) : NULL);
}

/* ---- The moment, by the site's clock ---- */

struct moment {
	int64_t at;			/* nanoseconds */
	int64_t day;
	unsigned second;		/* of that day */
};

static struct moment
moment_of(const struct roster *r, int64_t at)
{
	int64_t wall = zone_wall(&r->zone, at / NS - (at % NS < 0)), day = wall / DAY_S - (wall % DAY_S < 0);

	return ((struct moment){ at, day, (unsigned)(wall - day * DAY_S) });
}

static bool
begins_on(const struct shift *s, int64_t day)
{
	return (s->dated ? day >= s->first && day <= s->last : s->days[((day + 3) % 7 + 7) % 7]);	/* 1970-01-01 was a Thursday */
}

/* Has this role shifts of its own for the day? */
static bool
is_dated(const struct role *role, int64_t day)
{
	for (unsigned i = 0; i < role->shifts_count; i++)
		if (role->shifts[i].dated && begins_on(&role->shifts[i], day))
			return (true);
	return (false);
}

/* Does the shift that begins on `day`, today or yesterday, cover the moment? */
static bool
covers(const struct role *role, const struct shift *s, const struct moment *m, int64_t day)
{
	unsigned from = s->from * 60, to = s->to * 60;

	if (!begins_on(s, day) || s->dated != is_dated(role, day))
		return (false);
	if (day == m->day)
		return (m->second >= from && (to <= from || m->second < to));
	return (to <= from && m->second < to);
}

/* ---- Who is it, really? ---- */

struct answer {
	const struct roster *r;
	const struct roster_fact *facts;
	unsigned facts_count;
	struct moment m;
	unsigned role;
	struct roster_person *out;
	unsigned count;
};

/* The last fact about somebody that covers the moment, or NULL. */
static const struct roster_fact *
fact_about(const struct answer *a, const char *staff)
{
	for (unsigned i = a->facts_count; i-- > 0; ) {
		const struct roster_fact *f = &a->facts[i];

		if (strcmp(f->staff, staff) == 0 && f->from <= a->m.at && a->m.at < f->until && !(f->swapped && f->deputy == NULL))
			return (f);
	}
	return (NULL);
}

static const char *
standing_deputy(const struct roster *r, const char *staff)
{
	for (unsigned i = 0; i < r->deputies_count; i++)
		if (strcmp(r->deputies[i].staff, staff) == 0)
			return (r->deputies[i].deputy);
	return (NULL);
}

/*
 * Whoever stands in for `staff` in the end; NULL: nobody.  A swap moves a duty once: who took it over may have given away one of
 * their own, and stays.
 */
static const char *
resolve(const struct answer *a, const char *staff, bool *swapped)
{
	const struct roster_fact *f;
	bool moved = false;

	*swapped = false;
	for (unsigned i = 0; staff != NULL && i < CHAIN_MAX; i++) {
		if ((f = fact_about(a, staff)) == NULL || (f->swapped && moved))
			return (staff);
		if (!moved)
			*swapped = f->swapped;
		moved = true;
		staff = f->deputy != NULL ? f->deputy : standing_deputy(a->r, staff);
	}
	return (NULL);
}

static void
add(struct answer *a, const char *named, enum roster_reason reason)
{
	bool swapped;
	const char *staff = resolve(a, named, &swapped);

	if (staff == NULL || a->count == ROSTER_PEOPLE_MAX)
		return;
	for (unsigned i = 0; i < a->count; i++)
		if (strcmp(a->out[i].staff, staff) == 0)
			return;
	a->out[a->count++] = (struct roster_person){
		.staff = staff, .role = roster_role_code(a->role), .reason = reason, .instead_of = staff != named ? named : NULL, .swapped = swapped
	};
}

static void
add_people(struct answer *a, const struct people *p, enum roster_reason reason)
{
	for (unsigned i = 0; i < p->count; i++)
		add(a, p->ids[i], reason);
}

static void
add_rotation(struct answer *a, const struct rotation *t)
{
	int64_t day = a->m.day - (a->m.second < t->at * 60), days = day - t->start;
	int64_t turn = days / (int64_t)t->days - (days % (int64_t)t->days < 0), n = t->staff.count;

	add(a, t->staff.ids[(turn % n + n) % n], ROSTER_ROTATION);
}

static void
add_role(struct answer *a, unsigned role)
{
	const struct role *e = &a->r->roles[role];

	a->role = role;
	for (unsigned i = 0; i < e->shifts_count; i++)
		if (covers(e, &e->shifts[i], &a->m, a->m.day) || covers(e, &e->shifts[i], &a->m, a->m.day - 1))
			add_people(a, &e->shifts[i].staff, e->shifts[i].dated ? ROSTER_DATED : ROSTER_SHIFT);
	if (e->rotation.given)
		add_rotation(a, &e->rotation);
	add_people(a, &e->staff, ROSTER_STANDING);
}

/* supervisor and cs_lead are one role unless both are configured. */
static unsigned
configured(const struct roster *r, unsigned role)
{
	unsigned lead = roster_role_index("cs_lead"), supervisor = roster_role_index("supervisor");

	if (!r->roles[role].given && (role == lead || role == supervisor))
		return (role == lead ? supervisor : lead);
	return (role);
}

unsigned
roster_on_duty(const struct roster *r, const char *role, int64_t at, const struct roster_fact *facts, unsigned count, struct roster_person out[ROSTER_PEOPLE_MAX])
{
	struct answer a = { .r = r, .facts = facts, .facts_count = count, .m = moment_of(r, at), .out = out };
	unsigned asked = roster_role_index(role);
	const struct others *o = &r->otherwise;

	if (asked < ROLES_MAX) {
		asked = configured(r, asked);
		add_role(&a, asked);
		if (r->roles[asked].otherwise.given)
			o = &r->roles[asked].otherwise;
	}
	for (unsigned i = 0; i < o->count && a.count == 0; i++)
		add_role(&a, configured(r, o->roles[i]));
	return (a.count);
}

/* ---- Why ---- */

void
roster_why(const struct roster_person *p, const char *asked, bool zh, char out[ROSTER_WHY_SIZE])
{
	static const char *const reasons[][2] = {
		[ROSTER_STANDING] = { "of the role at any time", "常任" },
		[ROSTER_SHIFT] = { "on a shift", "当班" },
		[ROSTER_DATED] = { "on a shift of that date", "当日专班" },
		[ROSTER_ROTATION] = { "on call in turn", "轮值" },
	};
	const char *code = roster_role(asked);
	size_t n = 0;

	*out = '\0';
	/* supervisor and cs_lead are one role, so that one for the other is no fallback. */
	if (code == NULL || (strcmp(code, p->role) != 0 && !((strcmp(code, "supervisor") == 0 && strcmp(p->role, "cs_lead") == 0) ||
	    (strcmp(code, "cs_lead") == 0 && strcmp(p->role, "supervisor") == 0))))
		n += (size_t)snprintf(out, ROSTER_WHY_SIZE, zh ? "%.40s 无人，由 %.40s；" : "nobody is there as %.40s, so %.40s; ", asked, p->role);
	if (p->instead_of != NULL)
		n += (size_t)snprintf(out + n, ROSTER_WHY_SIZE - n, p->swapped ? (zh ? "与 %.64s 换班；" : "in a swap with %.64s; ") :
		    (zh ? "代 %.64s（缺勤）；" : "instead of %.64s, who is absent; "), p->instead_of);
	snprintf(out + n, ROSTER_WHY_SIZE - n, "%s", reasons[p->reason][zh]);
}

"""What estate-callback owes, counted again from the log alone: no table, no timer, no query of the worker.

    year = CallbackYear(events)         # of --log: input, answers, conclusions, in their order
    year.months                         # {"2026-01": Month(repairs, required, done, …)}
    year.breaches                       # sentences: what must never happen, and did

A case may be finished several times; until it is reopened that is one piece of work, and the last finish counts (Z1).  The month of the
finish owns the callback (Z3).  Which repairs *must* be called back is settled by what was known at the run of the next morning (Z4).
"""
import collections
import datetime
import json
import math
import re

SITE = datetime.timezone(datetime.timedelta(hours=8))
RUN = datetime.timedelta(hours=8, minutes=30)
DAY = datetime.timedelta(days=1)
SATISFIED = ("very_satisfied", "satisfied", "basically_satisfied")
PERCENT, LAST_DAYS, LAST_PERCENT, MARGIN_PERCENT = 30, 5, 25, 3
WEEK, MONTH_DAYS, MONTH_MOST = 7 * DAY, 30 * DAY, 2
ATTEMPTED = "attempted:"
TELLING = {"complaint.opened", "complaint.handled", "repair.requested", "repair.finished", "case.assigned", "case.replied", "case.reclassified", "workorder.rated", "help.requested",
           "callback.done"}


def instant(text):
    """RFC 3339 to microseconds."""
    return datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00")).astimezone(SITE)


def happened(event):
    return instant(event.get("time") or event["logtime"])


def month_of(when):
    return when.strftime("%Y-%m")


def days_in(month):
    year, number = map(int, month.split("-"))
    first = datetime.date(year, number, 1)
    return ((first + 31 * DAY).replace(day=1) - first).days


class Work:
    """One finished repair, or one handled complaint: what a callback is owed for."""

    def __init__(self, case, kind, at, by):
        self.case, self.kind = case, kind           # what it was known to be then
        self.first_at, self.at, self.handlers, self.ratings = at, at, {by}, []
        self.done_at = self.done_by = self.reopened_at = None
        self.refused = False

    def mandatory(self):
        """As known at the run: dissatisfied, not rated or not signed.  What comes later by the resident's own hand lifts it before the first try."""
        run = datetime.datetime.combine(self.at.date() + DAY, datetime.time(), SITE) + RUN
        known = [data for at, data in self.ratings if at <= run]
        if not known:
            return True
        grade = next((data["grade"] for data in reversed(known) if data.get("grade")), None)
        signed = any(data["signed"] or data.get("authenticated") for data in known)
        return grade is None or not signed or grade not in SATISFIED


class Month:
    def __init__(self):
        self.repairs = self.required = self.done = self.mandatory = self.picked = self.needed = self.optional = self.optional_last = self.optional_after = 0
        self.complaints = self.complaints_done = self.complaints_attempted = self.late = 0
        self.planned = self.contacted = 0
        self.load = collections.Counter()

    rate = property(lambda self: self.done / self.repairs if self.repairs else None)
    last_share = property(lambda self: self.optional_last / self.optional if self.optional else 0.0)
    above = property(lambda self: max(0, self.picked - self.needed) / self.repairs if self.repairs else 0.0)

    def spread(self, of=None):
        counts = [n for who, n in self.load.items() if of is None or who in of]
        return max(counts) * len(counts) / sum(counts) if counts else 1.0


class Callback:
    def __init__(self, event):
        data = event["data"]
        self.id, self.kind, self.subject, self.household = data["callback"], data["kind"], event["subject"], data.get("household")
        self.first = self.opens = self.due = self.mandatory = self.staff = self.role = self.reason = self.done = self.ended = None
        self.tries = 0
        self.said(event)

    given_up = property(lambda self: self.ended is not None and self.ended[1].startswith(ATTEMPTED))

    def said(self, event):
        data = event["data"]
        self.first = self.first or happened(event)
        self.opens, self.due, self.mandatory, self.reason = instant(data["opens"]), instant(data["due"]), data["mandatory"], data["reason"]
        self.staff, self.role = data.get("staff"), data["role"]
        self.drawn = getattr(self, "drawn", False) or self.reason.startswith(("Z3", "Z7"))


class CallbackYear:
    def __init__(self, events, until=None):
        self.until = until
        self.months = collections.defaultdict(Month)
        self.breaches = []
        self.works, self.callbacks, self.households = collections.defaultdict(list), {}, {}
        self.anonymous, self.case_kind, self.handlers = set(), {}, collections.defaultdict(set)
        self.over, self.known, self.violated, self.visits, self.appointments = set(), set(), collections.Counter(), [], {}
        self.contacts = collections.defaultdict(list)
        self.of_subject = collections.defaultdict(list)
        self.last_open_subject, self.early, self.unasked = {}, {}, collections.defaultdict(list)
        for event in events:
            name = event["type"].replace(".", "_").replace("case_assigned", "assigned")
            handler = getattr(self, "on_" + name, None)
            # What closes a case that nobody has heard of closes nothing.
            if event["type"] in TELLING:
                self.known.add(event.get("subject"))
            self.now = instant(event["logtime"]) if "logtime" in event else happened(event)
            if handler is not None:
                handler(event, event.get("data", {}), happened(event))
        self.until = until or self.now
        self.conclude()

    # --- what happened

    def on_household_registered(self, event, data, _at):
        self.households[event["subject"]] = {"in": data.get("moved_in"), "out": None}

    def on_household_moved_in(self, event, data, _at):
        self.households[event["subject"]] = {"in": data["date"], "out": None}

    def on_household_moved_out(self, event, data, _at):
        self.households.setdefault(event["subject"], {"in": None, "out": None})["out"] = data["date"]

    def on_complaint_opened(self, event, data, _at):
        self.case_kind[event["subject"]] = "complaint"
        if data.get("anonymous") and "household" not in data:
            self.anonymous.add(event["subject"])

    def on_repair_requested(self, event, data, _at):
        self.case_kind[event["subject"]] = "special" if data.get("service") == "special" else "repair"

    def on_assigned(self, event, data, _at):
        self.handlers[event["subject"]].add(data["to"])

    def work(self, event, data, at):
        works = self.works[event["subject"]]
        if event["subject"] in self.over:
            return
        self.handlers[event["subject"]].add(data["by"])
        if works and works[-1].reopened_at is None and works[-1].kind == self.case_kind[event["subject"]] and not self.is_settled(works[-1]):
            # Several trades: the last finish, until somebody is to call about it.
            callback = self.callback_of(works[-1])
            if callback is None or not (callback.mandatory or callback.drawn):
                works[-1].at = at
            works[-1].handlers.add(data["by"])
        else:
            works.append(Work(event["subject"], self.case_kind[event["subject"]], at, data["by"]))
            if len(works) == 1:
                works[0].ratings = self.early.pop(event["subject"], [])

    def is_settled(self, work):
        """They were called back already, or it was given up: what is done behind that is another piece of work."""
        callback = self.callback_of(work)
        return work.refused or self.unasked_of(work, None) or callback is not None and (callback.done is not None or callback.given_up)

    def callback_of(self, work):
        callback = self.callbacks.get(self.last_open_subject.get(work.case))
        return callback if callback is not None and callback.first >= work.first_at else None

    def on_complaint_handled(self, event, data, at):
        self.case_kind.setdefault(event["subject"], "complaint")
        self.work(event, data, at)

    def on_repair_finished(self, event, data, at):
        self.case_kind.setdefault(event["subject"], "repair")
        if data["in_home"]:
            self.work(event, data, at)

    def on_workorder_rated(self, event, data, at):
        if self.works[event["subject"]]:
            self.works[event["subject"]][-1].ratings.append((at, data))
        else:
            self.early.setdefault(event["subject"], []).append((at, data))

    def on_case_reopened(self, event, _data, at):
        self.over.discard(event["subject"])
        if self.works[event["subject"]]:
            self.works[event["subject"]][-1].reopened_at = at

    def on_case_closed(self, event, data, _at):
        if data.get("outcome") in ("withdrawn", "wrong_number", "duplicate") and event["subject"] in self.known:
            self.over.add(event["subject"])

    def on_case_linked(self, event, data, _at):
        if data["relation"] in ("duplicate", "two_channels") and event["subject"] in self.known:
            self.over.add(event["subject"])

    # --- what was concluded

    def on_callback_due(self, event, data, _at):
        if data["callback"] in self.callbacks:
            self.callbacks[data["callback"]].said(event)
        else:
            self.callbacks[data["callback"]] = Callback(event)
            self.of_subject[event["subject"]].append(data["callback"])
        self.last_open_subject[event["subject"]] = data["callback"]
        self.not_his_own(event["subject"], data)

    def not_his_own(self, subject, data):
        if data.get("staff") in self.handlers[subject]:
            self.breaches.append(f"{data['callback']} is given to {data['staff']}, whose case it was (C4)")

    def on_callback_reassigned(self, _event, data, _at):
        callback = self.callbacks[data["callback"]]
        callback.staff, callback.role = data.get("staff"), data.get("role", callback.role)
        self.not_his_own(callback.subject, data)

    def on_callback_downgraded(self, _event, data, _at):
        self.callbacks[data["callback"]].mandatory = False

    def on_callback_cancelled(self, event, data, at):
        if data["reason"] == "covered":
            return          # the talk that it was done in says so
        if data["callback"] in self.callbacks:
            self.callbacks[data["callback"]].ended = (at, data["reason"])
        elif data["reason"].startswith(ATTEMPTED) and self.works[event["subject"]]:
            self.works[event["subject"]][-1].refused = True     # before anybody was to call

    def on_rule_violated(self, event, data, _at):
        self.violated[(data["rule"], event["subject"])] += 1

    def on_contact_granted(self, event, data, at):
        if data["for"] != "callback":
            self.contacts[event["subject"]].append((instant(data["until"]) if "until" in data else at, data["ref"]))

    # --- what was done about it

    def named(self, event, data):
        return self.callbacks.get(data.get("callback") or self.last_open_subject.get(event["subject"]))

    def on_callback_attempted(self, event, data, _at):
        callback = self.named(event, data)
        if callback is not None:
            callback.tries += 1

    def on_appointment_agreed(self, event, data, at):
        # Nobody agrees to what is past: that is no appointment.
        if instant(data["at"]) >= at - datetime.timedelta(hours=1):
            self.appointments[event["subject"]] = instant(data["at"])
            self.known.add(event["subject"])

    def on_appointment_refused(self, event, _data, _at):
        self.appointments.pop(event["subject"], None)

    on_appointment_no_show = on_appointment_refused

    def on_visit_started(self, event, data, at):
        agreed = self.appointments.get(event["subject"])
        if agreed is None or at.date() != agreed.date() or at < agreed - datetime.timedelta(minutes=30):
            self.visits.append((event["subject"], data["by"]))

    def on_callback_done(self, event, data, at):
        first = self.named(event, data)
        if (first is None or first.done or first.ended) and event["subject"] not in self.over and data["by"] not in self.handlers[event["subject"]]:
            self.unasked[event["subject"]].append(at)
        covered = [self.callbacks[self.last_open_subject[s]] for s in data.get("covers", []) if s in self.last_open_subject]
        counted = [c for c in [first, *covered] if c is not None and self.counts(c, data["by"], at)]
        for callback in counted:
            callback.done = (at, data["by"])
        # One talk is one contact, and one that had to be is none of those that are rationed.
        if counted and not any(c.mandatory for c in counted) and counted[0].household:
            self.contacts[counted[0].household].append((at, counted[0].id))

    def counts(self, callback, by, at):
        if callback.done or callback.ended and not callback.given_up or callback.subject in self.over and not callback.given_up:
            return False
        if by in self.handlers[callback.subject]:
            if not self.violated_later(("C4", callback.subject)):
                self.breaches.append(f"{by} called back about {callback.subject}, which was theirs")
            return False
        return at >= callback.opens or "C6" not in callback.reason

    def violated_later(self, key):
        """The worker says so behind the event: looked at in the end."""
        self.own = getattr(self, "own", [])
        self.own.append(key)
        return True

    # --- the sum of it

    def conclude(self):
        for key in getattr(self, "own", []):
            if not self.violated[key]:
                self.breaches.append(f"{key[1]}: called back by its handler, and nobody says so")
        for subject, by in self.visits:
            if not self.violated[("V4", subject)]:
                self.breaches.append(f"{by} visited {subject} without an agreed appointment, and nobody says so")
        self.count_repairs()
        self.count_complaints()
        self.count_routine()
        self.count_load()
        self.count_contacts()

    def of_work(self, case):
        """The callbacks about a case in the order of its works."""
        return sorted((self.callbacks[id] for id in self.of_subject[case]), key=lambda c: c.first)

    def is_void(self, work, mine, is_last):
        """Done again before anybody was called, or found to be no case: nobody asks about it."""
        settled = work.refused or any(c.done or c.given_up for c in mine)
        return not settled and (work.reopened_at is not None or is_last and work.case in self.over)

    def unasked_of(self, work, end):
        """Somebody who had no hand in it called of his own accord: that counts, too."""
        return any(at >= work.first_at and (end is None or at < end) and (work.reopened_at is None or at < work.reopened_at)
                   for at in self.unasked[work.case])

    def count_repairs(self):
        for case, works in self.works.items():
            callbacks = [c for c in self.of_work(case) if c.kind == "repair"]
            for number, work in enumerate(works):
                end = works[number + 1].first_at if number + 1 < len(works) else None
                mine = [c for c in callbacks if c.first >= work.first_at and (end is None or c.first < end)]
                unasked = self.unasked_of(work, end)
                if work.kind != "repair" or (not unasked and self.is_void(work, mine, end is None)):
                    continue
                month = self.months[month_of(work.at)]
                month.repairs += 1
                mandatory = work.mandatory()
                month.mandatory += mandatory and any(c.mandatory for c in mine)
                done = next((c for c in mine if c.done), None)
                if done is None and unasked:
                    month.done += 1
                    continue
                if work.reopened_at is None and mandatory and not mine and not work.refused and work.at.date() + 2 * DAY < self.until.date():
                    self.breaches.append(f"{case} of {work.at:%F} had to be called back (Z4), and is on no agenda")
                month.picked += any(c.drawn for c in mine)
                if done is None:
                    continue
                month.done += 1
                if done.drawn:
                    month.optional += 1
                    # Z2 is about the month's last days; what tops it up when it is over (Z7) is counted apart.
                    day, days = (done.done[0].date() - work.at.date().replace(day=1)).days, days_in(month_of(work.at))
                    month.optional_last += days - LAST_DAYS <= day < days
                    month.optional_after += day >= days
                elif done.mandatory and done.done[0] > done.due:
                    month.late += 1
        for name, month in self.months.items():
            month.required = -(-PERCENT * month.repairs // 100)
            month.needed = max(0, month.required - (month.done - month.optional))

    def count_complaints(self):
        for case, works in self.works.items():
            if case in self.anonymous:
                continue
            callbacks = [c for c in self.of_work(case) if c.kind == "complaint"]
            for number, work in enumerate(works):
                end = works[number + 1].first_at if number + 1 < len(works) else None
                mine = [c for c in callbacks if c.first >= work.first_at and (end is None or c.first < end)]
                if work.kind != "complaint" or self.is_void(work, mine, end is None):
                    continue
                month = self.months[month_of(work.first_at)]
                month.complaints += 1
                month.complaints_done += any(c.done for c in mine)
                month.complaints_attempted += not any(c.done for c in mine) and any(c.given_up for c in mine)
                if not mine and work.at + 6 * DAY < self.until:
                    self.breaches.append(f"complaint {case} was handled {work.at:%F} and is on no agenda (C3)")

    def count_routine(self):
        for callback in self.callbacks.values():
            if callback.kind != "routine":
                continue
            month = self.months[month_of(callback.opens)]
            month.planned += 1
            month.contacted += callback.done is not None
        year = self.until.year if self.until.month > 1 else self.until.year - 1
        self.owed = {h for h, lived in self.households.items() if lived["in"] and lived["in"] <= f"{year}-12-01" and lived["out"] is None}
        spoken = {c.household for c in self.callbacks.values() if c.kind == "routine" and c.done}
        tried = {c.household for c in self.callbacks.values() if c.kind == "routine" and c.given_up}
        self.reached, self.tried = self.owed & spoken, (self.owed & tried) - spoken
        self.missed = self.owed - spoken - tried

    def count_load(self):
        for callback in self.callbacks.values():
            if callback.done:
                self.months[month_of(callback.done[0])].load[callback.done[1]] += 1

    def count_contacts(self):
        for household, contacts in self.contacts.items():
            contacts.sort()
            for (a, first), (b, second) in zip(contacts, contacts[1:]):
                if b - a < WEEK:
                    self.breaches.append(f"{household}: {first} on {a:%F %H:%M} and {second} on {b:%F %H:%M}, within a week")
            for (a, first), (b, third) in zip(contacts, contacts[MONTH_MOST:]):
                if b - a < MONTH_DAYS:
                    self.breaches.append(f"{household}: {MONTH_MOST + 1} contacts from {first} on {a:%F} to {third} on {b:%F}")

    def failures(self, staff=None, through=None):
        """What the department promises and this year does not hold, a sentence each; of the months up to `through`."""
        found = list(self.breaches)
        for name in sorted(self.months):
            month = self.months[name]
            if through is not None and name > through:
                continue
            if month.done < month.required:
                found.append(f"{name}: {month.done} of {month.required} callbacks after repairs (Z3)")
            if month.required >= 5 and 100 * month.optional_last > LAST_PERCENT * month.optional:
                found.append(f"{name}: {month.optional_last} of {month.optional} optional ones in the last {LAST_DAYS} days (Z2)")
            if 100 * (month.picked - month.needed) > MARGIN_PERCENT * month.repairs:
                found.append(f"{name}: {month.picked} drawn where {month.needed} were needed, of {month.repairs} repairs")
            if month.complaints != month.complaints_done + month.complaints_attempted:
                found.append(f"{name}: of {month.complaints} complaints {month.complaints_done} done and {month.complaints_attempted} attempted (C3)")
            if sum(month.load.values()) >= 100 and month.spread(staff) > 1.15:
                found.append(f"{name}: the load is uneven, {month.spread(staff):.2f}")
        found += [f"{household} was not spoken to (V1)" for household in sorted(self.missed)]
        return found

    # --- for people

    def table(self, staff=None):
        lines = ["month    repairs  req  done  rate%  pick  need  opt  last5% after  above%  late  complaints done att  planned talked  max/mean"]
        for name in sorted(self.months):
            m = self.months[name]
            rate = "n/a" if m.rate is None else f"{100 * m.rate:.1f}"
            lines.append(f"{name}  {m.repairs:7} {m.required:4} {m.done:5} {rate:>6} {m.picked:5} {m.needed:5} {m.optional:4} {100 * m.last_share:7.1f} {m.optional_after:5} "
                         f"{100 * m.above:7.1f} {m.late:5} {m.complaints:11} {m.complaints_done:4} {m.complaints_attempted:3} {m.planned:8} {m.contacted:6} "
                         f"{m.spread(staff):9.2f}")
        lines.append(f"households owed {len(self.owed)}, spoken to {len(self.reached)}, attempted {len(self.tried)}, missed {len(self.missed)}; "
                     f"breaches {len(self.breaches)}")
        return "\n".join(lines)


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    import sys
    the_year = CallbackYear(read(sys.argv[1]))
    print(the_year.table({f"cs-{n}" for n in range(1, 9)}))
    for failure in the_year.failures({f"cs-{n}" for n in range(1, 9)}, sys.argv[2] if len(sys.argv) > 2 else None)[:20]:
        print(failure)

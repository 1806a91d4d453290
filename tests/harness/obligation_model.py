"""A second opinion on obligations: the department's rules of time worked out by brute force, day by day, with none of the worker's code.

    calendar = Calendar.published(folder, 2024, 2027)           # ../shared/data/cn-holidays
    expected = conclusions(RULES, calendar, events, until)      # events of one case in the order of the log
    lines = as_log(histories)                                   # many cases in one log, for estate-escalate --rehearse

What it holds true (the regulations and 民法典 201–203, 1259):
  - an obligation opens when the event happened; its due is counted from then; what happens at the due is in time, a nanosecond later is late;
  - the breach is concluded at the due, or when an overdue one becomes known; a fulfilment before the due that is learnt after the breach
    leaves the breach and is marked late_known;
  - what is recorded first as its end, ends it, be it recorded before the beginning: it is about this case in any case;
  - time between suspended and resumed does not count: working hours for hours, working days begun for eod and same, days begun for days;
  - reopened, it is owed anew from then; what happened before the reopening does not fulfil it;
  - what was retracted never was: another end that stood behind it counts, suspended time counts or does not, and without an end it is
    owed as before, overdue at once if the due has passed; a retracted beginning cancels it, also what was fulfilled, and only its beginning
    entered again opens it, anew;
  - what was amended always was as it is now: it counts from when it happened, or never did; an amendment taken back never was;
  - an end that came after the due was late, however it becomes known.
Instants are nanoseconds since 1970, days are days since 1970-01-01 of the site, which is in Asia/Shanghai.
"""
import dataclasses
import datetime
import json
import os
import random

SECOND = 1_000_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86400 * SECOND
OFFSET = 8 * HOUR
EPOCH = datetime.date(1970, 1, 1)
FROM, TO = 9 * HOUR, 18 * HOUR                      # the desk's hours


class Calendar:
    """Working days as published: weekends off, but for what a year's notice says."""

    def __init__(self, off, work):
        self.off, self.work = off, work

    @classmethod
    def published(cls, folder, first, last):
        off, work = set(), set()
        for year in range(first, last + 1):
            path = os.path.join(folder, "holiday-cn", f"{year}.json")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    for day in json.load(file)["days"]:
                        (off if day["isOffDay"] else work).add((datetime.date.fromisoformat(day["date"]) - EPOCH).days)
        return cls(off, work)

    def works(self, day):
        return day in self.work or ((day + 3) % 7 < 5 and day not in self.off)

    def next_working(self, day, n):
        """The nth working day after that day."""
        while n > 0:
            day += 1
            n -= self.works(day)
        return day

    def worked(self, begin, end):
        """Working time between two instants."""
        total = 0
        for day in range(day_of(begin), day_of(end) + 1):
            if self.works(day):
                total += max(0, min(end, midnight(day) + TO) - max(begin, midnight(day) + FROM))
        return total

    def due(self, mode, n, opened, roll=False, close=False):
        day = day_of(opened)
        if mode == "elapsed":
            return opened + n
        if mode == "hours":
            while True:
                begin, end = max(opened, midnight(day) + FROM), midnight(day) + TO
                if self.works(day) and end > begin:
                    if n <= end - begin:
                        return begin + n
                    n -= end - begin
                day += 1
        if mode == "same":
            clock = opened - midnight(day)
            if not self.works(day) or clock >= TO:
                day, clock = self.next_working(day, 1), FROM
            return midnight(self.next_working(day, n)) + max(clock, FROM)
        last = self.next_working(day, n) if mode == "eod" else day + n
        while mode == "days" and roll and not self.works(last):
            last += 1
        return midnight(last) + (TO if close and self.works(last) else DAY)

    def days_begun(self, begin, end, working):
        return sum(1 for day in range(day_of(begin), day_of(end)) if not working or self.works(day))


def day_of(at):
    return (at + OFFSET) // DAY


def midnight(day):
    return day * DAY - OFFSET


@dataclasses.dataclass(frozen=True)
class Rule:
    id: str
    until: str                                      # a type
    mode: str
    n: int
    roll: bool = False
    close: bool = False

    def yaml(self):
        unit = {"hours": (HOUR, "h"), "elapsed": (MINUTE, "min")}.get(self.mode)
        term = f"{self.mode} {self.n // unit[0]}{unit[1]}" if unit else f"{self.mode} {self.n}{' roll' * self.roll}{' close' * self.close}"
        until = self.until + (" automatic!=true" if self.until == "case.replied" else "")
        return f"  - id: {self.id}\n    quote: q\n    on: complaint.opened\n    until: {until}\n    due: {term}\n    role: cs_lead\n    ladder: desk\n"


RULES = [
    Rule("P1", "case.replied", "eod", 1), Rule("P2", "case.replied", "same", 1), Rule("P3", "case.replied", "hours", 9 * HOUR),
    Rule("P4", "supervisor.consulted", "elapsed", 5 * MINUTE), Rule("P5", "case.replied", "days", 3, roll=True),
    Rule("P6", "case.assigned", "eod", 2, close=True), Rule("P7", "case.replied", "elapsed", 20 * HOUR),
]
CANCELLED = ("withdrawn", "wrong_number", "duplicate")


def rules_yaml(rules=None):
    return ("defaults:\n  cancel: case.closed outcome=" + "|".join(CANCELLED) + "\n  pause: case.suspended\n  resume: case.resumed\n  reopen: case.reopened\n"
            "  keep: 900d\nladders:\n  desk:\n    - { after: 0, role: cs_lead, urgency: routine, channel: email }\nrules:\n" +
            "".join(rule.yaml() for rule in rules or RULES))


@dataclasses.dataclass
class Event:
    """One of a case, in the order of the log.  of: for a retraction, which event of the case it is about."""
    type: str
    log: int
    when: int
    data: dict
    of: int = -1                                    # … or an amendment


class Obligation:
    # Readings that are not ours: a suspension hides what was overdue before it; a retraction gives credit for a suspension that was learnt
    # after the breach.
    hides, credits_late = False, False

    def __init__(self, case, rule, index, log, when, reopened=False):
        self.case, self.rule, self.began, self.opened, self.reopened = case, rule, index, when, reopened
        self.state, self.final, self.breached, self.ended = "open", False, False, None
        self.withdrawn = False                      # its beginning was taken back
        self.facts = []                             # (index, what, log, when): ends, pauses and resumptions, in the order of the log
        self.known = log                            # since when its due is what it is
        self.breach_log = None
        self.paused, self.credit = self.pauses()
        self.due = self.count()
        self.tell("opened", log)

    def count(self):
        rule = self.rule
        return self.case.calendar.due(rule.mode, rule.n + self.credit, self.opened, rule.roll, rule.close)

    def tell(self, step, at, late_known=False):
        self.case.told.append((at, step, f"{self.rule.id}/{self.case.id}", self.due, late_known))

    def first_end(self):
        return next((fact for fact in self.facts if fact[1] in ("fulfil", "cancel")), None)

    def pauses(self, anew=False):
        """Since when it is paused, and what was credited, up to the first end: from all that happened.  anew: without one of it."""
        paused, credit, calendar, mode = None, 0, self.case.calendar, self.rule.mode
        for fact in self.facts:
            _, what, log, when = fact
            if fact == self.first_end():
                break
            if what == "pause" and paused is None:
                paused = min(max(when, self.opened), log)
            elif what == "resume" and paused is not None:
                begin, end = paused, max(min(when, log), paused)
                paused = None
                # After the breach it is the ladder that waits.
                if self.breach_log is not None and log > self.breach_log and not (anew and self.credits_late and begin < self.breach_log):
                    continue
                if mode == "elapsed":
                    credit += end - begin
                elif mode == "hours":
                    credit += calendar.worked(begin, end)
                else:
                    credit += calendar.days_begun(begin, end, working=mode != "days")
        return paused, credit

    def breach_at(self):
        # What was overdue before it was suspended is overdue.
        if self.state != "open" or self.breached or (self.paused is not None and (self.hides or self.paused <= self.due)):
            return None
        return max(self.due, self.known)

    def breach(self, at):
        self.tell("breached", at)
        self.breached, self.breach_log = True, at

    def end(self, fact, log):
        """Fulfilled or cancelled by what happened; it is concluded now."""
        index, what, _, when = fact
        if what == "fulfil":
            self.tell("fulfilled", log, self.breached and when <= self.due)
        else:
            self.tell("cancelled", log)
        self.state, self.ended = "fulfilled" if what == "fulfil" else "cancelled", index

    def cancel(self, log):
        self.tell("cancelled", log)
        self.state = "cancelled"

    def reschedule(self, log):
        self.paused, self.credit = self.pauses()
        if self.breached or self.paused is not None:
            return
        before, self.due, self.known = self.due, self.count(), log
        if self.due != before:
            self.tell("rescheduled", log)

    def happened(self, index, what, log, when):
        """Something that means something to it; once it is over, it would count if what ended it had not been."""
        if what == "fulfil" and self.reopened and when < self.opened:
            return
        fact = (index, what, log, when)
        self.facts.append(fact)
        if self.state != "open":
            return
        if what in ("fulfil", "cancel"):
            self.end(fact, log)
        elif what == "resume" and self.paused is not None:
            self.reschedule(log)
        else:
            self.paused, _ = self.pauses()

    def without(self, index, log):
        """As if that had not been."""
        fact = next((fact for fact in self.facts if fact[0] == index), None)
        if fact is not None:
            self.facts.remove(fact)
            self.again(log)

    def after_all(self, fact, log):
        """As if it had always been that."""
        if not (fact[1] == "fulfil" and self.reopened and fact[3] < self.opened) and (fact[0] > self.began or not self.reopened):
            self.facts = sorted([*self.facts, fact])
            self.again(log)

    def again(self, log):
        """Something was added to what happened, or dropped."""
        if self.final:
            return
        end = self.first_end()
        if self.state == "open":
            before = self.due
            self.paused, self.credit = self.pauses(anew=True)
            if not self.breached:
                self.due, self.known = self.count(), log
            if end is not None:
                if not self.breached and end[3] > self.due:
                    self.breach(log)
                self.end(end, log)
            elif self.due != before:
                self.tell("rescheduled", log)
            return
        was, before = self.ended, self.due
        self.paused, self.credit = self.pauses(anew=True)
        self.due = self.count()
        if end is not None and end[0] == was and (self.breached or end[3] <= self.due or self.due == before):
            return
        self.state, self.ended, self.known = "open", None, log
        self.tell("opened", log)
        if end is not None:
            if not self.breached and end[3] > self.due:
                self.breach(log)
            self.end(end, log)


MEANS = {"case.suspended": "pause", "case.resumed": "resume"}


class Case:
    def __init__(self, id, rules, calendar):
        self.id, self.rules, self.calendar = id, rules, calendar
        self.owed, self.early, self.told, self.events = {}, [], [], 0
        self.all, self.amended = [], {}             # events as they are now; by an amendment's index, what its event was before

    def pass_time(self, until, inclusive=False):
        """Deadlines that pass before the next event."""
        for o in self.owed.values():
            at = o.breach_at()
            if at is not None and (at < until or (inclusive and at == until)):
                o.breach(at)

    def means(self, rule, event):
        """What an event means to a rule."""
        if event.type == rule.until:
            return None if event.data.get("automatic") else "fulfil"
        if event.type == "case.closed":
            return "cancel" if event.data.get("outcome") in CANCELLED else None
        return MEANS.get(event.type)

    def open(self, rule, index, event):
        anew = rule.id in self.owed
        o = self.owed[rule.id] = Obligation(self, rule, index, event.log, event.when, reopened=anew)
        for early in [] if anew else self.early:
            what = self.means(rule, self.all[early])
            if what in ("fulfil", "cancel"):
                if o.state == "open" and self.all[early].when > o.due:
                    o.breach(event.log)
                o.happened(early, what, event.log, self.all[early].when)

    def take(self, event):
        index, self.events = self.events, self.events + 1
        self.all.append(event)
        self.pass_time(event.log)
        if event.type == "complaint.opened":
            for rule in self.rules:
                if rule.id not in self.owed or self.owed[rule.id].withdrawn:
                    self.open(rule, index, event)
            return
        if event.type == "record.amended" and not self.all[event.of].type.startswith("gone"):
            self.amended[index] = (event.of, self.all[event.of].data)
            self.amend(event.of, {**self.all[event.of].data, **event.data["fields"]}, event.log)
        elif event.type == "record.retracted":
            if event.of in self.amended and not self.all[self.amended[event.of][0]].type.startswith("gone"):
                self.amend(*self.amended.pop(event.of), event.log)
            self.all[event.of] = dataclasses.replace(self.all[event.of], type="gone")
        elif not self.owed:
            self.early.append(index)
        for o in list(self.owed.values()):
            what = self.means(o.rule, event)
            if event.type == "record.retracted":
                self.retract(o, event.of, event.log)
            elif event.type == "case.reopened" and o.state != "open" and not o.final:
                self.owed[o.rule.id] = Obligation(self, o.rule, index, event.log, event.when, reopened=True)
            elif event.type == "obligation.waived":
                if o.state == "open" and event.data["obligation"] == f"{o.rule.id}/{self.id}":
                    o.cancel(event.log)
                    o.final = True
            elif what is not None:
                o.happened(index, what, event.log, event.when)

    def amend(self, index, data, log):
        """That event is, and was, this."""
        before = self.all[index]
        after = self.all[index] = dataclasses.replace(before, data=data)
        for o in list(self.owed.values()):
            was, what = self.means(o.rule, before), self.means(o.rule, after)
            if was != what and was is not None:
                o.without(index, log)
            if was != what and what is not None:
                o.after_all((index, what, after.log, after.when), log)

    def retract(self, o, of, log):
        if o.began != of:
            o.without(of, log)
            return
        if o.state != "cancelled":                  # a fulfilled one too: it never was owed
            o.cancel(log)
        o.final = o.withdrawn = True


def conclusions(rules, calendar, events, until, id="C-1"):
    """What must be concluded of one case: (instant, step, obligation, due, late known), in order of the instants."""
    case = Case(id, rules, calendar)
    for event in events:
        case.take(event)
    case.pass_time(until, inclusive=True)
    return sorted(case.told)


# --- random histories

def data_of(type, random_, id):
    if type == "complaint.opened":
        return {"category": "noise", "severity": "ordinary", "via": "phone"}
    if type == "case.replied":
        return {"by": "S-1", **({"automatic": True} if random_.random() < .2 else {})}
    if type == "case.assigned":
        return {"to": "S-1", "role": "clerk"}
    if type == "case.closed":
        return {"by": "S-1", "outcome": random_.choice(["done", *CANCELLED])}
    if type == "obligation.waived":
        return {"obligation": f"{random_.choice(RULES).id}/{id}", "by": "S-1", "reason": "r"}
    if type == "supervisor.consulted":
        return {"by": "S-1"}
    return {"by": "S-1", "reason": "r"}


STEPS = [0, 1, SECOND, 4 * MINUTE, 20 * MINUTE, 3 * HOUR, 9 * HOUR, 17 * HOUR, DAY, 2 * DAY, 5 * DAY]
LATE = [1, MINUTE, 2 * HOUR, 10 * HOUR, DAY]
TYPES = (["case.replied"] * 5 + ["supervisor.consulted"] * 2 + ["case.assigned"] * 2 + ["case.suspended"] * 3 + ["case.resumed"] * 3 +
         ["case.reopened"] * 3 + ["case.closed"] * 2 + ["record.retracted"] * 3 + ["record.amended"] * 4 + ["obligation.waived", "complaint.opened"])


def history(seed, calendar, id):
    """A case that wants to find the edges: events at a due, a nanosecond later, learnt late, before the opening, taken back."""
    rng = random.Random(seed)
    first = (datetime.date(2024, 1, 2) - EPOCH).days
    log = midnight(first + rng.randrange(1000)) + rng.randrange(24 * 60) * MINUTE
    if rng.random() < .3:                           # an edge of the day
        log = midnight(day_of(log)) + rng.choice([0, FROM - 1, FROM, FROM + 1, TO - 1, TO, TO + 1, DAY - 1])
    case, events = Case(id, RULES, calendar), []
    opening = 0 if rng.random() < .7 else rng.randrange(1, 4)
    for number in range(rng.randrange(3, 14)):
        type = "complaint.opened" if number == opening else rng.choice(TYPES)
        dues = [at for o in case.owed.values() if (at := o.breach_at()) is not None and at >= log]
        log = rng.choice(dues) + rng.choice([0, 1]) if dues and rng.random() < .4 else log + rng.choice(STEPS)
        when = log - (rng.choice(LATE) if rng.random() < .3 else 0)
        if not case.owed and type in ("case.suspended", "case.resumed", "case.reopened", "record.retracted", "obligation.waived"):
            type = "case.replied"                   # of an unknown case: nothing
        # What happened before the case began is another story, but for the opening itself.
        began = max((o.opened for o in case.owed.values() if not o.reopened), default=None)
        if began is not None and type != "complaint.opened" and when < began:
            when = log
        if type == "record.amended" and not amendable(events):
            type = "case.replied"
        event = Event(type, log, when, data_of(type, rng, id))
        if type == "record.retracted":
            event.of = rng.randrange(len(events))
            if events[event.of].type in ("record.retracted", "obligation.waived", "case.reopened"):
                event.of = 0
        if type == "record.amended":
            event.of = rng.choice(amendable(events))
            was = case.all[event.of].data
            event.data["fields"] = {"outcome": rng.choice(["done", *CANCELLED])} if "outcome" in was else {"automatic": not was.get("automatic", False)}
        case.take(event)
        events.append(event)
    return events


def amendable(events):
    return [index for index, event in enumerate(events) if event.type in ("case.replied", "case.closed")]


def as_log(histories):
    """Histories by the case's id as one log: lines as estate tail --json prints them."""
    order = sorted((event.log, id, index) for id, events in histories.items() for index, event in enumerate(events))
    numbers = {(id, index): seq for seq, (_, id, index) in enumerate(order, 1)}
    lines = []
    for log, id, index in order:
        event = histories[id][index]
        data = event.data if event.of < 0 else {**event.data, "event": numbers[id, event.of]}
        lines.append(json.dumps({"specversion": "1.0", "id": f"{id}-{index}", "source": "/test/oracle", "type": event.type, "time": instant(event.when),
                                 "subject": id, "data": data, "seq": numbers[id, index], "logtime": instant(log), "sender": "test", "flags": 0}))
    return "".join(line + "\n" for line in lines)


def instant(at):
    return datetime.datetime.fromtimestamp(at // SECOND, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S") + f".{at % SECOND:09}Z"


def read_instant(text):
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(seconds.timestamp()) * SECOND + int(fraction.ljust(9, "0") or 0)


def concluded(lines, steps=("opened", "fulfilled", "breached", "cancelled", "rescheduled")):
    """What a rehearsal derived, by case, as conclusions() tells it."""
    told = {}
    for line in lines:
        event = json.loads(line)
        step = event["type"].removeprefix("obligation.")
        if step in steps and event["type"].startswith("obligation."):
            data = event["data"]
            told.setdefault(event["subject"], []).append((read_instant(event["time"]), step, data["obligation"], read_instant(data["due"]),
                                                          data.get("late_known", False)))
    return {id: sorted(rows) for id, rows in told.items()}


def readable(rows):
    return "\n".join(f"  {instant(at)} {step:12} {obligation:10} due {instant(due)}{' late_known' * late}" for at, step, obligation, due, late in rows)


def as_text(events):
    return "\n".join(f"  {n:2} {instant(e.log)} {e.type} {json.dumps(e.data)} {'of %d' % e.of if e.of >= 0 else ''} when {instant(e.when)}"
                     for n, e in enumerate(events))

"""A second opinion on every shipped figure: a log is read as a whole, each measure worked out by itself, with none of the worker's code.

    model = Model(log, calendar)                        # log: events with seq and logtime, in their order
    model.members("first_reply", "2026-10")             # [Member(object, num, dims, ms)], one each that is counted
    model.stock("backlog", at)                          # the same for what there is at an instant

What it holds true: an event counts when it happened (its own time), whatever order it came in; of two of one instant the one stored first
stands first. What was retracted never was, what was amended always was as it is now; a retraction that is itself retracted never was.
Instants are nanoseconds since 1970; the site is in Asia/Shanghai.
"""
import collections
import dataclasses
import datetime

SECOND = 1_000_000_000
DAY = 86400 * SECOND
OFFSET = 8 * 3600 * SECOND
SITE = datetime.timezone(datetime.timedelta(hours=8))
SATISFIED = ("very_satisfied", "satisfied", "basically_satisfied")
GONE = ("withdrawn", "wrong_number", "duplicate")
FOREVER = 1 << 62


def instant(text):
    """RFC 3339 to nanoseconds, exactly."""
    whole, _, rest = text.replace("Z", "+00:00").partition(".")
    fraction, zone = "", whole[19:]
    if rest:
        cut = next(i for i, c in enumerate(rest) if not c.isdigit())
        fraction, zone = rest[:cut], rest[cut:]
    at = datetime.datetime.fromisoformat(whole[:19] + zone)
    return int(at.timestamp()) * SECOND + int((fraction + "000000000")[:9])


def month(at):
    return datetime.datetime.fromtimestamp(at // SECOND, SITE).strftime("%Y-%m")


def midnight(date):
    return int(datetime.datetime.fromisoformat(date).replace(tzinfo=SITE).timestamp()) * SECOND


def building(household):
    return household.split("-")[0] if household else ""


@dataclasses.dataclass
class Fact:
    seq: int
    when: int
    type: str
    subject: str
    data: dict

    def __getattr__(self, name):
        return self.data.get(name)


@dataclasses.dataclass
class Member:
    object: str
    num: int
    dims: dict
    ms: int = None
    at: int = None
    base: int = None


class Model:
    def __init__(self, log, calendar):
        self.calendar = calendar
        self.facts = self._true(log)
        self.by_type = collections.defaultdict(list)
        self.by_subject = collections.defaultdict(list)
        self.of_household = collections.defaultdict(list)
        self.covering = collections.defaultdict(list)
        self.not_counting = {f.data["event"] for f in self.facts if f.type == "rule.violated" and f.rule in ("C4", "C6.early")}
        for fact in self.facts:
            self.by_type[fact.type].append(fact)
            self.by_subject[fact.subject].append(fact)
            if fact.household:
                self.of_household[fact.household].append(fact)
            for case in (fact.covers or []) if fact.type == "callback.done" else []:
                if case != fact.subject and case != fact.household:
                    self.covering[case].append(fact)

    @staticmethod
    def _true(log):
        """What is left when everything was corrected, by when it happened."""
        gone, amended = set(), collections.defaultdict(list)
        for line in reversed(log):
            if line["type"] == "record.retracted" and line["seq"] not in gone:
                gone.add(line["data"]["event"])
        facts = []
        for line in log:
            if line["type"] == "record.amended" and line["seq"] not in gone:
                amended[line["data"]["event"]].append(line["data"].get("fields", {}))
        for line in log:
            if line["seq"] in gone or line["type"].startswith("record."):
                continue
            data = dict(line.get("data", {}))
            for fields in amended[line["seq"]]:
                data.update(fields)
            facts.append(Fact(line["seq"], instant(line.get("time") or line["logtime"]), line["type"], line.get("subject", ""), data))
        return sorted(facts, key=lambda f: (f.when, f.seq))

    # --- cases

    def subjects(self, *types):
        return dict.fromkeys(f.subject for type_ in types for f in self.by_type[type_])

    def of(self, subject, *types):
        return [f for f in self.by_subject[subject] if f.type in types]

    def first(self, subject, *types):
        return next(iter(self.of(subject, *types)), None)

    def last_standing(self, subject, type_):
        """The last of that type that no reopening followed."""
        last = None
        for fact in self.of(subject, type_, "case.reopened"):
            last = fact if fact.type == type_ else None
        return last

    def void(self, subject):
        closed = self.last_standing(subject, "case.closed")
        return bool((closed and closed.outcome in GONE) or any(f.relation in ("duplicate", "two_channels") for f in self.of(subject, "case.linked")))

    def now(self, subject, opened, field):
        """A kind, category or severity as it was changed to last."""
        value = opened.data.get(field)
        for fact in self.of(subject, "case.reclassified"):
            value = fact.data.get(field, value)
        return value or ""

    def reply(self, subject, since=0):
        return next((f for f in self.of(subject, "case.replied") if f.when >= since and not f.automatic), None)

    def called(self, subject, since):
        """The first talk about this case from then on."""
        talks = [f for f in self.of(subject, "callback.done") if f.kind not in ("routine", "call")] + self.covering[subject]
        talks = sorted((f for f in talks if f.when >= since and self.counts(subject, f)), key=lambda f: (f.when, f.seq))
        return talks[0] if talks else None

    def counts(self, subject, talk):
        return not (talk.seq in self.not_counting and any(f.type == "rule.violated" and f.event == talk.seq and f.rule in ("C4", "C6.early")
                                                          for f in self.by_subject[subject]))

    def caller(self, subject, talk):
        if talk:
            return talk.by
        staff = ""
        for fact in self.of(subject, "callback.due", "callback.reassigned"):
            staff = fact.staff or staff
        return staff

    def complaints(self):
        for subject in self.subjects("complaint.opened"):
            opened = self.first(subject, "complaint.opened")
            yield subject, opened, {"category": self.now(subject, opened, "category"), "severity": self.now(subject, opened, "severity"),
                                    "building": building(opened.household), "via": opened.via}

    def finished_repairs(self):
        for subject in self.subjects("repair.finished"):
            finished = self.last_standing(subject, "repair.finished")
            asked = self.first(subject, "repair.requested")
            if finished:
                origin = asked or self.first(subject, "repair.finished") and self.last_standing(subject, "repair.finished")
                yield subject, finished, bool(asked and asked.service == "special"), {"trade": origin.trade or "", "building": building(origin.household)}

    # --- measures by month: each yields (moment, Member)

    def complaint_callbacks(self):
        for subject, opened, dims in self.complaints():
            handled = self.last_standing(subject, "complaint.handled")
            if handled and not self.void(subject) and not (opened.anonymous and not opened.household):
                talk = self.called(subject, handled.when)
                yield handled.when, Member(subject, int(bool(talk)), {**dims, "staff": self.caller(subject, talk)})

    def _repair_callbacks(self, special):
        for subject, finished, is_special, dims in self.finished_repairs():
            if is_special == special and (special or finished.in_home) and not self.void(subject):
                talk = self.called(subject, finished.when)
                yield finished.when, Member(subject, int(bool(talk)), {**dims, "staff": self.caller(subject, talk)})

    def repair_callbacks(self):
        return self._repair_callbacks(False)

    def special_callbacks(self):
        return self._repair_callbacks(True)

    def helps(self):
        for subject in self.subjects("help.requested"):
            opened = self.first(subject, "help.requested")
            if not self.void(subject):
                yield subject, opened, {"kind": self.now(subject, opened, "kind"), "building": building(opened.household)}

    def help_callbacks(self):
        for subject, opened, dims in self.helps():
            closed = self.last_standing(subject, "case.closed")
            if closed and not self.of(subject, "complaint.opened", "repair.requested"):
                talk = self.called(subject, opened.when)
                yield closed.when, Member(subject, int(bool(talk)), {**dims, "staff": self.caller(subject, talk)})

    def _callbacks(self):
        """Each that was asked for: (subject, id, its terms as said last, cancelled, the talk)."""
        for subject in self.subjects("callback.due"):
            said = self.of(subject, "callback.due", "callback.cancelled", "callback.reassigned")
            for id_ in dict.fromkeys(f.callback for f in said if f.type == "callback.due"):
                terms, cancelled, staff = None, False, ""
                for fact in (f for f in said if f.callback == id_):
                    if fact.type == "callback.due":
                        terms, cancelled, staff = fact, False, fact.staff or ""
                    elif fact.type == "callback.cancelled":
                        cancelled = True
                    else:
                        staff = fact.staff or ""
                talk = next((f for f in self._talks(subject) if self.counts(subject, f) and self._meant(subject, f) == id_), None)
                yield subject, id_, terms, cancelled, talk, talk.by if talk else staff

    def _talks(self, subject):
        """With the copies that a household has of those about its cases."""
        own = self.of(subject, "callback.done")
        seen = {f.seq for f in own}
        return sorted(own + [f for f in self.of_household[subject] if f.type == "callback.done" and f.seq not in seen], key=lambda f: (f.when, f.seq))

    def _meant(self, subject, talk):
        due = self.of(subject, "callback.due")
        if talk.callback and any(f.callback == talk.callback for f in due):
            return talk.callback
        same = [f for f in due if f.when <= talk.when and f.kind == talk.kind]
        return same[-1].callback if same else None

    def callback_on_time(self):
        for subject, id_, terms, cancelled, talk, staff in self._callbacks():
            if not cancelled:
                due = instant(terms.due)
                yield due, Member(subject, int(bool(talk and talk.when <= due)), {"kind": terms.kind, "building": building(terms.household), "staff": staff})

    def callback_satisfaction(self):
        asked = {}
        for subject, id_, terms, _, talk, staff in self._callbacks():
            if talk and talk.grade:
                yield talk.when, Member(subject, int(talk.grade in SATISFIED), {"kind": terms.kind, "building": building(terms.household), "staff": staff})
        for talk in self.by_type["callback.done"]:
            if self._meant(talk.subject, talk) is None and talk.grade:
                home = talk.household or (talk.subject if talk.kind == "routine" else "")
                yield talk.when, Member(talk.subject, int(talk.grade in SATISFIED), {"kind": talk.kind, "building": building(home), "staff": talk.by})
        del asked

    def obligations_on_time(self):
        story = collections.defaultdict(list)
        for type_ in ("opened", "rescheduled", "fulfilled", "breached", "cancelled", "waived"):
            for fact in self.by_type["obligation." + type_]:
                story[fact.obligation].append(fact)
        for id_, facts in story.items():
            due = kept = rule = role = None
            breached = cancelled = False
            for fact in sorted(facts, key=lambda f: (f.when, f.seq)):
                what = fact.type.split(".")[1]
                if what in ("opened", "rescheduled"):
                    due, rule, role = instant(fact.due), fact.rule, fact.role
                if what == "opened":
                    breached = cancelled = False
                    kept = 0
                breached = breached or what == "breached"
                cancelled = cancelled or what in ("cancelled", "waived")
                if what == "fulfilled":
                    kept = int(not breached or bool(fact.late_known))
            if due is not None and kept is not None and not cancelled:
                yield due, Member(id_, kept, {"rule": rule, "role": role})

    def first_reply(self):
        for subject, opened, dims in self.complaints():
            if self.void(subject) or (opened.anonymous and not opened.household):
                continue
            limit = instant(opened.due) if opened.due else self.calendar.end_of_business_day_after(opened.when)
            reply = self.reply(subject)
            yield opened.when, Member(subject, int(bool(reply and reply.when <= limit)), {**{k: dims[k] for k in ("category", "severity", "building")},
                                      "staff": reply.by if reply else ""}, max(0, reply.when - opened.when) // 1000000 if reply else None)

    def five_minutes(self):
        for subject, opened, dims in self.helps():
            limit = instant(opened.due) if opened.due else opened.when + 300 * SECOND
            reply = self.reply(subject)
            yield opened.when, Member(subject, int(bool(reply and reply.when <= limit)), {**dims, "staff": reply.by if reply else ""},
                                      max(0, reply.when - opened.when) // 1000000 if reply else None)

    def consulted_reply(self):
        for subject, opened, dims in self.helps():
            consulted = self.first(subject, "supervisor.consulted")
            if consulted:
                reply, any_reply = self.reply(subject, consulted.when), self.reply(subject)
                yield consulted.when, Member(subject, int(bool(reply and reply.when <= consulted.when + 300 * SECOND)),
                                             {"kind": dims["kind"], "staff": any_reply.by if any_reply else ""},
                                             (reply.when - consulted.when) // 1000000 if reply else None)

    def _calls(self):
        for subject in self.subjects("call.queued", "call.answered", "call.abandoned", "voicemail.left"):
            facts = self.of(subject, "call.queued", "call.answered", "call.abandoned", "voicemail.left")
            lost = next((f for f in facts if f.type == "voicemail.left" or (f.type == "call.abandoned" and not (f.wait_s is not None and f.wait_s < 5))), None)
            rang = any(f.type == "call.abandoned" and f.wait_s is not None and f.wait_s < 5 for f in facts) and not lost
            household = next((f.household for f in facts if f.household), "")
            if not rang:
                yield subject, facts, lost, household, {"queue": next((f.queue for f in facts if f.queue), ""), "building": building(household)}

    def call_answered(self):
        for subject, facts, _, _, dims in self._calls():
            answered, wait = next((f for f in facts if f.type == "call.answered"), None), None
            if answered:
                wait = answered.wait_s * 1000 if answered.wait_s is not None else (answered.when - facts[0].when) // 1000000
            yield facts[0].when, Member(subject, int(wait is not None and wait <= 60000), {**dims, "staff": answered.agent or "" if answered else ""}, wait)

    def call_return(self):
        for subject, facts, lost, household, dims in self._calls():
            if not lost:
                continue
            near = [f for f in self.by_subject[subject] + (self.of_household[household] + self.by_subject[household] if household else []) + self.covering[subject]
                    if lost.when <= f.when <= lost.when + 7 * DAY and
                    (f.type == "call.answered" or (f.type == "callback.done" and (f.kind == "call" or f in self.covering[subject])))]
            back = min((f.when for f in near), default=None)
            yield lost.when, Member(subject, int(back is not None), dims, (back - lost.when) // 1000000 if back is not None else None)

    def visits_signed(self):
        for subject in self.subjects("visit.started"):
            facts = self.of(subject, "visit.started", "visit.signed")
            for one, after in zip(facts, [*facts[1:], None]):
                if one.type == "visit.started":
                    yield one.when, Member(subject, int(bool(after and after.type == "visit.signed")), {"staff": one.by})

    # --- surveys

    def _survey_end(self, survey):
        return min((f.when for f in self.of(survey, "survey.closed")), default=FOREVER)

    def _held(self, survey, ticket, when):
        """All of a survey counts in the year in which it was opened; of one that nobody opened a form counts in the year of its first trace."""
        opened = self.of(survey, "survey.opened") or [f for f in self.of(survey, "survey.issued", "survey.returned", "survey.answered") if f.ticket == ticket]
        year = int(month(opened[0].when)[:4])
        return min(max(when, midnight(f"{year}-01-01")), midnight(f"{year + 1}-01-01") - 1)

    def _homes(self):
        return {(f.subject, f.ticket): f.household or "" for f in reversed(self.by_type["survey.issued"])}

    def survey_return(self):
        issued, homes = {}, self._homes()
        for fact in self.by_type["survey.issued"]:
            issued.setdefault((fact.subject, fact.ticket), fact.when)
        back = {(f.subject, f.ticket) for f in self.by_type["survey.returned"] if f.when <= self._survey_end(f.subject)}
        for ticket, when in issued.items():
            yield self._held(*ticket, when), Member("/".join(ticket), int(ticket in back), {"survey": ticket[0], "building": building(homes[ticket])})

    def _answers(self, good):
        last, homes = {}, self._homes()
        for fact in self.by_type["survey.answered"]:
            if fact.when <= self._survey_end(fact.subject):
                last[fact.subject, fact.ticket, fact.item] = fact
        for (survey, ticket, item), fact in last.items():
            if fact.grade:
                yield self._held(survey, ticket, fact.when), Member(f"{survey}/{ticket}", int(fact.grade in good), {"item": item, "survey": survey,
                                                                                       "building": building(homes.get((survey, ticket), ""))})

    def survey_satisfaction(self):
        return self._answers(SATISFIED)

    def survey_top_two(self):
        return self._answers(SATISFIED[:2])

    def rating_satisfaction(self):
        for subject, finished, _, dims in self.finished_repairs():
            talk = self.called(subject, finished.when)
            ratings = self.of(subject, "workorder.rated")
            # The last one before the talk; one that came after it only if there was none before.
            before = ratings[:1] + [f for f in ratings[1:] if not talk or f.when <= talk.when]
            if before and before[-1].grade and not self.void(subject):
                yield finished.when, Member(subject, int(before[-1].grade in SATISFIED), {**dims, "staff": finished.by})

    # --- numbers

    def complaints_(self):
        for subject, opened, dims in self.complaints():
            if not self.void(subject):
                yield opened.when, Member(subject, 1, dims)

    def _cases(self):
        for subject in self.subjects("complaint.opened", "repair.requested", "help.requested"):
            opened = self.first(subject, "complaint.opened", "repair.requested", "help.requested")
            kinds = {f.type for f in self.by_subject[subject]}
            yield subject, opened, {"class": "complaint" if "complaint.opened" in kinds else "repair" if "repair.requested" in kinds else "help",
                                    "building": building(opened.household)}

    def cases_closed(self):
        for subject, opened, dims in self._cases():
            closed = self.last_standing(subject, "case.closed")
            if closed and not self.void(subject):
                yield closed.when, Member(subject, 1, {**dims, "staff": closed.by}, max(0, closed.when - opened.when) // 1000000)

    def reopened(self):
        for when, member in self.cases_closed():
            yield when, Member(member.object, int(bool(self.of(member.object, "case.reopened"))), member.dims)

    def referrals(self):
        for fact in sorted(self.by_type["case.referred"] + self.by_type["case.declined"], key=lambda f: f.seq):
            yield fact.when, Member(fact.subject, int(bool(fact.to)), {"kind": fact.type.split(".")[1], "to": fact.to or "", "staff": fact.by})

    def staff_checks(self):
        for type_, kind in ("inspection.done", "inspection"), ("evaluation.done", "evaluation"):
            for fact in self.by_type[type_]:
                if not fact.area_kind:
                    yield fact.when, Member(fact.subject, 1, {"kind": kind, "staff": fact.subject})

    def weekly_checks(self):
        return ((due, Member(member.object, member.num, {"role": member.dims["role"]})) for due, member in self.obligations_on_time() if member.dims["rule"] == "M1")

    def attendance(self):
        return ((fact.when, Member(fact.subject, 1, {"staff": fact.subject})) for fact in self.by_type["attendance.recorded"])

    def area_checks(self):
        return ((fact.when, Member(fact.subject, 1, {"category": fact.area_kind})) for fact in self.by_type["inspection.done"] if fact.area_kind)

    # --- stocks: each yields Members as at an instant

    def backlog(self, at):
        for subject, opened, dims in self._cases():
            if opened.when > at:
                continue
            ends = [f for f in self.of(subject, "case.closed", "case.reopened") if opened.when <= f.when <= at]
            if not ends or ends[-1].type == "case.reopened":
                yield Member(subject, 1, {**dims, "category": self.now(subject, opened, "category")}, base=opened.when)

    def _living(self, household, at):
        """The day they moved in for the time that they live here at that instant; None: they don't."""
        registered = self.of(household, "household.registered")[-1:]
        moves = [(midnight(f.moved_in), True) for f in registered if f.moved_in]
        moves += [(midnight(f.date), f.type == "household.moved_in") for f in self.of(household, "household.moved_in", "household.moved_out")]
        since = None
        for when, is_in in sorted(moves, key=lambda m: (m[0], not m[1])):
            if when > at:
                break
            since = (since if since is not None else when) if is_in else None
        return since

    def _households(self, at):
        for household in self.subjects("household.registered", "household.moved_in", "household.moved_out"):
            since = self._living(household, at)
            if since is not None:
                yield household, since

    def _contacts(self, household):
        own = {f.seq: f for f in self.of(household, "callback.done", "visit.started")}
        own.update({f.seq: f for f in self.of_household[household] if f.type in ("callback.done", "contact.received")})
        own.update({f.seq: f for f in self.covering[household]})
        return sorted((f for f in own.values() if f.outcome != "wrong_number"), key=lambda f: (f.when, f.seq))

    def last_contact(self, at):
        for household, since in self._households(at):
            talks = [f.when for f in self._contacts(household) if since <= f.when <= at]
            yield Member(household, int(bool(talks)), {"building": building(household)}, base=talks[-1] if talks else since)

    def routine_callbacks(self, at):
        year = month(at)[:4]
        for household, since in self._households(at):
            talks = [f for f in self._contacts(household) if f.type == "callback.done" and f.kind == "routine" and since <= f.when <= at and
                     month(f.when)[:4] == year and self.counts(household, f)]
            yield Member(household, int(bool(talks)), {"building": building(household), "staff": talks[0].by if talks else ""})

    # --- what is asked

    MONTHLY = ["complaint_callbacks", "repair_callbacks", "special_callbacks", "help_callbacks", "callback_on_time", "obligations_on_time", "first_reply",
               "five_minutes", "consulted_reply", "call_answered", "call_return", "visits_signed", "survey_satisfaction", "survey_top_two", "rating_satisfaction",
               "callback_satisfaction", "survey_return", "complaints", "cases_closed", "reopened", "referrals",
               "staff_checks", "weekly_checks", "attendance", "area_checks"]
    STOCKS = ["backlog", "last_contact", "routine_callbacks"]

    def months(self, measure):
        """Every member of a measure, by month."""
        found = collections.defaultdict(list)
        for when, member in getattr(self, "complaints_" if measure == "complaints" else measure)():
            found[month(when)].append(member)
        return found

    def stock(self, measure, at):
        return list(getattr(self, measure)(at))


def percentile(values, percent):
    """Nearest rank."""
    values = sorted(values)
    return values[-(-len(values) * percent // 100) - 1]

"""estate generate: the same bytes every time, plausible proportions, stories that hold together, fields as EVENTS.md has them.

Runs build/bin/estate, or the one in the folder that ESTATE_BIN_DIR names.
"""
import collections
import datetime
import json
import os
import re
import subprocess

import pytest

ESTATE = os.path.join(os.environ.get("ESTATE_BIN_DIR", "build/bin"), "estate")
HOUSEHOLDS, DAYS = 1000, 60
ARGS = ["--households", str(HOUSEHOLDS), "--from", "2026-11-01", "--days", str(DAYS), "--seed", "1"]
SITE = datetime.timezone(datetime.timedelta(hours=8))

ID = re.compile(r"[A-Za-z0-9._:/-]{1,64}\Z")
EVENT_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}[0-9A-HJKMNP-TV-Z]{8}\Z")
SOURCE = re.compile(r"[A-Za-z0-9._:/-]{1,128}\Z")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00\Z")
DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
HOUSEHOLD = re.compile(r"\d+-[12]-\d{3,4}\Z")
PHONE = re.compile(r"000-\d{4,8}-\d{4}\Z")

GRADES = "very_satisfied satisfied basically_satisfied dissatisfied very_dissatisfied".split()
ROLES = ("clerk cs_assistant steward cs_lead supervisor site_manager mgmt_rep quality_dept vice_gm general_manager dept_head "
         "security engineering cleaning greening finance").split()
VIAS = "phone visit kiosk mailbox web wechat app company callback".split()


def one_of(values):
    allowed = values.split() if isinstance(values, str) else values
    return lambda v: v in allowed


def text(v):
    return isinstance(v, str) and v != ""


def whole(v):
    return type(v) is int and v >= 0


def fen(v):
    return type(v) is int and v > 0


def flag(v):
    return type(v) is bool


def like(pattern):
    return lambda v: isinstance(v, str) and pattern.match(v) is not None


def existing_date(v):
    return isinstance(v, str) and DATE.match(v) is not None and datetime.date.fromisoformat(v) is not None


ident, household, phone, instant = like(ID), like(HOUSEHOLD), like(PHONE), like(INSTANT)
month = like(re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z"))
grade, role = one_of(GRADES), one_of(ROLES)
CALL = {"from?": phone, "to?": phone, "queue?": ident, "agent?": ident, "wait_s?": whole, "talk_s?": whole, "reason?": ident,
        "household?": household}
BY = {"by": ident}
BY_REASON = {"by": ident, "reason": text}
EMERGENCY = {"by": ident, "address?": text, "phone?": phone, "choice?": one_of("hospital ambulance nursing"),
             "to?": one_of("110 119 120 guards")}
VIOLATION = {"by": ident, "kind": one_of("illegal_build unsafe_facility other"), "household?": household}
ISSUE = {"case?": ident, "household?": household, "callback?": ident, "dept": ident, "by": ident, "satisfied?": flag}
APPOINTMENT = {"callback?": ident, "at": instant, "by": ident}
DUTY = {"from": instant, "until?": instant, "deputy?": ident, "by": ident}
PAYMENT = {"household": household, "amount": fen, "bill?": ident, "expires?": instant}
RECEIPT = {"kind": one_of("receipt invoice"), "payment": ident, "amount": fen, "by": ident}
CLOSING = {"by": ident, "outcome?": one_of("done withdrawn wrong_number duplicate referred unfounded")}

# EVENTS.md, the types that are generated: a field's check, "?" where the field is optional.
FIELDS = {
    "household.registered": {
        "kind": one_of("owner tenant merchant other developer"), "party?": ident, "name": text, "phone?": phone, "email?": text,
        "moved_in?": existing_date, "key?": flag, "area_m2?": whole, "channel?": one_of("sms email phone letter wechat"),
        "language?": one_of("zh en")},
    "household.moved_in": {"date": existing_date},
    "household.moved_out": {"date": existing_date},
    "household.contact_rule_set": {"quiet?": text, "no_visit?": flag, "by": ident},
    "household.tagged_key": {"key": flag},
    "contact.received": {
        "via": one_of("phone visit kiosk mailbox web wechat app"), "household?": household, "call?": ident, "text?": text,
        "outcome": one_of("case info wrong_number")},
    "call.started": CALL, "call.queued": CALL, "call.answered": CALL, "call.abandoned": CALL, "call.ended": CALL, "voicemail.left": CALL,
    "help.requested": {
        "household?": household, "kind": one_of("medical repair complaint inquiry security disaster other"), "incident?": ident,
        "call?": ident, "address?": text, "phone?": phone, "text?": text, "due?": instant},
    "emergency.recorded": EMERGENCY, "emergency.chosen": EMERGENCY, "emergency.dispatched": EMERGENCY,
    "complaint.opened": {
        "household?": household, "category": ident, "severity": one_of("ordinary major"), "via": one_of(VIAS), "call?": ident,
        "anonymous?": flag, "text?": text, "due?": instant},
    "complaint.relayed": {"by": ident, "to": ident},
    "repair.requested": {
        "household?": household, "service?": one_of("repair special"), "trade": ident, "in_home": flag, "call?": ident, "text?": text,
        "due?": instant},
    "case.assigned": {"to": ident, "role": role, "by?": ident, "dept?": ident},
    "case.acknowledged": {"by": ident, "obligation?": ident, "until?": instant},
    "case.replied": {"by": ident, "automatic?": flag, "text?": text},
    "supervisor.consulted": BY,
    "case.reclassified": {"severity": one_of("ordinary major"), "by": ident, "reason?": text},
    "case.linked": {"to": ident, "relation": one_of("duplicate recurrence two_channels mass"), "by": ident},
    "case.suspended": BY_REASON, "case.resumed": BY_REASON,
    "case.reopened": CLOSING, "case.closed": CLOSING,
    "complaint.handled": {"by": ident, "verify": one_of("onsite deferred"), "dept?": ident, "ongoing?": flag},
    "complaint.signed": {
        "satisfied?": flag, "refused?": flag, "reason?": text, "about?": one_of("proposal result"),
        "signer?": one_of("resident family agent"), "collected_by?": ident, "evidence?": ident},
    "repair.finished": {"by": ident, "in_home": flag},
    "workorder.rated": {
        "grade?": grade, "signed": flag, "channel": one_of("paper kiosk ivr web app"), "signer?": one_of("resident family agent"),
        "authenticated?": flag, "collected_by?": ident, "evidence?": ident},
    "violation.observed": VIOLATION, "violation.stopped": VIOLATION, "violation.reported": VIOLATION, "violation.rechecked": VIOLATION,
    "issue.opened": ISSUE, "issue.dispatched": ISSUE, "issue.resolved": ISSUE, "issue.told": ISSUE,
    "callback.attempted": {
        "callback?": ident, "by": ident, "result": one_of("unreachable busy refused wrong_number no_show")},
    "callback.done": {
        "callback?": ident, "kind": one_of("complaint repair routine call help"), "household?": household, "by": ident,
        "mode": one_of("visit phone"), "grade?": grade, "conforms?": flag, "effect?": text, "attitude?": text, "shortcomings?": text,
        "suggestions?": text},
    "appointment.requested": APPOINTMENT, "appointment.agreed": APPOINTMENT, "appointment.refused": APPOINTMENT,
    "visit.started": {"by": ident, "callback?": ident},
    "visit.signed": {"by": ident, "callback?": ident, "signer?": one_of("resident family agent")},
    "mailbox.emptied": {"by": ident, "letters?": whole},
    "staff.absent": DUTY, "duty.started": DUTY, "duty.ended": DUTY,
    "bill.issued": {
        "household": household, "payer?": ident,
        "fee_kind": one_of("management vacant rent water electricity repair_fund parking other"), "period": month, "amount": fen,
        "due": existing_date},
    "bill.delivered": {"at?": instant, "reason?": text},
    "bill.cancelled": {"at?": instant, "reason?": text},
    "payment.initiated": PAYMENT, "payment.failed": PAYMENT,
    "payment.posted": {
        "household": household, "amount": fen, "bill?": ident, "method": one_of("cash bank wechat alipay pos other"),
        "received": existing_date},
    "payment.reversed": {"reason": text},
    "receipt.issued": RECEIPT, "receipt.voided": RECEIPT,
    "promise.made": {"until": existing_date, "by": ident},
    "dispute.opened": {"reason": text, "by": ident}, "dispute.closed": {"reason": text, "by": ident},
}
WITHOUT_SUBJECT = {"contact.received"}

OPENERS = {"R": "repair.requested", "C": "complaint.opened", "H": "help.requested", "V": "violation.observed", "I": "issue.opened"}


def generate(*args):
    done = subprocess.run([ESTATE, "generate", *args], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout


def instant_of(value):
    return datetime.datetime.fromisoformat(value)


class Stream:
    """One run, parsed: every line, the events without the repeated lines, and the stories by subject."""

    def __init__(self, *args):
        self.bytes = generate(*args)
        self.lines = self.bytes.splitlines()
        self.by_id = collections.defaultdict(list)
        self.events = []
        for line in self.lines:
            event = json.loads(line)
            event["at"] = instant_of(event["time"])
            first = event["id"] not in self.by_id
            self.by_id[event["id"]].append(line)
            if first:
                self.events.append(event)
        self.counts = collections.Counter(e["type"] for e in self.events)
        self.stories = collections.defaultdict(list)
        for event in self.events:
            if "subject" in event:
                self.stories[event["subject"]].append(event)
        for story in self.stories.values():
            story.sort(key=lambda e: e["at"])

    def of(self, *types):
        return [e for e in self.events if e["type"] in types]

    def first(self, subject, name):
        return next((e for e in self.stories[subject] if e["type"] == name), None)


@pytest.fixture(scope="module", name="run")
def the_run():
    return Stream(*ARGS)


def per_household_day(run, *types):
    return sum(run.counts[t] for t in types) / (HOUSEHOLDS * DAYS)


# The same arguments give the same bytes.

def test_same_arguments_same_bytes(run, tmp_path):
    out = tmp_path / "again.jsonl"
    assert generate(*ARGS, "--out", str(out)) == b""
    assert out.read_bytes() == run.bytes


def test_another_seed_is_another_history(run):
    other = Stream(*ARGS[:-1], "2")
    assert not set(run.by_id) & set(other.by_id)
    assert run.counts != other.counts


def test_without_registry_the_same_history(run):
    def told(stream):
        return sorted((e["time"], e["type"], e["source"], e.get("subject", ""), json.dumps(e["data"])) for e in stream.events
                      if e["source"] != "/estate/registry")
    bare = Stream(*ARGS, "--no-registry")
    assert "household.registered" not in bare.counts
    assert told(bare) == told(run)


def test_parts_are_left_to_others(run):
    """--without: what a rehearsal with answers tells itself."""
    bare = Stream(*ARGS, "--without", "registry,bills,contacts,callbacks,ratings")
    gone = {"household.registered", "bill.issued", "payment.posted", "mailbox.emptied", "workorder.rated", "complaint.signed", "callback.done",
            "callback.attempted", "appointment.requested", "visit.started"}
    assert gone <= set(run.counts) and not gone & set(bare.counts), gone & set(bare.counts)
    assert bare.counts["help.requested"] > 0 and bare.counts["call.started"] < run.counts["call.started"] / 10
    rated = Stream(*ARGS, "--without", "callbacks")
    assert rated.counts["workorder.rated"] > 0 and rated.counts["callback.done"] == 0 and rated.counts["repair.finished"] > 0
    # Nobody closes what is to be called back about.
    assert {e["subject"] for e in rated.of("repair.finished")}.isdisjoint(e["subject"] for e in rated.of("case.closed"))


def test_so_many_a_month():
    """Repairs in homes and complaints by themselves, and a calendar of the office."""
    calendar = os.path.join(os.path.dirname(__file__), "..", "..", "config", "calendars", "cn.yaml")
    year = Stream("--households", "500", "--from", "2026-01-01", "--days", "365", "--seed", "3", "--without", "contacts,bills", "--in-home", "90",
                  "--complaints", "30", "--calendar", calendar)
    finished = [e for e in year.of("repair.finished") if e["data"]["in_home"]]
    assert 12 * 90 * 0.9 < len({e["subject"] for e in finished}) < 12 * 90 * 1.1
    assert 12 * 30 * 0.8 < year.counts["complaint.opened"] < 12 * 30 * 1.25
    assert all(e["data"]["in_home"] for e in year.of("repair.requested"))
    leads = {e["data"]["from"][:10] for e in year.of("duty.started") + year.of("staff.absent") if e["subject"] == "lead-1"}
    # 2026-01-04 is a Sunday that is worked, 2026-02-17 the first day of the year.
    assert "2026-01-04" in leads and "2026-02-17" not in leads and "2026-01-10" not in leads and len(leads) == 248


@pytest.mark.parametrize("households, start, days", [(1, "2026-11-01", 62), (1, "2000-01-01", 1), (145, "2024-02-28", 3)])
def test_small_estates_end(households, start, days):
    small = Stream("--households", str(households), "--from", start, "--days", str(days), "--seed", "18446744073709551615")
    assert small.counts["household.registered"] == households
    months = {e["time"][:7] for e in small.of("bill.issued")}
    assert len(months) == {62: 3, 1: 1, 3: 1}[days]      # the run is on the first of a month


# Envelope and fields.

def test_envelope(run):
    begin = datetime.datetime(2026, 11, 1, tzinfo=SITE)
    for e in run.events:
        assert e["specversion"] == "1.0"
        assert EVENT_ID.match(e["id"]) and SOURCE.match(e["source"]) and INSTANT.match(e["time"]), e
        assert begin <= e["at"] < begin + datetime.timedelta(days=DAYS), e
        assert ID.match(e["subject"]) if "subject" in e else e["type"] in WITHOUT_SUBJECT, e
        assert e.get("urgency", "urgent") in ("urgent", "emergency"), e
        assert ID.match(e.get("correlation", "-")), e
        assert set(e) - {"at"} <= {"specversion", "id", "source", "type", "time", "subject", "causation", "correlation", "urgency", "data"}


def test_ids_sort_by_time(run):
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for e in run.events[:2000]:
        value = 0
        for char in e["id"][:10]:
            value = value * 32 + alphabet.index(char)
        assert value == round(e["at"].timestamp() * 1000)


def test_causation_names_an_earlier_event(run):
    times = {e["id"]: e["at"] for e in run.events}
    caused = [e for e in run.events if "causation" in e]
    assert len(caused) > len(run.events) // 3
    for e in caused:
        assert times[e["causation"]] <= e["at"], e


def test_data_follows_the_catalogue(run):
    for e in run.events:
        assert e["type"] in FIELDS, f"unknown type {e['type']}"
        fields, data = FIELDS[e["type"]], e["data"]
        for name, check in fields.items():
            key = name.rstrip("?")
            assert key in data or name.endswith("?"), f"{key} is missing: {e}"
            assert key not in data or check(data[key]), f"{key}: {e}"
        unknown = set(data) - {name.rstrip("?") for name in fields}
        assert not unknown, f"{unknown}: {e}"


def test_every_type_comes_up(run):
    rare = {"household.moved_out", "household.moved_in", "complaint.relayed", "case.linked", "case.reclassified"}
    assert set(FIELDS) - set(run.counts) <= rare


def test_nobody_is_a_person(run):
    for e in run.of("household.registered"):
        assert re.match(r"(业主|租户|商户|开发商|住户)\d+-[12]-\d+\Z", e["data"]["name"])
        assert e["data"].get("email", "@example.invalid").endswith("@example.invalid")


# Proportions, in wide bands.

@pytest.mark.parametrize("low, high, types", [
    (0.035, 0.065, ["call.started"]),
    (0.014, 0.027, ["repair.requested"]),
    (0.0018, 0.0045, ["complaint.opened"]),
    (0.0015, 0.0045, ["help.requested"]),
    (0.05, 0.16, ["contact.received"]),
    (0.001, 0.004, ["visit.started"]),
])
def test_rates_per_household_and_day(run, low, high, types):
    assert low < per_household_day(run, *types) < high


def test_shares(run):
    def share(part, whole_of):
        return run.counts[part] / run.counts[whole_of]
    assert 0.03 < share("call.abandoned", "call.started") < 0.15
    assert 0.6 < share("workorder.rated", "repair.finished") < 0.85
    assert 0.002 < share("dispute.opened", "bill.issued") < 0.01
    assert 0.002 < share("payment.reversed", "payment.posted") < 0.01
    emergencies = [e for e in run.of("help.requested") if e.get("urgency") == "emergency"]
    assert 0.0003 < len(emergencies) / (HOUSEHOLDS * DAYS) < 0.0011
    rated = collections.Counter(e["data"].get("grade") for e in run.of("workorder.rated"))
    assert set(GRADES) <= set(rated)
    assert rated["satisfied"] > rated["dissatisfied"] + rated["very_dissatisfied"]
    channels = {e["source"] for e in run.events}
    assert {"/estate/phone", "/estate/kiosk/1", "/estate/desk", "/estate/finance", "/estate/wechat"} <= channels


def test_bills_and_payments(run):
    bills = {e["subject"]: e for e in run.of("bill.issued")}
    assert len(bills) == run.counts["bill.issued"]                       # one per household, fee and period
    assert {e["at"].day for e in bills.values()} == {1}
    november = [e for e in bills.values() if e["at"].month == 11]
    assert 3 * HOUSEHOLDS < len(november) < 6 * HOUSEHOLDS
    paid, late, twice, partial = collections.Counter(), 0, 0, 0
    posted = sorted(run.of("payment.posted"), key=lambda e: e["at"])
    for e in posted:
        bill = bills[e["data"]["bill"]]
        assert e["at"] > bill["at"] and e["data"]["household"] == bill["data"]["household"]
        late += e["data"]["received"] > bill["data"]["due"]
        partial += e["data"]["amount"] < bill["data"]["amount"]
        paid[bill["subject"]] += e["data"]["amount"]
    for subject, total in paid.items():
        twice += total > bills[subject]["data"]["amount"]
    assert 0.04 < late / len(posted) < 0.25
    assert 0.01 < partial / len(posted) < 0.1
    assert 0.001 < twice / len(posted) < 0.012
    assert 0.75 < sum(b["subject"] in paid for b in november) / len(november) < 0.99
    reversed_payments = {e["subject"] for e in run.of("payment.reversed")}
    assert reversed_payments <= {e["subject"] for e in posted}


def test_receipt_numbers_have_no_gaps(run):
    numbers = sorted(int(e["subject"][2:]) for e in run.of("receipt.issued"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_some_rules_are_broken_and_most_are_kept(run):
    replied = late = 0
    for e in run.of("complaint.opened"):
        reply = next((r for r in run.stories[e["subject"]] if r["type"] == "case.replied" and not r["data"].get("automatic")), None)
        if reply is not None:
            replied += 1
            late += reply["at"] - e["at"] > datetime.timedelta(hours=38)
    assert 0.03 < late / replied < 0.25

    asked = slow = 0
    for e in run.of("supervisor.consulted"):
        reply = run.first(e["subject"], "case.replied")
        if reply is not None:
            asked += 1
            slow += reply["at"] - e["at"] > datetime.timedelta(minutes=5)
    assert 0.02 < slow / asked < 0.2


# The network's faults.

def test_retries_are_the_same_bytes(run):
    repeated = [lines for lines in run.by_id.values() if len(lines) > 1]
    assert all(len(set(lines)) == 1 for lines in repeated)
    assert 0.006 < sum(len(lines) - 1 for lines in repeated) / len(run.lines) < 0.015


def test_late_and_overtaken_lines(run):
    latest, overtaken, late, sources = run.events[0]["at"], 0, 0, set()
    for e in run.events:
        behind = (latest - e["at"]).total_seconds()
        latest = max(latest, e["at"])
        if behind > 61:
            late += 1
            sources.add(e["source"])
        elif behind > 0:
            overtaken += 1
    assert 0.004 < overtaken / len(run.lines) < 0.018
    assert 0.002 < late / len(run.lines) < 0.012
    assert all(source.startswith("/estate/kiosk/") for source in sources)


# Stories.

def test_nothing_happens_to_a_case_before_it_is_opened(run):
    cases = 0
    for subject, story in run.stories.items():
        opener = OPENERS.get(subject[0]) if re.match(r"[A-Z]-\d{8}-\d{4,}\Z", subject) else None
        if subject.startswith("call-"):
            opener = "call.started"
        elif subject.startswith("B-"):
            opener = "bill.issued"
        if opener is None:
            continue
        cases += 1
        opened = [e for e in story if e["type"] == opener]
        assert len(opened) == 1, subject
        assert story[0]["at"] == opened[0]["at"], subject
    assert cases > 1000


@pytest.mark.parametrize("before, after", [
    ("call.started", "call.queued"), ("call.queued", "call.answered"), ("call.answered", "call.ended"),
    ("case.assigned", "case.acknowledged"), ("case.acknowledged", "repair.finished"), ("repair.finished", "workorder.rated"),
    ("complaint.opened", "complaint.handled"), ("complaint.handled", "complaint.signed"), ("emergency.recorded", "emergency.chosen"),
    ("issue.opened", "issue.dispatched"), ("issue.resolved", "issue.told"), ("duty.started", "duty.ended"),
    ("violation.observed", "violation.rechecked"), ("case.suspended", "case.resumed"), ("visit.started", "visit.signed"),
    ("payment.posted", "payment.reversed"), ("receipt.issued", "receipt.voided"),
])
def test_steps_come_in_order(run, before, after):
    followers = run.of(after)
    assert followers
    for e in followers:
        first = run.first(e["subject"], before)
        assert first is not None and first["at"] <= e["at"], e


def test_a_call_is_answered_or_abandoned_not_both(run):
    for subject, story in run.stories.items():
        if subject.startswith("call-"):
            types = {e["type"] for e in story}
            assert not {"call.answered", "call.abandoned"} <= types, subject


def test_cases_of_a_call_name_it(run):
    calls = {e["subject"] for e in run.of("call.answered")}
    by_phone = [e for e in run.of("repair.requested", "complaint.opened", "help.requested") if "call" in e["data"]]
    assert by_phone
    for e in by_phone:
        assert e["data"]["call"] in calls and e["correlation"] == e["data"]["call"]


def test_the_handler_does_not_call_back(run):
    for e in run.of("callback.done"):
        if e["data"]["kind"] == "complaint":
            handled = [h for h in run.stories[e["subject"]] if h["type"] == "complaint.handled" and h["at"] <= e["at"]]
            assert handled[-1]["data"]["by"] != e["data"]["by"], e["subject"]


def test_staff_come_and_go(run):
    day = [e for e in run.of("duty.started") if e["at"].date() == datetime.date(2026, 11, 11)]
    assert {"clerk", "eng", "guard", "cs"} <= {e["subject"].split("-")[0] for e in day}
    assert {e["data"]["from"][11:16] for e in day} == {"07:30", "08:30", "15:30", "23:30"}


# Rhythm.

def test_days_have_a_rhythm(run):
    hours = collections.Counter(e["at"].hour for e in run.of("call.started"))
    night = sum(hours[h] for h in range(1, 6)) / 5
    assert night * 5 < min(hours[8], hours[19])
    assert hours[8] > hours[13] < hours[19]


def test_weeks_have_a_rhythm():
    year = Stream("--households", "300", "--from", "2026-01-05", "--days", "364", "--seed", "3", "--no-registry")
    days = collections.Counter(e["at"].weekday() for e in year.of("call.started"))
    assert days[5] > days[2]
    office = collections.Counter(e["at"].weekday() for e in year.of("duty.started") if e["subject"].startswith("fin-"))
    assert office[5] == office[6] == 0 < office[0]


# Wrong usage.

@pytest.mark.parametrize("args, hint", [
    ([], "--households is missing"),
    (["--households", "0"], "from 1 to 200000"),
    (["--households", "12x"], "from 1 to 200000"),
    (["--households", "9", "--from", "2026-02-30"], "a day that exists"),
    (["--households", "9", "--from", "1970-01-01"], "from 2000-01-01 to 2099-12-31"),
    (["--households", "9", "--from", "2026-02-03", "--days", "0"], "from 1 to 36525"),
    (["--households", "9", "--from", "2026-02-03", "--days", "1", "--seed", "-1"], "0 or larger"),
    (["--households", "9", "--from", "2026-02-03", "--days", "1"], "--seed is missing"),
    (["--households"], "needs a value"),
    (["--rate", "9"], "is no option"),
    (["1000"], "has a name"),
    (["--without", "bills,ratngs"], "did you mean ratings?"),
    (["--in-home", "0"], "--in-home 0: give a whole number"),
])
def test_wrong_usage_says_what_would_be_right(args, hint):
    done = subprocess.run([ESTATE, "generate", *args], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert hint in done.stderr


def test_a_file_that_cannot_be_written(tmp_path):
    def status(out):
        return subprocess.run([ESTATE, "generate", *ARGS, "--out", out], capture_output=True, check=False).returncode
    assert status(str(tmp_path / "no" / "such" / "folder")) == 3
    assert status("/dev/full") == 1


def test_help_teaches():
    done = subprocess.run([ESTATE, "generate", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "examples" in done.stdout and "--households 1000" in done.stdout

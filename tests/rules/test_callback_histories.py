"""Random histories, many of them: what estate-callback must never do, whatever happens in whatever order.

    nobody is asked to call about a case that he had a hand in
    a visit to which nobody agreed is said to be a breach
    the same log leads to the same plan, whatever the batches, and nothing of it cannot be taken
    a month whose residents answer reaches its quota, however its repairs and ratings fall

Some hundreds in make test, 10,000 with ESTATE_LONG=1 (make check-long).
"""
import collections
import concurrent.futures
import datetime
import json
import os
import random

import calling
from calling import COMPLAINT, REPAIR, Day

LONG = bool(os.environ.get("ESTATE_LONG"))
HISTORIES, MONTHS = (8000, 2000) if LONG else (300, 150)
STAFF = ["cs-1", "cs-2", "cs-3", "lead-1", "m-1", "eng-1", "eng-2"]
BEGIN = datetime.datetime(2026, 11, 2, 8)


def history(seed):
    """Three cases and a household, thirty things that happen to them at random, some twice and some in the wrong order."""
    rng, now, events = random.Random(seed), BEGIN, []
    homes = ["1-1-101", "1-1-102"]
    day = Day("2026-11-02")

    def happens(type_, subject, **data):
        at = now - datetime.timedelta(hours=rng.choice([0, 0, 0, 0, 1, 30]))
        events.append(day(now.isoformat(sep=" "), type_, subject, own=at.isoformat(sep=" "), **data))
        if rng.random() < 0.1:
            events.append({**events[-1], "id": events[-1]["id"] + "-again"})

    for home in homes:
        happens("household.registered", home, kind="owner", name="x", moved_in="2024-05-01", key=rng.random() < 0.3)
    for _ in range(30):
        now += datetime.timedelta(minutes=rng.choice([1, 30, 200, 900, 3000]))
        case, staff, home = rng.choice(["X-1", "X-2", "X-3"]), rng.choice(STAFF), rng.choice(homes)
        soon = calling.instant((now + datetime.timedelta(hours=rng.choice([-30, 1, 20, 40]))).isoformat(sep=" "))
        what = rng.randrange(18)
        if what == 0:
            happens("complaint.opened", case, **{**COMPLAINT, "household": home, "severity": rng.choice(["ordinary", "major"])})
        elif what in (1, 2):
            happens("complaint.handled", case, by=staff, verify=rng.choice(["onsite", "deferred"]))
        elif what == 3:
            happens("repair.requested", case, **{**REPAIR, "household": home, "service": rng.choice(["repair", "special"])})
        elif what in (4, 5):
            happens("repair.finished", case, by=staff, in_home=rng.random() < 0.8)
        elif what == 6:
            happens("workorder.rated", case, signed=rng.random() < 0.5, channel="app", authenticated=rng.random() < 0.5,
                    **({"grade": rng.choice(["satisfied", "dissatisfied"])} if rng.random() < 0.7 else {}))
        elif what in (7, 8):
            happens("callback.done", rng.choice([case, home]), by=staff, kind=rng.choice(["complaint", "repair", "routine"]), mode=rng.choice(["phone", "visit"]),
                    covers=[rng.choice(["X-1", "X-2", home])])
        elif what in (9, 10):
            happens("callback.attempted", rng.choice([case, home]), by=staff, result=rng.choice(["unreachable", "busy", "refused", "wrong_number", "no_show"]))
        elif what == 11:
            happens(rng.choice(["appointment.requested", "appointment.agreed", "appointment.refused", "appointment.no_show"]), rng.choice([case, home]), at=soon, by=staff)
        elif what == 12:
            happens("visit.started", rng.choice([case, home]), by=staff)
        elif what == 13:
            happens(rng.choice(["case.reopened", "case.closed"]), case, by=staff, **({"outcome": rng.choice(["done", "withdrawn"])} if rng.random() < 0.5 else {}))
        elif what == 14:
            happens("case.assigned", case, to=staff, role="cs_assistant")
        elif what == 15:
            happens("staff.absent", staff, **{"from": calling.instant(now.isoformat(sep=" ")), "until": soon, **({"deputy": rng.choice(STAFF)} if rng.random() < 0.5 else {})})
        elif what == 16:
            happens("callback.extended", case, callback=f"{case}/{rng.randint(1, 2)}", reason="x", until=soon, by=staff)
        else:
            happens("case.reclassified", case, severity=rng.choice(["ordinary", "major"]), by=staff)
    return events


def other(seed):
    """The household's side of the same: moves, wishes, tags."""
    rng, day = random.Random(-seed - 1), Day("2026-11-02")
    kinds = [("household.moved_out", {"date": "2026-11-09"}), ("household.moved_in", {"date": "2026-11-12"}), ("household.tagged_key", {"key": True}), ("household.tagged_key", {"key": False}),
             ("household.contact_rule_set", {"quiet": "20:00-10:00", "by": "cs-1"}), ("household.contact_rule_set", {"opt_out": ["callback"], "by": "cs-1"})]
    return [day(f"2026-11-{rng.randint(3, 29):02d} 10:00", type_, rng.choice(["1-1-101", "1-1-102"]), **data) for type_, data in rng.sample(kinds, 2)]


HANDS = {"case.assigned": "to", "complaint.handled": "by", "repair.finished": "by"}


def prove(seed):
    """One history; its breaches as sentences."""
    data = calling.lines_of(history(seed) + other(seed))
    whole, small = (calling.run(data, "--until", "2027-02-01T00:00:00Z", "--log", "-", "--batch", batch) for batch in ("4096", "1"))
    wrong = [] if whole.stdout == small.stdout else ["other batches, another plan"]
    if b" 0 parked" not in whole.stderr:
        wrong.append(whole.stderr.decode())
    touched, agreed, visited, flagged = collections.defaultdict(set), set(), [], set()
    for event in map(json.loads, whole.stdout.splitlines()):
        what, subject = event["data"], event["subject"]
        if event["type"] in HANDS:
            touched[subject].add(what[HANDS[event["type"]]])
        elif event["type"] == "appointment.agreed":
            agreed.add(subject)
        elif event["type"] == "visit.started" and subject not in agreed:
            visited.append((subject, event["seq"]))
        elif event["type"] == "rule.violated" and what["rule"] == "V4":
            flagged.add(what["event"])
        elif event["type"] in ("callback.due", "callback.reassigned") and what.get("staff") in touched[subject]:
            wrong.append(f"{what['staff']} was asked to call about {subject}, a case of his own")
    wrong += [f"a visit to {subject} without agreement passed" for subject, seq in visited if seq not in flagged]
    return [f"seed {seed}: {one}" for one in wrong]


def in_parallel(prove_one, count):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return [one for wrong in pool.map(prove_one, range(count)) for one in wrong]


def test_random_histories():
    assert in_parallel(prove, HISTORIES) == []


def month(seed):
    """A month of repairs that come and are rated as they like, each in a home of its own, and one before it."""
    rng, events = random.Random(seed), []
    share, count = rng.choice([0, 5, 15, 25, 30, 35, 60, 100]), rng.choice([0, 1, 2, 3, 4, 10, 33, 60])
    for first in ("2026-10", "2026-11"):
        days = [rng.randint(1, 30) for _ in range(count)] if rng.random() < 0.8 else [rng.choice([1, 30])] * count
        for number, of_month in enumerate(days):
            rating = None if rng.random() * 100 < share else calling.SATISFIED
            events += calling.repair(Day(f"{first}-{of_month:02d}"), f"R-{first}-{number}", rating=rating, household=f"{first[-2:]}-1-{100 + number}")
    return events


REACHED = """\
seed: 1
answers:
  - { name: caller, on: callback.due, from: opens, after: 1h..9h, choose: { type: callback.done, data: { callback: "{callback}", kind: "{kind}", by: "{staff}", mode: phone } } }
"""


def prove_month(seed):
    data, script = calling.lines_of(month(seed)), SCRIPT[0]
    out = calling.run(data, "--until", "2026-12-10T00:00:00Z", "--respond", script, "--ask", 'quota={"month":"2026-11"}')
    answer = next(line for line in out.stdout.splitlines() if line.startswith(b'{"answer"'))
    row = next(row for row in json.loads(answer)["answer"]["rows"] if row["kind"] == "repair")
    if row["done"] < row["required"] or row["required"] != -(-row["n"] * 30 // 100):
        return [f"seed {seed}: {row}"]
    return []


SCRIPT = []


def test_random_months_reach_their_quota(tmp_path):
    (tmp_path / "respond.yaml").write_text(REACHED, encoding="utf-8")
    SCRIPT[:] = [str(tmp_path / "respond.yaml")]
    assert in_parallel(prove_month, MONTHS) == []

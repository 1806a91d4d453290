"""Events at random under the shipped rules, corrected and taken back at random: nothing is parked, batches do not matter, and what is told of an
obligation makes sense."""
import datetime
import json
import os
import random
import re
import subprocess

import pytest

import daemon as harness
from obligations import SHIPPED, SITE, lines_of, run

EVENTS, SEEDS = 300, 200 if os.environ.get("ESTATE_LONG") else 24
SUBJECTS = ["C-1", "C-2", "H-1", "3-1", "3-2", "S-1", "2026-11", "c-1"]
OTHERS = ["case.acknowledged", "case.snoozed", "case.linked", "case.reclassified", "obligation.waived", "staff.absent", "duty.swapped"]
OFTEN = (["record.amended"] * 12 + ["record.retracted"] * 10 +
         ["case.replied", "help.requested", "complaint.opened", "case.reopened", "case.suspended", "case.resumed"] * 4)
WRONG = [5, "x" * 300, True, [], {}, -1, 1.5, "2026-13-45", "", "C-1 /"]


@pytest.fixture(scope="module")
def catalogue():
    told = json.loads(subprocess.run([harness.program("estate"), "types", "--json"], capture_output=True, check=True, timeout=60).stdout)
    with open(os.path.join(SHIPPED, "rules", "escalate.yaml"), encoding="utf-8") as file:
        named = set(re.findall(r"\b[a-z_]+\.[a-z_]+\b", file.read()))
    types = {one["name"]: one["fields"] for one in told["types"]}
    return types, {one["name"]: [value["code"] for value in one["values"]] for one in told["lists"]}, sorted(named & set(types)) + OTHERS


def value(rng, field, lists, now):
    kind = field["kind"]
    at = now + datetime.timedelta(minutes=rng.randrange(-3000, 20000))
    simple = {"boolean": rng.random() < .5, "instant": at.isoformat(), "when": at.date().isoformat(), "date": at.date().isoformat(), "month": "2026-11",
              "period": "2026-11", "phone": "13800000000", "ids": ["S-1"], "items": [{"item": "a", "dept": "security"}], "map": {}, "text": "x"}
    if kind == "enum":
        return rng.choice(lists[field["list"]])
    return simple.get(kind, rng.choice([0, 1, 5, 30])) if kind != "id" else rng.choice(SUBJECTS)


def events_of(seed, catalogue):
    types, lists, names = catalogue
    rng, now, events = random.Random(seed), datetime.datetime(2026, 11, 2, 9, tzinfo=SITE), []
    for number in range(1, EVENTS + 1):
        now += datetime.timedelta(seconds=rng.choice([0, 0, 1, 60, 299, 300, 301, 3600, 7200, 40000, 90000]))
        name, subject = rng.choice(names + OFTEN), rng.choice(SUBJECTS)
        data = {field["name"]: value(rng, field, lists, now) for field in types[name] if field["required"] or rng.random() < .4}
        if name.startswith("record."):
            about = events[rng.randrange(max(0, number - 40), number - 1)] if number > 1 else None
            data, subject = {"event": about["seq"] if about else 99, "by": "S-1", "reason": "r"}, about["subject"] if about else subject
            if name == "record.amended" and about:
                fields = [field for field in types[about["type"]] if not field["personal"]]
                data["fields"] = {field["name"]: value(rng, field, lists, now) if rng.random() < .8 else rng.choice(WRONG)
                                  for field in rng.sample(fields, min(len(fields), 2))}
        if "obligation" in data:
            data["obligation"] = rng.choice(["C1", "H3", "H4", "C2", "H5"]) + "/" + subject
        own = now - datetime.timedelta(seconds=rng.choice([0, 0, 0, 60, 7200, 100000]))
        events.append({"specversion": "1.0", "id": f"e{number}", "source": "/test", "type": name, "subject": subject, "time": own.isoformat(), "data": data,
                       "logtime": now.isoformat(), "seq": number})
    return events


def contradiction(lines):
    """Told of an obligation that is not open, opened twice, or breached twice."""
    state = {}
    for event in map(json.loads, lines):
        if not event["type"].startswith("obligation."):
            continue
        step, data = event["type"].split(".")[1], event["data"]
        is_open, breached = state.get(data["obligation"], (False, False))
        # An opening that is taken back is cancelled, be it fulfilled.
        if is_open == (step == "opened") and not (step == "cancelled" and data.get("reason") == "retracted") or step == "breached" and breached:
            return event
        breached = step == "breached" or breached and not (step == "opened" and data.get("reason") != "retracted")
        state[data["obligation"]] = step not in ("fulfilled", "cancelled"), breached
    return None


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_comes(catalogue, seed):
    events = lines_of(events_of(seed, catalogue))
    whole = run(events, "--until", "2027-06-01T00:00:00+08:00")
    assert b" 0 parked, 0 refused" in whole.stderr and len(whole.stdout.splitlines()) > 500
    assert run(events, "--until", "2027-06-01T00:00:00+08:00", "--batch", "3").stdout == whole.stdout
    assert contradiction(whole.stdout.splitlines()) is None

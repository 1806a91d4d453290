"""The whole real incident log under the Chinese calendar: who was replied to in time, and what reopening leaves behind."""
import collections
import csv
import gzip
import json
import os
import subprocess

import daemon as harness
from obligations import config, run

RULE = """\
  - id: {name}
    on: complaint.opened
    until: case.replied
    reopen: {reopen}
    due: {due}
    role: cs_lead
    ladder: [{{ after: 0, role: site_manager }}]
"""
TERMS = {"eod_1_workday": "eod 1", "same_1_workday_0900_1800": "same 1", "hours_9h_0900_1800": "hours 9h", "wall_5min": "elapsed 5min"}


def rows(folder, name):
    with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def event(at, subject, type_, number, **data):
    return {"specversion": "1.0", "id": f"{subject}-{number}", "source": "/test", "type": type_, "subject": subject, "time": at + ":00+08:00", "data": data}


def stories(folder):
    """Opened, first state that is not New, each reopening with the next active state, closed."""
    events = [event(row["opened"], row["incident"], "complaint.opened", 0, category="noise", severity="ordinary", via="phone")
              for row in rows(folder, "incidents.csv.gz")]
    replied, reopens, awaiting, closed = set(), collections.Counter(), set(), {}
    for number, row in enumerate(rows(folder, "events.csv.gz"), 1):
        incident = row["incident"]
        if int(row["reopens"]) > reopens[incident]:
            reopens[incident] = int(row["reopens"])
            events.append(event(row["updated"], incident, "case.reopened", f"{number}r", by="c-1"))
            awaiting.add(incident)
        if row["state"] != "New" and (incident not in replied or incident in awaiting):
            events.append(event(row["updated"], incident, "case.replied", number, by="c-1"))
            replied.add(incident)
            awaiting.discard(incident)
        if row["state"] == "Closed":
            closed[incident] = event(row["updated"], incident, "case.closed", f"{number}c", by="c-1", outcome="done")
    events += closed.values()
    events.sort(key=lambda e: e["time"])
    return "".join(json.dumps(e) + "\n" for e in events).encode(), reopens


def calendar(tmp_path, folder):
    done = subprocess.run([harness.program("estate"), "calendar", "import", os.path.join(folder, "days.json")], capture_output=True, text=True, check=True)
    assert "mon-fri: 09:00-18:00" in done.stdout
    return done.stdout


def conclusions(data, folder):
    done = run(data, "--until", "2018-01-01", folder=folder)
    assert b" 0 parked" in done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_first_replies(shared_data, tmp_path):
    incidents = shared_data("incidents")
    folder = config("rules:\n" + "".join(RULE.format(name=name, due=due, reopen="none") for name, due in TERMS.items()),
                    calendar(tmp_path, shared_data("cn-holidays")))
    data, _ = stories(incidents)
    breached, fulfilled = collections.defaultdict(set), collections.defaultdict(set)
    for line in conclusions(data, folder):
        if line["type"] == "obligation.breached":
            breached[line["data"]["rule"]].add(line["subject"])
        if line["type"] == "obligation.fulfilled":
            fulfilled[line["data"]["rule"]].add(line["subject"])
    with open(os.path.join(incidents, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)["first_response_under_cn_calendar"]
    for name in TERMS:
        assert len(fulfilled[name]) == 24918
        assert {"in_time": 24918 - len(breached[name]), "late": len(breached[name])} == expected[name], name


def test_reopenings_leave_nothing_wrong(shared_data, tmp_path):
    """The shipped rules: each reopening owes a reply anew, and each obligation ends in the state that its story says."""
    days = calendar(tmp_path, shared_data("cn-holidays"))
    data, reopens = stories(shared_data("incidents"))
    assert sum(reopens.values()) >= 331
    opened, ended = collections.Counter(), collections.Counter()
    reopened = replied_late = 0
    state = {}
    for line in conclusions(data, config(None, days)):
        if not line["type"].startswith("obligation.") or line["data"]["rule"] != "C1":
            continue
        step, subject = line["type"].split(".")[1], line["subject"]
        if step == "opened":
            # Never opened while it is open.
            assert state.get(subject) in (None, "fulfilled"), (subject, state.get(subject))
            reopened += line["data"].get("reason") == "reopened"
            opened[subject] += 1
        elif step in ("warned", "breached", "fulfilled"):
            assert state[subject] in ("opened", "warned", "breached"), (subject, step)
            replied_late += step == "breached"
            ended[subject] += step == "fulfilled"
        state[subject] = step
    assert len(opened) == 24918 and set(state.values()) == {"fulfilled"}
    # A reopening before the first reply changes nothing: it is owed as it is.
    assert opened == ended and 0 < reopened <= sum(reopens.values())

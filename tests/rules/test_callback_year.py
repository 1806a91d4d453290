"""A year of an estate with people who answer, and the real incident log as complaints and repairs: what the department promises is held.

Every figure is counted by callback_model.py from the log alone; `estate callback year` prints the same as a table.
"""
import collections
import csv
import gzip
import json
import os
import subprocess
import zlib

import pytest

import daemon as harness
from callback_desk import ASSISTANTS, SCRIPT, config, generate, rehearse_log, year
from callback_model import CallbackYear
from test_real_incidents import calendar

LONG = bool(os.environ.get("ESTATE_LONG"))
LAST = "2026-12"


@pytest.fixture(scope="module")
def estate(tmp_path_factory):
    """Three thousand households, 250 repairs in homes and 40 complaints a month, the holidays of 2026."""
    folder = tmp_path_factory.mktemp("year")
    path = str(folder / "year.jsonl")
    generate(path)
    return path, config(folder)


@pytest.mark.parametrize("unrated", [5, 25, 55])           # and 5 % unsigned: 10, 30 and 60 % in all
def test_the_year(estate, unrated):
    path, folder = estate
    the_year = year(path, folder, "--share", f"unrated={unrated}")
    # Rates, Z2, margin, every complaint, the load of each month, every household, own cases, visits, the budget.
    assert the_year.failures(ASSISTANTS, LAST) == [], the_year.table(ASSISTANTS)
    months = [the_year.months[f"2026-{m:02}"] for m in range(1, 13)]
    assert all(200 <= m.repairs <= 320 and 20 <= m.complaints <= 65 for m in months)
    assert all(m.rate >= 0.30 for m in months) and all(m.done >= m.required == -(-30 * m.repairs // 100) for m in months)
    # The answers were what they were asked to be.
    works = [work for all_works in the_year.works.values() for work in all_works if work.kind == "repair"]
    wanting = sum(not any(data["signed"] for _, data in work.ratings) for work in works)
    assert abs(wanting / len(works) - (unrated + 5) / 100) < 0.03
    assert len(the_year.owed) > 2600 and the_year.reached | the_year.tried == the_year.owed
    # Each in the month that it was planned for.
    assert sum(m.contacted for m in months) >= 0.94 * sum(m.planned for m in months)
    assert max(m.planned for m in months) <= 1.5 * min(m.planned for m in months)


@pytest.mark.skipif(not LONG, reason="ESTATE_LONG=1 runs further years")
@pytest.mark.parametrize("seed", range(2, 12))
@pytest.mark.parametrize("unrated", [5, 25, 55])
def test_further_years(tmp_path, seed, unrated):
    path = str(tmp_path / "year.jsonl")
    generate(path, seed=seed)
    the_year = year(path, config(tmp_path), "--share", f"unrated={unrated}")
    assert the_year.failures(ASSISTANTS, LAST) == [], the_year.table(ASSISTANTS)


def test_the_table_of_a_year(estate, tmp_path):
    """estate callback year counts the same from the same log: two hands, one sum."""
    path, folder = estate
    log = rehearse_log(path, folder, "--share", "unrated=5")
    the_year, whole = CallbackYear(log), str(tmp_path / "whole.jsonl")
    with open(whole, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(e) + "\n" for e in log)
    verb = [harness.program("estate"), "callback", "year", whole]
    told = json.loads(subprocess.run([*verb, "--json"], capture_output=True, text=True, check=True).stdout)
    for row in told["months"]:
        m = the_year.months[row["month"]]
        assert [row[key] for key in ("repairs", "required", "done", "drawn", "needed", "drawn_done", "last5", "after", "late", "complaints", "complaints_done",
                                     "complaints_attempted", "planned", "talked")] == [
            m.repairs, m.required, m.done, m.picked, m.needed, m.optional, m.optional_last, m.optional_after, m.late, m.complaints, m.complaints_done,
            m.complaints_attempted, m.planned, m.contacted], row
        if row["month"] <= LAST:
            assert row["staff"] == 8 and row["most"] * row["staff"] <= 1.15 * row["all"]
    assert told["budget"] == told["own_case"] == told["complaints_open"] == 0
    assert told["households"] == told["spoken"] + told["attempted"]
    english = subprocess.run(verb, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout
    chinese = subprocess.run(verb, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "zh_CN.UTF-8"}).stdout
    assert english.startswith("MONTH    REPAIRS") and chinese.startswith("月份     入户维修") and english.count("\n2026-") == 12
    for text, status, words in (("{nonsense\n", 1, "standard input:1: no event of a log"), ("", 0, "MONTH")):
        done = subprocess.run([*verb[:3], "-"], input=text, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert done.returncode == status and words in done.stdout + done.stderr


def test_the_log_of_a_year_leads_to_the_same(estate):
    """Same log, same plan: what was concluded between the answers is concluded from their log."""
    path, folder = estate
    log = rehearse_log(path, folder, "--share", "unrated=25")
    source = "/estated/worker/callback"
    told = [json.dumps({k: v for k, v in e.items() if k not in ("seq", "logtime", "sender", "flags")}) for e in log if e["source"] == source]
    whole = os.path.join(os.path.dirname(path), "whole.jsonl")
    with open(whole, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(e) + "\n" for e in log)
    again = rehearse_again(whole, folder)
    assert [json.dumps(json.loads(line)) for line in again] == told


def rehearse_again(path, folder):
    done = subprocess.run([harness.program("estate-callback"), "--rehearse", path, "--config", folder, "--until", "2027-01-06"], capture_output=True, check=True)
    return done.stdout.splitlines()


def test_two_policies_meet_the_same_people(estate, tmp_path):
    """estate simulate --respond: a house that must call back half of its repairs, beside this one."""
    path, folder = estate
    other = config(tmp_path, rules=[("percent: 30 ", "percent: 50 ")])
    done = subprocess.run([harness.program("estate"), "simulate", "--worker", "callback", "--config", folder, "--against", other, "--respond", SCRIPT,
                           "--until", "2027-01-06", "--json", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    worker = json.loads(done.stdout)["workers"][0]
    counts = collections.Counter((case["type"], "only B" if case["a"] is None else "only A" if case["b"] is None else "both") for case in worker["cases"])
    assert counts["callback.due", "only B"] > 200 and counts["callback.due", "only A"] < 20, counts


# --- the real incident log

HOUSEHOLDS = 12000
UNTIL = "2017-01-06"


def rows(folder, name):
    with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def home(incident):
    number = zlib.crc32(incident.encode()) % HOUSEHOLDS
    return f"{1 + number // 400}-{1 + number // 200 % 2}-{101 + number % 200}"


def stories(folder):
    """Opened; resolved; reopened and resolved again.  Every seventh is a complaint, the others are repairs in homes."""
    events, reopens, resolved = [], collections.Counter(), set()

    def add(at, kind, subject, number, **data):
        if at < "2016-12-31":
            events.append({"specversion": "1.0", "id": f"{subject}-{number}", "source": "/import", "type": kind, "subject": subject, "time": at + ":00+08:00", "data": data})

    homes = set()
    for row in rows(folder, "incidents.csv.gz"):
        incident = row["incident"]
        homes.add(home(incident))
        if zlib.crc32(incident.encode()[::-1]) % 7 == 0:
            add(row["opened"], "complaint.opened", "C-" + incident, 0, household=home(incident), category="noise", via="phone",
                severity="major" if row["priority"] <= "2" else "ordinary")
        else:
            add(row["opened"], "repair.requested", "R-" + incident, 0, household=home(incident), trade="t" + row["category"], in_home=True)
    for number, row in enumerate(rows(folder, "events.csv.gz"), 1):
        incident = row["incident"]
        complaint = zlib.crc32(incident.encode()[::-1]) % 7 == 0
        subject = ("C-" if complaint else "R-") + incident
        if int(row["reopens"]) > reopens[incident]:
            reopens[incident] = int(row["reopens"])
            resolved.discard(incident)
            add(row["updated"], "case.reopened", subject, f"{number}r", by="lead-1")
        if row["state"] in ("Resolved", "Closed") and incident not in resolved:
            resolved.add(incident)
            by = "eng-" + str(1 + zlib.crc32(row["group"].encode()) % 12)
            if complaint:
                add(row["updated"], "complaint.handled", subject, number, by=by, verify="deferred" if number % 4 == 0 else "onsite")
            else:
                add(row["updated"], "repair.finished", subject, number, by=by, in_home=True)
    for number, name in enumerate(sorted(homes)):
        events.append({"specversion": "1.0", "id": f"h-{number}", "source": "/import", "type": "household.registered", "subject": name,
                       "time": "2016-02-28T00:00:00+08:00", "data": {"kind": "owner", "name": "业主", "moved_in": "2014-05-01"}})
    return events


def test_the_real_incident_log(shared_data, tmp_path):
    folder = config(tmp_path)
    with open(os.path.join(folder, "calendars", "cn.yaml"), "w", encoding="utf-8") as file:
        file.write(calendar(tmp_path, shared_data("cn-holidays")))
    events = stories(shared_data("incidents"))
    path = str(tmp_path / "incidents.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(e) + "\n" for e in events)
    the_year = CallbackYear(rehearse_log(path, folder, until=UNTIL))
    assert sum(m.repairs for m in the_year.months.values()) > 20000 and sum(m.complaints for m in the_year.months.values()) > 3000
    assert the_year.failures(ASSISTANTS, "2016-12") == [], the_year.table(ASSISTANTS)

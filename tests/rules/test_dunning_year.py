"""F3, F5: a year of an estate whose households answer reminders: paid, paid in part, on its way, taken back, promised, disputed.

Everything is counted by ledger_model.py from the log alone: that every reminder was owed when it was asked for, to the fen; the collection rates, the
ages of what is open.
"""
import collections
import datetime
import json
import os
import subprocess

import daemon as harness
import pytest
from ledger_model import KINDS, SITE, Year

PROGRAM = harness.program("estate-dunning")
CONFIG = os.path.join(harness.REPOSITORY, "config")
SCRIPT = os.path.join(CONFIG, "respond", "dunning.yaml")
HOUSEHOLDS = 3000 if os.environ.get("ESTATE_LONG") == "1" else 150
UNTIL = "2027-01-06"


def rehearse(path, *arguments, log=None):
    """Conclusions, or with log=… everything."""
    done = subprocess.run([PROGRAM, "--rehearse", path, "--config", CONFIG, "--until", UNTIL, *arguments, *(["--log", log] if log else [])],
                          capture_output=True, check=False)
    assert done.returncode == 0 and b" 0 parked, 0 refused" in done.stderr, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """The input, and the log of the year."""
    folder = tmp_path_factory.mktemp("dunning")
    path, log = str(folder / "year.jsonl"), str(folder / "log.jsonl")
    subprocess.run([harness.program("estate"), "generate", "--households", str(HOUSEHOLDS), "--from", "2026-01-01", "--days", "365", "--seed", "1",
                    "--calendar", os.path.join(CONFIG, "calendars", "cn.yaml"), "--without", "contacts,callbacks,ratings", "--out", path], check=True)
    return path, log, rehearse(path, "--respond", SCRIPT, log=log)


def test_every_reminder_was_owed(year):
    path, log, told = year
    with open(log, encoding="utf-8") as file:
        model = Year(json.loads(line) for line in file)
    assert model.failures() == []
    model.ledger.until(datetime.datetime.fromisoformat(UNTIL).replace(tzinfo=SITE))
    kinds = collections.Counter(json.loads(line)["type"] for line in told.splitlines())
    assert model.messages.total() == kinds["notification.requested"] > HOUSEHOLDS and set(model.messages) >= {"bill-notice", "bill-reminder", "arrears-call",
                                                                                                             "arrears-visit", "formal-demand"}
    # The same log, the same conclusions: what it concluded itself is passed by, and concluded again.
    assert sorted(rehearse(log).splitlines()) == sorted(told.splitlines())
    # And the figures.
    day = datetime.date(2027, 1, 6)
    answers = {}
    for ask in 'collection={"period":"2026"}', "aging", 'reconcile={"limit":1}':
        lines = [json.loads(line) for line in rehearse(log, "--ask", ask).splitlines() if b'"answer"' in line]
        answers[ask.split("=")[0]] = lines[0]["answer"]
    assert answers["reconcile"]["sum"] == 0 and answers["reconcile"]["accounts"] == model.ledger.accounts()
    assert {row["kind"]: {name: row[name] for name in row if name not in ("kind", "open")} for row in answers["aging"]["rows"]} == model.ledger.aging(day)
    rates = {row["kind"]: [row[name] for name in ("due", "collected", "prior_due", "prior_recovered")] for row in answers["collection"]["rows"]}
    assert rates == model.ledger.collection("2026-01", "2027-01", day)
    # And what is behind them sums to them, whichever kind, month or year.
    for period in "2026", "2026-06", "2027-01":
        lines = [json.loads(line)["answer"] for line in rehearse(log, "--ask", f'collection={{"period":"{period}"}}', "--ask", f'behind={{"period":"{period}","limit":1000}}').splitlines()
                 if b'{"answer"' in line]
        sums = collections.defaultdict(lambda: [0, 0, 0, 0])
        for row in (row for one in lines[1:] for row in one["rows"]):
            assert row["events"]
            for kind in row["kind"], "all":
                sums[kind] = [a + row[name] for a, name in zip(sums[kind], ("due", "collected", "prior_due", "prior_recovered"))]
        assert {row["kind"]: [row[name] for name in ("due", "collected", "prior_due", "prior_recovered")] for row in lines[0]["rows"] if row["kind"] in sums} == sums
    assert rates["all"][1] > 0.9 * rates["all"][0] > 0 and set(rates) == {*KINDS, "all"}


def test_whoever_pays_nothing_is_asked_more(year):
    path, _, told = year
    nobody = rehearse(path, "--respond", SCRIPT, "--share", "pays=0", "--share", "part=0")
    assert nobody.count(b"dunning.due") > told.count(b"dunning.due")

"""What people see, verb by verb: it fits a terminal of 60, 80 and 120 columns in both languages, and no id in it is cut."""
import datetime
import json
import os
import re
import subprocess

import pytest

import daemon as harness
from terminal import seen, too_wide
from worker import Worker

SITE = datetime.timezone(datetime.timedelta(hours=8))
TODAY = datetime.datetime.now(SITE).date()
CONFIG = os.path.join(harness.REPOSITORY, "config")
WORKERS = ["callback", "stats", "escalate"]
LANGUAGES = ["C.UTF-8", "zh_CN.UTF-8"]
ID = re.compile(r"(?<!\S)[CRH]-\d{8}-\d{4}(?:/\d+)?(?=\s|$|；|;)")

SCREENS = [
    ["report", "list"], ["report", "check-sheet", "--period", str(TODAY.year)], ["report", "complaints", "--period", str(TODAY.year)],
    ["report", "callbacks", "--by", "building"], ["report", "on-time"], ["report", "backlog"], ["consumers"],
    ["report", "callbacks", "--explain", "--by", "staff"],
    ["retention", "plan", "--rules", os.path.join(CONFIG, "retention.yaml")], ["callback", "quota", "--all"], ["obligations"], ["agenda"], ["status"], ["ask"],
    ["--help"],
]


@pytest.fixture(scope="module")
def office():
    """A month of an estate, and who concludes from it."""
    with harness.Daemon() as daemon:
        workers = [Worker(daemon, name=name, program=harness.program(f"estate-{name}"), rules=None, start=False) for name in WORKERS]
        stream = daemon.client("activated").subscribe("first", type=["config.activated"])
        for worker in workers:
            worker.start("--config", CONFIG)
        ready = set()
        while len(ready) < len(WORKERS):        # rules hold for what comes after them
            event = stream.next(harness.VERB_S).fields
            ready |= {event["source"]} if event["data"]["kind"] == "rules" else set()
        begin = TODAY - datetime.timedelta(days=30)
        events = subprocess.run([harness.program("estate"), "generate", "--households", "200", "--from", str(begin), "--days", "30", "--seed", "3"],
                                capture_output=True, text=True, check=True).stdout
        daemon.estate("put", stdin=events)
        last = str(daemon.client("last").hello()["last"])
        for name in WORKERS:
            daemon.estate("ask", name, "status", "--at-least", last)
        yield daemon
        for worker in workers:
            worker.stop()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("words", SCREENS, ids=" ".join)
def test_it_fits_and_nothing_is_cut(office, words, language):
    piped = office.estate(*words, env={"LC_ALL": language}).stdout
    assert "…" not in piped
    for columns in (60, 80, 120):
        lines = seen(office.endpoint, columns, *words, LC_ALL=language)
        assert too_wide(lines, columns) == [], lines
        assert "…" not in "\n".join(lines)
        # Each id that stands in the file stands on the screen, whole.
        assert set(ID.findall(piped)) <= set(ID.findall("\n".join(lines)))


def test_a_check_sheet_is_continued_below(office):
    """A narrow one has all months, each under its name, and the sums."""
    wide = office.estate("report", "check-sheet", "--period", str(TODAY.year)).stdout.splitlines()
    narrow = seen(office.endpoint, 60, "report", "check-sheet", "--period", str(TODAY.year))
    assert wide[3].split()[-13:] == [f"{m:02d}" for m in range(1, 13)] + ["total"]
    heads = [line.split()[1:] for line in narrow if line.startswith("category ")]
    assert len(heads) == 2 and heads[0] + heads[1] == wide[3].split()[1:]
    assert narrow[-1].split()[-1] == wide[-1].split()[-1]


def test_an_agenda_names_the_callback(office):
    """What estate callback done asks for is on the screen, whole."""
    callbacks = [row["callback"] for row in json.loads(office.estate("agenda", "--json").stdout)["rows"]]
    assert len(callbacks) > 3
    words = " ".join(seen(office.endpoint, 60, "agenda")).split()
    assert [callback for callback in callbacks if callback not in words] == []
    assert office.estate("callback", "show", callbacks[0]).stdout.startswith(callbacks[0] + "\n")
    shown = seen(office.endpoint, 60, "callback", "show", callbacks[0])
    assert too_wide(shown, 60) == [] and len(shown) > 5


@pytest.mark.parametrize("words", [["agenda", "--print"], ["report", "check-sheet", "--format", "html"], ["form", str(TODAY.year)]], ids=" ".join)
def test_a_page_on_a_telephone(office, words):
    """A wide table moves by itself, behind whatever else the page's own style says."""
    page = office.estate(*words).stdout
    assert "name=viewport" in page
    assert "@media screen and (max-width:600px){table{display:block;overflow-x:auto}" in page.split("<style>", 1)[1].split("</style>")[0].rsplit("break-", 1)[-1]

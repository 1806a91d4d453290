"""S14 and the personal information law: kept as long as the clause says, then the person is erased; figures and numbers stay; a hold keeps."""
import json
import os
import re
import subprocess
import sys
import time

import pytest

import daemon as harness
import estate

sys.path.insert(0, os.path.join(harness.REPOSITORY, "tests", "scenario"))
from test_archive import Estate  # noqa: E402

YEAR_S, DAY_S = 365 * 86400, 86400
BACK_S = 4 * YEAR_S
HOUSEHOLD, NEIGHBOUR, SURVEY = "3-2-1201", "3-2-1202", "S-1"
STEP = {"by": "lead-1", "role": "cs_lead"}


@pytest.fixture
def place(start_daemon, tmp_path):
    return Estate(start_daemon, tmp_path)


def event(number, of, subject, **data):
    return estate.pack({"specversion": "1.0", "id": f"{number:08d}-s14", "source": "/estate/desk", "type": of, "subject": subject, "data": data})


def put(place, *events):
    answer = place.daemon.wire().put(1, *events)
    assert answer[1] == "ack", answer
    return answer[4][0][0]


def story(place, **options):
    """Two households, one of whom moves out; a survey that both got, closed the same day.  The first number, and the day."""
    place.begin(BACK_S, **options)
    first = put(place, event(1, "household.registered", HOUSEHOLD, kind="owner", name="赵某", phone="13987650001"),
                event(2, "household.registered", NEIGHBOUR, kind="owner", name="钱某", phone="13987650002"),
                event(3, "survey.opened", SURVEY, **STEP), event(4, "survey.issued", SURVEY, ticket="T-1", household=HOUSEHOLD),
                event(5, "survey.issued", SURVEY, ticket="T-2", household=NEIGHBOUR), event(6, "survey.answered", SURVEY, ticket="T-1", item="保洁", grade="satisfied"),
                event(7, "survey.closed", SURVEY, **STEP), event(8, "household.moved_out", HOUSEHOLD, date=time.strftime("%Y-%m-%d", time.localtime(time.time() - BACK_S))))
    return first, time.localtime(time.time() - BACK_S)


def plan(place, *more):
    return json.loads(place.daemon.estate("retention", "plan", "--json", *more).stdout)


def apply(place):
    return json.loads(place.daemon.estate("retention", "apply", "--yes", "--json").stdout)


def erase(place, household, expect):
    return place.daemon.estate("person", "erase", "--reason", "asked by letter", "--yes", household, expect=expect)


def events_of(place, *types):
    return [(d.fields["subject"], d.fields["data"]) for d in place.daemon.client().subscribe("first", type=list(types), until_end=True)]


def test_s14_kept_two_years_then_said_to_be_over_then_erased(place):
    first, day = story(place)
    # A year on: the survey's record forbids to erase whoever is in it, by clause and date.
    place.now(-BACK_S + YEAR_S)
    told = erase(place, HOUSEHOLD, expect=1).stderr
    assert "survey S-1" in told and "S14" in told and re.search(rf"to the end of {day.tm_year + 2}-\d\d-\d\d", told), told
    looked = plan(place)
    assert looked["due"] == looked["over"] == looked["held"] == [] and [one["person"] for one in looked["later"]] == [HOUSEHOLD] and looked["open"] == 1
    assert apply(place) == {"expired": 0, "erased": 0, "keys": 0}
    # Foreseen: two years on the survey is over, three years on the household that left.
    ahead = plan(place, "--at", f"{day.tm_year + 3}-12-31")
    assert [one["person"] for one in ahead["due"]] == [HOUSEHOLD] and {one["kind"] for one in ahead["over"]} == {"survey", "household"}
    # Two years and a few days: the record is over, and that is said once.
    place.now(-BACK_S + 2 * YEAR_S + 5 * DAY_S)
    assert apply(place) == {"expired": 1, "erased": 0, "keys": 0} and apply(place) == {"expired": 0, "erased": 0, "keys": 0}
    ((subject, said),) = events_of(place, "record.expired")
    assert subject == SURVEY and said["event"] == first + 6 and "S14" in said["reason"]
    # Three: the household goes, the neighbour who lives there stays.
    place.now(-BACK_S + 3 * YEAR_S + 5 * DAY_S)
    answers = events_of(place, "survey.*")
    assert [one["person"] for one in plan(place)["due"]] == [HOUSEHOLD]
    english, chinese = (place.daemon.estate("retention", "plan", env={"LC_ALL": language}).stdout for language in ("C.UTF-8", "zh_CN.UTF-8"))
    assert "1 persons due" in english and re.search(r"^  3-2-1201 +household 3-2-1201: since .* kept to the end of .*; clause: 民法典 188", english, re.M)
    assert "到期 1 人" in chinese and re.search(r"^  3-2-1201 +业户档案 3-2-1201：自 .*起，保存至 .* 止；依据：民法典 188", chinese, re.M)
    assert "not bound: estate archive --month" in english and "未装订" in chinese
    assert "look at estate retention plan first" in place.daemon.estate("retention", "apply", expect=2).stderr
    assert apply(place) == {"expired": 1, "erased": 1, "keys": 1} and apply(place) == {"expired": 0, "erased": 0, "keys": 0}
    ((subject, said),) = events_of(place, "person.erased")
    assert subject == HOUSEHOLD and "household 3-2-1201" in said["reason"] and "188" in said["reason"]
    client = place.daemon.client()
    assert client.get(first).fields["data"] == {"kind": "owner", "name": "(erased)", "phone": "(erased)"}
    assert client.get(first + 1).fields["data"]["name"] == "钱某"
    # Figures and numbers are what they were.
    assert events_of(place, "survey.*") == answers and client.get(first + 5).fields["data"]["grade"] == "satisfied"


def test_s14_a_hold_keeps_until_it_is_lifted(place):
    first, _ = story(place)
    place.now(-BACK_S + 3 * YEAR_S + 5 * DAY_S)
    held = put(place, event(20, "record.held", HOUSEHOLD, event=first, by="lead-1", reason="诉讼"))
    looked = plan(place)
    assert looked["due"] == [] and [(one["person"], one["record"]["held_by"]) for one in looked["held"]] == [(HOUSEHOLD, held)]
    assert f"held by event {held}" in erase(place, HOUSEHOLD, expect=1).stderr
    assert apply(place)["erased"] == 0
    put(place, event(21, "record.released", HOUSEHOLD, event=first, by="lead-1", reason="结案"))
    assert apply(place)["erased"] == 1


def test_killed_while_it_applies_it_erases_all_of_them(place):
    place.begin(2 * YEAR_S)
    people = [f"call-{n}" for n in range(150)]
    for n, call in enumerate(people):
        put(place, event(n, "call.started", call, **{"from": f"1390000{n:04d}"}), event(1000 + n, "case.closed", f"C-{n}", by="c-1"))
    place.now(2 * YEAR_S)
    command = [harness.program("estate"), "retention", "apply", "--yes", "--connect", place.daemon.endpoint, "--rules", harness.RETENTION]
    kills = 0
    while (process := subprocess.Popen(command, stdout=subprocess.DEVNULL)) and kills < 12:
        before, deadline = len(events_of(place, "person.erased")), time.monotonic() + 30
        while process.poll() is None and len(events_of(place, "person.erased")) < before + 5:
            assert time.monotonic() < deadline
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
    assert process.wait() == 0 and kills > 2
    # One that was under way at a kill may be planned again before the log knows: its key is gone already, no more.
    erased = [subject for subject, _ in events_of(place, "person.erased")]
    assert set(erased) == set(people) and len(erased) <= len(people) + kills
    assert sorted(subject for subject, _ in events_of(place, "record.expired")) == sorted(f"C-{n}" for n in range(150))
    assert apply(place) == {"expired": 0, "erased": 0, "keys": 0}


def test_early_erasing_on_request_where_no_clause_forbids_it(place):
    """个人信息保护法 47: a resident who asks is not told to wait for the estate's own convenience."""
    place.begin(YEAR_S)
    first = put(place, event(1, "household.registered", HOUSEHOLD, kind="owner", name="赵某", phone="13987650001"))
    place.now()
    assert plan(place)["open"] == 1
    erase(place, HOUSEHOLD, expect=0)
    assert place.daemon.client().get(first).fields["data"]["name"] == "(erased)" and plan(place)["open"] == 0


def test_what_was_trimmed_still_counts(place):
    """A household whose entry went with its month would look like one that never lived here: the bundles say that it did."""
    first, day = story(place, settings={"retention_age": "60d"})
    place.now(-BACK_S + YEAR_S)
    at = ("--at", f"{day.tm_year + 3}-12-31")
    whole = plan(place, *at)
    assert not whole["months"][0]["bound"]

    def probe_until(done):
        deadline = time.monotonic() + 30
        while not done(place.daemon.client().status()):
            assert time.monotonic() < deadline
            put(place, event(int(time.monotonic() * 1000), "probe.recorded", "p", n=1))
    probe_until(lambda status: status["trimming_unbound"] == place.month)
    assert plan(place)["trim_at"] <= plan(place)["at"] and "is old enough" in place.daemon.estate("retention", "plan").stdout
    place.bind()
    probe_until(lambda status: status["first_seq"] > 1)
    assert "--bundles" in place.daemon.estate("retention", "plan", expect=2).stderr
    assert "--bundles" in erase(place, HOUSEHOLD, expect=2).stderr
    empty = os.path.join(place.folder, "empty")
    os.makedirs(empty)
    assert "event 1 is neither in the log" in place.daemon.estate("retention", "plan", "--bundles", empty, expect=3).stderr
    shelf = ("--bundles", place.archive)
    left = plan(place, *at, *shelf)
    assert {key: left[key] for key in ("due", "later", "held", "open", "over")} == {key: whole[key] for key in ("due", "later", "held", "open", "over")}
    assert "S14" in place.daemon.estate("person", "erase", "--reason", "x", "--yes", *shelf, HOUSEHOLD, expect=1).stderr
    place.now(-BACK_S + 3 * YEAR_S + 5 * DAY_S)
    done = json.loads(place.daemon.estate("retention", "apply", "--yes", "--json", *shelf).stdout)
    assert done == {"expired": 2, "erased": 1, "keys": 1}
    bundle = os.path.join(place.archive, os.listdir(place.archive)[0])
    shown = place.daemon.estate("archive", "extract", "--keys", place.daemon.data, bundle).stdout
    assert "赵某" not in shown and "钱某" in shown


def test_who_may_not_read_everything_plans_and_erases_nothing(place):
    place.begin(DAY_S, clients=f"clients:\n  - {{ name: half, uid: {os.getuid()}, put: '**', sources: '*', read: 'household.*', operate: true }}\n")
    put(place, event(1, "household.registered", HOUSEHOLD, kind="owner", name="赵某"), event(2, "survey.opened", SURVEY, **STEP))
    assert "not for this client's eyes" in erase(place, HOUSEHOLD, expect=1).stderr
    assert "not for this client's eyes" in place.daemon.estate("retention", "plan", expect=1).stderr


# --- the file of rules

def rules_of(tmp_path, change):
    with open(os.path.join(harness.REPOSITORY, "config", "retention.yaml"), encoding="utf-8") as file:
        text = file.read()
    changed = change(text)
    assert changed != text
    path = tmp_path / "retention.yaml"
    path.write_text(changed, encoding="utf-8")
    line = next(n for n, (a, b) in enumerate(zip(changed.splitlines() + [""], text.splitlines() + [""]), 1) if a != b)
    return path, line


@pytest.mark.parametrize("old, new, why", [
    ("keep: 2y  ", "keep: 18m  ", "two years at least"), ("early: blocked", "early: allowed", "two years at least"),
    ("keep: 2y  ", "keep: soon  ", "written 2y, 18m or 400d"), ("[survey.closed]", "[survey.close]", "did you mean survey.closed?"),
    ("early: blocked", "erly: blocked", "did you mean early?"), ("early: blocked", "early: maybe", "there is no answer to early maybe"),
    ("kind: plan", "kind: survey", "there twice"), ("types: [plan.*]", "types: [plan..]", "is no pattern"),
    ("    keep: 2y                    # not less: the rule book says so, and a shorter time is refused\n", "", "a kind needs keep"),
    ("types: ['**']  ", "types: ['x.*']  ", "the last kind must take what is left"), ("kinds:", "kind:", "the only key here is kinds"),
])
def test_a_mistake_in_the_rules_is_named_with_its_line(tmp_path, old, new, why):
    path, line = rules_of(tmp_path, lambda text: text.replace(old, new, 1))
    done = subprocess.run([harness.program("estate"), "retention", "plan", "--rules", str(path), "--connect", "ipc:///nowhere/s"], capture_output=True, text=True,
                          check=False, timeout=harness.VERB_S)
    assert done.returncode == 2 and why in done.stderr, done.stderr
    named = int(re.search(r"line (\d+)", done.stderr).group(1))
    assert named <= line and (line - named < 8 or "last kind" in why), done.stderr

"""C11, S9, Z9, as shipped: the reports that are owed to somebody are generated, and generated anew when they are sent back."""
import hashlib
import json
import os
import subprocess

import pytest

import daemon as harness

PROGRAM = harness.program("estate-stats")
SHIPPED = os.path.join(harness.REPOSITORY, "config")
PATIENCE_S = 60


def event(number, when, type_, subject, **data):
    return {"specversion": "1.0", "id": f"e-{number}", "source": "/test", "type": type_, "subject": subject, "time": when, "data": data}


def decided(number, when, step, report, version, **more):
    name, period = report.split("/")
    return event(number, when, f"report.{step}", report, name=name, period=period, version=version, **more)


OPENED = event(0, "2026-10-05T02:00:00Z", "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone")


def run(events, until, *arguments, config=SHIPPED, expect=0):
    done = subprocess.run([PROGRAM, "--rehearse", "-", "--config", config, "--until", until, *arguments], input="\n".join(map(json.dumps, events)), text=True,
                          capture_output=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == expect and (expect or " 0 parked" in done.stderr), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()] if expect == 0 else done.stderr


def generated(events, until):
    """(report, version, as of), in order."""
    return [(told["subject"], told["data"]["version"], told["data"]["as_of"]) for told in run(events, until) if told["type"] == "report.generated"]


def versions(events, until, **arguments):
    return {(row["report"], row["version"]): row for told in run(events, until, "--ask", f"versions={json.dumps(arguments)}") if "answer" in told
            for row in told["answer"]["rows"]}


def test_c11_a_month_has_its_report_on_the_second_of_the_next():
    assert [one for one in generated([OPENED], "2026-12-31") if one[0].startswith("complaints/")] == [
        ("complaints/2026-10", 1, "2026-11-02T00:00:00Z"), ("complaints/2026-11", 1, "2026-12-02T00:00:00Z")]
    # Nobody counted in September.
    assert generated([OPENED], "2026-11-01") == []


def test_c11_what_is_sent_back_is_generated_anew():
    back = [OPENED, decided(1, "2026-11-03T02:00:00Z", "submitted", "complaints/2026-10", 1, by="lead-1"),
            decided(2, "2026-11-03T03:00:00Z", "rejected", "complaints/2026-10", 1, by="manager-1", reason="缺少回访分析")]
    mine = [one for one in generated(back, "2026-11-20") if one[0] == "complaints/2026-10"]
    assert mine == [("complaints/2026-10", 1, "2026-11-02T00:00:00Z"), ("complaints/2026-10", 2, "2026-11-03T03:00:00Z")]
    # The same version sent back again, and one that is old, make none; the second does.
    back += [decided(3, "2026-11-03T04:00:00Z", "rejected", "complaints/2026-10", 1, by="manager-1"),
             decided(4, "2026-11-04T03:00:00Z", "rejected", "complaints/2026-10", 2, by="manager-1"),
             decided(5, "2026-11-05T03:00:00Z", "approved", "complaints/2026-10", 3, by="manager-1", kind="complaints")]
    rows = versions(back, "2026-11-20", report="complaints/2026-10")
    assert [(version, row["state"]) for (_, version), row in sorted(rows.items())] == [(1, "rejected"), (2, "rejected"), (3, "approved")]
    assert rows["complaints/2026-10", 3]["by"] == "manager-1" and rows["complaints/2026-10", 3]["as_of"] == "2026-11-04T03:00:00Z"


def test_c11_somebody_elses_report_is_none_of_ours():
    others = [OPENED, decided(1, "2026-11-03T02:00:00Z", "rejected", "greening/2026-10", 1, by="manager-1"),
              decided(2, "2026-10-20T02:00:00Z", "rejected", "complaints/2026-10", 1, by="manager-1")]      # before there is one
    assert {one[0] for one in generated(others, "2026-11-10")} == {"complaints/2026-10", "callbacks/2026-10"}
    assert set(versions(others, "2026-11-10", report="complaints/2026-1")) == set()


def test_z9_a_line_a_month_and_the_year_in_january():
    mine = [one[0] for one in generated([OPENED], "2027-02-10") if one[0].startswith("callbacks/")]
    assert mine == ["callbacks/2026-10", "callbacks/2026-11", "callbacks/2026-12", "callbacks/2026", "callbacks/2027-01"]


def test_s9_a_survey_has_its_report_when_it_is_closed():
    closed = [OPENED, event(1, "2026-12-04T03:00:00Z", "survey.closed", "S-2026-H2", by="q-1", role="quality_dept"),
              event(2, "2026-12-05T03:00:00Z", "survey.closed", "S-2026-H2", by="q-1", role="quality_dept"),      # closed twice: one report
              event(3, "2026-12-06T03:00:00Z", "survey.closed", "s" * 64, by="q-1", role="quality_dept")]
    rows = versions(closed, "2026-12-10")
    assert rows["survey/S-2026-H2", 1]["survey"] == "S-2026-H2" and rows["survey/S-2026-H2", 1]["period"] == "2026-H2"
    assert ("s" * 64, 1) in rows and len([key for key in rows if rows[key]["kind"] == "survey"]) == 2


def test_s9_a_survey_of_june_and_july():
    """Forms count when they were handed out: the report of a survey that was in both half-years is of the year, or it would lack those of June."""
    issued = [event(n, f"2026-{when}T03:00:00Z", "survey.issued", "S-1", ticket=f"T-{n}") for n, when in ((1, "06-20"), (2, "06-29"), (3, "07-01"))]
    closed = event(4, "2026-07-05T03:00:00Z", "survey.closed", "S-1", by="q-1", role="quality_dept")
    assert versions([*issued, closed], "2026-07-10")["survey/S-1", 1]["period"] == "2026"
    assert versions([*issued[2:], closed], "2026-07-10")["survey/S-1", 1]["period"] == "2026-H2"
    # The first that was taken back was none.
    back = [event(n + 4, "2026-07-02T03:00:00Z", "record.retracted", "S-1", event=n, by="cs-1", reason="x") for n in (1, 2)]
    assert versions([*issued, *back, closed], "2026-07-10")["survey/S-1", 1]["period"] == "2026-H2"


@pytest.mark.parametrize("was, becomes, word", [("report: callbacks, kind: callback_rate, every: year", "report: nonsense, kind: callback_rate, every: year", "no report of that name"),
                                                ("kind: survey, every: survey", "kind: nonsense, every: survey", "callback_rate"),
                                                ("every: survey }", "every: week }", "every"), ("draft_day: 2", "draft_day: 30", "draft_day")])
def test_drafts_that_cannot_be_are_refused(tmp_path, was, becomes, word):
    for folder in ("calendars",):
        os.symlink(os.path.join(SHIPPED, folder), tmp_path / folder)
    with open(os.path.join(SHIPPED, "measures.yaml"), encoding="utf-8") as file:
        text = file.read()
    assert was in text
    (tmp_path / "measures.yaml").write_text(text.replace(was, becomes), encoding="utf-8")
    assert word in run([OPENED], "2026-11-10", config=str(tmp_path), expect=78)


# ---- A survey across New Year

def held(order, opened="2026-12-14"):
    """Issued to ten in December; four came back then, and four in January, who are less content: each story in one order of being learnt."""
    answer = lambda n, when, grade: [event(100 + n, when, "survey.returned", "S-9", ticket=f"T-{n}"),  # noqa: E731
                                     event(200 + n, when, "survey.answered", "S-9", ticket=f"T-{n}", item="保洁", grade=grade)]
    story = [event(90, f"{opened}T01:00:00Z", "survey.opened", "S-9", by="q-1", role="quality_dept")] if opened else []
    story += [event(n, "2026-12-15T01:00:00Z", "survey.issued", "S-9", ticket=f"T-{n}", household=f"3-2-{n}") for n in range(10)]
    story += [one for n in range(4) for one in answer(n, "2026-12-20T01:00:00Z", "satisfied")]
    story += [one for n in range(4, 8) for one in answer(n, "2027-01-12T01:00:00Z", "dissatisfied")]
    closed = event(99, "2027-01-15T01:00:00Z", "survey.closed", "S-9", by="q-1", role="quality_dept")
    story.sort(key=lambda one: one["time"])
    logged = [one["time"] for one in story]
    if order == "late":         # paper that is typed in at last, the newest first, before it is closed
        story, logged = story[::-1], [f"2027-01-14T01:00:{n:02d}Z" for n in range(len(story))]
    return numbered([OPENED, *story, closed], [OPENED["time"], *logged, closed["time"]])


def numbered(events, logged):
    return [{**one, "seq": n, "logtime": at, "sender": "uid:0", "flags": 0} for n, (one, at) in enumerate(zip(events, logged), 1)]


def share(events, until, measure, period):
    asked = {"measure": measure, "period": period, "by": "survey"}
    answer = [told["answer"] for told in run(events, until, "--ask", f"figures={json.dumps(asked)}") if "answer" in told][0]
    return {row["value"]: (row["num"], row["den"]) for row in answer["rows"]}


@pytest.mark.parametrize("order", ["in time", "late"])
def test_s1_a_survey_across_new_year_is_of_its_own_year(order):
    story = held(order)
    report = versions(story, "2027-01-20")["survey/S-9", 1]
    assert report["period"] == "2026-H2"
    assert share(story, "2027-01-20", "survey_return", "2026-H2") == {"S-9": (8, 10)}
    assert share(story, "2027-01-20", "survey_satisfaction", "2026-H2") == {"S-9": (4, 8)}
    assert share(story, "2027-01-20", "survey_satisfaction", "2027-H1") == {}
    # On the fifth of January all four were content; when it is closed half of eight are not, and that is told.
    missed = [(told["time"], told["subject"], told["data"].get("value"), told["data"]["done"], told["data"]["of"]) for told in run(story, "2027-03-01")
              if told["type"] == "target.missed" and told["data"]["measure"] == "survey_satisfaction"]
    assert missed == [("2027-01-15T01:00:00Z", "2026-12", None, 4, 8), ("2027-01-15T01:00:00Z", "2026-12", "保洁", 4, 8)]


def test_s1_a_survey_that_is_opened_after_new_year_is_of_that_one():
    story = held("in time", opened="2027-01-04")
    assert versions(story, "2027-01-20")["survey/S-9", 1]["period"] == "2027-H1"
    assert share(story, "2027-01-20", "survey_return", "2027-H1") == {"S-9": (8, 10)} and share(story, "2027-01-20", "survey_return", "2026") == {}


def test_s1_a_survey_that_nobody_opened_goes_by_its_forms():
    story = held("in time", opened=None)
    assert versions(story, "2027-01-20")["survey/S-9", 1]["period"] == "2026-H2"
    assert share(story, "2027-01-20", "survey_satisfaction", "2026-H2") == {"S-9": (4, 8)}
    # The opening that is entered at last, and taken back, moves all of it, and moves it back.
    bare = [{key: one[key] for key in OPENED} for one in story]
    logged = [one["logtime"] for one in story]
    late = [event(91, "2027-01-16T01:00:00Z", "survey.opened", "S-9", by="q-1", role="quality_dept"),
            event(92, "2027-01-17T01:00:00Z", "record.retracted", "S-9", event=len(story) + 1, by="q-1", reason="x")]
    for count, period, other in (1, "2027-H1", "2026-H2"), (2, "2026-H2", "2027-H1"):
        log = numbered(bare + late[:count], logged + [one["time"] for one in late[:count]])
        assert share(log, "2027-01-20", "survey_satisfaction", period) == {"S-9": (4, 8)} and share(log, "2027-01-20", "survey_satisfaction", other) == {}


# ---- What was over before anything was counted

def begun(events, when, until):
    """What is generated of a log on which the first measures are activated at an instant, in its order: (report, as of)."""
    configs = [event(900 + n, when, "config.activated", "stats", kind=kind, digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)
               for n, (kind, text) in enumerate((kind, read(file)) for kind, file in (("calendar", "calendars/cn.yaml"), ("rules", "measures.yaml")))]
    configs = [{**one, "source": "/estated/worker/stats"} for one in configs]
    story = sorted([*events, *configs], key=lambda one: one.get("logged", one["time"]))
    log = numbered([{key: value for key, value in one.items() if key != "logged"} for one in story], [one.get("logged", one["time"]) for one in story])
    done = subprocess.run([PROGRAM, "--rehearse", "-", "--until", until], input="\n".join(map(json.dumps, log)), text=True, capture_output=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0 and " 0 parked, 0 refused" in done.stderr, done.stderr
    return [(told["subject"], told["data"]["as_of"]) for told in map(json.loads, done.stdout.splitlines()) if told["type"] == "report.generated"]


def read(name):
    with open(os.path.join(SHIPPED, name), encoding="utf-8") as file:
        return file.read()


def complaints(*days):
    return [one for n, day in enumerate(days) for one in (
        event(500 + n, f"{day}T02:00:00Z", "complaint.opened", f"C-{n}", category="noise", severity="ordinary", via="phone", household="3-2-1201"),
        event(600 + n, f"{day}T04:00:00Z", "complaint.handled", f"C-{n}", by="eng-1", verify="onsite"))]


def test_z9_c11_a_log_with_a_history_has_its_last_month_and_year():
    history = complaints("2025-11-05", "2026-03-05", "2026-09-05", "2026-10-05")
    told = begun(history, "2026-11-20T03:00:00Z", "2026-12-10")
    assert told == [("complaints/2026-10", "2026-11-21T00:00:00Z"), ("callbacks/2026-10", "2026-11-21T00:00:00Z"), ("callbacks/2025", "2026-11-21T00:00:00Z"),
                    ("complaints/2026-11", "2026-12-02T00:00:00Z"), ("callbacks/2026-11", "2026-12-02T00:00:00Z")]
    # Begun on the first: as of the second, as every month.
    assert begun(history, "2026-11-01T03:00:00Z", "2026-11-30")[0] == ("complaints/2026-10", "2026-11-02T00:00:00Z")
    # Nothing was counted in the month before: nothing is owed of it, until it is typed in.
    assert begun(complaints("2026-09-05"), "2026-11-20T03:00:00Z", "2026-11-30") == []
    typed = [{**one, "logged": "2026-11-24T03:00:00Z"} for one in complaints("2026-10-30")]
    assert begun(typed, "2026-11-20T03:00:00Z", "2026-11-30") == [("complaints/2026-10", "2026-11-25T00:00:00Z"), ("callbacks/2026-10", "2026-11-25T00:00:00Z")]


def test_z9_in_january_the_year_that_is_over_has_one():
    told = [report for report, _ in begun(complaints("2026-05-05", "2026-12-05"), "2027-01-10T03:00:00Z", "2027-03-01")]
    assert told == ["complaints/2026-12", "callbacks/2026-12", "callbacks/2026", "complaints/2027-01", "callbacks/2027-01"]


def test_s9_a_survey_closed_before_anybody_counted_is_not_forgotten():
    closed = [event(n, f"{day}T03:00:00Z", "survey.closed", f"S-{n}", by="q-1", role="quality_dept") for n, day in ((1, "2026-09-20"), (2, "2026-10-20"), (3, "2026-11-19"), (4, "2026-11-19"))]
    back = event(5, "2026-11-20T01:00:00Z", "record.retracted", "S-4", event=4, by="q-1", reason="x")
    told = begun([*closed, back], "2026-11-20T03:00:00Z", "2026-12-01")
    assert told == [("survey/S-2", "2026-11-21T00:00:00Z"), ("survey/S-3", "2026-11-21T00:00:00Z")]

"""Targets in danger and missed, as shipped: who is told, once, and what of it is owed.  From the rates themselves: estate-stats says, estate-escalate hears it."""
import json
import subprocess

import pytest

import counting
import daemon as harness
from obligations import Day, lines_of, rehearse

TENTH, FIFTH = Day("2026-11-10"), Day("2026-12-05")     # a Tuesday, and a Saturday
# The clause, its measures, whose it is in danger, whose when it is missed.
CLAUSES = [
    ("C3", "complaint_callbacks", "cs_lead", "site_manager"), ("Z3", "repair_callbacks", "cs_lead", "site_manager"), ("V1", "routine_callbacks", "cs_lead", "site_manager"),
    ("H10", "help_callbacks", "cs_lead", "site_manager"), ("H10", "special_callbacks", "cs_lead", "site_manager"), ("C1", "first_reply", "cs_lead", "site_manager"),
    ("H2", "call_return", "cs_lead", "site_manager"), ("H7", "referrals", "cs_lead", "site_manager"), ("S6", "survey_return", "quality_dept", "quality_dept"),
    ("S8", "survey_satisfaction", "quality_dept", "quality_dept")]


def target(when, what, measure, period="2026-11", **more):
    """As estate-stats says it."""
    return {**when("08:00", "target." + what, period, measure=measure, done=1, of=10, least=300, **more), "source": "/estated/worker/stats"}


def looked(clock, kind, role, month="2026-11"):
    return Day("2026-12-07")(clock, "review.done", month, by="x-1", role=role, kind=kind)


def mails(told, rule):
    return told.messages(f"{rule}/2026-11")


@pytest.mark.parametrize("clause, measure, danger, missed", CLAUSES)
def test_v10_every_target_has_somebody_who_is_told_once(clause, measure, danger, missed):
    told = rehearse([target(TENTH, "endangered", measure), target(FIFTH, "missed", measure)], until="2026-12-05 09:00")
    assert told.of(f"{clause}.endangered/2026-11")[0] == "opened 11-10 08:00 due 11-13 00:00"
    assert mails(told, f"{clause}.endangered")[0] == f"tell {danger} opened 11-10 08:00 routine"
    assert told.of(f"{clause}.missed/2026-11") == ["opened 12-05 08:00 due 12-12 00:00"]
    assert mails(told, f"{clause}.missed") == [f"tell {missed} opened 12-05 08:00 routine"]


def test_v10_no_measure_with_a_target_is_left_out():
    with open(counting.CONFIG + "/measures.yaml", encoding="utf-8") as file:
        blocks = file.read().split("  - name: ")[1:]
    assert {block.split("\n", 1)[0] for block in blocks if "\n    least:" in block} == {measure for _, measure, _, _ in CLAUSES}


def test_v10_in_danger_is_done_with_when_somebody_saw_to_it():
    story = [target(TENTH, "endangered", "repair_callbacks"), target(TENTH, "endangered", "first_reply")]
    seen = [*story, TENTH("10:00", "review.done", "2026-11", by="lead-1", role="cs_lead", kind="target_endangered", result="两名助理回访零修")]
    told = rehearse(seen, until="2026-12-01")
    assert told.of("Z3.endangered/2026-11") == ["opened 11-10 08:00 due 11-13 00:00", "fulfilled 11-10 10:00"]
    assert told.of("C1.endangered/2026-11")[-1] == "fulfilled 11-10 10:00"
    # What the lead saw in time is no answer for a month that was missed after all.
    told = rehearse([*seen, target(FIFTH, "missed", "repair_callbacks")], until="2026-12-12 01:00")
    assert told.of("Z3.missed/2026-11") == ["opened 12-05 08:00 due 12-12 00:00", "breached 12-12 00:00", "level 1 site_manager 12-12 00:00"]
    # Nobody saw: the manager hears of it.
    told = rehearse(story, until="2026-11-13 01:00")
    assert mails(told, "Z3.endangered") == ["tell cs_lead opened 11-10 08:00 routine", "tell site_manager breached 11-13 00:00 routine"]


def test_v11_the_manager_answers_for_all_of_a_month_at_once():
    told = rehearse([target(FIFTH, "missed", "repair_callbacks"), target(FIFTH, "missed", "complaint_callbacks"), target(FIFTH, "missed", "survey_return", soft=True),
                     looked("10:00", "target_missed", "cs_lead"), looked("11:00", "target_missed", "site_manager"), looked("12:00", "target_missed", "site_manager", "2026-10")],
                    until="2026-12-08")
    for rule in "Z3.missed", "C3.missed":
        assert told.of(f"{rule}/2026-11") == ["opened 12-05 08:00 due 12-12 00:00", "fulfilled 12-07 11:00"]
    assert told.of("S6.missed/2026-11") == ["opened 12-05 08:00 due 12-12 00:00"]       # 品质部's, not his


def test_v1_a_year_that_was_missed():
    told = rehearse([target(Day("2027-01-05"), "missed", "routine_callbacks", period="2026")], until="2027-01-06")
    assert told.of("V1.missed/2026") == ["opened 01-05 08:00 due 01-13 00:00"]


def test_s10_items_below_are_the_departments():
    story = [target(FIFTH, "missed", "survey_satisfaction"), *(target(FIFTH, "missed", "survey_satisfaction", value=item) for item in ("保安", "收费"))]
    told = rehearse(story, until="2026-12-06")
    assert mails(told, "S10.missed") == ["tell dept_head opened 12-05 08:00 routine", "tell quality_dept opened 12-05 08:00 routine"]
    assert mails(told, "S8.missed") == ["tell quality_dept opened 12-05 08:00 routine"]
    told = rehearse([*story, Day("2026-12-07")("10:00", "mgmt_review.submitted", "2026-11", by="q-1"), looked("11:00", "target_missed", "dept_head")], until="2026-12-08")
    assert told.of("S8.missed/2026-11")[-1] == "fulfilled 12-07 10:00" and told.of("S10.missed/2026-11")[-1] == "fulfilled 12-07 11:00"


def test_f5_the_manager_is_told_what_came_in():
    told = rehearse([Day("2026-11-30")("10:00", "probe.recorded", "x"), looked("10:00", "collection", "cs_lead"), looked("11:00", "collection", "site_manager")],
                    until="2027-01-09 09:00")
    assert told.of("F5/2026-12") == ["opened 12-01 00:00 due 12-09 00:00", "fulfilled 12-07 11:00"]
    assert told.of("F5/2027-01") == ["opened 01-01 00:00 due 01-09 00:00", "breached 01-09 00:00", "level 1 site_manager 01-09 00:00"]


def test_z3_from_the_repairs_to_the_manager():
    """Both workers over one log: no callback in November, and the manager has it on the fifth of December."""
    repairs = [event for n in range(4) for event in (Day("2026-11-04")(f"0{n + 1}:00", "repair.requested", f"R-{n}", trade="plumbing", in_home=True, household="3-2-1201"),
                                                     Day("2026-11-04")(f"1{n}:00", "repair.finished", f"R-{n}", by="eng-1", in_home=True))]
    until = "2026-12-05T01:00:00Z"
    log = lines_of(repairs)
    stats = subprocess.run([harness.program("estate-stats"), "--rehearse", "-", "--config", counting.CONFIG, "--until", until], input=log, capture_output=True, check=True)
    said = [json.loads(line) for line in stats.stdout.splitlines() if b'"target.' in line]
    assert [(one["type"], one["data"]["measure"]) for one in said] == [("target.endangered", "repair_callbacks"), ("target.missed", "repair_callbacks")]
    told = rehearse([*repairs, *({**one, "logtime": one["time"]} for one in said)], until="2026-12-05 09:00")
    assert mails(told, "Z3.missed") == ["tell site_manager opened 12-05 08:00 routine"]

"""The rows of the rule book that are figures: what is counted, of what, and what is told of targets.  Small logs that a person can count."""
import csv
import itertools
import json
import os
import random
import subprocess

import counting
import daemon as harness
from counting import as_log, ask, conclusions, explain, figures
from obligations import Day
from stats_model import instant, percentile
from test_real_incidents import TERMS, calendar, stories

MON = Day("2026-11-02")
COMPLAINT = {"category": "noise", "severity": "ordinary", "via": "phone", "household": "3-2-1201"}
REPAIR = {"trade": "plumbing", "in_home": True, "household": "3-2-1201"}
NOVEMBER = "2026-11"


def log_of(*events):
    """A log of events that are stored when Day says so."""
    return as_log([{**{k: v for k, v in event.items() if k != "logtime"}, "logged": instant(event["logtime"])} for event in events])


def share(log, measure, period=NOVEMBER, **more):
    total = ask(log, figures(measure, period, **more))[0]["total"]
    return total["num"], total["den"]


def by(log, measure, dim, period=NOVEMBER, **more):
    return {row["value"]: (row["num"], row["den"]) for row in ask(log, figures(measure, period, by=dim, **more))[0]["rows"]}


# ---- Callbacks

def test_c3_every_complaint_handled_is_called_back():
    log = log_of(
        MON("09:00", "complaint.opened", "C-1", **COMPLAINT), MON("10:00", "complaint.handled", "C-1", by="eng-1", verify="onsite"),
        MON("09:00", "complaint.opened", "C-2", **COMPLAINT), MON("10:00", "complaint.handled", "C-2", by="eng-1", verify="onsite"),
        MON("09:00", "complaint.opened", "C-3", **COMPLAINT),                                       # not handled: nothing to call about yet
        MON("09:00", "complaint.opened", "C-4", **COMPLAINT), MON("10:00", "complaint.handled", "C-4", by="eng-1", verify="onsite"),
        MON("09:00", "complaint.opened", "C-5", **COMPLAINT, anonymous=True),
        MON("10:00", "complaint.handled", "C-5", by="eng-1", verify="onsite"),
        MON("10:30", "case.closed", "C-4", by="lead-1", outcome="withdrawn"),                       # out of the denominator
        MON("09:30", "callback.done", "C-2", kind="complaint", by="cs-1", mode="phone"),            # before it was handled
        MON("11:00", "callback.done", "C-1", kind="complaint", by="cs-1", mode="phone", grade="satisfied"),
        MON("11:10", "callback.attempted", "C-2", by="cs-1", result="unreachable"))                 # tried is not done
    assert share(log, "complaint_callbacks") == (1, 3)
    assert by(log, "complaint_callbacks", "staff") == {"cs-1": (1, 1), "": (0, 2)}
    rows = ask(log, explain("complaint_callbacks", NOVEMBER))[0]["rows"]
    assert {row["object"]: (row["num"], row["events"]) for row in rows} == {"C-1": (1, [1, 2, 12]), "C-2": (0, [3, 11, 4, 13]), "C-5": (0, [8, 9])}


def test_c3_a_reopened_complaint_is_called_about_anew():
    story = [MON("09:00", "complaint.opened", "C-1", **COMPLAINT), MON("10:00", "complaint.handled", "C-1", by="eng-1", verify="onsite"),
             MON("11:00", "callback.done", "C-1", kind="complaint", by="cs-1", mode="phone"), MON("12:00", "case.reopened", "C-1", by="lead-1")]
    assert share(log_of(*story), "complaint_callbacks") == (0, 0)
    story.append(MON("2026-12-01 10:00", "complaint.handled", "C-1", by="eng-1", verify="onsite"))
    assert share(log_of(*story), "complaint_callbacks") == (0, 0) and share(log_of(*story), "complaint_callbacks", "2026-12") == (0, 1)
    story.append(MON("2026-12-02 10:00", "callback.done", "C-1", kind="complaint", by="cs-2", mode="phone"))
    assert share(log_of(*story), "complaint_callbacks", "2026-12") == (1, 1)


def test_c4_a_call_about_ones_own_case_is_none():
    story = [MON("09:00", "complaint.opened", "C-1", **COMPLAINT), MON("10:00", "complaint.handled", "C-1", by="eng-1", verify="onsite"),
             MON("11:00", "callback.done", "C-1", kind="complaint", by="eng-1", mode="phone"),
             MON("11:00", "rule.violated", "C-1", rule="C4", by="eng-1", event=3)]
    assert share(log_of(*story), "complaint_callbacks") == (0, 1)
    assert share(log_of(*story[:3]), "complaint_callbacks") == (1, 1)


def test_z3_of_the_month_of_the_finish():
    log = log_of(
        MON("2026-11-30 16:00", "repair.finished", "R-1", by="eng-1", in_home=True), MON("2026-11-30 15:00", "repair.requested", "R-1", **REPAIR),
        MON("2026-11-10 15:00", "repair.requested", "R-2", **{**REPAIR, "in_home": False}), MON("2026-11-10 16:00", "repair.finished", "R-2", by="eng-1", in_home=False),
        MON("2026-11-11 15:00", "repair.requested", "R-3", **REPAIR, service="special"), MON("2026-11-11 16:00", "repair.finished", "R-3", by="eng-1", in_home=True),
        MON("2026-11-12 15:00", "repair.requested", "R-4", **REPAIR), MON("2026-11-12 16:00", "repair.finished", "R-4", by="eng-1", in_home=True),
        MON("2026-12-01 10:00", "callback.done", "R-1", kind="repair", by="cs-1", mode="phone"))
    assert share(log, "repair_callbacks") == (1, 2) and share(log, "repair_callbacks", "2026-12") == (0, 0) and share(log, "repair_callbacks", "2026") == (1, 2)
    assert share(log, "special_callbacks") == (0, 1)                                               # H10: all of those, apart
    # As it was known on the last day of November: not called yet.
    assert share(log, "repair_callbacks", as_of="2026-11-30") == (0, 2)


def test_z3_nothing_finished_is_no_rate():
    answer = ask(log_of(MON("09:00", "complaint.opened", "C-1", **COMPLAINT)), figures("repair_callbacks", NOVEMBER, by="building"))[0]
    assert answer["rows"] == [] and answer["total"] == {"num": 0, "den": 0}


def test_h10_requests_that_ended_are_called_back():
    log = log_of(
        MON("09:00", "help.requested", "H-1", kind="inquiry", household="3-2-1201"), MON("10:00", "case.closed", "H-1", by="clerk-1", outcome="done"),
        MON("09:00", "help.requested", "H-2", kind="other"), MON("10:00", "case.closed", "H-2", by="clerk-1", outcome="wrong_number"),
        MON("09:00", "help.requested", "H-3", kind="medical"), MON("11:00", "case.closed", "H-3", by="clerk-1", outcome="done"),
        MON("12:00", "callback.done", "C-9", kind="complaint", by="m-1", mode="phone", covers=["H-3"]))
    assert share(log, "help_callbacks") == (1, 2) and by(log, "help_callbacks", "kind") == {"inquiry": (0, 1), "medical": (1, 1)}
    assert by(log, "help_callbacks", "building") == {"3": (0, 1), "": (1, 1)}


def test_v1_each_household_once_a_year():
    log = log_of(
        MON("2026-01-05 09:00", "household.registered", "3-2-1201", kind="owner", name="***", moved_in="2020-05-01"),
        MON("2026-01-05 09:00", "household.registered", "3-2-1202", kind="owner", name="***"),                              # not moved in
        MON("2026-01-05 09:00", "household.registered", "4-2-1203", kind="tenant", name="***", moved_in="2026-01-01"),
        MON("2026-06-01 09:00", "household.moved_in", "3-2-1202", date="2026-06-01"),
        MON("2026-03-01 10:00", "callback.done", "3-2-1201", kind="routine", household="3-2-1201", by="cs-1", mode="phone"),
        MON("2026-05-01 10:00", "callback.done", "3-2-1201", kind="routine", household="3-2-1201", by="cs-1", mode="phone"),
        MON("2026-09-01 10:00", "household.moved_out", "4-2-1203", date="2026-09-01"),
        MON("2027-02-01 10:00", "probe.recorded", "x"))
    expected = {"2026-02": (0, 2), "2026-03": (1, 2), "2026-06": (1, 3), "2026-09": (1, 2), "2026": (1, 2), "2027-01": (0, 2)}
    answers = ask(sorted(log, key=lambda e: e["seq"]), *(figures("routine_callbacks", period) for period in expected))
    assert {period: (a["total"]["num"], a["total"]["den"]) for period, a in zip(expected, answers)} == expected


def test_v10_in_time_by_person():
    due = {"kind": "complaint", "role": "cs_assistant", "mode": "phone", "mandatory": True, "reason": "C2", "household": "3-2-1201"}

    def owed(subject, staff, until):
        return MON("10:00", "callback.due", subject, callback=subject + "/1", opens=MON("10:00", "x", "x")["time"], due=until, staff=staff, **due)

    log = log_of(
        owed("C-1", "cs-1", "2026-11-05T00:00:00+08:00"), owed("C-2", "cs-1", "2026-11-05T00:00:00+08:00"), owed("C-3", "cs-2", "2026-11-05T00:00:00+08:00"),
        owed("C-4", "cs-2", "2026-11-05T00:00:00+08:00"), MON("11:00", "callback.cancelled", "C-4", callback="C-4/1", reason="linked"),
        MON("12:00", "callback.reassigned", "C-3", callback="C-3/1", reason="absent", staff="cs-3", role="cs_assistant"),
        MON("2026-11-05 00:00", "callback.done", "C-1", callback="C-1/1", kind="complaint", by="cs-1", mode="phone"),             # the last instant
        MON("2026-11-05 00:00:01", "callback.done", "C-2", kind="complaint", by="cs-1", mode="phone"))
    assert by(log, "callback_on_time", "staff") == {"cs-1": (1, 2), "cs-3": (0, 1)} and share(log, "callback_on_time") == (1, 3)


def test_v10_deadlines_kept():
    owed = {"rule": "C1", "role": "cs_lead", "due": "2026-11-04T00:00:00+08:00"}
    story = lambda n, *steps: [MON(f"10:0{n}", "obligation.opened", f"C-{n}", obligation=f"C1/C-{n}", **owed)] + [  # noqa: E731
        MON(f"2026-11-0{3 + i} 10:0{n}", "obligation." + step, f"C-{n}", obligation=f"C1/C-{n}", **owed, **more) for i, (step, more) in enumerate(steps)]
    log = log_of(*sorted(itertools.chain(story(1, ("fulfilled", {})), story(2, ("breached", {}), ("fulfilled", {})), story(3, ("cancelled", {})),
                                         story(4, ("breached", {}), ("fulfilled", {"late_known": True})), story(5, ("breached", {}))), key=lambda e: e["logtime"]))
    assert by(log, "obligations_on_time", "rule") == {"C1": (2, 4)}      # done in time and learnt late is kept


# ---- Replies and calls

def test_c1_within_one_business_day():
    log = log_of(
        MON("09:00", "complaint.opened", "C-1", **COMPLAINT), MON("09:00", "complaint.opened", "C-2", **COMPLAINT),
        MON("09:00", "complaint.opened", "C-3", **COMPLAINT, due="2026-11-02T12:00:00+08:00"), MON("09:00", "complaint.opened", "C-4", **COMPLAINT),
        MON("09:00", "complaint.opened", "C-5", **{k: v for k, v in COMPLAINT.items() if k != "household"}, anonymous=True),
        MON("09:01", "case.replied", "C-4", by="cs-1", automatic=True),                              # a machine's is none
        MON("13:00", "case.replied", "C-3", by="cs-2"),                                              # its own limit was noon
        MON("2026-11-04 00:00", "case.replied", "C-1", by="cs-1"), MON("2026-11-04 00:00:01", "case.replied", "C-2", by="cs-1"))
    answer = ask(log, figures("first_reply", NOVEMBER, by="staff"))[0]
    assert {row["value"]: (row["num"], row["den"]) for row in answer["rows"]} == {"": (0, 1), "cs-1": (1, 2), "cs-2": (0, 1)}
    assert [answer["total"][name] for name in ("num", "den", "n", "p50", "p90", "max")] == [1, 4, 3, 39 * 3600000, 39 * 3600000 + 1000, 39 * 3600000 + 1000]


def test_h3_two_clocks_of_five_minutes():
    log = log_of(
        MON("09:00", "help.requested", "H-1", kind="inquiry"), MON("09:04", "supervisor.consulted", "H-1", by="clerk-1"), MON("09:08", "case.replied", "H-1", by="clerk-1"),
        MON("09:00", "help.requested", "H-2", kind="inquiry"), MON("09:05", "case.replied", "H-2", by="clerk-2"))
    assert share(log, "five_minutes") == (1, 2) and share(log, "consulted_reply") == (1, 1)


def test_h2_calls_answered_and_returned():
    log = log_of(
        MON("09:00", "call.queued", "call-1", queue="service"), MON("09:01", "call.answered", "call-1", queue="service", agent="clerk-1", wait_s=60),
        MON("09:00", "call.queued", "call-2", queue="service"), MON("09:02", "call.answered", "call-2", queue="service", agent="clerk-1", wait_s=61),
        MON("09:00", "call.queued", "call-3", queue="service"), MON("09:00:04", "call.abandoned", "call-3", queue="service", wait_s=4),     # rang by mistake
        MON("10:00", "call.queued", "call-4", queue="service"), MON("10:01", "call.abandoned", "call-4", queue="service", wait_s=50, household="3-2-1201"),
        MON("10:00", "call.queued", "call-5", queue="service"), MON("10:02", "voicemail.left", "call-5", household="3-2-1202"),
        MON("10:00", "call.queued", "call-6", queue="service"), MON("10:03", "call.abandoned", "call-6", queue="service", wait_s=50, household="3-2-1203"),
        MON("10:00", "call.queued", "call-7", queue="service"), MON("10:04", "call.abandoned", "call-7", queue="service", wait_s=50),
        MON("10:10", "callback.done", "call-4", kind="call", by="clerk-1", mode="phone", household="3-2-1201"),
        MON("10:20", "call.answered", "call-8", queue="service", agent="clerk-2", wait_s=5, household="3-2-1202"))                          # got through
    assert share(log, "call_answered") == (2, 7) and share(log, "call_return") == (2, 4)
    answer = ask(log, figures("call_return", NOVEMBER))[0]
    assert answer["total"]["p50"] == 9 * 60000 and answer["total"]["max"] == 18 * 60000


def test_v5_visits_are_signed():
    log = log_of(MON("09:00", "visit.started", "3-2-1201", by="cs-1"), MON("09:30", "visit.signed", "3-2-1201", by="cs-1", signer="resident"),
                 MON("10:00", "visit.started", "C-1", by="cs-2"), MON("11:00", "visit.started", "C-1", by="cs-1"), MON("11:30", "visit.signed", "C-1", by="cs-1"))
    assert by(log, "visits_signed", "staff") == {"cs-1": (2, 2), "cs-2": (0, 1)}


def test_h7_referrals_name_who_can_help():
    log = log_of(MON("09:00", "case.referred", "H-1", by="clerk-1", to="engineering", reason="x"), MON("09:00", "case.declined", "H-2", by="clerk-1", reason="x"),
                 MON("09:30", "case.referred", "H-1", by="clerk-2", to="police", reason="x"))
    assert share(log, "referrals") == (2, 3) and by(log, "referrals", "kind") == {"declined": (0, 1), "referred": (2, 2)}


# ---- Surveys

def housing(folder):
    """1,681 householders as answers to a survey, one question a type of house."""
    grades, events, number = {"High": "very_satisfied", "Medium": "basically_satisfied", "Low": "dissatisfied"}, [], 0
    with open(os.path.join(folder, "housing.csv"), encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for _ in range(int(row["count"])):
                number += 1
                events.append(MON("10:00", "survey.answered", "S-1", ticket=f"T-{number}", item=row["type"], grade=grades[row["satisfaction"]]))
    return events


def test_s8_satisfaction_of_real_householders(shared_data):
    folder = shared_data("housing-satisfaction")
    with open(os.path.join(folder, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    # Blank, and two ticks, are no valid answer.
    log = log_of(*housing(folder), MON("10:00", "survey.answered", "S-1", ticket="T-9000", item="Tower"))
    assert share(log, "survey_satisfaction") == (expected["satisfied_(High+Medium)"], expected["answers"]) == (1114, 1681)
    assert 1114 * 1000000 // 1681 == 662700 and round(1114 / 1681, 6) == expected["satisfaction_rate"] == 0.662701
    assert by(log, "survey_satisfaction", "item") == {name: (one["Medium"] + one["High"], one["total"]) for name, one in expected["by_type"].items()}
    # Of five grades the two upper ones are another figure, and say so.
    assert share(log, "survey_top_two") == (668, 1681)


def test_s6_thirty_per_cent_in_whole_numbers(shared_data):
    shared_data("housing-satisfaction")
    returned = 1681
    for issued, missed in (5603, False), (5604, True):
        log = log_of(*(MON("09:00", "survey.issued", "S-1", ticket=f"T-{n}") for n in range(issued)), *(MON("10:00", "survey.returned", "S-1", ticket=f"T-{n}") for n in range(returned)))
        assert share(log, "survey_return") == (returned, issued)
        told = [e for e in conclusions(log, "2026-12-06") if e["type"] == "target.missed" and e["data"].get("measure") == "survey_return"]
        assert bool(told) == missed and [e["data"] for e in told] == [{"measure": "survey_return", "done": returned, "of": issued, "least": 300, "soft": True}] * missed


def test_s6_what_was_never_handed_out_does_not_come_back():
    log = log_of(MON("09:00", "survey.issued", "S-1", ticket="T-1"), MON("10:00", "survey.returned", "S-1", ticket="T-1"), MON("10:00", "survey.returned", "S-1", ticket="T-1"),
                 MON("10:00", "survey.returned", "S-1", ticket="T-2"), MON("09:00", "survey.issued", "S-1", ticket="T-3"),
                 MON("2026-11-03 09:00", "survey.closed", "S-1", by="q-1", role="quality_dept"), MON("2026-11-03 10:00", "survey.returned", "S-1", ticket="T-3"))
    assert share(log, "survey_return") == (1, 2)


def test_s10_each_item_below_the_mark_is_told():
    grades = {"保洁": ["satisfied"] * 4 + ["dissatisfied"], "保安": ["satisfied"] * 7 + ["dissatisfied"] * 2, "收费": ["very_dissatisfied"]}
    log = log_of(*(MON("10:00", "survey.answered", "S-1", ticket=f"T-{n}", item=item, grade=grade) for item, list_ in grades.items() for n, grade in enumerate(list_)))
    told = [(e["type"], e["data"].get("value"), e["data"]["done"], e["data"]["of"]) for e in conclusions(log, "2026-12-06") if e["data"].get("measure") == "survey_satisfaction"]
    # Four of five are eighty per cent.
    assert len(told) == 4 and set(told) == {("target.endangered", None, 11, 15), ("target.missed", None, 11, 15), ("target.missed", "保安", 7, 9), ("target.missed", "收费", 0, 1)}


# ---- Staff

def test_m1_m13_whose_work_was_looked_at():
    owed = {"rule": "M1", "role": "cs_lead", "due": "2026-11-09T00:00:00+08:00"}
    log = log_of(
        MON("09:00", "duty.started", "c-1", **{"from": "2026-11-02", "by": "c-1"}), MON("09:00", "obligation.opened", "c-1", obligation="M1/c-1", **owed),
        MON("10:00", "evaluation.done", "c-1", by="lead-1", score=92.5), MON("10:00", "obligation.fulfilled", "c-1", obligation="M1/c-1", **owed),
        MON("11:00", "inspection.done", "c-1", by="lead-1"), MON("11:00", "inspection.done", "c-2", by="lead-1"),
        MON("12:00", "inspection.done", "lawn-1", by="lead-1", area_kind="greening"),                     # an area: nobody's evaluation
        MON("13:00", "obligation.opened", "c-3", obligation="M1/c-3", **owed), MON("2026-11-09 00:00:01", "obligation.breached", "c-3", obligation="M1/c-3", **owed),
        MON("2026-11-09 08:00", "attendance.recorded", "c-1", by="lead-1", period="2026-11-02"), MON("2026-11-09 08:00", "attendance.recorded", "c-2", by="lead-1"),
        MON("2026-11-09 09:00", "evaluation.done", "c-2", by="lead-1"), MON("2026-11-09 10:00", "record.retracted", "c-2", event=12, by="lead-1", reason="other person"))
    assert by(log, "staff_checks", "staff") == {"c-1": (2, 2), "c-2": (1, 1)}
    assert by(log, "staff_checks", "kind") == {"evaluation": (1, 1), "inspection": (2, 2)}
    assert by(log, "area_checks", "category") == {"greening": (1, 1)} and by(log, "attendance", "staff") == {"c-1": (1, 1), "c-2": (1, 1)}
    assert share(log, "weekly_checks") == (1, 2)


# ---- Numbers and stocks

def test_s7_complaints_by_category():
    log = log_of(*(MON("09:00", "complaint.opened", f"C-{n}", **{**COMPLAINT, "category": category}) for n, category in enumerate(["noise"] * 3 + ["parking"] * 2 + ["other"])),
                 MON("10:00", "case.reclassified", "C-5", category="parking"), MON("10:00", "case.linked", "C-0", to="C-1", relation="duplicate", by="lead-1"))
    assert by(log, "complaints", "category") == {"noise": (2, 2), "parking": (3, 3)}


def test_c10_backlog_by_age():
    log = log_of(
        MON("09:00", "complaint.opened", "C-1", **COMPLAINT), MON("2026-11-20 09:00", "repair.requested", "R-1", **REPAIR),
        MON("2026-11-25 09:00", "case.closed", "R-1", by="eng-1"), MON("2026-11-30 09:00", "case.reopened", "R-1", by="lead-1"),
        MON("2026-12-10 09:00", "case.closed", "C-1", by="lead-1"))
    told = ask(log, *(figures("backlog", period, by="class") for period in (NOVEMBER, "2026-12")), figures("backlog", NOVEMBER, as_of="2026-11-26"))
    assert {row["value"]: [age["num"] for age in row["ages"]] for row in told[0]["rows"]} == {"complaint": [0, 0, 0, 1, 0, 0], "repair": [0, 0, 1, 0, 0, 0]}
    assert [row["value"] for row in told[1]["rows"]] == ["repair"]
    assert told[2]["total"]["den"] == 1 and told[2]["at"].startswith("2026-11-26T15:59:59")


def test_v12_the_last_contact_of_each_household():
    log = log_of(
        MON("2026-01-05 09:00", "household.registered", "3-2-1201", kind="owner", name="***", moved_in="2020-05-01"),
        MON("2026-01-05 09:00", "household.registered", "3-2-1202", kind="owner", name="***", moved_in="2026-10-20"),
        MON("2026-08-01 09:00", "contact.received", "", via="phone", household="3-2-1201", outcome="info"),
        MON("2026-11-20 09:00", "contact.received", "", via="phone", household="3-2-1201", outcome="wrong_number"),
        MON("2026-12-05 09:00", "callback.done", "C-1", kind="complaint", household="3-2-1202", by="cs-1", mode="phone"))
    log = [{k: v for k, v in line.items() if k != "subject" or v} for line in log]
    told = ask(log, figures("last_contact", NOVEMBER), figures("last_contact", "2026-12"))
    assert told[0]["total"] == {"num": 1, "den": 2, "ages": [{"days": 30, "num": 0}, {"days": 90, "num": 1}, {"days": 180, "num": 1}, {"days": 365, "num": 0}, {"num": 0}]}
    assert told[1]["total"]["num"] == 2 and told[1]["total"]["ages"][0]["num"] == 1


# ---- Targets

def test_z2_a_target_that_will_be_missed_and_one_that_was():
    repairs = [event for n in range(1, 11) for event in (MON(f"2026-11-{n:02d} 15:00", "repair.requested", f"R-{n}", **REPAIR),
                                                         MON(f"2026-11-{n:02d} 16:00", "repair.finished", f"R-{n}", by="eng-1", in_home=True))]
    calls = [MON(f"2026-11-{20 + n} 10:00", "callback.done", f"R-{n}", kind="repair", by="cs-1", mode="phone") for n in (1, 2)]

    def of(log):
        return [(e["type"], e["time"], e["subject"], e["data"]["done"], e["data"]["of"]) for e in conclusions(log, "2027-01-10") if e["data"].get("measure") == "repair_callbacks"]

    # At eight on the tenth what is older than two days is looked at; what was finished yesterday may still be called about.
    first = ("target.endangered", "2026-11-10T00:00:00Z", NOVEMBER, 0, 7)
    assert of(log_of(*repairs, *calls)) == [first, ("target.missed", "2026-12-05T00:00:00Z", NOVEMBER, 2, 10)]
    # Three of ten are thirty per cent, though the third is called in the next month.
    assert of(log_of(*repairs, *calls, MON("2026-12-04 10:00", "callback.done", "R-9", kind="repair", by="cs-1", mode="phone"))) == [first]
    # Nobody is told of a month that was over before anybody counted.
    late = log_of(*({**event, "logtime": MON("2027-01-01 09:00", "x", "x")["logtime"]} for event in repairs))
    assert of(late) == []


# ---- Order, and what really happened

def test_the_order_in_which_it_is_learnt_changes_nothing():
    draw, events = random.Random(4), []
    for n in range(60):
        day = 1 + n % 20
        events += [MON(f"2026-11-{day:02d} 09:{n:02d}:01", "complaint.opened", f"C-{n}", **{**COMPLAINT, "household": f"{n % 5}-1-{n}"}),
                   MON(f"2026-11-{day + 1:02d} 09:{n:02d}:02", "case.replied", f"C-{n}", by=f"cs-{n % 3}"),
                   MON(f"2026-11-{day + 2:02d} 09:{n:02d}:03", "complaint.handled", f"C-{n}", by="eng-1", verify="onsite"),
                   MON(f"2026-11-{day + 3:02d} 09:{n:02d}:04", "callback.done", f"C-{n}", kind="complaint", by="cs-9", mode="phone", household=f"{n % 5}-1-{n}"),
                   MON(f"2026-11-{day + 3:02d} 10:{n:02d}:05", "call.abandoned", f"call-{n}", queue="q", wait_s=20, household=f"{n % 5}-1-{n}"),
                   MON(f"2026-11-{day + 4:02d} 10:{n:02d}:06", "call.answered", f"call-x{n}", queue="q", wait_s=20, household=f"{n % 5}-1-{n % 7}"),
                   MON(f"2026-11-{day:02d} 11:{n:02d}:07", "survey.issued", "S-1", ticket=f"T-{n}", household=f"{n % 5}-1-{n}"),
                   MON(f"2026-11-{day:02d} 12:{n:02d}:08", "survey.answered", "S-1", ticket=f"T-{n}", item="a", grade="satisfied")]
    events += [MON("2026-11-12 12:00", "survey.closed", "S-1", by="q", role="quality_dept")]
    for number, event in enumerate(events):
        event["id"] = f"e-{number}"
    measures = ["complaint_callbacks", "first_reply", "call_return", "call_answered", "survey_return", "survey_satisfaction", "callback_satisfaction", "complaints"]
    answers = []
    for _ in range(3):
        answers.append(ask(log_of(*({**event, "logtime": "2026-11-30T00:00:00Z"} for event in events)), *(figures(m, NOVEMBER, by=d) for m in measures for d in counting.DIMS[m].split())))
        draw.shuffle(events)
    assert answers[0] == answers[1] == answers[2] and all(answer["total"]["den"] > 0 for answer in answers[0] if answer["measure"]["name"] != "callback_satisfaction")


def test_corrected_and_corrected_again():
    story = [MON("09:00", "complaint.opened", "C-1", **COMPLAINT), MON("10:00", "case.replied", "C-1", by="cs-1"),
             MON("11:00", "record.retracted", "C-1", event=2, by="lead-1", reason="another case's"),
             MON("12:00", "record.amended", "C-1", event=1, by="lead-1", reason="x", fields={"household": "4-1-101", "category": "parking"}),
             MON("13:00", "record.retracted", "C-1", event=3, by="lead-1", reason="it was this one's"),
             MON("14:00", "record.retracted", "C-1", event=4, by="lead-1", reason="it was noise")]
    log = log_of(*story)
    expected = [("3", 1), ("3", 0), ("4", 0), ("4", 1), ("3", 1)]
    told = ask(log, *(figures("first_reply", NOVEMBER, by="building", seq=seq) for seq in range(2, 7)))
    assert [[(row["value"], row["num"]) for row in answer["rows"]] for answer in told] == [[one] for one in expected]
    # A talk that was another household's, or with another one.
    log = log_of(MON("2026-01-05 09:00", "household.registered", "3-2-1201", kind="owner", name="***", moved_in="2020-05-01"),
                 MON("2026-01-05 09:00", "household.registered", "3-2-1202", kind="owner", name="***", moved_in="2020-05-01"),
                 MON("10:00", "callback.done", "C-1", kind="complaint", household="3-2-1201", by="cs-1", mode="phone"),
                 MON("11:00", "record.amended", "C-1", event=3, by="lead-1", reason="x", fields={"household": "3-2-1202"}),
                 MON("12:00", "record.retracted", "C-1", event=4, by="lead-1", reason="x"))
    told = ask(log, *(explain("last_contact", NOVEMBER, seq=seq) for seq in (3, 4, 5)), *(explain("last_contact", NOVEMBER, seq=seq, past=1) for seq in (3, 4, 5)))
    contacted = [sorted(row["object"] for row in one["rows"] + past["rows"] if row["num"]) for one, past in zip(told, told[3:])]
    assert contacted == [["3-2-1201"], ["3-2-1202"], ["3-2-1201"]]


def test_real_incidents(shared_data, tmp_path):
    """The incident log of a service desk: closed per month, reopened, first replies by four ways to count, percentiles."""
    incidents = shared_data("incidents")
    with open(os.path.join(incidents, "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    data, _ = stories(incidents)
    with open(os.path.join(counting.CONFIG, "measures.yaml"), encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index("  - name: first_reply\n"), text.index("  - name: five_minutes\n")
    more = "".join(text[begin:end].replace("name: first_reply", f"name: {name}").replace("within: eod 1 ", f"within: {term} ") for name, term in TERMS.items())
    folder = counting.config(text[:end] + more + text[end:])
    os.unlink(os.path.join(folder, "calendars", "cn.yaml"))
    with open(os.path.join(folder, "calendars", "cn.yaml"), "w", encoding="utf-8") as file:
        file.write(calendar(tmp_path, shared_data("cn-holidays")))
    asks = [figures("cases_closed", "2016", split="month"), figures("cases_closed", "2017", split="month"), figures("reopened", "2016"), figures("reopened", "2017"),
            *(figures(name, year) for name in TERMS for year in ("2016", "2017"))]
    path = tmp_path / "incidents.jsonl"
    path.write_bytes(data)
    done = subprocess.run([counting.PROGRAM, "--rehearse", str(path), "--config", folder, *(part for one in asks for part in ("--ask", one))], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(line)["answer"] for line in done.stdout.splitlines() if b'"answer"' in line]
    assert {row["month"]: row["den"] for answer in answers[:2] for row in answer["rows"]} == expected["closed_per_month"]
    for number, name in enumerate(TERMS):
        told = [answer["total"] for answer in answers[4 + 2 * number:6 + 2 * number]]
        assert sum(one["num"] for one in told) == expected["first_response_under_cn_calendar"][name]["in_time"], name
        assert sum(one["den"] - one["num"] for one in told) == expected["first_response_under_cn_calendar"][name]["late"], name
    # Percentiles, by the events themselves.
    opened, replied, closed, reopened = {}, {}, {}, set()
    for event in map(json.loads, data.splitlines()):
        subject, at = event["subject"], instant(event["time"])
        if event["type"] == "complaint.opened":
            opened[subject] = at
        elif event["type"] == "case.replied" and subject not in replied:
            replied[subject] = at
        elif event["type"] == "case.closed":
            closed[subject] = at
        elif event["type"] == "case.reopened":
            reopened.add(subject)
    year = {subject for subject, at in opened.items() if at < instant("2017-01-01T00:00:00+08:00")}
    times = [max(0, replied[subject] - opened[subject]) // 1000000 for subject in year if subject in replied]
    assert [answers[4]["total"][p] for p in ("n", "p50", "p90", "p95", "p99", "max")] == [len(times), *(percentile(times, p) for p in (50, 90, 95, 99, 100))]
    times = [max(0, at - opened[subject]) // 1000000 for subject, at in closed.items() if at < instant("2017-01-01T00:00:00+08:00")]
    assert [answers[0]["total"][p] for p in ("n", "p50", "p90", "max")] == [len(times), *(percentile(times, p) for p in (50, 90, 100))]
    assert sum(answer["total"]["num"] for answer in answers[2:4]) == len(reopened & closed.keys())


def test_measures_that_will_not_do_are_refused_with_the_reason():
    with open(os.path.join(counting.CONFIG, "measures.yaml"), encoding="utf-8") as file:
        text = file.read()
    for wrong, right, why in (("of: complaint\n", "of: complain\n", "did you mean complaint?"), ("count: called\n", "count: caled\n", "there is no attribute caled; did you mean called?"),
                              ("least: 30%", "least: 130%", "least is a share"), ("within: eod 1 ", "within: eod ", "a mode and how many"), ("name: referrals\n", "name: complaints\n", "that name is taken"),
                              ("by: class building staff\n", "by: class building opened\n", "only words make dimensions"), ("period: handled\n", "period: category\n", "period is a moment"),
                              ("count: called<=due\n", "count: kind<=due\n", "kind is a word"), ("measures: cases_closed reopened", "measures: cases_close", "there is no measure cases_close"),
                              ("each: item ", "each: staff ", "it does not go by staff"),
                              ("ring: 5s", "rings: 5s", "rin"),
                              # What was taken without a word, and then counted nothing, or anything.
                              ("of: open\n", "of: complaint\n", "per: stock is for what lasts"), ('linear: "yes"', 'linear: "maybe"', 'linear is "yes" or "no", not maybe'), ('soft: "yes"', 'soft: "true"', "soft is"),
                              ('or_due: "yes"', "or_due: sure", "or_due is"), ("least: 30%\n    lag: 2d", "least: 30%\n    linear: \"yes\"", "linear is for a stock"), ("ages: 3 7 15 30 90", "ages: 3x 7", "ages: at most"),
                              ("period: handled\n", "period: handled\n    ages: 3 7\n", "ages are of a stock"), ("where: grade\n", "where: grade=\n", "a word is missing"),
                              ("value: wait\n", "value: wait\n    from: queued\n    until: answered\n", "value, or from and until"), ("by: queue, measures: call_answered", "by: item, measures: call_answered", "none of its measures goes by item"),
                              ("{ name: calls,", "{ name: callbacks,", "two reports of that name"), ("{ name: calls,", "{ name: complaint_callbacks,", "a measure has that name"), ("{ name: calls,", "{ name: versions,", "means something else")):
        assert wrong in text
        folder = counting.config(text.replace(wrong, right, 1))
        done = subprocess.run([harness.program("estate-stats"), "--rehearse", "-", "--config", folder], input=b"", capture_output=True, check=False)
        assert done.returncode == 78 and why in done.stderr.decode(), (right, done.stderr.decode())

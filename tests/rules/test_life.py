"""What happens to an obligation while it is open, and after: whatever the clause."""
import hashlib
import json
import re

import pytest

from obligations import CALENDAR, Day, ask, config, lines_of, rehearse, run

MON = Day("2026-11-23")
NOISE = {"category": "noise", "severity": "ordinary", "via": "phone"}

# One reply within a working day, one within an hour, one within 9 working hours; a ladder of two, the first step repeated.
RULES = """\
defaults:
  cancel: case.closed outcome=withdrawn
  pause: case.suspended
  resume: case.resumed
  reopen: case.reopened
  ack: 30min
ladders:
  two:
    - { after: 0, role: cs_lead, repeat: 10min, times: 3 }
    - { after: 1h, role: site_manager }
rules:
  - id: X.day
    on: complaint.opened category!=other
    until: case.replied
    due: eod 1
    role: clerk
    ladder: two
  - id: X.hour
    on: complaint.opened severity=ordinary
    until: case.replied automatic!=true
    due: elapsed 1h
    warn: [0.5]
    role: clerk
    ladder: two
  - id: X.hours
    on: complaint.opened
    until: case.replied
    due: hours 9h
    role: clerk
    ladder: two
"""


@pytest.fixture(scope="module")
def rules():
    return config(RULES)


def opened(clock="10:00", case="C-1", **more):
    return MON(clock, "complaint.opened", case, **{**NOISE, **more})


def replied(clock, case="C-1", **more):
    return MON(clock, "case.replied", case, by="c-1", **more)


def test_acknowledged_the_ladder_rests_and_goes_on(rules):
    told = rehearse([opened(), MON("11:05", "case.acknowledged", "C-1", by="lead-1")], "2026-11-23 13:00", rules)
    assert told.of("X.hour/C-1", messages=True)[3:] == [
        "breached 11-23 11:00", "level 1 cs_lead 11-23 11:00", "tell cs_lead breached 11-23 11:00 routine",
        "tell cs_lead forgotten 11-23 11:35 routine",               # half an hour, and still nothing
        "tell cs_lead breached 11-23 11:45 routine", "tell cs_lead breached 11-23 11:55 routine",
        "level 2 site_manager 11-23 12:30", "tell site_manager breached 11-23 12:30 routine"]


def test_acknowledged_before_the_due_neither_hides_nor_moves_the_breach(rules):
    told = rehearse([opened(), MON("10:20", "case.acknowledged", "C-1", by="c-1", until="2026-11-23T11:10:00+08:00")], "2026-11-23 11:15", rules)
    assert told.of("X.hour/C-1", messages=True) == [
        "opened 11-23 10:00 due 11-23 11:00", "breached 11-23 11:00", "tell clerk forgotten 11-23 11:10 routine",
        "level 1 cs_lead 11-23 11:10", "tell cs_lead breached 11-23 11:10 routine"]


def test_acknowledged_before_anybody_was_told_acknowledges_no_alarm(rules):
    """A handler who accepts the job says so long before it is due: nobody is told half an hour later that he forgot."""
    told = rehearse([opened(), MON("10:20", "case.acknowledged", "C-1", by="c-1")], "2026-11-23 10:59", rules)
    assert told.of("X.hour/C-1", messages=True) == ["opened 11-23 10:00 due 11-23 11:00", "warned 11-23 10:30",
                                                          "tell clerk warned 11-23 10:30 routine"]


def test_acknowledged_too_late_undoes_nothing(rules):
    told = rehearse([opened(), replied("10:20"), MON("10:21", "case.acknowledged", "C-1", by="c-1")], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1", messages=True) == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:20"]


def test_only_the_one_that_is_meant_rests(rules):
    told = rehearse([opened(), MON("11:05", "case.snoozed", "C-1", by="c-1", obligation="X.day/C-1", until="2026-11-23T13:00:00+08:00")], "2026-11-23 11:25", rules)
    assert [m for m in told.messages("X.hour/C-1") if "breached" in m] == [f"tell cs_lead breached 11-23 11:{n} routine" for n in ("00", "10", "20")]


def test_suspended_time_is_credited(rules):
    told = rehearse([opened(), MON("10:20", "case.suspended", "C-1", by="c-1", reason="waits"), MON("2026-11-24 10:00", "case.resumed", "C-1", by="c-1", reason="goes on")],
                    "2026-11-24 10:20", rules)
    # 20 minutes are used up; of 9 working hours a day of 9 is credited; of the days the one whose end passed.
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "rescheduled 11-24 10:00 due 11-24 10:40 (resumed)"]
    assert told.of("X.hours/C-1") == ["opened 11-23 10:00 due 11-24 10:00", "rescheduled 11-24 10:00 due 11-25 09:40 (resumed)"]
    assert told.of("X.day/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "rescheduled 11-24 10:00 due 11-26 00:00 (resumed)"]


def test_suspended_after_the_breach_the_ladder_waits(rules):
    told = rehearse([opened(), MON("11:30", "case.suspended", "C-1", by="c-1", reason="waits"), MON("13:30", "case.resumed", "C-1", by="c-1", reason="goes on")],
                    "2026-11-23 14:30", rules)
    assert [t for t in told.of("X.hour/C-1") if "level 2" in t] == ["level 2 site_manager 11-23 14:00"]


def test_reopened_is_owed_anew_and_an_old_reply_is_none(rules):
    events = [opened(), replied("10:10"), MON("15:00", "case.reopened", "C-1", by="c-1")]
    told = rehearse(events + [replied("15:30", own="10:12")], "2026-11-23 16:01", rules)
    assert told.of("X.hour/C-1")[:5] == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:10", "opened 11-23 15:00 due 11-23 16:00 (reopened)",
                                         "warned 11-23 15:30", "breached 11-23 16:00"]
    told = rehearse(events + [replied("15:20")], "2026-11-23 16:01", rules)
    assert told.of("X.hour/C-1")[2:] == ["opened 11-23 15:00 due 11-23 16:00 (reopened)", "fulfilled 11-23 15:20"]
    told = rehearse([opened(), MON("10:30", "case.reopened", "C-1", by="c-1")], "2026-11-23 10:59", rules)
    assert told.of("X.hour/C-1")[0] == "opened 11-23 10:00 due 11-23 11:00" and len([t for t in told.of("X.hour/C-1") if t.startswith("opened")]) == 1


def test_reclassified_is_judged_anew(rules):
    told = rehearse([opened(), MON("10:10", "case.reclassified", "C-1", severity="major", by="c-1"), MON("10:20", "case.reclassified", "C-1", severity="ordinary", by="c-1"),
                     replied("10:30")], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "cancelled 11-23 10:10 (reclassified)",
                                     "opened 11-23 10:20 due 11-23 11:20", "fulfilled 11-23 10:30"]
    assert told.of("X.day/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "fulfilled 11-23 10:30"]


def test_reassigned_the_handler_of_now_is_warned(rules):
    told = rehearse([opened(), MON("10:05", "case.assigned", "C-1", to="c-7", role="clerk"), MON("10:15", "case.assigned", "C-1", to="c-8", role="clerk")],
                    "2026-11-23 10:59", rules)
    assert told.messages("X.hour/C-1") == ["tell c-8 warned 11-23 10:30 routine"]
    told = rehearse([opened(), MON("10:05", "case.assigned", "C-1", to="c-7", role="clerk"), MON("10:15", "record.retracted", "C-1", event=2, by="l-1", reason="another case")],
                    "2026-11-23 10:59", rules)
    assert told.messages("X.hour/C-1") == ["tell clerk warned 11-23 10:30 routine"]


def test_a_reply_in_time_that_is_learnt_late(rules):
    told = rehearse([opened(), replied("15:00", own="10:50")], "2026-11-23 16:00", rules)
    assert told.of("X.hour/C-1")[-1] == "fulfilled 11-23 15:00 late_known" and "breached 11-23 11:00" in told.of("X.hour/C-1")
    told = rehearse([opened(), replied("15:00")], "2026-11-23 16:00", rules)
    assert told.of("X.hour/C-1")[-1] == "fulfilled 11-23 15:00"


def test_a_kiosk_that_was_offline_for_three_hours(rules):
    """The clock runs from the button; nobody is told a thing was late before it could be known; the ladder counts from then."""
    told = rehearse([opened("13:00", own="10:00")], "2026-11-23 14:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 13:00 due 11-23 11:00", "breached 11-23 13:00", "level 1 cs_lead 11-23 13:00", "level 2 site_manager 11-23 14:00"]
    assert told.of("X.hours/C-1") == ["opened 11-23 13:00 due 11-24 10:00"]


def test_closed_before_opened(rules):
    told = rehearse([replied("10:10"), MON("10:12", "case.closed", "C-2", by="c-1", outcome="withdrawn"), opened("12:00", own="10:00"), opened("12:00", "C-2", own="10:00")],
                    "2026-11-23 13:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 12:00 due 11-23 11:00", "fulfilled 11-23 12:00"]
    assert told.of("X.hour/C-2") == ["opened 11-23 12:00 due 11-23 11:00", "cancelled 11-23 12:00 (closed)"]


def test_ended_twice_and_events_of_unknown_cases(rules):
    told = rehearse([opened(), replied("10:10"), replied("10:11"), MON("10:12", "case.closed", "C-1", by="c-1", outcome="withdrawn"), opened("10:13"),
                     MON("10:14", "case.suspended", "C-9", by="c-1", reason="?"), MON("10:15", "case.acknowledged", "C-9", by="c-1"),
                     MON("10:16", "case.reopened", "C-9", by="c-1"), MON("10:17", "case.reclassified", "C-9", severity="major"),
                     MON("10:18", "record.retracted", "C-9", event=99, by="c-1", reason="?")], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:10"]
    assert len(told.obligations()) == 3


def test_a_reply_taken_back_is_owed_again(rules):
    events = [opened(), replied("10:10")]
    told = rehearse(events + [MON("10:20", "record.retracted", "C-1", event=2, by="lead-1", reason="a mis-click")], "2026-11-23 11:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:10", "opened 11-23 10:20 due 11-23 11:00 (retracted)",
                                     "warned 11-23 10:30", "breached 11-23 11:00", "level 1 cs_lead 11-23 11:00"]
    told = rehearse(events + [MON("12:00", "record.retracted", "C-1", event=2, by="lead-1", reason="a mis-click")], "2026-11-23 12:30", rules)
    assert told.of("X.hour/C-1")[2:] == ["opened 11-23 12:00 due 11-23 11:00 (retracted)", "breached 11-23 12:00", "level 1 cs_lead 11-23 12:00"]


def test_an_opening_taken_back_is_cancelled(rules):
    told = rehearse([opened(), MON("10:05", "record.retracted", "C-1", event=1, by="c-1", reason="a test")], "2026-11-25 12:00", rules)
    for rule in "X.hour", "X.day", "X.hours":
        assert told.of(f"{rule}/C-1")[1:] == ["cancelled 11-23 10:05 (retracted)"]


def test_a_reply_amended_to_an_automatic_one(rules):
    told = rehearse([opened(), replied("10:10"), MON("10:20", "record.amended", "C-1", event=2, by="lead-1", reason="the robot", fields={"automatic": True})],
                    "2026-11-23 10:25", rules)
    assert told.of("X.hour/C-1")[2:] == ["opened 11-23 10:20 due 11-23 11:00 (amended)"]
    assert told.of("X.day/C-1")[-1] == "fulfilled 11-23 10:10"      # any reply will do there


def test_an_opening_amended_is_judged_anew_and_that_taken_back(rules):
    events = [opened(), MON("10:05", "record.amended", "C-1", event=1, by="c-1", reason="it is major", fields={"severity": "major"})]
    told = rehearse(events, "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "cancelled 11-23 10:05 (reclassified)"]
    told = rehearse(events + [MON("10:10", "record.retracted", "C-1", event=2, by="c-1", reason="it is not")], "2026-11-23 10:15", rules)
    assert told.of("X.hour/C-1")[2:] == ["opened 11-23 10:10 due 11-23 11:00 (retracted)"]     # as if nothing had been said


def test_suspension_taken_back_counts_the_time(rules):
    told = rehearse([opened(), MON("10:20", "case.suspended", "C-1", by="c-1", reason="waits"), MON("12:00", "record.retracted", "C-1", event=2, by="c-1", reason="wrong case")],
                    "2026-11-23 12:01", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "breached 11-23 12:00", "level 1 cs_lead 11-23 12:00"]


def test_linked_as_a_duplicate_and_unlinked(rules):
    events = [opened(), opened("10:05", "C-2"), MON("10:10", "case.linked", "C-2", to="C-1", relation="two_channels", by="c-1")]
    told = rehearse(events + [replied("10:20")], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-2") == ["opened 11-23 10:05 due 11-23 11:05", "cancelled 11-23 10:10 (linked)"]
    told = rehearse(events + [MON("10:15", "record.retracted", "C-2", event=3, by="c-1", reason="another matter")], "2026-11-23 10:20", rules)
    assert told.of("X.hour/C-2")[2:] == ["opened 11-23 10:15 due 11-23 11:05 (retracted)"]


def test_waived_by_somebody_with_the_right(rules):
    told = rehearse([opened(), MON("10:10", "obligation.waived", "C-1", obligation="X.hour/C-1", by="m-1", reason="agreed with the resident"),
                     MON("10:20", "case.reopened", "C-1", by="c-1")], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "cancelled 11-23 10:10 (waived)"]


ROSTER = """\
zone: Asia/Shanghai
roles:
  clerk: { staff: c-1 }
  cs_lead:
    shifts:
      - { hours: "08:00-20:00", staff: [l-1, l-2] }
      - { hours: "20:00-08:00", staff: l-9 }
deputies: { c-1: c-2 }
otherwise: [cs_lead]
"""


def test_shifts_absences_swaps_and_nobody_there(rules):
    with_roster = config(RULES, None, ROSTER)
    told = rehearse([opened("18:50")], "2026-11-23 20:10", with_roster)
    assert told.messages("X.hour/C-1") == ["tell c-1 warned 11-23 19:20 routine", "tell l-1 breached 11-23 19:50 routine", "tell l-9 breached 11-23 20:00 routine",
                                           "tell l-9 breached 11-23 20:10 routine"]
    told = rehearse([MON("08:00", "staff.absent", "c-1", **{"from": "2026-11-23", "by": "l-1"}), MON("09:00", "duty.swapped", "l-1", **{"from": "2026-11-23", "by": "l-1", "deputy": "l-5"}),
                     opened()], "2026-11-23 11:00", with_roster)
    assert told.messages("X.hour/C-1") == ["tell c-2 warned 11-23 10:30 routine", "tell l-5 breached 11-23 11:00 routine"]
    # The absence is over, or was a mistake.
    for back in (MON("09:30", "duty.started", "c-1", **{"from": "2026-11-23T09:30:00+08:00", "by": "c-1"}), MON("09:30", "record.retracted", "c-1", event=1, by="l-1", reason="he is here")):
        told = rehearse([MON("08:00", "staff.absent", "c-1", **{"from": "2026-11-23", "by": "l-1"}), back, opened()], "2026-11-23 10:59", with_roster)
        assert told.messages("X.hour/C-1") == ["tell c-1 warned 11-23 10:30 routine"]
    # Nobody is a manager: the lead hears of it, and so does whoever keeps the roster, once a day.
    told = rehearse([opened(), opened("10:01", "C-2")], "2026-11-23 12:05", with_roster)
    assert "tell l-1 breached 11-23 12:00 routine" in told.messages("X.hour/C-1")
    assert [line["data"]["params"]["role"] for line in told.lines if line["data"].get("template") == "role-empty"] == ["site_manager"]


def test_a_calendar_that_changes_while_it_is_open():
    """The notice makes a Tuesday a day off: moved once, no breach on the old day; what was broken before stays so."""
    with open(CALENDAR, encoding="utf-8") as file:
        before = file.read()
    after = re.sub(r"(  2026:\n    notice: [^\n]+\n    off:\n)", r"\g<1>      临时: 11-24\n", before)
    assert after != before
    # As a log has it: what is activated is in the log.
    def activated(clock, kind, text):
        return MON(clock, "config.activated", "escalate", kind=kind, digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)
    events = [activated("09:00", "calendar", before), activated("09:00", "rules", RULES), opened("2026-11-19 10:00", "C-0"),
              opened(), opened("10:01", "C-2"), replied("10:30", "C-2"), activated("15:00", "calendar", after), activated("16:00", "calendar", after)]
    for event in events[:2]:
        event["logtime"] = event["time"] = "2026-11-18T09:00:00+08:00"
    told = rehearse(events, "2026-11-27", None)
    assert told.of("X.day/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "rescheduled 11-23 15:00 due 11-26 00:00 (calendar)", "breached 11-26 00:00",
                                    "level 1 cs_lead 11-26 00:00", "level 2 site_manager 11-26 01:00"]
    assert told.of("X.day/C-2")[1:] == ["fulfilled 11-23 10:30"]
    assert told.of("X.day/C-0") == ["opened 11-19 10:00 due 11-21 00:00", "breached 11-21 00:00", "level 1 cs_lead 11-21 00:00", "level 2 site_manager 11-21 01:00"]


def test_rules_that_change_while_it_is_open():
    def activated(clock, text):
        return MON(clock, "config.activated", "escalate", kind="rules", digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)
    only = RULES[:RULES.index("  - id: X.day")] + RULES[RULES.index("  - id: X.hour\n"):RULES.index("  - id: X.hours")]
    told = rehearse([activated("09:00", only.replace("elapsed 1h", "elapsed 2h")), opened(), activated("10:10", only.replace("X.hour", "Y.hour")),
                     opened("10:20", "C-2")], "2026-11-23 10:30", None)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 12:00", "cancelled 11-23 10:10 (rules)"]
    assert told.of("Y.hour/C-2") == ["opened 11-23 10:20 due 11-23 11:20"]


def in_force(clock, kind, text):
    return MON(clock, "config.activated", "escalate", kind=kind, digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)


ONLY_HOUR = RULES[:RULES.index("  - id: X.day")] + RULES[RULES.index("  - id: X.hour\n"):RULES.index("  - id: X.hours")]


def test_a_rule_left_out_by_mistake_and_put_back():
    without = ONLY_HOUR.replace("X.hour", "Y.hour")
    told = rehearse([in_force("09:00", "rules", ONLY_HOUR), opened(), opened("10:01", "C-2"), replied("10:05", "C-2"), in_force("10:10", "rules", without),
                     in_force("10:20", "rules", ONLY_HOUR)], "2026-11-23 11:00", None)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "cancelled 11-23 10:10 (rules)", "opened 11-23 10:20 due 11-23 11:00 (rules)",
                                     "warned 11-23 10:30", "breached 11-23 11:00", "level 1 cs_lead 11-23 11:00"]
    assert told.of("X.hour/C-2") == ["opened 11-23 10:01 due 11-23 11:01", "fulfilled 11-23 10:05"]


def test_a_rule_that_becomes_a_forbidden_order():
    never = "rules:\n  - { id: X.hour, never: complaint.opened severity=major, without: case.replied }\n"
    told = rehearse([in_force("09:00", "rules", ONLY_HOUR), opened(), in_force("10:10", "rules", never), replied("10:20"), opened("10:30", "C-2", severity="major")],
                    "2026-11-23 12:00", None)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "cancelled 11-23 10:10 (rules)"]
    assert told.violations() == ["violated X.hour 5 11-23 10:30"]


def test_a_ladder_that_grows_shorter_while_it_is_climbed():
    """Acknowledged on its second step, of which the new rules have none: whoever is on the last one left is reminded."""
    shorter = ONLY_HOUR.replace("    - { after: 1h, role: site_manager }\n", "")
    told = rehearse([in_force("09:00", "rules", ONLY_HOUR), opened(), MON("12:05", "case.acknowledged", "C-1", by="m-1"), in_force("12:10", "rules", shorter)],
                    "2026-11-23 18:00", None)
    assert told.of("X.hour/C-1", messages=True)[-2:] == ["tell site_manager breached 11-23 12:00 routine", "tell cs_lead forgotten 11-23 12:35 routine"]
    rows = ask([in_force("09:00", "rules", ONLY_HOUR), opened(), MON("12:05", "case.acknowledged", "C-1", by="m-1"), in_force("12:10", "rules", shorter)],
               "2026-11-23 12:20", "open", None)["rows"]
    assert rows[0]["state"] == "acknowledged" and rows[0]["next"]["role"] == "cs_lead"


def test_a_calendar_that_changes_while_it_is_suspended_or_was():
    """Suspended over the night to Wednesday, and Tuesday turns out to be a day off: it is no day that was lost."""
    with open(CALENDAR, encoding="utf-8") as file:
        before = file.read()
    after = re.sub(r"(  2026:\n    notice: [^\n]+\n    off:\n)", r"\g<1>      临时: 11-24\n", before)
    events = [in_force("09:00", "calendar", before), in_force("09:00", "rules", RULES), opened(), MON("2026-11-24 10:00", "case.suspended", "C-1", **SUSPENDED)]
    resumed, changed = MON("2026-11-25 10:00", "case.resumed", "C-1", **RESUMED), in_force("2026-11-25 12:00", "calendar", after)
    told = rehearse([*events, resumed, changed], "2026-11-25 13:00", None)
    assert told.of("X.day/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "rescheduled 11-25 10:00 due 11-26 00:00 (resumed)"]
    earlier = in_force("2026-11-24 12:00", "calendar", after)
    told = rehearse([*events, resumed, earlier], "2026-11-25 13:00", None)
    assert told.of("X.day/C-1")[-1].endswith("due 11-26 00:00 (calendar)") and "breached" not in "".join(told.of("X.day/C-1"))


def test_joined_to_the_wrong_household():
    """Merged with what another household asked, it would be nobody's when that is answered."""
    events = [MON("10:00", "help.requested", "H-1", kind="other", household="3-2-1201"), MON("10:01", "help.requested", "H-2", kind="other", household="3-2-1201")]
    told = rehearse([*events, amended("10:02", 2, "H-2", household="3-2-1202"), replied("10:03", "H-1")], "2026-11-23 10:06:30")
    assert told.of("H3/H-1")[-1] == "fulfilled 11-23 10:03"
    assert told.of("H3/H-2")[:3] == ["opened 11-23 10:02 due 11-23 10:06 (amended)", "warned 11-23 10:04", "breached 11-23 10:06"]
    # The one that others had joined turns out to be another household's: the first of them takes its place.
    told = rehearse([*events, amended("10:02", 1, "H-1", household="3-2-1202"), replied("10:03", "H-2")], "2026-11-23 10:04")
    assert told.of("H3/H-1") == ["opened 11-23 10:00 due 11-23 10:05", "cancelled 11-23 10:02 (amended)", "opened 11-23 10:02 due 11-23 10:05 (amended)", "warned 11-23 10:03"]
    assert told.of("H3/H-2") == ["opened 11-23 10:02 due 11-23 10:06", "fulfilled 11-23 10:03"]
    # Of another kind, it is another matter.
    told = rehearse([*events, MON("10:02", "case.reclassified", "H-2", kind="medical", by="c-1"), replied("10:03", "H-1")], "2026-11-23 10:06")
    assert told.of("H3/H-2")[0] == "opened 11-23 10:02 due 11-23 10:07"


def test_joined_to_whoever_is_open():
    """Fulfilled, another one opened, and the fulfilment taken back: two are open, and each ends by its own."""
    def asked(clock, case):
        return MON(clock, "help.requested", case, kind="other", household="3-2-1201")
    events = [asked("10:00", "H-1"), asked("10:01", "H-2"), replied("10:02", "H-1"), asked("10:02:30", "H-3"),
              MON("10:03", "record.retracted", "H-1", event=3, by="l-1", reason="a mis-click"), replied("10:03:30", "H-3"), asked("10:04", "H-4")]
    told = rehearse([*events, replied("10:04:30", "H-4")], "2026-11-23 10:04:45")
    assert told.of("H3/H-1")[-2:] == ["opened 11-23 10:03 due 11-23 10:05 (retracted)", "fulfilled 11-23 10:04:30"]
    assert told.of("H3/H-3")[-1] == "fulfilled 11-23 10:03:30" and told.of("H3/H-2") == told.of("H3/H-4") == []


def test_the_same_however_it_is_cut(rules):
    events = [opened(f"10:{n:02}", f"C-{n}") for n in range(60)] + [replied(f"11:{n:02}", f"C-{n}") for n in range(0, 60, 3)]
    data = lines_of(events)
    whole = run(data, "--until", "2026-12-01", folder=rules).stdout
    assert whole and all(run(data, "--until", "2026-12-01", "--batch", str(n), folder=rules).stdout == whole for n in (1, 7, 64))


# ---- What is asked


def test_open_is_by_due_and_filtered(rules):
    events = [opened(), opened("10:01", "C-2", severity="major"), MON("10:02", "case.assigned", "C-2", to="c-7", role="clerk"),
              MON("10:03", "case.suspended", "C-2", by="c-1", reason="waits")]
    rows = ask(events, "2026-11-23 11:01", "open", rules)["rows"]
    assert [row["obligation"] for row in rows] == ["X.hour/C-1", "X.hours/C-1", "X.hours/C-2", "X.day/C-1", "X.day/C-2"]
    assert rows[0]["state"] == "breached" and rows[0]["level"] == 1 and rows[0]["next"] == {"at": "2026-11-23T03:10:00Z", "step": "step 1", "role": "cs_lead", "staff": "cs_lead"}
    assert rows[1]["state"] == "running" and rows[1]["next"]["step"] == "breach" and rows[1]["due"] == "2026-11-24T02:00:00Z"
    assert rows[2]["state"] == "paused" and rows[2]["staff"] == "c-7" and "next" not in rows[2]
    assert {row["obligation"] for row in ask(events, "2026-11-23 11:01", "open", rules, subject="C-2")["rows"]} == {"X.hours/C-2", "X.day/C-2"}
    assert [row["obligation"] for row in ask(events, "2026-11-23 11:01", "open", rules, rule="X.day")["rows"]] == ["X.day/C-1", "X.day/C-2"]
    assert [row["obligation"] for row in ask(events, "2026-11-23 11:01", "open", rules, due_before="2026-11-23 12:00")["rows"]] == ["X.hour/C-1"]
    assert ask(events, "2026-11-23 11:01", "open", rules, role="cs_lead")["rows"] == []


def test_case_says_why(rules):
    row = [row for row in ask([opened("2026-11-20 20:00")], "2026-11-23 09:00", "case", rules, subject="C-1")["rows"] if row["rule"] == "X.day"][0]
    assert [(day["date"], day["kind"], day["counted"]) for day in row["days"]] == [
        ("2026-11-20", "workday", 0), ("2026-11-21", "weekend", 0), ("2026-11-22", "weekend", 0), ("2026-11-23", "workday", 1)]
    shipped = [row for row in ask([opened()], "2026-11-23 11:00", "case", subject="C-1")["rows"] if row["rule"] == "C1"][0]
    assert shipped["quote"].startswith("无论解决与否") and shipped["term"] == "eod 1"


# ---- Rules among each other, and wrong ones


def test_equals_of_a_group_are_both_kept_and_the_earlier_is_shown_first():
    two = config("ladders:\n  l: [{ after: 0, role: clerk }]\nrules:\n" + "".join(
        f"  - {{ id: {name}, on: complaint.opened{on}, until: case.replied, due: elapsed {due}, role: clerk, ladder: l, group: g, priority: {priority} }}\n"
        for name, on, due, priority in (("G", "", "1min", 0), ("A", " severity=ordinary", "2h", 5), ("B", " via=phone", "1h", 5))))
    told = rehearse([opened(), opened("10:00", "C-2", severity="major", via="visit")], "2026-11-23 10:00:30", two)
    assert told.obligations() == ["A/C-1", "B/C-1", "G/C-2"]
    assert [row["obligation"] for row in ask([opened()], "2026-11-23 10:00:30", "open", two)["rows"]] == ["B/C-1", "A/C-1"]


def test_more_specific_by_reclassification_and_back():
    two = config("ladders:\n  l: [{ after: 0, role: clerk }]\nrules:\n"
                 "  - { id: G, on: complaint.opened, until: case.replied, due: elapsed 2h, role: clerk, ladder: l, group: g }\n"
                 "  - { id: S, on: complaint.opened severity=major, until: case.replied, due: elapsed 1h, role: clerk, ladder: l, group: g, priority: 1 }\n")
    told = rehearse([opened(), MON("10:10", "case.reclassified", "C-1", severity="major"), MON("10:20", "case.reclassified", "C-1", severity="ordinary")],
                    "2026-11-23 10:30", two)
    assert told.of("G/C-1") == ["opened 11-23 10:00 due 11-23 12:00", "cancelled 11-23 10:10 (replaced)", "opened 11-23 10:20 due 11-23 12:20"]
    assert told.of("S/C-1") == ["opened 11-23 10:10 due 11-23 11:10", "cancelled 11-23 10:20 (reclassified)"]


def test_acknowledged_by_the_name_of_what_is_no_case():
    events = [MON("10:00", "call.abandoned", "call-1", household="3-2-1201"),
              MON("10:11", "case.acknowledged", "call-1", by="c-1", obligation="H2.abandoned/3-2-1201")]
    told = rehearse(events, "2026-11-23 10:30")
    assert [m for m in told.messages("H2.abandoned/3-2-1201") if "breached" in m] == ["tell cs_lead breached 11-23 10:10 urgent"]


def test_a_limit_beyond_all_calendars_is_none():
    told = rehearse([opened(due="9999-01-01T00:00:00Z")], "2026-11-23 10:30")
    assert told.of("H4/C-1") == [] and told.of("C1/C-1") == ["opened 11-23 10:00 due 11-25 00:00"]


def test_a_wrong_file_is_refused_with_its_line():
    wrong = config(RULES.replace("role: clerk", "role: clark", 1))
    done = run(b"", folder=wrong, expect=78)
    assert re.search(r"rules/escalate.yaml: line \d+: there is no role clark; did you mean clerk\?", done.stderr.decode())


@pytest.mark.parametrize("wrong, told", [
    (("    due: eod 1", "    duee: eod 1"), "there is no key of a rule duee; did you mean due?"),
    (("    until: case.replied\n    due: eod 1", "    until: obligation.fulfilled\n    due: eod 1"), "would be a cycle"),
    (("    warn: [0.5]", "    warn: [1.5]"), "1.5 of the time is impossible"),
    (("    on: complaint.opened category", "    on: complaint.open category"), "there is no type complaint.open; did you mean complaint.opened?"),
    (("category!=other", "categorie!=other"), "complaint.opened has no field categorie; did you mean category?"),
    (("{ after: 1h, role: site_manager }", "{ after: 1h, role: site_manger }"), "there is no role site_manger; did you mean site_manager?"),
    (("    due: eod 1", "    calendar: gregorian\n    due: eod 1"), "there is no calendar gregorian"),
    (("  - id: X.hour\n", "  - id: X.day\n"), "X.day is the id of two rules"),
    (("{ after: 1h, role: site_manager }", "{ after: 1h }"), "tells nobody: it needs a role"),
    (("    ladder: two\n  - id: X.hour\n", "    ladder: tow\n  - id: X.hour\n"), "there is no ladder tow; did you mean two?"),
], ids=["key", "cycle", "fraction", "type", "field", "role", "calendar", "twice", "nobody", "ladder"])
def test_each_mistake_in_a_file_of_rules_is_named_and_what_is_in_force_stays(wrong, told):
    text = RULES.replace(*wrong, 1)
    line = next(number for number, (one, other) in enumerate(zip(RULES.splitlines(), text.splitlines()), 1) if one != other)
    done = run(b"", folder=config(text), expect=78)
    assert re.search(rf"rules/escalate.yaml: line {line}: .*{re.escape(told)}", done.stderr.decode()), done.stderr.decode()
    with open(CALENDAR, encoding="utf-8") as file:
        calendar = file.read()
    done = run(lines_of([in_force("08:00", "calendar", calendar), in_force("09:00", "rules", RULES), in_force("09:30", "rules", text), opened()]), "--until", "2026-11-23T12:00:00+08:00", folder=None)
    parked = [json.loads(row) for row in done.stdout.splitlines() if b'"worker.parked"' in row]
    assert len(parked) == 1 and told in parked[0]["data"]["reason"] and b'"obligation":"X.hour/C-1"' in done.stdout


def test_a_file_too_large_is_none():
    done = run(b"", folder=config("# " + "x" * (1 << 20) + "\n" + RULES), expect=78)
    assert "rules/escalate.yaml is larger than 61440 bytes" in done.stderr.decode()


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "&a [*a]\n", "ladders: &l { l: *l }\nrules: []\n", "rules: &r [{ id: X, on: *r }]\n", "\x00", "- - - -\n", "{" * 500, "[" * 20000, "rules: !!binary x\n",
                                  "%YAML 9.9\n---\n", "rules:\n- id: X\n  on: [" + "complaint.opened, " * 2000 + "]\n", "? [a]\n: b\n", "", "\n", "~\n", "rules: ~\n"])
def test_what_is_hardly_a_file(text):
    done = run(b"", folder=config(text), expect=78)
    assert "rules/escalate.yaml" in done.stderr.decode() and len(done.stderr) < 2000


def test_a_wrong_activation_leaves_what_was_in_force():
    def activated(clock, text):
        return MON(clock, "config.activated", "escalate", kind="rules", digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)
    only = RULES[:RULES.index("  - id: X.day")] + RULES[RULES.index("  - id: X.hour\n"):RULES.index("  - id: X.hours")]
    done = run(lines_of([activated("09:00", only), activated("09:30", only.replace("clerk", "clark")), opened()]), "--until", "2026-11-23T12:00:00+08:00", folder=None)
    said = done.stdout.decode()
    assert '"worker.parked"' in said and "did you mean clerk?" in said and '"obligation":"X.hour/C-1"' in said


def test_of_several_ends_before_the_beginning_the_first_counts(rules):
    told = rehearse([replied("10:10"), MON("10:12", "case.closed", "C-1", by="c-1", outcome="withdrawn"), opened("12:00", own="10:00")], "2026-11-23 12:30", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 12:00 due 11-23 11:00", "fulfilled 11-23 12:00"]


def test_cancelled_and_then_its_opening_taken_back_it_stays_cancelled(rules):
    told = rehearse([opened(), MON("10:10", "case.closed", "C-1", by="c-1", outcome="withdrawn"), MON("10:20", "record.retracted", "C-1", event=1, by="c-1", reason="a test"),
                     MON("10:30", "record.retracted", "C-1", event=2, by="c-1", reason="not that either"), MON("10:40", "case.reopened", "C-1", by="c-1")], "2026-11-23 12:30", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "cancelled 11-23 10:10 (closed)"]


SUSPENDED, RESUMED = {"by": "c-1", "reason": "waits"}, {"by": "c-1", "reason": "goes on"}


def retracted(clock, event):
    return MON(clock, "record.retracted", "C-1", event=event, by="l-1", reason="a mis-click")


def test_a_reply_taken_back_behind_which_another_stands(rules):
    told = rehearse([opened(), replied("10:10"), replied("10:20"), retracted("10:30", 2)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1")[1:] == ["fulfilled 11-23 10:10", "opened 11-23 10:30 due 11-23 11:00 (retracted)", "fulfilled 11-23 10:30"]
    # And was that one late, it was late.
    told = rehearse([opened(), replied("10:10"), replied("11:20"), retracted("11:30", 2)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1")[1:] == ["fulfilled 11-23 10:10", "opened 11-23 11:30 due 11-23 11:00 (retracted)", "breached 11-23 11:30", "fulfilled 11-23 11:30"]


def test_a_reply_from_before_the_opening_taken_back(rules):
    told = rehearse([replied("09:00"), opened(), retracted("10:10", 1)], "2026-11-23 10:20", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:00", "opened 11-23 10:10 due 11-23 11:00 (retracted)"]


def test_a_suspension_that_is_over_and_a_resumption_taken_back(rules):
    events = [opened(), MON("10:10", "case.suspended", "C-1", **SUSPENDED), MON("10:40", "case.resumed", "C-1", **RESUMED)]
    told = rehearse(events + [retracted("10:50", 2)], "2026-11-23 11:00", rules)
    assert told.of("X.hour/C-1")[1:] == ["rescheduled 11-23 10:40 due 11-23 11:30 (resumed)", "warned 11-23 10:45", "rescheduled 11-23 10:50 due 11-23 11:00 (retracted)", "breached 11-23 11:00",
                                         "level 1 cs_lead 11-23 11:00"]
    told = rehearse(events + [retracted("10:50", 3)], "2026-11-23 18:00", rules)
    assert not [text for text in told.of("X.hour/C-1") if "breached" in text]     # it is suspended still


def test_in_time_only_thanks_to_a_suspension_that_never_was(rules):
    told = rehearse([opened(), MON("10:10", "case.suspended", "C-1", **SUSPENDED), MON("10:40", "case.resumed", "C-1", **RESUMED), replied("11:20"), retracted("12:00", 2)],
                    "2026-11-23 13:00", rules)
    assert told.of("X.hour/C-1")[-4:] == ["fulfilled 11-23 11:20", "opened 11-23 12:00 due 11-23 11:00 (retracted)", "breached 11-23 12:00", "fulfilled 11-23 12:00"]


# ---- Amended: judged again, from when it happened


def amended(clock, event, case="C-1", **fields):
    return MON(clock, "record.amended", case, event=event, by="l-1", reason="entered wrongly", fields=fields)


ROBOT = {"automatic": True}


def test_a_reply_that_meant_nothing_amended_to_one_that_counts(rules):
    told = rehearse([opened(), replied("10:20", **ROBOT), amended("10:40", 2, automatic=False)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "warned 11-23 10:30", "fulfilled 11-23 10:40"]
    # After the breach it was in time all the same, and known late; a late one stays late.
    told = rehearse([opened(), replied("10:20", **ROBOT), amended("11:20", 2, automatic=False)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1")[-1] == "fulfilled 11-23 11:20 late_known"
    told = rehearse([opened(), replied("11:10", **ROBOT), amended("11:20", 2, automatic=False)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1")[-1] == "fulfilled 11-23 11:20"


def test_an_amendment_taken_back_and_amended_again(rules):
    events = [opened(), replied("10:20", **ROBOT), amended("10:22", 2, automatic=False), retracted("10:24", 3)]
    told = rehearse(events, "2026-11-23 10:25", rules)
    assert told.of("X.hour/C-1")[1:] == ["fulfilled 11-23 10:22", "opened 11-23 10:24 due 11-23 11:00 (amended)"]
    told = rehearse([*events, amended("10:26", 2, automatic=False)], "2026-11-23 10:59", rules)
    assert told.of("X.hour/C-1")[-1] == "fulfilled 11-23 10:26"
    # Of what was taken back there is nothing to amend.
    told = rehearse([opened(), replied("10:20", **ROBOT), retracted("10:21", 2), amended("10:22", 2, automatic=False)], "2026-11-23 10:25", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00"]


def test_an_amended_end_from_before_the_opening(rules):
    told = rehearse([replied("09:00", **ROBOT), opened(), amended("10:10", 1, automatic=False)], "2026-11-23 10:20", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:10"]
    told = rehearse([replied("09:00", **ROBOT), amended("09:10", 1, automatic=False), opened()], "2026-11-23 10:20", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:00"]
    told = rehearse([replied("09:00"), replied("09:05"), amended("09:10", 1, **ROBOT), opened(), retracted("10:10", 2)], "2026-11-23 10:20", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:00", "opened 11-23 10:10 due 11-23 11:00 (retracted)"]


def test_an_amended_outcome_no_longer_withdraws_it(rules):
    closed = MON("10:20", "case.closed", "C-1", by="c-1", outcome="withdrawn")
    told = rehearse([opened(), closed, amended("10:25", 2, outcome="done")], "2026-11-23 10:29", rules)
    assert told.of("X.hour/C-1")[1:] == ["cancelled 11-23 10:20 (closed)", "opened 11-23 10:25 due 11-23 11:00 (amended)"]
    told = rehearse([opened(), {**closed, "data": {"by": "c-1", "outcome": "done"}}, amended("10:25", 2, outcome="withdrawn")], "2026-11-23 10:29", rules)
    assert told.of("X.hour/C-1")[1:] == ["cancelled 11-23 10:25 (closed)"]


def test_an_opening_amended_so_that_another_rule_holds_it_held_from_the_beginning():
    """Entered as anonymous by mistake: a reply is owed since the complaint, and one that was given meanwhile counts."""
    anonymous = opened(anonymous=True)
    told = rehearse([anonymous, amended("2026-11-25 09:00", 1, anonymous=False)], "2026-11-25 10:00")
    assert told.of("C1/C-1")[:2] == ["opened 11-25 09:00 due 11-25 00:00 (amended)", "breached 11-25 09:00"]
    assert told.of("C1.anonymous/C-1")[-1] == "cancelled 11-25 09:00 (reclassified)"
    told = rehearse([anonymous, replied("15:00"), amended("2026-11-25 09:00", 1, anonymous=False)], "2026-11-25 10:00")
    assert told.of("C1/C-1") == ["opened 11-25 09:00 due 11-25 00:00 (amended)", "fulfilled 11-25 09:00"]


def test_an_amended_limit_moves_the_due():
    told = rehearse([opened(due="2026-11-23T17:00:00+08:00"), amended("11:00", 1, due="2026-11-23T18:00:00+08:00")], "2026-11-23 18:00")
    assert told.of("H4/C-1") == ["opened 11-23 10:00 due 11-23 17:00", "rescheduled 11-23 11:00 due 11-23 18:00 (amended)", "warned 11-23 14:00", "breached 11-23 18:00",
                                 "level 1 cs_lead 11-23 18:00"]


def test_a_later_step_amended():
    """Handled, verification deferred: five days instead of three; amended back and forth."""
    handled = MON("10:00", "complaint.handled", "C-1", by="c-1", solution="repaired")
    told = rehearse([opened("09:00"), handled, amended("11:00", 2, verify="deferred"), amended("12:00", 2, verify="at_once")], "2026-11-23 13:00")
    assert told.of("C2/C-1") == ["opened 11-23 10:00 due 11-27 00:00", "cancelled 11-23 11:00 (amended)", "opened 11-23 12:00 due 11-27 00:00 (amended)"]
    assert told.of("C6/C-1") == ["opened 11-23 11:00 due 11-29 00:00 (amended)", "cancelled 11-23 12:00 (amended)"]


def test_an_amended_household_is_another_subject():
    told = rehearse([MON("10:00", "call.abandoned", "call-1", household="3-2-1201", wait_s=30), amended("10:02", 1, "call-1", household="3-2-1202"),
                     MON("10:05", "call.answered", "call-2", household="3-2-1202", by="c-1")], "2026-11-23 10:30")
    assert told.of("H2.abandoned/3-2-1201") == ["opened 11-23 10:00 due 11-23 10:10", "cancelled 11-23 10:02 (amended)"]
    assert told.of("H2.abandoned/3-2-1202") == ["opened 11-23 10:02 due 11-23 10:10 (amended)", "fulfilled 11-23 10:05"]


def test_an_answer_taken_back_that_two_triggers_mean(rules):
    told = rehearse([MON("10:00", "call.abandoned", "call-1", wait_s=30), MON("10:05", "call.answered", "call-1", by="c-1"),
                     MON("10:06", "record.retracted", "call-1", event=2, by="c-1", reason="a mis-click")], "2026-11-23 10:07")
    assert told.of("H2.abandoned/call-1")[1:] == ["fulfilled 11-23 10:05", "opened 11-23 10:06 due 11-23 10:10 (retracted)"]


def test_taken_back_and_entered_again(rules):
    """The right record under the same number is owed, from its own time; what was said before it does not count."""
    told = rehearse([opened(), replied("10:05"), retracted("10:10", 1), opened("10:12")], "2026-11-23 11:12", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:05", "cancelled 11-23 10:10 (retracted)",
                                     "opened 11-23 10:12 due 11-23 11:12", "warned 11-23 10:42", "breached 11-23 11:12", "level 1 cs_lead 11-23 11:12"]


def test_taken_back_with_all_that_other_fields_of_it_opened(rules):
    told = rehearse([opened(severity="major"), amended("10:05", 1, severity="ordinary"), retracted("10:10", 1)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1") == ["opened 11-23 10:05 due 11-23 11:00 (amended)", "cancelled 11-23 10:10 (retracted)"]


def test_a_reclassification_taken_back_and_what_was_done_meanwhile(rules):
    told = rehearse([opened(), MON("10:05", "case.reclassified", "C-1", severity="major", by="c-1"), replied("10:10"), retracted("10:20", 2)], "2026-11-23 12:00", rules)
    assert told.of("X.hour/C-1")[1:] == ["cancelled 11-23 10:05 (reclassified)", "opened 11-23 10:20 due 11-23 11:00 (retracted)", "fulfilled 11-23 10:20"]


def test_a_long_history_loses_nothing(rules):
    """45 suspensions of half an hour: of what is taken back afterwards, the last is known as well as the first."""
    def stamp(minutes):
        return f"2026-11-{23 + minutes // 1440} {minutes % 1440 // 60:02}:{minutes % 60:02}"
    begin, events = 610, [opened()]
    for n in range(45):
        events += [MON(stamp(begin + 31 * n), "case.suspended", "C-1", **SUSPENDED), MON(stamp(begin + 31 * n + 30), "case.resumed", "C-1", **RESUMED)]
    over = begin + 31 * 45
    told = rehearse([*events, replied(stamp(over)), retracted(stamp(over + 1), 92)], stamp(over + 4), rules)
    # 1350 minutes of credit, all of them remembered when the reply is taken back.
    assert told.of("X.hour/C-1")[-1] == "opened 11-24 09:26 due 11-24 09:30 (retracted)"
    told = rehearse([*events, retracted(stamp(over), 90)], stamp(over), rules)
    assert told.of("X.hour/C-1")[-3:-1] == ["rescheduled 11-24 09:25 due 11-24 09:00 (retracted)", "breached 11-24 09:25"]


# ---- How long it is remembered


def test_amended_as_long_as_it_is_open_and_for_35_days_behind(rules):
    late = MON("2027-02-20 10:00", "record.amended", "C-1", event=2, by="l-1", reason="entered wrongly", fields={"automatic": False})
    told = rehearse([opened(), replied("10:20", **ROBOT), late], "2027-02-21", config(RULES[:RULES.index("  - id: X.day")] + RULES[RULES.index("  - id: X.hour\n"):RULES.index("  - id: X.hours")]))
    assert told.of("X.hour/C-1")[-1] == "fulfilled 02-20 10:00 late_known"
    # Fulfilled on the 23rd of November: 35 days later all is forgotten.
    for day, last in ("2026-12-27", "opened 12-27 10:00 due 11-23 11:00 (amended)"), ("2026-12-29", "fulfilled 11-23 10:20"):
        at = MON(f"{day} 10:00", "record.amended", "C-1", event=2, by="l-1", reason="the robot", fields=ROBOT)
        assert last in rehearse([opened(), replied("10:20"), at], f"{day} 10:01", rules).of("X.hour/C-1")[1:], day
        assert rehearse([opened(), replied("10:20"), at], f"{day} 10:01", rules).of("X.hour/C-1")[:2] == ["opened 11-23 10:00 due 11-23 11:00", "fulfilled 11-23 10:20"]


def test_what_had_to_come_before_is_remembered_for_a_year():
    """Nobody is accused of an order of events because of what the program has forgotten."""
    permit = {"kind": "hot_work", "household": "3-2-1201", "by": "c-1"}
    approved = MON("10:00", "permit.approved", "P-1", role="site_manager", **permit)
    told = rehearse([approved, MON("2027-12-20 10:00", "permit.inspected", "P-1", role="security", **permit)], "2027-12-21")
    assert told.violations() == []
    told = rehearse([approved, MON("2028-02-20 10:00", "permit.inspected", "P-1", role="security", **permit)], "2028-02-21")
    assert told.violations() == ["violated M4.order 2 02-20 10:00"]


def test_a_cause_that_two_obligations_rest_on_is_not_forgotten_with_the_first():
    """Reopened, the one no longer rests on the suspension; the other does: taken back, its time counts."""
    two = config(RULES[:RULES.index("rules:")] + "rules:\n" + "".join(
        f"  - {{ id: {name}, on: complaint.opened, until: {until}, due: elapsed 1h, role: clerk, ladder: two }}\n"
        for name, until in (("A", "case.replied"), ("B", "case.assigned"))))
    told = rehearse([opened(), MON("10:20", "case.suspended", "C-1", **SUSPENDED), replied("10:30"), MON("10:40", "case.reopened", "C-1", by="c-1"), retracted("12:00", 2)],
                    "2026-11-23 12:01", two)
    assert "breached 11-23 12:00" in told.of("B/C-1")


def test_a_role_that_is_none_is_refused_with_the_nearest(rules):
    done = run(lines_of([opened()]), "--until", "2026-11-23T11:00:00+08:00", "--ask", 'open={"role":"cs_leed"}', folder=rules, expect=None)
    assert "did you mean cs_lead?" in done.stdout.decode() + done.stderr.decode()

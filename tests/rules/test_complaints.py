"""C1 to C12, as shipped: event sequences, and what is owed, told and missed."""
import pytest

from obligations import Day, instant, rehearse

MON, FRI = Day("2026-11-23"), Day("2026-11-20")
NOISE = {"category": "noise", "severity": "ordinary", "via": "phone"}


def test_c1_next_working_day_warned_and_broken():
    told = rehearse([FRI("20:00", "complaint.opened", "C-1", **NOISE)], until="2026-11-26")
    assert told.of("C1/C-1", messages=True) == [
        "opened 11-20 20:00 due 11-24 00:00",
        "warned 11-23 09:00", "tell cs_assistant warned 11-23 09:00 urgent",
        "warned 11-23 15:00", "tell cs_assistant warned 11-23 15:00 urgent",
        "breached 11-24 00:00", "level 1 cs_lead 11-24 00:00", "tell cs_lead breached 11-24 00:00 urgent",
        "level 2 site_manager 11-24 02:00", "tell site_manager breached 11-24 02:00 urgent",
        "level 3 vice_gm 11-25 00:00", "tell vice_gm breached 11-25 00:00 routine"]


def test_c1_warnings_whose_time_came_while_it_rested_are_one():
    """They were two of one instant, which parked the timer."""
    told = rehearse([FRI("20:00", "complaint.opened", "C-1", **NOISE), FRI("21:00", "case.snoozed", "C-1", by="c-1", until="2026-11-23T16:22:04+08:00")], until="2026-11-23 23:00")
    assert told.of("C1/C-1", messages=True) == ["opened 11-20 20:00 due 11-24 00:00", "tell cs_assistant forgotten 11-23 16:22:04 urgent",
                                                "warned 11-23 16:22:04", "tell cs_assistant warned 11-23 16:22:04 urgent"]


@pytest.mark.parametrize("replied, outcome", [
    ("2026-11-24 00:00:00", ["fulfilled 11-24 00:00"]),
    ("2026-11-24 00:00:00.000001", ["breached 11-24 00:00", "level 1 cs_lead 11-24 00:00", "fulfilled 11-24 00:00"])])
def test_c1_at_its_instant_is_in_time_and_a_moment_later_is_late(replied, outcome):
    told = rehearse([FRI("20:00", "complaint.opened", "C-1", **NOISE), FRI(replied, "case.replied", "C-1", by="c-1")], until="2026-11-26")
    assert told.of("C1/C-1")[3:] == outcome


@pytest.mark.parametrize("opened, due", [
    ("2026-02-13 18:00", "02-15 00:00"),        # Friday before 春节: Saturday the 14th is worked instead
    ("2026-02-14 10:00", "02-25 00:00"),        # on that Saturday: 15 to 23 are off
    ("2026-09-30 23:59", "10-09 00:00"),        # the evening before 国庆节
    ("2026-12-31 10:00", "01-05 00:00")])       # 2027 is provisional
def test_c1_across_holidays(opened, due):
    told = rehearse([FRI(opened, "complaint.opened", "C-1", **NOISE)], until="2027-01-06")
    assert told.of("C1/C-1")[0].endswith("due " + due)


def test_c1_an_automatic_reply_is_none():
    told = rehearse([MON("10:00", "complaint.opened", "C-1", **NOISE), MON("10:00:05", "case.replied", "C-1", by="robot", automatic=True),
                     MON("2026-11-25 09:00", "case.replied", "C-1", by="c-1")], until="2026-11-25 10:00")
    assert told.of("C1/C-1")[0] == "opened 11-23 10:00 due 11-25 00:00"
    assert told.of("C1/C-1")[-1] == "fulfilled 11-25 09:00" and "breached 11-25 00:00" in told.of("C1/C-1")


def test_c1_anonymous_owes_no_reply_but_the_lead_confirms():
    told = rehearse([MON("10:00", "complaint.opened", "C-1", anonymous=True, **NOISE), MON("11:00", "case.acknowledged", "C-1", by="lead-1")], until="2026-11-26")
    assert told.of("C1/C-1") == []
    assert told.of("C1.anonymous/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "fulfilled 11-23 11:00"]


NOBODY = {**NOISE, "anonymous": True}


def amended(clock, of, **fields):
    return MON(clock, "record.amended", "C-1", event=of, by="lead-1", reason="entered wrongly", fields=fields)


def test_c2_c5_c6_nobody_is_known_who_could_be_called_or_sign():
    opened = MON("09:00", "complaint.opened", "C-1", **NOBODY)
    for verify, owed in ("onsite", ("C2", "C5")), ("deferred", ("C6",)):
        handled = MON("12:00", "complaint.handled", "C-1", by="e-1", verify=verify)
        told = rehearse([opened, handled], until="2026-12-01")
        for rule in owed:
            assert [line.split(" due")[0] for line in told.of(f"{rule}/C-1")] == ["opened 11-23 12:00", "cancelled 11-23 12:00 (unless)"]
        assert not [line for line in told.lines if line["type"] == "obligation.breached" and line["subject"] == "C-1"]
        # The household is known after all, or they gave their name: both are owed since it was handled.
        for fields in {"household": "3-2-1201"}, {"anonymous": False}:
            told = rehearse([opened, handled, amended("2026-11-24 09:00", 1, **fields)], until="2026-11-24 10:00")
            for rule in owed:
                assert told.of(f"{rule}/C-1")[2].startswith("opened 11-24 09:00 due 11-2") and told.of(f"{rule}/C-1")[2].endswith("(amended)")
    handled = MON("12:00", "complaint.handled", "C-1", by="e-1", verify="onsite")
    # Found out later; told of later; handled twice.
    told = rehearse([MON("09:00", "complaint.opened", "C-1", **NOISE), handled, amended("15:00", 1, anonymous=True)], until="2026-12-01")
    assert told.of("C2/C-1")[1:] == told.of("C5/C-1")[1:] == ["cancelled 11-23 15:00 (unless)"]
    told = rehearse([handled, MON("15:00", "complaint.opened", "C-1", own="2026-11-23 09:00", **NOBODY)], until="2026-12-01")
    assert told.of("C2/C-1")[1:] == told.of("C5/C-1")[1:] == ["cancelled 11-23 15:00 (unless)"]
    told = rehearse([opened, handled, MON("16:00", "complaint.handled", "C-1", by="e-1", verify="onsite")], until="2026-12-01")
    assert told.of("C2/C-1")[-1] == "cancelled 11-23 16:00 (unless)"
    # Anonymous to the others, but the household is known to us: called as anybody.
    told = rehearse([MON("09:00", "complaint.opened", "C-1", household="3-2-1201", **NOBODY), handled], until="2026-11-24")
    assert len(told.of("C2/C-1")) == 1


def test_c1_c2_c5_whom_it_was_linked_to_is_withdrawn():
    both = [MON("09:00", "complaint.opened", "C-1", **NOISE), MON("09:05", "complaint.opened", "C-2", **NOISE),
            MON("10:00", "case.linked", "C-1", to="C-2", relation="duplicate", by="c-1")]
    withdrawn = MON("14:00", "case.closed", "C-2", by="c-1", outcome="withdrawn")
    told = rehearse([*both, withdrawn], until="2026-11-26")
    assert told.of("C1/C-1")[1:4] == ["cancelled 11-23 10:00 (linked)", "opened 11-23 14:00 due 11-25 00:00 (unlinked)", "warned 11-24 09:00"]
    # Replied to before: that was for both; its own reply, after the link, counts.
    assert rehearse([*both, MON("13:00", "case.replied", "C-2", by="c-1"), withdrawn], until="2026-11-26").of("C1/C-1")[-1] == "cancelled 11-23 10:00 (linked)"
    told = rehearse([*both, MON("13:00", "case.replied", "C-1", by="c-1"), withdrawn], until="2026-11-26")
    assert told.of("C1/C-1")[-1] == "fulfilled 11-23 14:00"
    # Waived is waived.
    waived = MON("09:30", "obligation.waived", "C-1", obligation="C1/C-1", by="m-1", reason="r")
    assert rehearse([*both[:2], waived, both[2], withdrawn], until="2026-11-26").of("C1/C-1")[-1].startswith("cancelled 11-23 09:30 (waived)")
    # Handled, and linked to one that is not yet: the callback and the signature end by the word of estate-callback.
    handled = MON("11:00", "complaint.handled", "C-1", by="e-1", verify="onsite")
    of_both = {"callback": "C-1/1", "staff": "c-2", "role": "cs_assistant", "kind": "complaint"}
    ended = MON("11:00:01", "callback.cancelled", "C-1", reason="linked", **of_both)
    told = rehearse([*both, handled, ended], until="2026-12-01")
    assert told.of("C2/C-1")[1:] == told.of("C5/C-1")[1:] == ["cancelled 11-23 11:00:01 (closed)"]
    again = MON("14:00:01", "callback.due", "C-1", due=instant("2026-11-27 00:00"), opens=instant("2026-11-23 11:00"), mode="phone", mandatory=True,
                reason="C2.unlinked", **of_both)
    told = rehearse([*both, handled, ended, withdrawn, again], until="2026-11-28")
    assert told.of("C2.again/C-1")[:2] == ["opened 11-23 14:00:01 due 11-27 00:00", "breached 11-27 00:00"]
    assert told.of("C5/C-1")[2] == "opened 11-23 14:00:01 due 11-27 00:00"
    # Its own deadline has come back: one is enough.
    two = [*both, MON("10:30", "complaint.handled", "C-2", by="e-1", verify="onsite"), handled, withdrawn, again]
    told = rehearse(two, until="2026-11-28")
    assert told.of("C2/C-1").count("breached 11-27 00:00") == 1 and told.of("C2.again/C-1") == []


def test_c1_withdrawn_or_wrong_number_is_cancelled_and_done_is_not():
    told = rehearse([MON("10:00", "complaint.opened", "C-1", **NOISE), MON("10:05", "case.closed", "C-1", by="c-1", outcome="withdrawn"),
                     MON("10:00", "complaint.opened", "C-2", **NOISE), MON("10:05", "case.closed", "C-2", by="c-1", outcome="done")], until="2026-11-24 00:00")
    assert told.of("C1/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "cancelled 11-23 10:05 (closed)"]
    assert told.of("C1/C-2") == ["opened 11-23 10:00 due 11-25 00:00"]


HANDLED = ("complaint.handled", "C-1")


def test_c2_c5_three_days_after_it_was_handled():
    told = rehearse([FRI("10:00", *HANDLED, by="e-1", verify="onsite")], until="2026-11-24 12:00")
    # Friday, so Monday: a Sunday in it does not move it.
    assert told.of("C2/C-1") == ["opened 11-20 10:00 due 11-24 00:00", "warned 11-23 09:00", "breached 11-24 00:00", "level 1 cs_lead 11-24 00:00"]
    assert told.of("C5/C-1") == ["opened 11-20 10:00 due 11-24 00:00", "breached 11-24 00:00", "level 1 cs_lead 11-24 00:00"]


def test_c2_reopened_is_cancelled_and_armed_by_the_next_end():
    told = rehearse([MON("10:00", *HANDLED, by="e-1", verify="onsite"), MON("2026-11-24 10:00", "case.reopened", "C-1", by="c-1"),
                     MON("2026-11-25 10:00", *HANDLED, by="e-1", verify="onsite"), MON("2026-11-26 10:00", "callback.done", "C-1", kind="complaint", by="c-1", mode="phone"),
                     MON("2026-11-26 11:00", "complaint.signed", "C-1", satisfied=True)], until="2026-12-02")
    assert told.of("C2/C-1") == ["opened 11-23 10:00 due 11-27 00:00", "cancelled 11-24 10:00 (closed)",
                                 "opened 11-25 10:00 due 11-29 00:00", "fulfilled 11-26 10:00"]
    assert told.of("C5/C-1")[-1] == "fulfilled 11-26 11:00"


def extended(at, until):
    return MON(at, "callback.due", "C-1", callback="C-1/1", kind="complaint", opens="2026-11-26T00:00:00+08:00", due=instant(until), role="cs_assistant", mode="phone",
               mandatory=True, reason="C6.extended")


def test_c2_in_one_talk_with_another_case():
    both = [MON("10:00", "complaint.handled", case, by="e-1", verify="onsite") for case in ("C-1", "C-2")]
    talk = [MON("14:00", "callback.done", "C-1", kind="complaint", by="c-1", mode="phone", covers=["C-2"]),
            MON("14:00", "callback.cancelled", "C-2", callback="C-2/1", reason="covered")]
    told = rehearse([*both, *talk], until="2026-12-01")
    assert told.of("C2/C-1")[-1] == told.of("C2/C-2")[-1] == "fulfilled 11-23 14:00"
    again = MON("15:00", "callback.due", "C-2", callback="C-2/1", kind="complaint", opens="2026-11-23T10:00:00+08:00", due=instant("2026-11-27 00:00"), role="cs_assistant",
                mode="phone", mandatory=True, reason="C2.again")
    assert rehearse([*both, *talk, again], until="2026-11-28").of("C2.again/C-2")[:2] == ["opened 11-23 15:00 due 11-27 00:00", "breached 11-27 00:00"]


def test_c6_deferred_five_days_and_extended():
    told = rehearse([MON("10:00", *HANDLED, by="e-1", verify="deferred"),
                     extended("2026-11-27 10:00", "2026-12-03 18:00"), extended("2026-12-02 10:00", "2026-12-05 18:00"),
                     # Asked for, and refused by estate-callback as one too many: it moves nothing.
                     MON("2026-12-03 10:00", "callback.extended", "C-1", callback="C-1/1", reason="it did", until="2026-12-30T18:00:00+08:00", by="lead-1"),
                     MON("2026-12-04 10:00", "callback.done", "C-1", kind="complaint", by="c-1", mode="visit")], until="2026-12-10")
    assert told.of("C2/C-1") == []
    assert told.of("C6/C-1") == ["opened 11-23 10:00 due 11-29 00:00", "cancelled 11-27 10:00 (replaced)"]
    assert told.of("C6.extended/C-1") == ["opened 11-27 10:00 due 12-03 18:00", "rescheduled 12-02 10:00 due 12-05 18:00 (extended)", "fulfilled 12-04 10:00"]


def test_c7_form_to_manager_back_and_to_the_archive():
    form = {"form": "complaint_handling", "by": "c-1"}
    told = rehearse([MON("10:00", "form.completed", "C-1", role="cs_lead", **form), MON("11:00", "form.sent_back", "C-1", role="site_manager", reason="no cause", **form),
                     MON("2026-11-24 10:00", "form.completed", "C-1", role="cs_lead", **form), MON("2026-11-25 10:00", "form.signed", "C-1", role="site_manager", **form)],
                    until="2026-11-28")
    assert told.of("C7/C-1") == ["opened 11-23 10:00 due 11-26 00:00", "fulfilled 11-23 11:00", "opened 11-24 10:00 due 11-27 00:00", "fulfilled 11-25 10:00"]
    assert told.of("C7.sent_back/C-1") == ["opened 11-23 11:00 due 11-26 00:00", "fulfilled 11-24 10:00"]
    assert told.of("C7.archive/C-1") == ["opened 11-25 10:00 due 11-28 00:00", "breached 11-28 00:00", "level 1 cs_lead 11-28 00:00"]


def test_c8_complaint_made_to_the_company():
    complaint = {**NOISE, "via": "company"}
    told = rehearse([MON("10:00", "complaint.opened", "C-1", **complaint), MON("2026-11-24 09:00", "complaint.relayed", "C-1", by="hq-1", to="site_manager")],
                    until="2026-11-25")
    assert told.of("C8/C-1") == ["opened 11-23 10:00 due 11-25 00:00", "fulfilled 11-24 09:00"]
    assert told.of("C1/C-1")[0] == "opened 11-23 10:00 due 11-25 00:00"


def test_c10_ageing_at_3_7_and_15_working_days_even_suspended():
    told = rehearse([MON("10:00", "complaint.opened", "C-1", **NOISE), MON("10:01", "case.replied", "C-1", by="c-1"),
                     MON("11:00", "case.suspended", "C-1", by="c-1", reason="waits for a part")], until="2026-12-31")
    assert told.of("C10/C-1") == ["opened 11-23 10:00 due 11-27 00:00", "breached 11-27 00:00", "level 1 cs_lead 11-27 00:00",
                                  "level 2 site_manager 12-03 00:00", "level 3 vice_gm 12-15 00:00"]


def test_c11_monthly_report_and_a_rejected_one():
    report = {"name": "投诉处理和回访分析", "kind": "complaints", "period": "2026-11", "version": 1}
    told = rehearse([MON("10:00", "probe.recorded", "x"), MON("2026-12-04 10:00", "report.rejected", "R-1", **report), MON("2026-12-07 10:00", "report.submitted", "R-1", **report),
                     MON("2026-12-07 12:00", "report.approved", "R-2", **{**report, "kind": "callback_rate"}),      # another report
                     MON("2026-12-08 10:00", "report.approved", "R-1", **report)], until="2026-12-20")
    # Tuesday the first; five working days later is the 8th.
    assert told.of("C11/2026-12") == ["opened 12-01 00:00 due 12-09 00:00", "fulfilled 12-08 10:00"]
    assert told.of("C11.rejected/R-1") == ["opened 12-04 10:00 due 12-09 00:00", "fulfilled 12-07 10:00"]


def test_c12_stopped_and_looked_at_again():
    seen = {"by": "s-1", "kind": "illegal_build"}
    told = rehearse([MON("10:00", "violation.observed", "V-1", **seen), MON("10:30", "violation.stopped", "V-1", **seen),
                     MON("2026-11-24 23:00", "violation.rechecked", "V-1", **seen)], until="2026-11-26")
    assert told.of("C12.stop/V-1") == ["opened 11-23 10:00 due 11-23 12:00", "fulfilled 11-23 10:30"]
    assert told.of("C12/V-1") == ["opened 11-23 10:30 due 11-25 00:00", "fulfilled 11-24 23:00"]
    told = rehearse([MON("10:00", "violation.observed", "V-2", **seen)], until="2026-11-23 12:30")
    assert told.of("C12.stop/V-2")[1:] == ["breached 11-23 12:00", "level 1 cs_lead 11-23 12:00"]

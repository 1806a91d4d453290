"""Z6, Z9, Z10 and V7 to V13, as shipped: what callbacks and reviews owe."""
from obligations import Day, instant, rehearse

MON = Day("2026-11-23")


def test_z6_the_result_is_told():
    issue = {"dept": "engineering", "by": "c-1"}
    told = rehearse([MON("10:00", "issue.resolved", "I-1", **issue), MON("2026-11-24 17:00", "issue.told", "I-1", **issue), MON("10:00", "issue.resolved", "I-2", **issue)],
                    until="2026-11-25 01:00")
    assert told.of("Z6/I-1") == ["opened 11-23 10:00 due 11-25 00:00", "fulfilled 11-24 17:00"]
    assert told.of("Z6/I-2") == ["opened 11-23 10:00 due 11-25 00:00", "breached 11-25 00:00", "level 1 cs_lead 11-25 00:00"]


def owed(kind, case, due, reason="x", mandatory=True):
    """As estate-callback says it."""
    event = MON("12:00", "callback.due", case, callback=f"{case}/1", kind=kind, opens="2026-11-23T04:00:00Z", due=instant(due), role="cs_assistant", mode="phone",
                mandatory=mandatory, reason=reason)
    return {**event, "source": "/estated/worker/callback"}


def test_h10_z1_v1_what_callback_says_is_owed_is_watched():
    for rule, kind in (("H10", "help"), ("Z1", "repair"), ("V1", "routine")):
        said = owed(kind, "X-1", "2026-11-25 00:00")
        opened = "opened 11-23 12:00 due 11-25 00:00"
        assert rehearse([said], until="2026-11-25 00:01").of(f"{rule}/X-1")[:2] == [opened, "breached 11-25 00:00"]
        assert rehearse([said, MON("13:00", "callback.done", "X-1", kind=kind, by="c-1", mode="phone")], until="2026-11-26").of(f"{rule}/X-1") == [opened, "fulfilled 11-23 13:00"]
        given_up = {**MON("13:00", "callback.cancelled", "X-1", callback="X-1/1", reason="attempted: refused"), "source": "/estated/worker/callback"}
        assert rehearse([said, given_up], until="2026-11-26").of(f"{rule}/X-1") == [opened, "cancelled 11-23 13:00 (closed)"]
    assert rehearse([owed("repair", "X-2", "2026-11-25 00:00", mandatory=False)], until="2026-11-26").of("Z1/X-2") == []


def test_c4_c6_what_did_not_count_is_watched_anew():
    for rule, reason in (("C4", "C4.again"), ("C6.early", "C6.early")):
        told = rehearse([owed("complaint", "C-1", "2026-11-27 00:00", reason)], until="2026-11-27 00:01")
        assert told.of(f"{rule}/C-1")[:2] == ["opened 11-23 12:00 due 11-27 00:00", "breached 11-27 00:00"]
    told = rehearse([owed("complaint", "C-1", "2026-11-27 00:00", "C2: complaint handled")], until="2026-11-27 00:01")
    assert told.of("C4/C-1") == told.of("C6.early/C-1") == []


def test_z9_a_line_a_month_and_the_year_signed():
    form = {"form": "annual_callback_rate", "by": "c-1"}
    told = rehearse([MON("2025-12-31 10:00", "probe.recorded", "x"), MON("2026-01-05 10:00", "form.completed", "2025-12", role="cs_assistant", **form),
                     MON("2026-12-30 10:00", "form.signed", "2026", role="site_manager", **form)], until="2027-01-01 12:00")
    assert told.of("Z9.line/2026-01") == ["opened 01-01 00:00 due 01-09 00:00", "fulfilled 01-05 10:00"]
    assert told.of("Z9.line/2026-02")[:2] == ["opened 02-01 00:00 due 02-07 00:00", "breached 02-07 00:00"]     # 1 February is a Sunday
    assert told.of("Z9/2026") == ["opened 01-01 00:00 due 01-01 00:00", "warned 12-02 00:00", "fulfilled 12-30 10:00"]


def test_z10_one_callback_a_week_is_checked():
    told = rehearse([MON("2026-11-20 10:00", "probe.recorded", "x"), MON("2026-11-25 10:00", "audit.done", "C-1", audit="a-1", by="lead-1")], until="2026-12-07 01:00")
    assert told.of("Z10/2026-W48") == ["opened 11-23 00:00 due 11-30 00:00", "fulfilled 11-25 10:00"]
    assert told.of("Z10/2026-W49") == ["opened 11-30 00:00 due 12-07 00:00", "breached 12-07 00:00", "level 1 site_manager 12-07 00:00"]


def test_v7_reviewed_within_a_working_day():
    told = rehearse([MON("10:00", "review.requested", "3-2-1201", by="c-1", role="cs_assistant"), MON("2026-11-24 10:00", "review.done", "3-2-1201", by="l-1", role="cs_lead"),
                     MON("2026-11-27 10:00", "review.requested", "3-2-1201", by="c-1", role="cs_assistant")], until="2026-12-01 01:00")
    assert told.of("V7/3-2-1201") == ["opened 11-23 10:00 due 11-25 00:00", "fulfilled 11-24 10:00", "opened 11-27 10:00 due 12-01 00:00", "breached 12-01 00:00",
                                      "level 1 site_manager 12-01 00:00"]


def test_v8_a_complaint_said_in_a_callback():
    complaint = {"category": "noise", "severity": "ordinary", "via": "callback"}
    told = rehearse([MON("14:00", "complaint.opened", "C-1", own="10:00", **complaint), MON("16:00", "form.completed", "C-1", form="complaint_handling", by="l-1", role="cs_lead")],
                    until="2026-11-23 17:00")
    assert told.of("V8/C-1") == ["opened 11-23 14:00 due 11-25 00:00", "fulfilled 11-23 16:00"]
    assert told.of("C1/C-1") == ["opened 11-23 14:00 due 11-25 00:00"]


def test_v9_v11_the_manager_reviews_every_month():
    told = rehearse([MON("2026-10-30 10:00", "probe.recorded", "x"), MON("10:00", "review.done", "2026-11", by="l-1", role="cs_lead"),
                     MON("2026-11-25 10:00", "review.done", "3-2-1201", by="m-1", role="site_manager"),          # of one visit: neither
                     MON("2026-11-26 10:00", "review.done", "2026-11", by="m-1", role="site_manager", kind="manager"),
                     MON("2026-11-29 10:00", "review.done", "2026-11", by="m-1", role="site_manager", kind="month_end")], until="2027-01-01 01:00")
    assert told.of("V9/2026-11") == ["opened 11-01 00:00 due 12-01 00:00", "warned 11-28 00:00", "fulfilled 11-29 10:00"]
    assert told.of("V11/2026-11") == ["opened 11-01 00:00 due 12-01 00:00", "fulfilled 11-26 10:00"]
    assert told.of("V11/2026-12")[1:] == ["breached 01-01 00:00", "level 1 site_manager 01-01 00:00"]


def test_v13_a_suggestion_is_decided():
    done = {"kind": "routine", "household": "3-2-1201", "by": "c-1", "mode": "visit"}
    told = rehearse([MON("10:00", "callback.done", "3-2-1201", suggestions="more benches", **done), MON("2026-11-26 10:00", "suggestion.decided", "3-2-1201", adopted=True, by="m-1", reason="two"),
                     MON("10:00", "callback.done", "1-1-101", kind="routine", household="1-1-101", by="c-1", mode="phone")], until="2026-11-27")
    assert told.of("V13/3-2-1201") == ["opened 11-23 10:00 due 12-01 00:00", "fulfilled 11-26 10:00"]
    assert told.of("V13/1-1-101") == []

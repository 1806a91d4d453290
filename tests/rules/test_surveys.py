"""S1, S4, S6, S9 to S12, as shipped: surveys, what follows from them, letters and notices."""
from obligations import Day, rehearse

MON = Day("2026-11-23")
PLAN = {"purpose": "p", "audience": "a", "form": "f", "scope": "s", "quantity": 100, "schedule": "d", "staff": "t", "items": [{"item": "cleaning", "dept": "cleaning"}]}


def planned(clock, survey, level="company"):
    return MON(clock, "survey.planned", survey, level=level, **PLAN)


def test_s1_one_a_half_year_warned_thirty_days_before():
    told = rehearse([MON("2025-12-30 10:00", "probe.recorded", "x"), planned("2026-03-02 10:00", "S-0", "department"), planned("2026-08-03 10:00", "S-1")], until="2026-12-31")
    assert told.of("S1/2026-H1")[:4] == ["opened 01-01 00:00 due 07-01 00:00", "warned 06-01 00:00", "breached 07-01 00:00", "level 1 mgmt_rep 07-01 00:00"]
    # The one in August is that of the second half, and the first at last.
    assert told.of("S1/2026-H1")[-1] == "fulfilled 08-03 10:00" and told.of("S1/2026-H2") == ["opened 07-01 00:00 due 01-01 00:00", "fulfilled 08-03 10:00"]


def test_s1_approved_and_held():
    told = rehearse([MON("10:00", "survey.approved", "S-1", by="gm-1", role="general_manager"), MON("2026-12-01 10:00", "survey.opened", "S-1", by="q-1", role="quality_dept")],
                    until="2026-12-02")
    assert told.of("S1.open/S-1") == ["opened 11-23 10:00 due 12-24 00:00", "fulfilled 12-01 10:00"]


def test_s4_not_before_it_is_approved():
    step = {"by": "q-1", "role": "quality_dept"}
    told = rehearse([planned("10:00", "S-1"), MON("11:00", "survey.opened", "S-1", **step), planned("10:00", "S-2"),
                     MON("12:00", "survey.approved", "S-2", by="gm-1", role="general_manager"), MON("13:00", "survey.opened", "S-2", **step)], until="2026-12-01 01:00")
    assert told.violations() == ["violated S4 3 11-23 11:00"]
    assert told.of("S4.approve/S-2")[-1] == "fulfilled 11-23 12:00" and told.of("S4.approve/S-1")[1:] == ["breached 12-01 00:00", "level 1 mgmt_rep 12-01 00:00"]


def test_s4_an_approval_taken_back_is_none():
    told = rehearse([MON("10:00", "survey.approved", "S-1", by="gm-1", role="general_manager"), MON("10:10", "record.retracted", "S-1", event=1, by="gm-1", reason="another survey"),
                     MON("11:00", "survey.opened", "S-1", by="q-1", role="quality_dept")], until="2026-11-24")
    assert told.violations() == ["violated S4 3 11-23 11:00"]


def test_s6_reminded_half_way():
    told = rehearse([MON("00:00", "survey.opened", "S-1", by="q-1", role="quality_dept")], until="2026-12-24 01:00")
    assert told.of("S6/S-1") == ["opened 11-23 00:00 due 12-24 00:00", "warned 12-08 12:00", "breached 12-24 00:00", "level 1 mgmt_rep 12-24 00:00"]


def test_s9_reviewed_and_distributed():
    report = {"name": "意见征询分析", "kind": "survey", "survey": "S-1", "period": "2026-H2", "version": 1}
    told = rehearse([MON("10:00", "survey.closed", "S-1", by="q-1", role="quality_dept"), MON("2026-11-24 10:00", "report.reviewed", "R-1", role="mgmt_rep", **report),
                     MON("2026-11-25 10:00", "report.distributed", "R-1", **report), MON("2026-11-26 10:00", "mgmt_review.submitted", "S-2", by="q-1"),
                     MON("2026-11-23 11:00", "survey.closed", "S-2", by="q-1", role="quality_dept"),
                     MON("2026-11-27 10:00", "report.reviewed", "R-2", role="mgmt_rep", **{**report, "kind": "other", "survey": "S-3"})], until="2026-12-20")
    assert told.of("S9/R-1") == ["opened 11-24 10:00 due 12-02 00:00", "fulfilled 11-25 10:00"]
    # The survey's own report, or the management review that has it.
    assert told.of("S9.report/S-1") == ["opened 11-23 10:00 due 12-08 00:00", "fulfilled 11-24 10:00"]
    assert told.of("S9.report/S-2") == ["opened 11-23 11:00 due 12-08 00:00", "fulfilled 11-26 10:00"]
    assert told.of("S9/R-2") == []


def test_s10_a_corrective_action_by_its_own_day():
    action = {"cause": "lifts", "dept": "engineering", "by": "q-1"}
    told = rehearse([MON("10:00", "corrective.opened", "K-1", due="2026-11-26", **action), MON("2026-11-26 15:00", "corrective.closed", "K-1", due="2026-11-26", **action),
                     MON("2026-11-30 10:00", "corrective.reopened", "K-1", due="2026-12-02", **action)], until="2026-12-03 01:00")
    assert told.of("S10/K-1") == ["opened 11-23 10:00 due 11-27 00:00", "warned 11-26 09:00", "fulfilled 11-26 15:00",
                                  "opened 11-30 10:00 due 12-03 00:00", "warned 12-02 09:00", "breached 12-03 00:00", "level 1 mgmt_rep 12-03 00:00"]


def test_s11_the_box_every_working_day():
    told = rehearse([MON("2026-11-20 10:00", "probe.recorded", "x"), MON("10:00", "mailbox.emptied", "box-1", by="c-1", letters=2), MON("2026-11-25 09:00", "mailbox.emptied", "box-1", by="c-1")],
                    until="2026-11-25 12:00")
    assert [o for o in told.obligations() if o.startswith("S11/")] == ["S11/2026-11-23", "S11/2026-11-24", "S11/2026-11-25"]     # no weekend
    assert told.of("S11/2026-11-23") == ["opened 11-23 00:00 due 11-24 00:00", "fulfilled 11-23 10:00"]
    assert told.of("S11/2026-11-24") == ["opened 11-24 00:00 due 11-25 00:00", "breached 11-25 00:00", "level 1 cs_lead 11-25 00:00", "fulfilled 11-25 09:00"]


def test_s12_published_within_a_working_day():
    told = rehearse([MON("10:00", "notice.required", "N-1", topic="water", by="m-1"), MON("15:00", "notice.published", "N-1", topic="water", by="c-1")], until="2026-11-26")
    assert told.of("S12/N-1") == ["opened 11-23 10:00 due 11-25 00:00", "fulfilled 11-23 15:00"]

"""M1 to M12, as shipped: checks of staff, plans, permits, tasks."""
from obligations import Day, rehearse

MON = Day("2026-11-23")
QUIET = MON("2026-10-30 10:00", "probe.recorded", "x")


def test_m1_each_who_was_on_duty_is_checked_that_week():
    duty = {"from": "2026-11-23", "by": "c-1"}
    told = rehearse([MON("08:00", "duty.started", "c-1", **duty), MON("2026-11-24 08:00", "duty.started", "c-1", **duty), MON("2026-11-26 10:00", "evaluation.done", "c-1", by="l-1"),
                     MON("2026-11-27 08:00", "duty.started", "c-1", **duty), MON("2026-12-01 08:00", "duty.started", "c-1", **duty)], until="2026-12-07 01:00")
    assert told.of("M1/c-1") == ["opened 11-23 08:00 due 11-30 00:00", "fulfilled 11-26 10:00", "opened 12-01 08:00 due 12-07 00:00", "breached 12-07 00:00",
                                 "level 1 site_manager 12-07 00:00"]
    assert told.of("M1/c-2") == []      # on leave


def test_m2_m6_m8_m12_every_month_and_week():
    told = rehearse([QUIET, MON("10:00", "plan.made", "P-1", kind="cleaning", period="2026-11", by="h-1", role="dept_head"), MON("10:00", "meeting.held", "cleaning", by="h-1"),
                     MON("10:00", "notice.published", "N-1", topic="rules", by="c-1"), *(MON("10:00", "inspection.done", f"area-{kind}", by="h-1", area_kind=kind) for kind in ("cleaning", "venue"))],
                    until="2026-12-01 01:00")
    for rule in "M2", "M2.meeting", "M6", "M12":
        assert told.of(f"{rule}/2026-11") == ["opened 11-01 00:00 due 12-01 00:00", "fulfilled 11-23 10:00"]
    assert told.of("M8/2026-W48") == ["opened 11-23 00:00 due 11-30 00:00", "fulfilled 11-23 10:00"]
    assert "breached 11-16 00:00" in told.of("M8/2026-W46") and told.of("M8/2026-W46")[-1] == "fulfilled 11-23 10:00"
    # Who inspects the lawns has not seen the clubhouse; and somebody's work is neither.
    other = "M8.greening/2026-W48", "M12.sports/2026-11", "M12.parking/2026-11"
    assert [text for obligation in other for text in told.of(obligation) if "fulfilled" in text] == []
    told = rehearse([QUIET, *(MON("10:00", "inspection.done", f"area-{kind}", by="h-1", area_kind=kind) for kind in ("greening", "sports", "parking")),
                     MON("11:00", "inspection.done", "c-1", by="h-1")], until="2026-12-01 01:00")
    assert all(told.of(obligation)[-1] == "fulfilled 11-23 10:00" for obligation in other)
    assert "breached 12-01 00:00" in told.of("M12/2026-11") and "breached 11-30 00:00" in told.of("M8/2026-W48")
    told = rehearse([QUIET], until="2026-12-01 01:00")
    for rule in "M2", "M2.meeting", "M6", "M12":
        assert told.of(f"{rule}/2026-11")[1:] == ["breached 12-01 00:00", "level 1 site_manager 12-01 00:00"]


def test_m3_a_training_plan_is_approved():
    plan = {"kind": "training", "period": "2027", "by": "l-1"}
    told = rehearse([MON("10:00", "plan.submitted", "P-1", role="cs_lead", **plan), MON("2026-11-25 10:00", "plan.approved", "P-1", role="site_manager", **plan),
                     MON("10:00", "plan.submitted", "P-2", role="cs_lead", **{**plan, "kind": "greening"}), MON("11:00", "plan.approved", "P-3", role="site_manager", **plan)],
                    until="2026-12-02")
    assert told.of("M3/P-1") == ["opened 11-23 10:00 due 12-01 00:00", "fulfilled 11-25 10:00"] and told.of("M3/P-2") == []
    assert told.violations() == ["violated M3.order 3 11-23 11:00"]


def test_m4_m10_a_permit_from_the_request_to_its_end():
    permit = {"kind": "fit_out", "household": "3-2-1201", "by": "c-1"}
    told = rehearse([MON("10:00", "permit.requested", "P-1", role="clerk", **permit), MON("11:00", "permit.inspected", "P-1", role="security", **permit),
                     MON("2026-11-25 10:00", "permit.reviewed", "P-1", role="engineering", **permit),
                     MON("2026-11-26 10:00", "permit.approved", "P-1", role="site_manager", until="2026-12-20", **permit), MON("2026-11-27 10:00", "permit.inspected", "P-1", role="security", **permit)],
                    until="2026-12-21 01:00")
    assert told.of("M4/P-1") == ["opened 11-23 10:00 due 11-27 00:00", "fulfilled 11-26 10:00"]
    assert told.of("M10/P-1") == ["opened 11-23 10:00 due 11-26 00:00", "fulfilled 11-25 10:00"]
    assert told.of("M4.expires/P-1") == ["opened 11-26 10:00 due 12-21 00:00", "warned 12-20 00:00", "breached 12-21 00:00", "level 1 cs_lead 12-21 00:00"]
    assert told.violations() == ["violated M4.order 2 11-23 11:00"]


def test_m7_a_plan_of_culture_each_quarter():
    told = rehearse([MON("2026-06-30 10:00", "probe.recorded", "x"), MON("2026-08-03 10:00", "plan.made", "P-1", kind="culture", period="2026-Q3", by="l-1", role="cs_lead")],
                    until="2027-01-01 01:00")
    assert told.of("M7/2026-Q3") == ["opened 07-01 00:00 due 10-01 00:00", "fulfilled 08-03 10:00"]
    assert told.of("M7/2026-Q4") == ["opened 10-01 00:00 due 01-01 00:00", "breached 01-01 00:00", "level 1 site_manager 01-01 00:00"]


def test_m9_a_task_by_its_own_day():
    task = {"by": "m-1", "to": "c-1"}
    told = rehearse([MON("00:00", "task.assigned", "T-1", due="2026-11-24", **task), MON("10:00", "task.assigned", "T-2", due="2026-11-23T18:00:00+08:00", **task),
                     MON("17:00", "task.done", "T-2", due="2026-11-23T18:00:00+08:00", **task)], until="2026-11-25 01:00")
    assert told.of("M9/T-1") == ["opened 11-23 00:00 due 11-25 00:00", "warned 11-24 00:00", "breached 11-25 00:00", "level 1 site_manager 11-25 00:00"]
    assert told.of("M9/T-2") == ["opened 11-23 10:00 due 11-23 18:00", "warned 11-23 14:00", "fulfilled 11-23 17:00"]

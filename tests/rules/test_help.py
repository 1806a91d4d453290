"""H2 to H8, as shipped: who waits on the telephone, who called for help, who took it."""
import obligations
from obligations import Day, ask, rehearse

MON = Day("2026-11-23")


def help_(clock, case, kind="repair", household="3-2-1201", **more):
    return MON(clock, "help.requested", case, kind=kind, **({"household": household} if household else {}), **more)


def test_h2_a_minute_to_answer():
    told = rehearse([MON("10:00", "call.queued", "call-1"), MON("10:00", "call.queued", "call-2"), MON("10:00:59", "call.answered", "call-1")],
                    until="2026-11-23 10:02")
    assert told.of("H2/call-1") == ["opened 11-23 10:00 due 11-23 10:01", "fulfilled 11-23 10:00:59"]
    assert told.of("H2/call-2") == ["opened 11-23 10:00 due 11-23 10:01", "breached 11-23 10:01", "level 1 clerk 11-23 10:01"]


def test_h2_abandoned_owes_a_call_back_which_an_answered_call_settles():
    told = rehearse([MON("10:00", "call.queued", "call-1"), MON("10:00:30", "call.abandoned", "call-1", wait_s=30, household="3-2-1201"),
                     MON("10:01", "call.abandoned", "call-2", wait_s=4, household="3-2-1202"), MON("10:02", "voicemail.left", "call-3"),
                     MON("10:04", "call.abandoned", "call-4", wait_s=20, household="3-2-1201"),
                     MON("10:08", "call.answered", "call-5", household="3-2-1201")], until="2026-11-23 10:13")
    assert told.of("H2/call-1") == ["opened 11-23 10:00 due 11-23 10:01", "cancelled 11-23 10:00:30 (closed)"]
    assert told.of("H2.abandoned/3-2-1201") == ["opened 11-23 10:00:30 due 11-23 10:10:30", "warned 11-23 10:05:30", "fulfilled 11-23 10:08"]
    assert told.of("H2.abandoned/3-2-1202") == []       # it rang for less than five seconds
    assert told.of("H2.abandoned/call-3")[-2:] == ["breached 11-23 10:12", "level 1 cs_lead 11-23 10:12"]


def test_h3_five_minutes_day_and_night():
    told = rehearse([help_("2026-11-22 03:00", "R-1"), help_("2026-11-22 03:00", "R-2", household="1-1-101"), MON("2026-11-22 03:05", "case.replied", "R-2", by="c-1")],
                    until="2026-11-22 03:36")
    assert told.of("H3/R-1", messages=True) == [
        "opened 11-22 03:00 due 11-22 03:05", "warned 11-22 03:03", "tell clerk warned 11-22 03:03 urgent",
        "breached 11-22 03:05", "level 1 cs_lead 11-22 03:05", "tell cs_lead breached 11-22 03:05 urgent",
        "level 2 site_manager 11-22 03:05", "tell site_manager breached 11-22 03:05 urgent",
        "level 3 vice_gm 11-22 03:35", "tell vice_gm breached 11-22 03:35 urgent"]
    assert told.of("H3/R-2")[-1] == "fulfilled 11-22 03:05"


def test_h3_both_clocks_are_recorded():
    told = rehearse([help_("10:00", "R-1"), MON("10:03", "supervisor.consulted", "R-1", by="c-1"), MON("10:07", "case.replied", "R-1", by="c-1")], until="2026-11-23 11:00")
    assert told.of("H3/R-1")[-1] == "fulfilled 11-23 10:07" and "breached 11-23 10:05" in told.of("H3/R-1")
    assert told.of("H3.asked/R-1") == ["opened 11-23 10:03 due 11-23 10:08", "fulfilled 11-23 10:07"]


def test_h3_repeat_calls_of_a_household_join_the_first():
    events = [help_("10:00", "R-1"), help_("10:02", "R-2"), help_("10:02", "R-3", kind="medical"), MON("10:04", "case.replied", "R-2", by="c-1"), help_("10:10", "R-4")]
    told = rehearse(events, until="2026-11-23 10:11")
    assert told.of("H3/R-1")[-1] == "fulfilled 11-23 10:04" and told.of("H3/R-2") == []
    assert "breached 11-23 10:07" in told.of("H3/R-3")      # another kind is another matter
    assert told.of("H3/R-4") == ["opened 11-23 10:10 due 11-23 10:15"]
    assert [row.get("joined") for row in ask(events[:2], "2026-11-23 10:03", "case", subject="R-2")["rows"] if row["rule"] == "H3"] == ["R-1"]


def test_h3_the_first_call_was_a_wrong_number_and_the_second_waits_on():
    told = rehearse([help_("10:00", "R-1"), help_("10:02", "R-2"), MON("10:03", "case.closed", "R-1", by="c-1", outcome="wrong_number")], until="2026-11-23 10:08")
    assert told.of("H3/R-1")[-1] == "cancelled 11-23 10:03 (closed)"
    assert told.of("H3/R-2") == ["opened 11-23 10:03 due 11-23 10:07", "warned 11-23 10:05", "breached 11-23 10:07", "level 1 cs_lead 11-23 10:07", "level 2 site_manager 11-23 10:07"]


def test_h4_its_own_limit_replaces_the_general_one():
    told = rehearse([help_("10:00", "R-1", due="2026-11-23T12:00:00+08:00"),
                     MON("10:00", "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone", due="2026-11-23T18:00:00+08:00")],
                    until="2026-11-23 12:30")
    assert told.of("H3/R-1") == told.of("C1/C-1") == []
    assert told.of("H4/R-1") == ["opened 11-23 10:00 due 11-23 12:00", "warned 11-23 11:00", "breached 11-23 12:00", "level 1 cs_lead 11-23 12:00"]
    assert told.of("H4/C-1")[0] == "opened 11-23 10:00 due 11-23 18:00"


def test_h4_spent_and_reopened_the_general_limit_is_back():
    told = rehearse([help_("10:00", "R-1", due="2026-11-23T12:00:00+08:00"), MON("11:00", "case.replied", "R-1", by="c-1"), MON("15:00", "case.reopened", "R-1", by="c-1")],
                    until="2026-11-23 15:01")
    assert told.of("H4/R-1")[-1] == "fulfilled 11-23 11:00"
    assert told.of("H3/R-1") == ["opened 11-23 15:00 due 11-23 15:05 (reopened)"]


def test_h5_h6_h8_an_emergency():
    told = rehearse([help_("10:00", "R-1", kind="medical")], until="2026-11-23 10:03")
    assert told.messages("H5/R-1") == ["tell site_manager opened 11-23 10:00 emergency"]
    assert told.messages("H8/R-1") == [f"tell {who} opened 11-23 10:00 emergency" for who in ("clerk", "security", "cs_lead")]
    assert told.of("H6/R-1", messages=True) == ["opened 11-23 10:00 due 11-23 10:02", "breached 11-23 10:02", "level 1 cs_lead 11-23 10:02",
                                                "tell cs_lead breached 11-23 10:02 emergency"]
    told = rehearse([help_("10:00", "R-1", kind="medical"), MON("10:01", "case.assigned", "R-1", to="s-1", role="security"),
                     MON("10:02", "emergency.recorded", "R-1", by="c-1"), MON("10:03", "emergency.chosen", "R-1", by="c-1", choice="ambulance"),
                     MON("10:03", "emergency.dispatched", "R-1", by="c-1", to="120")], until="2026-11-23 12:00")
    assert told.of("H6/R-1")[-1] == "fulfilled 11-23 10:01" and told.of("H8/R-1")[-1] == "fulfilled 11-23 10:03" and told.of("H5/R-1")[-1] == "fulfilled 11-23 10:03"
    assert told.violations() == []


def test_h5_the_manager_is_not_reached():
    told = rehearse([help_("10:00", "R-1", kind="disaster")], until="2026-11-23 10:16")
    assert told.of("H5/R-1") == ["opened 11-23 10:00 due 11-23 10:05", "breached 11-23 10:05", "level 1 site_manager 11-23 10:05", "level 2 vice_gm 11-23 10:05",
                                 "level 3 general_manager 11-23 10:15"]
    assert [m for m in told.messages("H5/R-1") if "vice_gm" in m] == [f"tell vice_gm breached 11-23 10:{n:02} emergency" for n in (5, 10)]


def test_h6_nobody_took_it():
    told = rehearse([help_("10:00", "R-1"), help_("10:00", "R-2", household="1-1-101"), MON("10:09", "case.assigned", "R-1", to="e-1", role="engineering")],
                    until="2026-11-23 10:14")
    assert told.of("H6.other/R-1") == ["opened 11-23 10:00 due 11-23 10:10", "fulfilled 11-23 10:09"]
    assert told.of("H6.other/R-2") == ["opened 11-23 10:00 due 11-23 10:10", "breached 11-23 10:10", "level 1 cs_lead 11-23 10:10"]


def test_h6_outages_linked_to_one_parent():
    events = [help_(f"10:0{n}", f"R-{n}", household=f"1-1-10{n}", incident="power_outage") for n in range(4)]
    events += [MON("10:05", "case.linked", f"R-{n}", to="R-0", relation="mass", by="c-1") for n in (1, 2, 3)]
    told = rehearse(events + [MON("10:06", "case.assigned", "R-0", to="e-1", role="engineering")], until="2026-11-23 10:30")
    assert told.of("H6.other/R-0")[-1] == "fulfilled 11-23 10:06"
    for n in (1, 2, 3):
        assert told.of(f"H6.other/R-{n}") == [f"opened 11-23 10:0{n} due 11-23 10:1{n}", "cancelled 11-23 10:05 (linked)"]


def test_h7_a_refusal_without_another_address():
    told = rehearse([MON("10:00", "case.declined", "R-1", by="c-1", reason="not ours"), MON("10:00", "case.declined", "R-2", by="c-1", to="water-works", reason="not ours"),
                     MON("10:00", "case.referred", "R-3", by="c-1", to="police", reason="theirs"), MON("10:01", "case.declined", "R-3", by="c-1", reason="not ours")],
                    until="2026-11-24")
    assert told.violations() == ["violated H7 1 11-23 10:00"]


def test_h8_chosen_before_the_address_was_taken():
    told = rehearse([help_("10:00", "R-1", kind="medical"), MON("10:01", "emergency.chosen", "R-1", by="c-1", choice="hospital"),
                     MON("10:02", "emergency.recorded", "R-1", by="c-1")], until="2026-11-24")
    assert told.violations() == ["violated H8.order 2 11-23 10:01"]
    assert told.of("H8/R-1")[-1] == "fulfilled 11-23 10:01"     # recorded and flagged, never blocked


def test_h8_two_roles_are_empty_and_the_emergency_is_told_all_the_same():
    """The guards have no roster and the lead is away: both roles fall to the manager, and the operator hears of both."""
    roster = "zone: Asia/Shanghai\nroles:\n  clerk: { staff: c-1 }\n  cs_lead: { staff: l-1 }\n  site_manager: { staff: m-1 }\notherwise: [cs_lead, site_manager]\n"
    away = MON("08:00", "staff.absent", "l-1", **{"from": obligations.instant("2026-11-23 08:00"), "until": obligations.instant("2026-11-23 18:00"), "by": "m-1"})
    told = rehearse([away, MON("10:00", "help.requested", "H-1", kind="medical")], until="2026-11-23 10:01", folder=obligations.config(roster=roster))
    empty = sorted(line["data"]["params"]["role"] for line in told.lines if line["data"].get("template") == "role-empty")
    assert empty == ["security", "supervisor"]
    assert told.of("H8/H-1")[0].startswith("opened 11-23 10:00")

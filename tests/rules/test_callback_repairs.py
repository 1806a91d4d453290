"""Z1 to Z8, Z10, H10 and H2, by estate-callback as shipped: repairs at home by the pace of their quota, help requests, calls that were lost."""
import datetime
import json

import calling
from calling import REPAIR, SATISFIED, Day, ask, done, rehearse, repair, tried

MON = Day("2026-11-23")
DISSATISFIED = {**SATISFIED, "grade": "dissatisfied"}


def quota(events, until, kind="repair", **arguments):
    return {row["kind"]: row for row in ask(events, until, "quota", **arguments)["rows"]}[kind]


def state(events, until, callback):
    return ask(events, until, "callback", callback=callback)["state"]


def test_z1_the_same_or_the_next_day():
    told = rehearse(repair(MON, "R-1"), until="2026-11-30")
    assert told.of("R-1/1") == ["due 11-24 08:30 by 11-25 00:00 cs-2 phone"]
    # Ten to midnight is still that day; a Sunday, a holiday change nothing.
    assert rehearse(repair(MON, "R-2", finished="23:50"), until="2026-11-25").of("R-2/1")[0].startswith("due 11-24 08:30 by 11-25 00:00")
    assert rehearse(repair(Day("2026-10-01"), "R-3"), until="2026-10-03").of("R-3/1")[0].startswith("due 10-02 08:30 by 10-03 00:00")
    # Told of late it is owed at once, and late.
    late = repair(MON, "R-4")[:1] + [MON("2026-11-25 10:00", "repair.finished", "R-4", own="2026-11-23 11:00", by="eng-1", in_home=True)]
    assert rehearse(late, until="2026-11-26").of("R-4/1")[0].startswith("due 11-25 10:00 by 11-25 00:00")


def test_z1_of_several_trades_the_last_finish_counts():
    events = [*repair(MON, "R-1"), MON("18:00", "repair.finished", "R-1", by="eng-2", in_home=True), MON("2026-11-24 08:00", "repair.finished", "R-1", by="eng-3", in_home=True)]
    told = rehearse(events, until="2026-11-30")
    assert told.of("R-1/1") == ["due 11-25 08:30 by 11-26 00:00 cs-2 phone"]
    assert quota(events, "2026-11-30")["n"] == 1


def test_z1_reopened_before_and_after_the_call():
    again = [MON("2026-11-25 09:00", "case.reopened", "R-1", by="cs-1"), MON("2026-11-25 16:00", "repair.finished", "R-1", by="eng-1", in_home=True)]
    told = rehearse([*repair(MON, "R-1"), *again], until="2026-11-27")
    assert told.of("R-1/1")[1] == "cancelled 11-25 09:00 (reopened)" and told.of("R-1/2")[0].startswith("due 11-26 08:30 by 11-27 00:00")
    assert quota([*repair(MON, "R-1"), *again], "2026-11-27")["n"] == 1             # the first finish did not hold
    called = [*repair(MON, "R-1"), done(MON, "2026-11-24 10:00", "R-1", kind="repair"), *again]
    assert quota(called, "2026-11-27")["n"] == 2                                    # the first was called about
    # A rating given while it is worked at again belongs to the first work.
    rated = MON("2026-11-25 12:00", "workorder.rated", "R-1", **SATISFIED)
    assert rehearse([*repair(MON, "R-1"), *again, rated], until="2026-11-27").reason("R-1/2") == "Z4: not rated"


def test_z3_public_areas_are_out_and_no_repairs_is_no_rate():
    events = repair(MON, "R-1", in_home=False)
    assert rehearse(events, until="2026-11-30").due() == []
    row = quota(events, "2026-11-30")
    assert (row["n"], row["required"]) == (0, 0) and "rate" not in row


def test_z3_the_month_of_the_finish_owns_it():
    events = repair(Day("2026-10-31"), "R-1", finished="20:00") + [done(MON, "2026-11-01 10:00", "R-1", kind="repair")]
    assert [quota(events, "2026-11-02", month=month)["done"] for month in ("2026-10", "2026-11")] == [1, 0]
    assert quota(events, "2026-11-02", month="2026-10")["rate"] == 1000


def test_z4_dissatisfied_not_rated_not_signed_and_satisfied():
    cases = {"R-1": (None, "Z4: not rated"), "R-2": (DISSATISFIED, "Z4: dissatisfied"), "R-3": ({**SATISFIED, "signed": False}, "Z4: not signed"),
             "R-4": ({"signed": True, "channel": "paper"}, "Z4: not rated"), "R-5": ({**SATISFIED, "grade": "very_dissatisfied"}, "Z4: dissatisfied")}
    for case, (rating, reason) in cases.items():
        told = rehearse(repair(MON, case, rating=rating), until="2026-11-25")
        assert told.reason(f"{case}/1") == reason and told.type("callback.due")[0]["data"]["mandatory"] is True
    # Signed, or rated by a resident who was recognised.
    for rating in (SATISFIED, {"grade": "basically_satisfied", "signed": False, "channel": "ivr", "authenticated": True}):
        assert state(repair(MON, "R-6", rating=rating), "2026-11-25", "R-6/1") == "candidate"


def test_z4_ratings_that_come_twice_or_late():
    # A blank one after a good one takes nothing back; a worse grade holds.
    twice = repair(MON, "R-1", rating=SATISFIED) + [MON("12:00", "workorder.rated", "R-1", signed=False, channel="app")]
    assert state(twice, "2026-11-25", "R-1/1") == "candidate"
    worse = repair(MON, "R-2", rating=SATISFIED) + [MON("2026-11-25 12:00", "workorder.rated", "R-2", grade="dissatisfied", signed=False, channel="app", authenticated=True)]
    told = rehearse(worse, until="2026-11-26")
    assert told.of("R-2/1") == ["due 11-25 12:00 by 11-27 00:00 cs-2 phone"] and told.reason("R-2/1") == "Z4: dissatisfied, rated later"
    # By the resident himself, before the first try: optional from then on. A paper that turns up lifts nothing, nor does anything after a try.
    own = MON("2026-11-24 10:00", "workorder.rated", "R-3", grade="satisfied", signed=False, channel="kiosk", authenticated=True)
    told = rehearse([*repair(MON, "R-3"), own], until="2026-11-26")
    assert told.of("R-3/1")[1] == "downgraded 11-24 10:00 (Z4: rated by the resident since)"
    assert len(rehearse([*repair(MON, "R-3"), MON("2026-11-24 10:00", "workorder.rated", "R-3", **SATISFIED)], until="2026-11-26").of("R-3/1")) == 1
    assert len(rehearse([*repair(MON, "R-3"), tried(MON, "2026-11-24 09:30", "R-3"), own], until="2026-11-26").of("R-3/1")) == 1


def month_of(year, month, count, mandatory, first="R"):
    """So many repairs spread over a month, of which so many in a hundred are not rated; the others are satisfied."""
    days = (datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.date(year, month, 1)).days
    events = []
    for number in range(count):
        day = Day(f"{year}-{month:02d}-{1 + number * days // count:02d}")
        rating = None if number * 37 % 100 < mandatory else SATISFIED
        events += repair(day, f"{first}-{month:02d}-{number:03d}", rating=rating, household=f"{1 + number % 40}-1-{101 + number // 40}",
                         trade=["plumbing", "electric", "lock"][number % 3], by=f"eng-{1 + number % 4}")
    return events


ALL_REACHED = """\
seed: 1
answers:
  - name: caller
    on: callback.due
    from: opens
    after: 1h..3h
    choose: { type: callback.done, data: { callback: "{callback}", kind: "{kind}", by: "{staff}", mode: phone } }
"""


def closed_loop(events, until, tmp_path, script=ALL_REACHED, folder=calling.STANDARD):
    """The log of a rehearsal in which every call is answered."""
    (tmp_path / "respond.yaml").write_text(script, encoding="utf-8")
    calling.run(calling.lines_of(events), "--until", calling.instant(until), "--respond", str(tmp_path / "respond.yaml"), "--log", str(tmp_path / "log.jsonl"), folder=folder)
    return [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def as_input(log):
    return [event for event in log if event["source"] != "/estated/worker/callback"]


def test_z2_z3_reached_by_pace_and_not_at_the_end(tmp_path):
    events = month_of(2026, 10, 120, 0) + month_of(2026, 11, 120, 0)
    log = closed_loop(events, "2026-12-10", tmp_path)
    drawn = [event for event in log if event["type"] == "callback.due" and event["subject"].startswith("R-11")]
    assert {event["data"]["mandatory"] for event in drawn} == {False}
    days = [datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).astimezone(calling.obligations.SITE).date() for event in drawn]
    assert len(drawn) >= 36 and len(drawn) <= 36 + 3                                # 30 % of 120, and at most 3 points above
    assert sum(day >= datetime.date(2026, 11, 26) for day in days) <= 0.25 * len(drawn)
    # From the first days on: never behind a line that ends with the quota, by more than a few.
    for share in (0.25, 0.5, 0.75):
        assert sum(day <= datetime.date(2026, 11, 1 + int(30 * share)) for day in days) >= 36 * share - 4
    row = quota(as_input(log), "2026-12-10", month="2026-11")
    assert (row["n"], row["required"]) == (120, 36) and row["done"] >= 36 and row["rate"] >= 300 and row["short"] is False
    assert row["optional_last5"] * 4 <= row["optional_done"]


def test_z3_enough_mandatory_ones_and_nobody_else_is_asked(tmp_path):
    log = closed_loop(month_of(2026, 11, 100, 60), "2026-12-10", tmp_path)
    row = quota(as_input(log), "2026-12-10", month="2026-11")
    assert row["picked"] == 0 and row["done"] == row["mandatory"] >= 55


def test_z3_fair_to_trades_and_to_those_who_repaired(tmp_path):
    events = month_of(2026, 10, 120, 0) + month_of(2026, 11, 120, 0)
    log = closed_loop(events, "2026-12-10", tmp_path)
    what = {event["subject"]: event["data"]["trade"] for event in log if event["type"] == "repair.requested"}
    who = {event["subject"]: event["data"]["by"] for event in log if event["type"] == "repair.finished"}
    drawn = {event["subject"] for event in log if event["type"] == "callback.due" and event["subject"].startswith("R-11")}
    for of in (what, who):
        counts = [sum(of[subject] == one for subject in drawn) for one in sorted(set(of.values()))]
        assert max(counts) - min(counts) <= 3, counts


def test_z7_topped_up_when_the_month_is_over(tmp_path):
    """Nobody was asked during the month (a pause of the daily pace: all repairs on its last day), so that it must be topped up."""
    events = []
    for number in range(20):
        events += repair(Day("2026-11-30"), f"R-{number:02d}", rating=SATISFIED, household=f"1-1-{101 + number}")
    log = closed_loop(events, "2026-12-10", tmp_path)
    short = [event for event in log if event["type"] == "quota.short"]
    assert [(event["time"], event["subject"], event["data"]) for event in short] == \
        [("2026-12-01T00:30:00Z", "2026-11", {"kind": "repair", "done": 0, "required": 6})]
    row = quota(as_input(log), "2026-12-10", month="2026-11")
    assert 6 <= row["done"] <= 7 and row["optional_after"] == row["optional_done"] and row["optional_last5"] == 0
    # Nobody answers: said again when it is closed, and what was drawn is let go.
    silent = rehearse(events, until="2026-12-10")
    assert [event["time"] for event in silent.type("quota.short")] == ["2026-12-01T00:30:00Z", "2026-12-05T00:30:00Z"]
    assert all("the month is closed" in event["data"]["reason"] for event in silent.type("callback.cancelled"))


def test_z7_a_household_that_was_asked_lately_is_skipped(tmp_path):
    """All of one household: one is drawn, and the others are not, however much is missing."""
    events = []
    for number in range(10):
        events += repair(Day("2026-11-30"), f"R-{number:02d}", rating=SATISFIED, household="1-1-101")
    assert quota(as_input(closed_loop(events, "2026-12-10", tmp_path)), "2026-12-10", month="2026-11")["done"] == 1


def test_z7_optional_calls_are_given_up_soon_and_replaced():
    events = []
    for number in range(10):
        events += repair(Day("2026-11-30"), f"R-{number:02d}", rating=SATISFIED, household=f"1-1-{101 + number}")
    drawn = rehearse(events, until="2026-12-01 09:00").due()
    tries = [tried(MON, f"2026-12-01 {clock}", drawn[0].split("/")[0], by="cs-1") for clock in ("09:30", "12:00", "15:00")]
    told = rehearse([*events, *tries], until="2026-12-02 09:00")
    assert told.of(drawn[0])[-1] == "cancelled 12-01 15:00 (attempted: nobody answered, 3 times)"
    assert len(told.due()) > len(drawn)


def test_z7_the_same_seed_draws_the_same_and_another_one_others():
    events = month_of(2026, 11, 60, 0)
    first, again, other = (rehearse(events, until="2026-12-01", folder=folder).due()
                           for folder in (calling.STANDARD, calling.config(), calling.config(calling.rules(seed=7))))
    assert first == again and len(first) == len(other) and first != other


def test_z8_rate_and_numbers_of_a_month():
    events = repair(MON, "R-1") + repair(MON, "R-2", rating=SATISFIED, household="1-1-101") + [done(MON, "2026-11-24 10:00", "R-1", kind="repair")]
    row = quota(events, "2026-12-06", month="2026-11")
    assert (row["n"], row["required"], row["done"], row["rate"]) == (2, 1, 1, 500)


def test_z10_a_sample_of_the_week_that_whose_work_it_is_does_not_see(tmp_path):
    events = []
    for number in range(60):
        day = Day(f"2026-11-{16 + number // 12}")
        events += repair(day, f"R-{number:02d}", household=f"1-1-{101 + number}") + \
            [done(day, f"2026-11-{17 + number // 12} 10:00", f"R-{number:02d}", kind="repair")]
    told = rehearse(events, until="2026-11-24")
    sampled = told.type("audit.sampled")
    assert len(sampled) == 3 and {event["time"] for event in sampled} == {"2026-11-23T00:30:00Z"}        # 5 % of 60, on Monday
    checked = [*events, MON("16:00", "audit.done", sampled[0]["subject"], audit=sampled[0]["data"]["audit"], by="lead-1"),
               MON("16:00", "audit.done", "R-99", audit="A-unknown", by="lead-1")]
    rows = ask(checked, "2026-11-24", "audit")["rows"]
    assert sorted(row.get("by", "") for row in rows) == ["", "", "lead-1"]
    # One at least; none where nothing was done.
    few = repair(MON, "R-1") + [done(MON, "2026-11-24 10:00", "R-1", kind="repair")]
    assert len(rehearse(few, until="2026-12-15").type("audit.sampled")) == 1
    # Refused by the asker's name: as a role, or as somebody who has it.
    seen_by = "hidden_from"
    assert b'"refused":"forbidden"' in calling.run(calling.lines_of(few), "--until", "2026-12-15T00:00:00Z", "--ask", "audit", expect=1, folder=calling.config(
        calling.rules(**{seen_by: "[cs_assistant]"}), roster=calling.ROSTER.replace("cs-3", "rehearsal"))).stdout


def test_h10_help_requests_and_special_services_all_of_them():
    met = [MON("09:00", "help.requested", "H-1", kind="inquiry", household="3-2-1201", phone="000-3201-1201"),
           MON("09:04", "case.replied", "H-1", by="clerk-1", automatic=True), MON("09:05", "case.replied", "H-1", by="cs-1")]
    told = rehearse(met, until="2026-11-30")
    assert told.of("H-1/1")[0].startswith("due 11-23 09:05 by 11-27 00:00 cs-") and told.reason("H-1/1") == "H10: help request, inquiry"
    assert ask(met, "2026-11-24", "agenda")["rows"][0]["contact_event"] == 1          # the number that they gave
    # An emergency: by the manager. A wrong number: nothing. What is a complaint or a repair is called about as that.
    def help_met(case, kind, *more, **end):
        return rehearse([MON("09:00", "help.requested", case, kind=kind, household="3-2-1201"), *more, MON("10:00", "case.closed", case, by="cs-1", **end)], until="2026-11-30")
    assert help_met("H-2", "medical", outcome="done").of("H-2/1")[0].endswith("m-1 phone")
    assigned = MON("09:01", "case.assigned", "H-5", to="m-1", role="site_manager")
    assert help_met("H-5", "disaster", assigned, outcome="done").of("H-5/1")[0].endswith("lead-1 phone")    # the manager had it himself
    cases = help_met("H-6", "inquiry", MON("09:01", "case.assigned", "H-6", to="cs-1", role="cs_assistant"), outcome="done")
    assert " cs-1 " not in cases.of("H-6/1")[0]
    assert help_met("H-3", "inquiry", outcome="wrong_number").due() == []
    assert help_met("H-4", "repair", MON("09:10", "repair.requested", "H-4", **REPAIR), outcome="done").due() == []
    special = repair(MON, "R-1", rating=SATISFIED, service="special", in_home=True)
    told = rehearse(special, until="2026-11-30")
    assert told.of("R-1/1")[0].startswith("due 11-24 08:30 by 11-27 00:00") and told.reason("R-1/1") == "H10: special service"
    assert rehearse(repair(MON, "R-2", service="special"), until="2026-11-30").of("R-2/1")[0].startswith("due 11-24 08:30 by 11-25 00:00")


def test_h2_who_hung_up_or_left_a_message_is_called_back_in_ten_minutes():
    lost = MON("10:00", "call.abandoned", "call-1", household="3-2-1201", wait_s=40)
    told = rehearse([lost], until="2026-11-24")
    assert told.of("call-1/1") == ["due 11-23 10:00 by 11-23 10:10 clerk-1 phone"]
    assert rehearse([MON("10:00", "voicemail.left", "call-2")], until="2026-11-24").reason("call-2/1") == "H2: left a message"
    assert rehearse([MON("10:00", "call.abandoned", "call-3", wait_s=4)], until="2026-11-24").due() == []
    assert rehearse([MON("10:00", "call.abandoned", "call-4", wait_s=5)], until="2026-11-24").due() == ["call-4/1"]
    # A second call of the household joins the first; an answered one settles it.
    again = MON("10:02", "call.abandoned", "call-5", household="3-2-1201", wait_s=30)
    assert rehearse([lost, again], until="2026-11-24").due() == ["call-1/1"]
    told = rehearse([lost, again, MON("10:05", "call.answered", "call-6", household="3-2-1201", agent="clerk-1")], until="2026-11-24")
    assert told.of("call-1/1")[1] == "cancelled 11-23 10:05 (answered)"
    assert state([lost, done(MON, "10:06", "call-1", kind="call", by="clerk-1")], "2026-11-24", "call-1/1") == "done"


def test_z5_z6_what_was_heard_keeps_its_link():
    """An issue names the callback that brought it up; the callback stays done whatever becomes of it."""
    events = [*repair(MON, "R-1"), done(MON, "2026-11-24 10:00", "R-1", kind="repair", callback="R-1/1", grade="dissatisfied"),
              MON("2026-11-24 10:05", "issue.opened", "I-1", case="R-1", callback="R-1/1", dept="engineering", by="cs-2"),
              MON("2026-11-24 10:06", "complaint.opened", "C-1", **{**calling.COMPLAINT, "via": "callback"})]
    assert state(events, "2026-11-26", "R-1/1") == "done"

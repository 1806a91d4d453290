"""C2 to C8 and V4's attempts, by estate-callback as shipped: every complaint is called back, by somebody else than who handled it."""
import hashlib

import calling
from calling import Day, ask, complaint, done, rehearse, tried

MON = Day("2026-11-23")


def test_c2_three_days_after_it_was_handled():
    told = rehearse(complaint(MON, "C-1"), until="2026-11-30")
    assert told.of("C-1/1") == ["due 11-23 12:00 by 11-27 00:00 cs-2 phone"]
    assert told.reason("C-1/1") == "C2: complaint handled"
    # Staffed daily: no roll over a weekend, nor over a holiday.
    friday = Day("2026-09-30")
    assert rehearse(complaint(friday, "C-2"), until="2026-10-05").of("C-2/1")[0].startswith("due 09-30 12:00 by 10-04 00:00 ")
    # Handled a minute before midnight: the day that begins is the first.
    assert " by 11-27 00:00 " in rehearse(complaint(MON, "C-3", handled="23:59"), until="2026-11-24").of("C-3/1")[0]


def test_c2_offline_it_runs_from_when_it_happened():
    events = complaint(MON, "C-1")
    late = MON("2026-11-25 09:00", "complaint.handled", "C-4", own="2026-11-23 12:00", by="cs-1", verify="onsite")
    told = rehearse([*events, MON("09:00", "complaint.opened", "C-4", **calling.COMPLAINT), late], until="2026-11-30")
    assert told.of("C-4/1") == ["due 11-25 09:00 opens 11-23 12:00 by 11-27 00:00 cs-2 phone"]


def test_c2_done_ends_it_and_a_second_result_changes_nothing():
    events = [*complaint(MON, "C-1"), done(MON, "14:00", "C-1"), done(MON, "15:00", "C-1", by="cs-3")]
    answer = ask(events, "2026-11-24", "callback", callback="C-1/1")
    assert (answer["state"], answer["done_by"], answer["repeated"]) == ("done", "cs-2", 1)
    assert [one["what"] for one in answer["history"]] == ["due", "done", "repeated"]
    quota = {row["kind"]: row for row in ask(events, "2026-11-24", "quota")["rows"]}["complaint"]
    assert (quota["n"], quota["required"], quota["done"], quota["rate"]) == (1, 1, 1, 1000)


def test_c2_reopened_it_is_cancelled_and_owed_again_each_time():
    events = [*complaint(MON, "C-1"), MON("2026-11-24 09:00", "case.reopened", "C-1", by="cs-1"),
              MON("2026-11-24 15:00", "complaint.handled", "C-1", by="cs-1", verify="onsite"),
              MON("2026-11-25 09:00", "case.reopened", "C-1", by="cs-1"), MON("2026-11-26 10:00", "complaint.handled", "C-1", by="cs-3", verify="onsite")]
    told = rehearse(events, until="2026-12-01")
    assert told.of("C-1/1") == ["due 11-23 12:00 by 11-27 00:00 cs-2 phone", "cancelled 11-24 09:00 (reopened)"]
    assert told.of("C-1/2")[1:] == ["cancelled 11-25 09:00 (reopened)"]
    # Of those left one has a hand in it now.
    assert told.of("C-1/3") == ["due 11-26 10:00 by 11-30 00:00 cs-2 phone"]
    assert told.reason("C-1/3") == "C2: complaint handled, reopened 2 times"


def test_c2_handled_twice_without_reopening_is_one():
    events = [*complaint(MON, "C-1"), MON("13:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")]
    assert rehearse(events, until="2026-11-24").due() == ["C-1/1"]
    # After it was called about, what was handled since is owed anew.
    events = [*complaint(MON, "C-1"), done(MON, "14:00", "C-1"), MON("2026-11-25 13:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")]
    assert rehearse(events, until="2026-11-26").due() == ["C-1/1", "C-1/2"]


def test_c3_nobody_reached_is_attempted_and_never_done():
    days = [Day(f"2026-11-{day}") for day in (24, 25, 26, 27)]
    events = complaint(MON, "C-1")
    events += [tried(day, clock, "C-1") for day in days[:2] for clock in ("09:00", "14:00", "18:30")]
    events += [tried(days[2], clock, "C-1", by="lead-1") for clock in ("10:00", "15:00")]
    told = rehearse(events, until="2026-12-01")
    assert told.of("C-1/1")[1:] == ["reassigned 11-25 18:30 lead-1 (nobody answered, 6 times)", "cancelled 11-26 15:00 (attempted: nobody answered, 8 times)"]
    assert told.violations() == []
    quota = {row["kind"]: row for row in ask(events, "2026-12-01", "quota", month="2026-11")["rows"]}["complaint"]
    assert (quota["done"], quota["attempted"], quota["open"], quota["rate"], quota["short"]) == (0, 1, 0, 0, True)
    gaps = ask(events, "2026-12-01", "gaps", month="2026-11")["rows"]
    assert [(row["callback"], row["state"], row["reason"]) for row in gaps] == [("C-1/1", "attempted", "attempted: nobody answered, 8 times")]


def test_c3_a_late_call_after_giving_up_counts():
    events = [*complaint(MON, "C-1"), tried(MON, "13:00", "C-1", result="refused"), done(MON, "2026-11-24 10:00", "C-1")]
    assert ask(events, "2026-11-25", "callback", callback="C-1/1")["state"] == "done"


def test_c3_withdrawn_linked_and_wrong_numbers_are_out_of_every_count():
    for number, end in enumerate([("case.closed", {"outcome": "withdrawn", "by": "cs-1"}), ("case.closed", {"outcome": "wrong_number", "by": "cs-1"}),
                                  ("case.linked", {"to": "C-9", "relation": "two_channels", "by": "cs-1"})]):
        case = f"C-{number}"
        events = [*complaint(MON, case), MON("13:00", end[0], case, **end[1])]
        assert rehearse(events, until="2026-12-01").of(f"{case}/1")[-1].startswith("cancelled 11-23 13:00")
        quota = {row["kind"]: row for row in ask(events, "2026-11-24", "quota")["rows"]}["complaint"]
        assert (quota["n"], quota["open"]) == (0, 0) and "rate" not in quota
    # Of a mass outage each household has its own; a case that is closed as done is called about all the same.
    events = [*complaint(MON, "C-5"), MON("13:00", "case.linked", "C-5", to="C-9", relation="mass", by="cs-1"), MON("14:00", "case.closed", "C-5", by="cs-1", outcome="done")]
    assert len(rehearse(events, until="2026-12-01").of("C-5/1")) == 1


def test_c3_anonymous_without_a_household_nobody_can_be_called():
    data = {"category": "noise", "severity": "ordinary", "via": "mailbox", "anonymous": True}
    events = [MON("09:00", "complaint.opened", "C-1", **data), MON("12:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")]
    assert rehearse(events, until="2026-12-01").due() == []
    answer = ask(events, "2026-12-01", "callback", callback="C-1/1")
    assert (answer["state"], answer["reason"]) == ("cancelled", "anonymous: nobody is known who could be called")
    quota = {row["kind"]: row for row in ask(events, "2026-12-01", "quota")["rows"]}["complaint"]
    assert (quota["n"], quota["open"]) == (0, 0)


def test_c4_by_severity_and_never_by_who_handled_it():
    told = rehearse(complaint(MON, "C-1", severity="major"), until="2026-11-24")
    assert told.of("C-1/1") == ["due 11-23 12:00 by 11-27 00:00 lead-1 visit"]
    for number in range(20):
        assert " cs-1 " not in rehearse(complaint(MON, f"C-{number}"), until="2026-11-24").of(f"C-{number}/1")[0]
    # Raised later: another role, on site.
    events = [*complaint(MON, "C-2"), MON("15:00", "case.reclassified", "C-2", severity="major", by="lead-1")]
    told = rehearse(events, until="2026-11-24")
    assert told.of("C-2/1")[1:] == ["reassigned 11-23 15:00 lead-1 (C4: major now)", "due 11-23 15:00 opens 11-23 12:00 by 11-27 00:00 lead-1 visit"]


def test_c4_a_tiny_site_falls_to_the_lead_and_says_so():
    tiny = calling.config(roster="zone: Asia/Shanghai\nroles:\n  cs_assistant: { staff: cs-1 }\n  cs_lead: { staff: lead-1 }\n  site_manager: { staff: m-1 }\n")
    told = rehearse(complaint(MON, "C-1"), until="2026-11-24", folder=tiny)
    assert told.of("C-1/1") == ["due 11-23 12:00 by 11-27 00:00 lead-1 phone"]
    assert told.reason("C-1/1") == "C2: complaint handled; nobody else of cs_assistant"
    # The lead has handled it, too: the manager.
    events = complaint(MON, "C-2")
    events.insert(1, MON("10:00", "case.assigned", "C-2", to="lead-1", role="cs_lead"))
    assert rehearse(events, until="2026-11-24", folder=tiny).of("C-2/1") == ["due 11-23 12:00 by 11-27 00:00 m-1 phone"]
    nobody = calling.config(roster="zone: Asia/Shanghai\nroles:\n  finance: { staff: f-1 }\n")
    told = rehearse(complaint(MON, "C-3"), until="2026-11-24", folder=nobody)
    assert told.of("C-3/1") == ["due 11-23 12:00 by 11-27 00:00 cs_assistant phone"] and told.reason("C-3/1").endswith("; nobody else of cs_assistant")


def test_c4_his_own_case_is_a_breach_and_stays_owed():
    events = [*complaint(MON, "C-1"), done(MON, "14:00", "C-1", by="cs-1")]
    told = rehearse(events, until="2026-11-24")
    assert told.violations() == ["C4 C-1 cs-1"]
    assert told.of("C-1/1")[1:] == ["due 11-23 14:00 opens 11-23 12:00 by 11-27 00:00 cs-2 phone"] and told.reason("C-1/1") == "C4.again"
    assert ask(events, "2026-11-24", "callback", callback="C-1/1")["state"] == "open"
    # Then somebody else does.
    assert ask([*events, done(MON, "16:00", "C-1", by="cs-3")], "2026-11-24", "callback", callback="C-1/1")["done_by"] == "cs-3"
    # Whoever is given the case later does not keep its callback.
    events = [*complaint(MON, "C-2", by="cs-3")]
    first = rehearse(events, until="2026-11-24").of("C-2/1")[0].split()[-2]
    told = rehearse([*events, MON("15:00", "case.assigned", "C-2", to=first, role="cs_assistant")], until="2026-11-24")
    assert told.of("C-2/1")[1].startswith("reassigned 11-23 15:00 ") and first not in told.of("C-2/1")[1]


def test_c6_later_the_window_opens_on_the_third_day_and_closes_on_the_fifth():
    told = rehearse(complaint(MON, "C-1", verify="deferred"), until="2026-12-01")
    assert told.of("C-1/1") == ["due 11-23 12:00 opens 11-26 00:00 by 11-29 00:00 cs-2 phone"] and told.reason("C-1/1").startswith("C6: ")
    agenda = {day: [row["state"] for row in ask(complaint(MON, "C-1", verify="deferred"), "2026-11-24", "agenda", date=day)["rows"]]
              for day in ("2026-11-25", "2026-11-26")}
    assert agenda == {"2026-11-25": [], "2026-11-26": ["open"]}


def test_c6_a_result_before_the_window_is_recorded_and_does_not_count():
    events = [*complaint(MON, "C-1", verify="deferred"), done(MON, "2026-11-24 10:00", "C-1")]
    told = rehearse(events, until="2026-11-25")
    assert told.violations() == ["C6.early C-1 cs-2"] and told.reason("C-1/1") == "C6.early"
    assert ask(events, "2026-11-25", "callback", callback="C-1/1")["state"] == "open"
    assert ask([*events, done(MON, "2026-11-26 00:00", "C-1")], "2026-11-27", "callback", callback="C-1/1")["state"] == "done"


def test_c6_extended_three_times_at_most_each_with_a_later_date():
    def extended(day, until):
        return MON(f"2026-11-{day} 10:00", "callback.extended", "C-1", callback="C-1/1", reason="the part is on its way", until=calling.instant(until), by="lead-1")
    events = [*complaint(MON, "C-1", verify="deferred"), extended(26, "2026-12-02 18:00"), extended(27, "2026-12-01 18:00"), extended(28, "2026-12-05 18:00"),
              extended(29, "2026-12-08 18:00")]
    answer = ask(events, "2026-11-30", "callback", callback="C-1/1")
    assert (answer["extensions"], answer["due"]) == (3, "2026-12-08T10:00:00Z")
    assert [one["what"] for one in answer["history"]] == ["due", "due_again", "extended", "not_extended", "due_again", "extended", "due_again", "extended"]
    events.append(extended(30, "2026-12-20 18:00"))
    assert rehearse(events, until="2026-12-01").violations() == ["C6.cap C-1 lead-1"]
    assert ask(events, "2026-12-01", "callback", callback="C-1/1")["due"] == "2026-12-08T10:00:00Z"


def test_c8_made_to_the_company_the_lead_calls():
    told = rehearse([*complaint(MON, "C-1", via="company"), *complaint(MON, "C-2", via="company", severity="major")], until="2026-11-24")
    assert told.of("C-1/1")[0].endswith("lead-1 phone") and told.of("C-2/1")[0].endswith("m-1 visit")


def test_v4_tries_are_spaced_over_the_day():
    events = [*complaint(MON, "C-1"), tried(MON, "2026-11-24 09:30", "C-1")]
    first = ask(events, "2026-11-24 10:00", "callback", callback="C-1/1")["not_before"]
    assert first == "2026-11-24T06:00:00Z"                  # the afternoon, not half past eleven
    events.append(tried(MON, "2026-11-24 14:30", "C-1"))
    assert ask(events, "2026-11-24 15:00", "callback", callback="C-1/1")["not_before"] == "2026-11-24T10:00:00Z"
    events.append(tried(MON, "2026-11-24 18:30", "C-1"))
    assert ask(events, "2026-11-24 19:00", "callback", callback="C-1/1")["not_before"] == "2026-11-25T01:00:00Z"
    assert rehearse(events, until="2026-11-25").violations() == []
    # Too soon, and once too often on a day: recorded, and a breach.
    soon = [*complaint(MON, "C-1"), tried(MON, "2026-11-24 09:00", "C-1"), tried(MON, "2026-11-24 10:59", "C-1")]
    assert rehearse(soon, until="2026-11-25").violations() == ["V4.dials C-1 cs-2"]
    assert rehearse([*events, tried(MON, "2026-11-24 21:00", "C-1")], until="2026-11-25").violations() == ["V4.dials C-1 cs-2"]


def test_v4_wrong_numbers_are_the_leads_and_refusals_end_it():
    told = rehearse([*complaint(MON, "C-1"), tried(MON, "13:00", "C-1", result="wrong_number")], until="2026-11-24")
    assert told.of("C-1/1")[1] == "reassigned 11-23 13:00 lead-1 (V4: a wrong number: find the right one)"
    told = rehearse([*complaint(MON, "C-1"), tried(MON, "13:00", "C-1", result="refused")], until="2026-11-24")
    assert told.of("C-1/1")[1] == "cancelled 11-23 13:00 (attempted: refused)"


def test_results_of_what_is_unknown_closed_or_came_first():
    # A result before what it is about: it counts when that is told of later, if it was made afterwards.
    events = [MON("2026-11-24 10:00", "callback.done", "C-1", kind="complaint", by="cs-2", mode="phone"),
              MON("2026-11-24 11:00", "complaint.handled", "C-1", own="2026-11-23 12:00", by="cs-1", verify="onsite")]
    assert rehearse(events, until="2026-11-25").of("C-1/1") == []
    assert ask(events, "2026-11-25", "callback", callback="C-1/1")["state"] == "done"
    # Made before it: another call.
    events = [MON("2026-11-24 10:00", "callback.done", "C-1", kind="complaint", by="cs-2", mode="phone"),
              MON("2026-11-24 11:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")]
    assert rehearse(events, until="2026-11-25").due() == ["C-1/1"]
    # About nothing that is known: counted apart.
    events = [MON("10:00", "callback.done", "C-7", kind="complaint", by="cs-2", mode="phone"), tried(MON, "10:00", "C-8")]
    assert {row["kind"]: row["unmatched"] for row in ask(events, "2026-11-25", "quota")["rows"]}["complaint"] == 1
    # Of one that was cancelled: noted, nothing else.
    events = [*complaint(MON, "C-1"), MON("13:00", "case.closed", "C-1", by="cs-1", outcome="withdrawn"), done(MON, "14:00", "C-1")]
    assert ask(events, "2026-11-24", "callback", callback="C-1/1")["state"] == "cancelled"


def test_absent_what_falls_into_it_is_handed_over():
    events = complaint(MON, "C-1")
    assert rehearse(events, until="2026-11-24").of("C-1/1")[0].split()[-2] == "cs-2"
    away = {"from": calling.instant("2026-11-24 00:00"), "until": calling.instant("2026-11-30 00:00")}
    told = rehearse([*events, MON("18:00", "staff.absent", "cs-2", **away)], until="2026-11-24")
    assert told.of("C-1/1")[1] == "reassigned 11-23 18:00 cs-3 (absent)"
    # The deputy, unless it is his own case.
    assert rehearse([*events, MON("18:00", "staff.absent", "cs-2", deputy="x-9", **away)], until="2026-11-24").of("C-1/1")[1] == \
        "reassigned 11-23 18:00 x-9 (absent: the deputy)"
    assert rehearse([*events, MON("18:00", "staff.absent", "cs-2", deputy="cs-1", **away)], until="2026-11-24").of("C-1/1")[1] == \
        "reassigned 11-23 18:00 cs-3 (absent)"
    # Back before it must be done: it stays. And who is away already is not chosen.
    short = {"from": calling.instant("2026-11-25 00:00"), "until": calling.instant("2026-11-26 00:00")}
    assert len(rehearse([*events, MON("18:00", "staff.absent", "cs-2", **short)], until="2026-11-24").of("C-1/1")) == 1
    before = [MON("08:00", "staff.absent", "cs-2", **{**away, "from": calling.instant("2026-11-23 08:00")}), *events]
    assert rehearse(before, until="2026-11-24").of("C-1/1")[0].split()[-2] == "cs-3"


def test_covers_settle_further_cases_in_one_talk():
    events = [*complaint(MON, "C-1"), *complaint(MON, "C-2"), done(MON, "14:00", "C-1", covers=["C-2", "C-404"])]
    for case in ("C-1/1", "C-2/1"):
        assert ask(events, "2026-11-24", "callback", callback=case)["state"] == "done"
    # On the agenda they are one contact, by one person.
    rows = ask([*complaint(MON, "C-1"), *complaint(MON, "C-2")], "2026-11-24 08:00", "agenda")["rows"]
    assert [(row["callback"], [one["callback"] for one in row["covers"]]) for row in rows] == [("C-1/1", ["C-2/1"])]


def test_c2_covered_is_said_and_taken_back_with_the_talk():
    # Numbers: 1 to 4 the cases, 5 the talk.
    events = [*complaint(MON, "C-1"), *complaint(MON, "C-2"), done(MON, "14:00", "C-1", covers=["C-2"])]
    assert rehearse(events, until="2026-11-24").of("C-2/1")[1:] == ["cancelled 11-23 14:00 (covered)"]
    events.append(MON("15:00", "record.retracted", "C-1", event=5, by="lead-1", reason="another household"))
    told = rehearse(events, until="2026-11-24")
    assert told.reason("C-1/1") == "the result was taken back" and told.reason("C-2/1") == "C2.again"
    assert [ask(events, "2026-11-24", "callback", callback=f"{case}/1")["state"] for case in ("C-1", "C-2")] == ["open", "open"]
    # Of one's own case it does not count, in whatever talk.
    own = [*complaint(MON, "C-1"), *complaint(MON, "C-2", by="cs-2"), done(MON, "14:00", "C-1", covers=["C-2"])]
    assert rehearse(own, until="2026-11-24").violations() == ["C4 C-2 cs-2"] and ask(own, "2026-11-24", "callback", callback="C-2/1")["state"] == "open"


def test_taken_back_as_if_it_had_not_been():
    # Numbers: opened 1, handled 2, done 3.
    events = [*complaint(MON, "C-1"), done(MON, "14:00", "C-1"), MON("15:00", "record.retracted", "C-1", event=3, by="lead-1", reason="another household")]
    answer = ask(events, "2026-11-24", "callback", callback="C-1/1")
    assert (answer["state"], answer["reason"]) == ("open", "the result was taken back") and "done_by" not in answer
    assert {row["kind"]: row["done"] for row in ask(events, "2026-11-24", "quota")["rows"]}["complaint"] == 0
    # What it is about, itself.
    events = [*complaint(MON, "C-1"), MON("15:00", "record.retracted", "C-1", event=2, by="lead-1", reason="another case")]
    assert rehearse(events, until="2026-11-24").of("C-1/1")[1] == "cancelled 11-23 15:00 (retracted)"
    # Anything else changes nothing.
    events = [*complaint(MON, "C-1"), done(MON, "14:00", "C-1"), MON("15:00", "record.retracted", "C-1", event=1, by="lead-1", reason="x")]
    assert ask(events, "2026-11-24", "callback", callback="C-1/1")["state"] == "done"


def activated(day, clock, kind, text):
    return day(clock, "config.activated", "callback", kind=kind, digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)


def test_another_roster_hands_over_what_those_have_who_are_gone():
    """Live the three texts are events of the log; before the rules nothing is concluded, and from then on nothing of the time before."""
    with open(calling.obligations.CALENDAR, encoding="utf-8") as file:
        calendar = file.read()
    before = complaint(Day("2026-11-20"), "C-0")
    events = [*before, activated(MON, "07:00", "calendar", calendar), activated(MON, "07:01", "roster", calling.ROSTER), activated(MON, "07:02", "rules", calling.rules()),
              *complaint(MON, "C-1"), activated(MON, "18:00", "roster", calling.ROSTER.replace("cs-1, cs-2, cs-3", "cs-1, cs-3"))]
    out = calling.subprocess.run([calling.PROGRAM, "--rehearse", "-", "--until", "2026-11-24T00:00:00Z"], input=calling.lines_of(events), capture_output=True, check=True, timeout=60)
    told = calling.Told([calling.json.loads(line) for line in out.stdout.splitlines()], "")
    assert told.due() == ["C-1/1"]
    assert told.of("C-1/1") == ["due 11-23 12:00 by 11-27 00:00 cs-2 phone", "reassigned 11-23 18:00 cs-3 (another roster)"]


def test_an_agenda_in_pages_is_the_agenda():
    """Rows with rows in them, two a page: each once, by due."""
    events = [event for number in range(12) for home in ("1-1-101", "2-2-202") for event in complaint(Day(f"2026-11-{10 + number}"), f"C-{home[0]}{number}", household=home)]
    whole, paged = ask(events, "2026-11-24", "agenda")["rows"], ask(events, "2026-11-24", "agenda", limit=1)["rows"]
    assert whole == paged and len(whole) == 2 and sum(len(row["covers"]) for row in whole) == 22
    # Enough of them for pages of their own.
    many = [event for number in range(150) for event in complaint(Day("2026-11-20"), f"C-{number}", household=f"1-1-{100 + number}")]
    out = calling.run(calling.lines_of(many), "--until", calling.instant("2026-11-24"), "--ask", "agenda")
    pages = [calling.json.loads(line)["answer"]["rows"] for line in out.stdout.splitlines() if line.startswith(b'{"answer"')]
    assert [len(page) for page in pages] == [100, 50] and [row["due"] for page in pages for row in page] == sorted(row["due"] for page in pages for row in page)


def retracted(day, clock, subject, event):
    return day(clock, "record.retracted", subject, event=event, by="lead-1", reason="a mistake")


def test_v11_what_ended_it_by_mistake_did_not_end_it():
    """Refused, withdrawn, linked, reopened: each noted of the wrong case, and taken back. It is owed as before."""
    for event in (tried(MON, "13:00", "C-1", result="refused"), MON("13:00", "case.closed", "C-1", by="cs-1", outcome="withdrawn"),
                  MON("13:00", "case.linked", "C-1", to="C-9", relation="duplicate", by="cs-1"), MON("13:00", "case.reopened", "C-1", by="cs-1")):
        events = [*complaint(MON, "C-1"), event]
        assert ask(events, "2026-11-24", "callback", callback="C-1/1")["state"] in ("attempted", "cancelled")
        events.append(retracted(MON, "15:00", "C-1", 3))
        answer = ask(events, "2026-11-24", "callback", callback="C-1/1")
        assert (answer["state"], answer["due"], answer["attempts"]) == ("open", "2026-11-26T16:00:00Z", 0), event
        # Said twice it is said once, and a call settles it.
        events += [retracted(MON, "15:01", "C-1", 3), done(MON, "16:00", "C-1")]
        assert ask(events, "2026-11-24", "callback", callback="C-1/1")["state"] == "done"
    # Withdrawn by mistake before it was handled: nothing is owed, until that is taken back.
    events = [MON("09:00", "complaint.opened", "C-1", **calling.COMPLAINT), MON("10:00", "case.closed", "C-1", by="cs-1", outcome="withdrawn"),
              MON("12:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")]
    assert rehearse(events, until="2026-12-01").due() == []
    assert rehearse([*events, retracted(MON, "15:00", "C-1", 2)], until="2026-12-01").of("C-1/1") == ["due 11-23 15:00 opens 11-23 12:00 by 11-27 00:00 cs-2 phone"]
    # Reopened, handled anew, and only then taken back: one is owed, not two.
    events = [*complaint(MON, "C-1"), MON("13:00", "case.reopened", "C-1", by="cs-1"), MON("14:00", "complaint.handled", "C-1", by="cs-1", verify="onsite"),
              retracted(MON, "15:00", "C-1", 3)]
    assert [ask(events, "2026-11-24", "callback", callback=f"C-1/{n}")["state"] for n in (1, 2)] == ["cancelled", "open"]


def test_c3_links_in_a_circle_leave_somebody_to_call():
    def linked(case, to):
        return MON("13:00", "case.linked", case, to=to, relation="duplicate", by="cs-1")

    def states(*links):
        events = [*complaint(MON, "C-1"), *complaint(MON, "C-2"), *complaint(MON, "C-3"), *links]
        return [ask(events, "2026-11-24", "callback", callback=f"C-{n}/1")["state"] for n in (1, 2, 3)]
    assert states(linked("C-1", "C-1")) == ["open", "open", "open"]
    assert states(linked("C-1", "C-2"), linked("C-2", "C-1")) == ["cancelled", "open", "open"]
    assert states(linked("C-1", "C-2"), linked("C-2", "C-3"), linked("C-3", "C-1")) == ["cancelled", "cancelled", "open"]
    # In a row the last one answers for all, in whatever order that is told.
    assert states(linked("C-2", "C-3"), linked("C-1", "C-2")) == ["cancelled", "cancelled", "open"]
    # One that was withdrawn answers for nobody.
    assert states(MON("12:30", "case.closed", "C-2", by="cs-1", outcome="withdrawn"), linked("C-1", "C-2")) == ["open", "cancelled", "open"]


def test_c3_whom_it_was_linked_to_is_not_called_after_all():
    def linked(clock, case, to):
        return MON(clock, "case.linked", case, to=to, relation="duplicate", by="cs-1")

    def closed(clock, case, outcome):
        return MON(clock, "case.closed", case, by="cs-1", outcome=outcome)

    def states(events):
        return [ask(events, "2026-11-24", "callback", callback=f"C-{n}/1").get("state") for n in (1, 2, 3)]
    three = [*complaint(MON, "C-1"), *complaint(MON, "C-2"), *complaint(MON, "C-3")]
    # The first is owed again, and answers for the others; when that is withdrawn too, the next.
    events = [*three, linked("13:00", "C-1", "C-2"), linked("13:05", "C-3", "C-2"), closed("14:00", "C-2", "withdrawn")]
    assert states(events) == ["open", "cancelled", "cancelled"]
    told = rehearse(events, until="2026-11-24")
    assert told.of("C-1/1")[-1].startswith("due 11-23 14:00 ") and told.reason("C-1/1") == "C2.unlinked"
    assert states([*events, closed("15:00", "C-1", "wrong_number")]) == ["cancelled", "cancelled", "open"]
    # In a row: the one that was linked to it, not those behind.
    assert states([*three, linked("13:00", "C-1", "C-2"), linked("13:05", "C-2", "C-3"), closed("14:00", "C-3", "withdrawn")]) == ["cancelled", "open", "cancelled"]
    # It was called before it was withdrawn: that was for both.
    assert states([*three, linked("13:00", "C-1", "C-2"), done(MON, "13:30", "C-2"), closed("14:00", "C-2", "withdrawn")])[0] == "cancelled"
    # Neither was handled, and it was unfounded: nobody is called about it, so whoever was linked to it is.
    late = [MON("09:00", "complaint.opened", "C-2", **calling.COMPLAINT), *complaint(MON, "C-1"), linked("13:00", "C-1", "C-2"), closed("14:00", "C-2", "unfounded")]
    assert ask(late, "2026-11-24", "callback", callback="C-1/1")["state"] == "open"
    # Linked first, handled then: estate-escalate hears that nobody is to call; and that somebody is, when the link is taken back.
    first = [MON("09:00", "complaint.opened", "C-1", **calling.COMPLAINT), MON("09:00", "complaint.opened", "C-2", **calling.COMPLAINT), linked("10:00", "C-1", "C-2"),
             MON("12:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")]
    assert rehearse(first, until="2026-11-24").of("C-1/1") == ["cancelled 11-23 12:00 (linked)"]
    told = rehearse([*first, retracted(MON, "15:00", "C-1", 3)], until="2026-11-24")
    assert told.reason("C-1/1") == "C2.unlinked" and told.of("C-1/1")[-1].startswith("due 11-23 15:00 ")


def test_c4_told_of_after_it_was_handled():
    """The event of the case was three hours on its way: whom to call and who has to is known only then."""
    register = MON("08:00", "household.registered", "3-2-1201", kind="owner", moved_in="2024-05-01")
    handled = MON("12:00", "complaint.handled", "C-1", by="cs-1", verify="onsite")
    told = rehearse([register, handled, MON("15:00", "complaint.opened", "C-1", own="2026-11-23 09:00", **{**calling.COMPLAINT, "severity": "major"})], until="2026-11-24")
    assert told.of("C-1/1")[0].endswith(" phone") and told.of("C-1/1")[1:] == ["reassigned 11-23 15:00 lead-1 (C4: major now)", "due 11-23 15:00 opens 11-23 12:00 by 11-27 00:00 lead-1 visit"]
    assert told.lines[-1]["data"]["household"] == "3-2-1201"
    # Nobody is known who could be called.
    told = rehearse([handled, MON("15:00", "complaint.opened", "C-1", own="2026-11-23 09:00", category="noise", severity="ordinary", via="phone", anonymous=True)], until="2026-11-24")
    assert told.of("C-1/1")[1:] == ["cancelled 11-23 15:00 (anonymous)"]
    # What was found since holds against the first word, however late or often that comes.
    late = [MON("10:00", "case.reclassified", "C-1", severity="major", category="noise", by="cs-1"), *complaint(MON, "C-1", opened="11:00")]
    assert rehearse(late, until="2026-11-24").of("C-1/1")[0].endswith("lead-1 visit")


def test_c4_a_visit_that_was_arranged_is_made_whatever_the_severity():
    events = [*complaint(MON, "C-1", severity="major"), MON("13:00", "appointment.agreed", "C-1", at=calling.instant("2026-11-24 15:00"), by="lead-1"),
              MON("14:00", "case.reclassified", "C-1", severity="ordinary", category="noise", by="cs-1")]
    answer = ask(events, "2026-11-24", "callback", callback="C-1/1")
    assert (answer["role"], answer["mode"], answer["appointment"]["state"]) == ("cs_assistant", "visit", "agreed")


def test_v4_done_by_a_visit_before_the_agreed_hour_is_a_breach():
    agreed = MON("13:00", "appointment.agreed", "C-1", at=calling.instant("2026-11-25 15:00"), by="lead-1")
    before = [*complaint(MON, "C-1", severity="major"), agreed, done(MON, "2026-11-24 10:00", "C-1", by="lead-1", mode="visit")]
    assert rehearse(before, until="2026-11-26").violations() == ["V4 C-1 lead-1"]
    since = [*complaint(MON, "C-1", severity="major"), agreed, done(MON, "2026-11-25 18:00", "C-1", by="lead-1", mode="visit")]
    assert rehearse(since, until="2026-11-26").violations() == []

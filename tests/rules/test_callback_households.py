"""V1 to V6, V10, V12 and S15, by estate-callback as shipped: every household once a year, visits that were agreed, and one budget for all who ask."""
import hashlib

import calling
from calling import Day, ask, complaint, done, rehearse, repair, tried

JAN = Day("2026-01-01")
MON = Day("2026-11-23")


def household(day, home, clock="00:00", moved_in="2024-05-01", **more):
    return day(clock, "household.registered", home, kind=more.pop("kind", "owner"), name="x", moved_in=moved_in, **more)


def homes(count, day=JAN, **more):
    return [household(day, f"1-{1 + number // 40}-{100 + number}", **more) for number in range(count)]


def planned(told, kind="routine"):
    """Which household in which month."""
    return {line["subject"]: line["data"]["due"][:10] for line in told.type("callback.due") if line["data"]["kind"] == kind}


ALL_REACHED = "seed: 1\nanswers:\n  - name: caller\n    on: callback.due\n    from: opens\n    after: 1h..3h\n" \
    "    choose: { type: callback.done, data: { callback: \"{callback}\", kind: \"{kind}\", household: \"{household|1-1-1}\", by: \"{staff}\", mode: phone } }\n"


def year(events, until, tmp_path, folder=calling.STANDARD):
    """Conclusions of a rehearsal in which every call is answered."""
    (tmp_path / "respond.yaml").write_text(ALL_REACHED, encoding="utf-8")
    out = calling.run(calling.lines_of(events), "--until", calling.instant(until), "--respond", str(tmp_path / "respond.yaml"), folder=folder)
    return calling.Told([calling.json.loads(line) for line in out.stdout.splitlines()], "")


def test_v1_every_household_once_a_share_each_month(tmp_path):
    told = year(homes(60), "2027-01-01", tmp_path)
    months = [due[:7] for due in planned(told).values()]
    assert len(planned(told)) == 60 and len(told.due("routine")) == 60
    # Due at the end of its month, which in UTC is the last day, 16:00.
    assert [months.count(f"2026-{month:02d}") for month in range(1, 13)] == [5] * 12
    assert {line["data"]["role"] for line in told.type("callback.due")} == {"cs_assistant"}
    # Of the next year again, those first who waited longest: a year lies between two.
    both = year(homes(12), "2027-12-31", tmp_path)
    order = [callback.split("/") for callback in both.due("routine")]
    first = [home for home, number in order if number == "2026"]
    assert len(order) == 24 and first == [home for home, number in order if number == "2027"]


def test_v1_within_the_month_on_working_days(tmp_path):
    told = year(homes(240), "2026-04-01", tmp_path)
    march = [line["time"] for line in told.type("callback.due") if "2026-03" in line["data"]["reason"]]
    days = sorted({time[:10] for time in march})
    assert len(march) == 20 and len(days) >= 15 and "2026-03-07" not in days and days[-1] <= "2026-03-26"


def test_v1_who_moves_in_and_out_during_the_year(tmp_path):
    events = homes(11) + [JAN("2026-06-15 10:00", "household.registered", "9-1-1", kind="owner", name="x"), JAN("2026-06-15 10:01", "household.moved_in", "9-1-1", date="2026-06-15"),
                          JAN("2026-12-20 10:00", "household.moved_in", "9-1-2", date="2026-12-20")]
    told = year(events, "2027-01-01", tmp_path)
    assert len(planned(told)) == 13
    assert planned(told)["9-1-1"] >= "2026-07" and planned(told)["9-1-2"] == "2026-12-31"
    # Vacant, or the developer's: nobody lives there.
    told = year([household(JAN, "9-1-3", moved_in="2024-05-01", kind="developer"), JAN("00:01", "household.registered", "9-1-4", kind="owner", name="x")], "2027-01-01", tmp_path)
    assert told.due() == []
    # Moved out: what is open or planned is cancelled, and not owed any more.
    one = [household(JAN, "9-1-5")]
    opened = rehearse(one, until="2026-12-31").type("callback.due")[0]["time"][:10]
    told = rehearse([*one, JAN(f"{opened} 20:00", "household.moved_out", "9-1-5", date=opened)], until="2027-01-01")
    assert told.of("9-1-5/2026")[1].endswith("(moved_out)")
    assert rehearse([*one, JAN("2026-01-02 07:00", "household.moved_out", "9-1-5", date="2026-01-02")], until="2027-01-01").due() == []


def test_v1_two_flats_of_one_owner_owe_a_call_each_and_may_share_a_talk():
    two = [household(JAN, "2-1-101", party="owner-7"), household(JAN, "2-1-102", party="owner-7")]
    told = rehearse(two, until="2027-01-01")
    assert sorted(planned(told)) == ["2-1-101", "2-1-102"]
    # One talk settles both: the other flat is one that it covers.
    last = max(told.type("callback.due"), key=lambda line: line["time"])["time"][:10]
    shared = [*two, done(JAN, f"{last} 20:00", "2-1-101", kind="routine", covers=["2-1-102"])]
    for home in ("2-1-101", "2-1-102"):
        assert ask(shared, "2027-01-01", "household", household=home)["plan_state"] == "done"


def test_v1_who_does_not_want_to_be_called_is_said_to_be_so():
    events = [household(JAN, "2-1-101"), JAN("01:00", "household.contact_rule_set", "2-1-101", opt_out=["callback"], by="cs-1")]
    told = rehearse(events, until="2027-01-01")
    assert told.due() == []
    row = next(row for month in range(1, 13) for row in ask(events, "2027-01-01", "gaps", month=f"2026-{month:02d}", kind="routine")["rows"])
    assert (row["state"], row["reason"]) == ("attempted", "attempted: refused in advance")


def test_v2_how_the_month_stands():
    events = homes(24)
    row = {row["kind"]: row for row in ask(events, "2026-01-31", "quota")["rows"]}["routine"]
    assert (row["n"], row["required"], row["done"]) == (2, 2, 0)


def test_v3_key_households_by_the_lead_at_most_ninety_days_apart(tmp_path):
    told = year([household(JAN, "3-1-101", key=True)], "2027-01-01", tmp_path)
    times = [line["time"][:10] for line in told.type("callback.due")]
    assert len(times) == 5 and {line["data"]["staff"] for line in told.type("callback.due")} == {"lead-1"}
    assert {line["data"]["mode"] for line in told.type("callback.due")} == {"visit"}
    assert told.due() == ["3-1-101/2026", "3-1-101/2026.2", "3-1-101/2026.3", "3-1-101/2026.4", "3-1-101/2026.5"]
    # Due ninety days after the last: on the agenda three weeks before.
    first = told.type("callback.due")[0]["data"]
    assert (first["opens"][:10], first["due"][:10]) == ("2026-03-11", "2026-04-01")


def test_v3_tagged_while_a_call_is_open_it_is_the_leads():
    one = [household(JAN, "3-1-101")]
    opened = rehearse(one, until="2026-12-31").type("callback.due")[0]["time"][:10]
    told = rehearse([*one, JAN(f"{opened} 20:00", "household.tagged_key", "3-1-101", key=True)], until=f"{opened} 21:00")
    assert told.of("3-1-101/2026")[1].endswith("lead-1 (V3: a key household now)")


VISIT = complaint(MON, "C-1", severity="major")


def visit(day, clock, type_, at=None, **more):
    return day(clock, type_, "C-1", by="lead-1", **({"at": calling.instant(at)} if at else {}), **more)


def test_v4_a_visit_that_was_agreed():
    events = [*VISIT, visit(MON, "13:00", "appointment.requested", "2026-11-24 15:00"), visit(MON, "14:00", "appointment.agreed", "2026-11-24 15:00"),
              visit(MON, "2026-11-24 15:05", "visit.started"), done(MON, "2026-11-24 15:30", "C-1", by="lead-1", mode="visit")]
    assert rehearse(events, until="2026-11-25").violations() == []
    row = ask(events[:4], "2026-11-24", "agenda")["rows"][0]
    assert (row["state"], row["at"], row["appointment"]) == ("appointed", "2026-11-24T07:00:00Z", {"state": "agreed", "at": "2026-11-24T07:00:00Z"})
    # By `visit.started` alone, or by the result alone, without an agreement: recorded, counted, and a breach, once.
    for bad in ([visit(MON, "15:00", "visit.started"), done(MON, "15:30", "C-1", by="lead-1", mode="visit")], [done(MON, "15:30", "C-1", by="lead-1", mode="visit")],
                [visit(MON, "14:00", "appointment.requested", "2026-11-23 15:00"), visit(MON, "15:00", "visit.started")],
                [visit(MON, "14:00", "appointment.agreed", "2026-11-24 15:00"), visit(MON, "15:00", "visit.started")]):
        assert rehearse([*VISIT, *bad], until="2026-11-25").violations() == ["V4 C-1 lead-1"]
    assert ask([*VISIT, done(MON, "15:30", "C-1", by="lead-1", mode="visit")], "2026-11-25", "callback", callback="C-1/1")["state"] == "done"


def test_v4_a_visit_about_nothing_that_is_known():
    alone = MON("15:00", "visit.started", "2-1-101", by="cs-1")
    assert rehearse([alone], until="2026-11-25").violations() == ["V4 2-1-101 cs-1"]
    agreed = MON("10:00", "appointment.agreed", "2-1-101", by="cs-1", at=calling.instant("2026-11-23 15:00"))
    assert rehearse([agreed, alone], until="2026-11-25").violations() == []
    # Agreed before there was a callback about it.
    before = MON("10:00", "appointment.agreed", "C-1", by="lead-1", at=calling.instant("2026-11-23 15:00"))
    assert rehearse([before, *VISIT, done(MON, "15:30", "C-1", by="lead-1", mode="visit")], until="2026-11-25").violations() == []


def test_v4_impossible_and_unwelcome_times():
    for at, wrong in (("2026-11-22 15:00", "V4.time"), ("2028-11-22 15:00", "V4.time"), ("2026-11-24 12:30", "V4.hours"), ("2026-11-24 20:00", "V4.hours"),
                      ("2026-11-24 08:59", "V4.hours"), ("2026-11-24 09:00", None), ("2026-11-24 19:59", None), ("2027-02-05 10:00", "V4.hours"), ("2027-02-09 10:00", None)):
        told = rehearse([*VISIT, visit(MON, "13:00", "appointment.agreed", at)], until="2026-11-24")
        assert told.violations() == ([f"{wrong} C-1 lead-1"] if wrong else []), at
    # One that cannot be is none.
    answer = ask([*VISIT, visit(MON, "13:00", "appointment.agreed", "2026-11-22 15:00")], "2026-11-24", "callback", callback="C-1/1")
    assert "appointment" not in answer
    quiet = [household(JAN, "3-2-1201"), JAN("01:00", "household.contact_rule_set", "3-2-1201", quiet="13:00-15:30", by="cs-1")]
    told = rehearse([*quiet, *VISIT, visit(MON, "13:00", "appointment.agreed", "2026-11-24 15:00")], until="2026-11-24")
    assert told.violations() == ["V4.hours C-1 lead-1"]


def test_v4_refused_or_twice_not_at_home_is_by_telephone():
    told = rehearse([*VISIT, visit(MON, "13:00", "appointment.refused", "2026-11-24 15:00")], until="2026-11-24")
    assert told.of("C-1/1")[1] == "due 11-23 13:00 opens 11-23 12:00 by 11-27 00:00 lead-1 phone"
    once = [*VISIT, visit(MON, "13:00", "appointment.agreed", "2026-11-24 15:00"), visit(MON, "2026-11-24 15:30", "appointment.no_show", "2026-11-24 15:00")]
    assert len(rehearse(once, until="2026-11-25").of("C-1/1")) == 1
    twice = [*once, visit(MON, "2026-11-25 10:00", "appointment.agreed", "2026-11-25 15:00"), visit(MON, "2026-11-25 15:30", "appointment.no_show", "2026-11-25 15:00")]
    told = rehearse(twice, until="2026-11-26")
    assert told.of("C-1/1")[1].endswith("lead-1 phone") and told.reason("C-1/1") == "V4: not at home at the agreed times: by telephone"
    # The same one said twice, or where nobody had agreed to be there, is none.
    again = [*once, visit(MON, "2026-11-24 16:00", "appointment.no_show", "2026-11-24 15:00")]
    assert ask(again, "2026-11-25", "callback", callback="C-1/1")["mode"] == "visit" and len(rehearse(again, until="2026-11-25").of("C-1/1")) == 1
    # No visits wanted: by telephone from the beginning.
    rule = [household(JAN, "3-2-1201"), JAN("01:00", "household.contact_rule_set", "3-2-1201", no_visit=True, by="cs-1")]
    assert rehearse([*rule, *VISIT], until="2026-11-24").of("C-1/1")[0].endswith("lead-1 phone")


def test_v4_nothing_in_quiet_hours():
    quiet = [household(MON, "3-2-1201"), MON("01:00", "household.contact_rule_set", "3-2-1201", quiet="20:00-10:30", by="cs-1")]
    row = ask([*quiet, *complaint(MON, "C-1")], "2026-11-24", "agenda", date="2026-11-24")["rows"][0]
    assert row["not_before"] == "2026-11-24T02:30:00Z"
    assert "not_before" not in ask(complaint(MON, "C-1"), "2026-11-24", "agenda", date="2026-11-24")["rows"][0]
    events = [*quiet, *complaint(MON, "C-1"), tried(MON, "2026-11-24 18:30", "C-1")]
    assert ask(events, "2026-11-24 21:00", "callback", callback="C-1/1")["not_before"] == "2026-11-25T02:30:00Z"
    # What nobody could keep is no quiet.
    for text in ("always", "25:00-26:00", "10:00-10:00"):
        rule = MON("01:00", "household.contact_rule_set", "3-2-1201", quiet=text, by="cs-1")
        assert "quiet" not in ask([household(MON, "3-2-1201"), rule], "2026-11-24", "household", household="3-2-1201")


def wish(day, clock, home, purpose="survey", ref="S-1", **more):
    event = day(clock, "contact.requested", home, **{"for": purpose, "ref": ref}, **more)
    return {**event, "source": "/estated/worker/dunning"}


def contacts(told):
    return [f"{line['type'].split('.')[1]} {line['data']['ref']} {calling.site(line['time'])}" +
            (f" not before {calling.site(line['data']['not_before'])}" if "not_before" in line["data"] else "") for line in told.lines if line["type"].startswith("contact.")]


def test_budget_one_a_week_two_a_month_over_all_who_ask():
    asks = [wish(MON, "10:00", "3-2-1201", ref="S-1"), wish(MON, "2026-11-24 10:00", "3-2-1201", "dunning", "B-1"), wish(MON, "2026-11-24 11:00", "3-2-1202", "dunning", "B-2")]
    told = rehearse(asks, until="2026-12-31")
    # The first holds until midnight: a week from there; granted then, by itself.
    assert contacts(told) == ["granted S-1 11-23 10:00", "deferred B-1 11-24 10:00 not before 12-01 09:00", "granted B-2 11-24 11:00", "granted B-1 12-01 09:00"]
    third = rehearse([*asks, wish(MON, "2026-12-02 10:00", "3-2-1201", ref="S-2")], until="2026-12-31")
    assert contacts(third)[4:] == ["deferred S-2 12-02 10:00 not before 12-24 09:00", "granted S-2 12-24 09:00"]
    # Too late for it: not before, and it is not kept.
    until = calling.instant("2026-11-30 18:00")
    assert contacts(rehearse([asks[0], wish(MON, "2026-11-24 10:00", "3-2-1201", "dunning", "B-1", until=until)], until="2026-12-31"))[1:] == \
        ["deferred B-1 11-24 10:00 not before 12-01 09:00"]


def test_budget_at_night_and_in_their_quiet_hours_it_waits():
    assert contacts(rehearse([wish(MON, "22:00", "3-2-1201")], until="2026-12-31")) == ["deferred S-1 11-23 22:00 not before 11-24 09:00", "granted S-1 11-24 09:00"]
    assert contacts(rehearse([wish(MON, "12:30", "3-2-1201")], until="2026-12-31")) == ["granted S-1 11-23 12:30 not before 11-23 14:00"]
    quiet = MON("09:00", "household.contact_rule_set", "3-2-1201", quiet="09:00-18:00", by="cs-1")
    assert contacts(rehearse([quiet, wish(MON, "10:00", "3-2-1201")], until="2026-12-31")) == ["granted S-1 11-23 10:00 not before 11-23 18:00"]
    no_survey = MON("09:00", "household.contact_rule_set", "3-2-1201", opt_out=["survey"], by="cs-1")
    assert contacts(rehearse([no_survey, wish(MON, "10:00", "3-2-1201")], until="2026-12-31")) == ["deferred S-1 11-23 10:00"]


def test_budget_mandatory_calls_never_ask_and_optional_ones_ride_along():
    told = rehearse(complaint(MON, "C-1"), until="2026-11-24")
    assert contacts(told) == []
    # A routine call that falls together with one is the same contact, by the same person.
    home = [household(MON, "3-2-1201")]
    day = rehearse(home, until="2026-12-31").type("callback.due")[0]["time"]
    assert day.startswith("2026-11-2") and contacts(rehearse(home, until="2026-12-31"))[0].startswith("granted 3-2-1201/2026")
    both = [*home, *complaint(Day(day[:10]), "C-1", opened="06:00", handled="07:00")]
    told = rehearse(both, until=f"{day[:10]} 23:00")
    assert contacts(told) == [] and len({line["data"]["staff"] for line in told.type("callback.due")}) == 1 and len(told.due()) == 2


def test_budget_while_one_is_under_way_no_other_is_granted():
    home = [household(MON, "3-2-1201")]
    day = rehearse(home, until="2026-12-31").type("callback.due")[0]["time"][:10]
    told = rehearse([*home, wish(Day(day), "10:00", "3-2-1201")], until=f"{day} 23:00")
    assert contacts(told)[1].startswith("deferred S-1")
    # Spoken to: a week from then.
    spoken = [*home, done(Day(day), "15:00", "3-2-1201", kind="routine"), wish(Day(day), "16:00", "3-2-1201")]
    granted = contacts(rehearse(spoken, until="2026-12-31"))[-1]
    assert granted.startswith("granted S-1")
    later = calling.json.loads(calling.json.dumps(granted)).split()[2:4]
    assert later[1] == "15:00"


def test_v5_v6_recorded_whole_or_not():
    """Four fields, each optional: the callback is done, whatever of them was said."""
    events = [*complaint(MON, "C-1"), done(MON, "14:00", "C-1", effect="the tap is tight"), MON("14:05", "visit.signed", "C-1", by="cs-2", signer="resident")]
    assert ask(events, "2026-11-24", "callback", callback="C-1/1")["state"] == "done"


def test_v10_on_time_and_by_whom():
    events = [*complaint(MON, "C-1"), *complaint(MON, "C-2"), done(MON, "14:00", "C-1", by="cs-2"), *complaint(MON, "C-3", by="cs-2")]
    answer = ask(events, "2026-11-24", "load")
    assert sum(row["assigned"] for row in answer["rows"]) == 3 and sum(row["done"] for row in answer["rows"]) == 1
    row = {row["kind"]: row for row in ask(events, "2026-11-28", "quota")["rows"]}["complaint"]
    assert (row["n"], row["done"], row["open"], row["pace"], row["short"]) == (3, 1, 2, 3, False)
    assert [gap["overdue"] for gap in ask(events, "2026-11-28", "gaps", kind="complaint")["rows"]] == [True, True]


def test_v10_evenly_spread_over_those_who_are_there():
    events = [event for number in range(60) for event in complaint(Day(f"2026-11-{2 + number % 20:02d}"), f"C-{number}", by="x-1", household=f"1-1-{100 + number}")]
    answer = ask(events, "2026-11-30", "load")
    assert [row["assigned"] for row in answer["rows"]] == [20, 20, 20] and answer["max_mean"] == 1000


def test_v12_when_a_household_was_spoken_to_last():
    events = [household(JAN, "3-2-1201"), *complaint(MON, "C-1"), done(MON, "14:00", "C-1")]
    answer = ask(events, "2026-11-25 09:00", "household", household="3-2-1201")
    assert (answer["last_contact"], answer["last_contact_days"], answer["contact_event"]) == ("2026-11-23T06:00:00Z", 2, 1)


def test_s15_satisfaction_is_verified_by_the_callback():
    events = [*repair(MON, "R-1"), done(MON, "2026-11-24 10:00", "R-1", kind="repair", grade="dissatisfied", conforms=False)]
    assert ask(events, "2026-11-25", "callback", callback="R-1/1")["state"] == "done"


def test_v1_a_call_that_no_plan_asked_for_is_this_years():
    early = [household(JAN, "2-1-101"), done(JAN, "2026-01-01 10:00", "2-1-101", kind="routine")]
    assert rehearse(early, until="2026-12-31").due() == []
    assert ask(early, "2026-12-31", "household", household="2-1-101")["plan_state"] == "done"
    row = {row["kind"]: row for row in ask(early, "2026-12-31", "quota", month="2026-01")["rows"]}["routine"]
    assert (row["n"], row["done"], row["unmatched"]) == (1, 1, 0)
    # In the next year it is owed again, and a call in its first days, before the plan, is that year's.
    both = [*early, done(JAN, "2027-01-01 07:00", "2-1-101", kind="routine")]
    assert rehearse(early, until="2027-12-31").due() == ["2-1-101/2027"] and rehearse(both, until="2027-12-31").due() == []


def test_v1_what_was_done_before_there_were_rules_counts():
    with open(calling.obligations.CALENDAR, encoding="utf-8") as file:
        calendar = file.read()
    texts = [("calendar", calendar), ("roster", calling.ROSTER), ("rules", calling.rules())]
    events = [household(JAN, "2-1-101"), household(JAN, "2-1-102"), done(JAN, "2026-05-01 10:00", "2-1-101", kind="routine")]
    events += [MON(f"07:0{number}", "config.activated", "callback", kind=kind, digest=hashlib.sha256(text.encode()).hexdigest(), by="admin-1", content=text)
               for number, (kind, text) in enumerate(texts)]
    out = calling.subprocess.run([calling.PROGRAM, "--rehearse", "-", "--until", "2026-12-31T00:00:00Z"], input=calling.lines_of(events), capture_output=True, check=True, timeout=60)
    told = calling.Told([calling.json.loads(line) for line in out.stdout.splitlines()], "")
    assert told.due() == ["2-1-102/2026"]


def test_results_are_told_apart_by_kind():
    """A case that is a repair and, later, a complaint: each result is of its own callback."""
    events = [*repair(MON, "X-1"), *complaint(Day("2026-11-24"), "X-1", opened="09:00", handled="10:00"), done(MON, "2026-11-24 14:00", "X-1", kind="repair")]
    assert [ask(events, "2026-11-25", "callback", callback=one)["state"] for one in ("X-1/1", "X-1/2")] == ["done", "open"]


def test_v4_arranged_before_its_day_and_told_of_afterwards():
    """An appointment may come before the plan's day, and the visit may be told of after its result."""
    home = [household(JAN, "2-1-101")]
    planned_for = rehearse(home, until="2026-12-31").type("callback.due")[0]["time"]
    assert planned_for > "2026-01-02"
    agreed = JAN("2026-01-01 10:00", "appointment.agreed", "2-1-101", by="cs-1", at=calling.instant("2026-01-05 15:00"))
    early = [JAN("2026-01-01 09:00", "probe.recorded", "x"), agreed]
    told = rehearse([*home, *early, done(JAN, "2026-01-05 16:00", "2-1-101", kind="routine", by="cs-1", mode="visit"),
                     JAN("2026-01-05 18:00", "visit.started", "2-1-101", own="2026-01-05 15:05", by="cs-1")], until="2026-01-31")
    assert told.violations() == []


def test_v1_others_move_in_on_the_day_on_which_some_move_out():
    """In whatever order, and however late, it is told: who lives there now is asked, who has left is not."""
    def moved(clock, what, date):
        return JAN(clock, f"household.moved_{what}", "1-1-1", date=date)
    others = [household(JAN, "1-1-1"), *(household(JAN, f"1-1-{n}") for n in range(2, 5))]

    for events in ([moved("2026-06-10 09:00", "in", "2026-06-10"), moved("2026-06-10 18:00", "out", "2026-06-10")],
                   [moved("2026-06-10 09:00", "out", "2026-06-10"), moved("2026-06-10 18:00", "in", "2026-06-10")],
                   [moved("2026-06-10 09:00", "in", "2026-06-10"), moved("2026-12-05 18:00", "out", "2026-06-09")]):
        told = rehearse([*others, *events], until="2026-12-31")
        asked = [callback for callback in told.due("routine") if callback.startswith("1-1-1/")]
        ended = [line["data"]["callback"] for line in told.type("callback.cancelled")]
        assert [callback for callback in asked if callback not in ended], (events, asked, ended)
        # Those who left were to be called, and are not: others live there, and are called in their time.
        assert len(asked) == 1 + len(ended), (asked, ended)


def test_v1_who_leaves_before_the_day_of_their_call_is_not_called():
    """Planned at the beginning of the month, for a day on which nobody will live there any more."""
    told = rehearse([*homes(12), JAN("2026-12-01 12:00", "household.registered", "9-9-9", kind="owner", name="x")], until="2027-01-01")
    late = next(line for line in reversed(told.type("callback.due")) if line["time"][8:10] > "05")
    home, day = late["subject"], Day(late["time"][:10])
    month = late["time"][:8]
    gone = day(f"{month}02 09:00", "household.moved_out", home, date=f"{month}04")
    told = rehearse([*homes(12), gone], until="2027-01-01")
    assert told.of(late["data"]["callback"]) == []
    assert ask([*homes(12), gone], "2027-01-01", "callback", callback=late["data"]["callback"])["state"] == "cancelled"


def test_v3_a_key_household_told_of_before_it_moves_in():
    """Nothing else will be heard of it: its time runs from the day on which it moves in."""
    told = rehearse([household(JAN, "8-8-801", moved_in="2026-02-01", key=True)], until="2026-12-31")
    assert planned(told) and told.of("8-8-801/2026")[0].startswith("due 04-11 08:30")
    assert rehearse([household(JAN, "8-8-801", moved_in="2026-02-01", key=True)], until="2026-04-11").of("8-8-801/2026") == []

"""What no estate does, and somebody sends all the same: long stories, years that are none, and what is asked beyond the log."""
import pytest

from counting import ask, explain, figures
from obligations import Day
from test_stats import log_of, share

OCT = Day("2026-10-01")
DUE = {"role": "cs_assistant", "mode": "phone", "mandatory": True, "reason": "C2", "kind": "complaint"}


def at(second):
    return f"2026-10-{1 + second // 86400:02d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def test_a_case_called_about_a_thousand_times():
    """The last of its events costs a look at the others; it took as much as all of them squared, and squared again."""
    events = []
    for n in range(1000):
        events += [OCT(at(600 * n), "callback.due", "C-1", callback=f"cb-{n}", opens="2026-10-01T00:00:00+08:00", due="2026-10-05T00:00:00+08:00", **DUE),
                   OCT(at(600 * n + 60), "callback.done", "C-1", by="cs-1", **({"callback": f"cb-{n}"} if n % 2 else {}), kind="complaint", mode="phone")]
    told = ask(log_of(*events), figures("callback_on_time", "2026-10"))[0]["total"]
    on_time = sum(600 * n + 60 <= 4 * 86400 for n in range(1000))
    assert (told["num"], told["den"]) == (on_time, 1000)


def test_a_household_that_calls_all_day():
    """Each that gets through settles the calls lost since the one before; all lost calls of the household were judged anew, each time."""
    events = []
    for n in range(2000):
        call = {"household": "9-9-9", "queue": "desk"}
        events.append(OCT(at(60 * n), "call.queued", f"K-{n}", **call))
        if n % 4 == 0:
            events.append(OCT(at(60 * n + 5), "call.answered", f"K-{n}", agent="cs-1", wait_s=5, **call))
        else:
            events.append(OCT(at(60 * n + 9), "call.abandoned", f"K-{n}", wait_s=9, **call))
    told = ask(log_of(*events), figures("call_return", "2026-10"))[0]["total"]
    assert (told["num"], told["den"], told["max"]) == (1497, 1500, 176_000)


def test_a_return_that_is_taken_back():
    """What it had settled waits for the next one; what an earlier one had settled stays so."""
    call = {"household": "9-9-9", "queue": "desk"}
    log = log_of(*(OCT(at(3600 * n), "call.abandoned", f"K-{n}", wait_s=9, **call) for n in (1, 3)),
                 OCT(at(3600 * 2), "call.answered", "K-2", agent="cs-1", **call), OCT(at(3600 * 4), "call.answered", "K-4", agent="cs-1", **call))
    back = log_of(OCT(at(3600 * 5), "record.retracted", "K-2", event=3, by="cs-1", reason="x"), OCT(at(3600 * 6), "record.retracted", "K-4", event=4, by="cs-1", reason="x"),
                  OCT(at(3600 * 7), "record.retracted", "K-4", event=6, by="cs-1", reason="x"))
    for line in back:
        line["seq"] += len(log)
    longest = []
    for cut in range(4):
        told = ask(log + back[:cut], figures("call_return", "2026-10"))[0]["total"]
        longest.append((told["num"], told.get("max")))
    assert longest == [(2, 3600_000), (2, 3 * 3600_000), (0, None), (2, 3 * 3600_000)]


@pytest.mark.parametrize("period", ["1000", "1969-12", "2200-01", "2300", "5461-05", "5462", "9999"])
def test_years_that_nobody_lives_in(period):
    """Nanoseconds end in 2262 and months of keys in 5461: figures of another year were told for them."""
    log = log_of(OCT("09:00", "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone", household="3-2-1201"))
    for measure in ("complaints", "backlog"):
        assert "of 1970 to 2199" in ask(log, figures(measure, period), expect=None)[0].get("detail", "")


def test_the_first_and_the_last_month_that_may_be_asked_for():
    log = log_of(OCT("09:00", "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone", household="3-2-1201"))
    assert share(log, "complaints", "1970-01") == share(log, "backlog", "1970-01") == share(log, "complaints", "2199-12") == (0, 0)
    assert share(log, "complaints", "2026-10") == (1, 1)


def test_dates_beyond_all_instants():
    log = log_of(OCT("09:00", "household.registered", "3-1-1", kind="owner", name="x", moved_in="0000-01-01"), OCT("09:00", "household.registered", "3-1-2", kind="owner", name="x", moved_in="9999-12-31"),
                 OCT("09:00", "household.moved_out", "3-1-1", date="9999-12-31"),
                 OCT("10:00", "callback.due", "C-1", callback="cb-1", opens="2026-10-01T00:00:00+08:00", due="9999-12-31T00:00:00Z", **DUE))
    assert share(log, "routine_callbacks", "2026-10") == (0, 1) and share(log, "callback_on_time", "2026-10") == (0, 0)


def test_what_was_behind_a_figure_before_it_was_taken_back():
    """As of then the callback had been made; that it was a mistake nobody knew.  So it is told with the rest, and what was learnt later is not."""
    log = log_of(OCT("08:00", "repair.requested", "R-1", trade="plumbing", in_home=True, household="3-1-1"), OCT("09:00", "repair.finished", "R-1", by="eng-1", in_home=True),
                 OCT("10:00", "callback.done", "R-1", kind="repair", by="cs-1", mode="phone"), OCT("2026-10-05 10:00", "record.retracted", "R-1", event=3, by="cs-1", reason="x"),
                 OCT("2026-10-06 10:00", "callback.attempted", "R-1", by="cs-1", result="unreachable"))
    for as_of in ({"seq": 3}, {"as_of": "2026-10-02"}):
        past, = ask(log, explain("repair_callbacks", "2026-10", past=1, **as_of))
        assert [(row["object"], row["num"], row["events"]) for row in past["rows"]] == [("R-1", 1, [1, 2, 3])], as_of
    now, = ask(log, explain("repair_callbacks", "2026-10"))
    assert [(row["num"], row["events"]) for row in now["rows"]] == [(0, [1, 2, 5])]
    assert [row["events"] for row in ask(log, explain("repair_callbacks", "2026-10", seq=4))[0]["rows"]] == [[1, 2]]


def test_more_events_than_an_answer_names():
    """4000 of them; how many others there are, and from which number on, is said."""
    log = log_of(OCT("08:00", "repair.requested", "R-1", trade="plumbing", in_home=True, household="3-1-1"),
                 *(OCT("08:30", "case.replied", "R-1", by="cs-1") for _ in range(4008)), OCT("09:00", "repair.finished", "R-1", by="eng-1", in_home=True))
    row, = ask(log, explain("repair_callbacks", "2026-10"))[0]["rows"]
    assert (row["events"], row["more"], row["more_from"]) == (list(range(1, 4001)), 10, 4001)


def test_a_correction_under_another_subject():
    """It names the record by its number: under which subject somebody wrote it, the household's say, changes nothing (escalate goes by the number, too)."""
    story = [OCT("08:00", "repair.requested", "R-1", trade="plumbing", in_home=True, household="3-1-1"), OCT("09:00", "repair.finished", "R-1", by="eng-1", in_home=True),
             OCT("10:00", "callback.done", "R-1", kind="repair", by="cs-1", mode="phone"), OCT("11:00", "record.retracted", "3-1-1", event=3, by="cs-1", reason="x"),
             OCT("12:00", "record.amended", "office", event=2, by="cs-1", reason="x", fields={"in_home": False}), OCT("13:00", "record.retracted", "office-2", event=5, by="cs-1", reason="x"),
             OCT("14:00", "record.retracted", "elsewhere", event=4, by="cs-1", reason="x")]
    assert [share(log_of(*story[:cut]), "repair_callbacks", "2026-10") for cut in (3, 4, 5, 6, 7)] == [(1, 1), (0, 1), (0, 0), (0, 1), (1, 1)]
    # A call that was another household's is returned there.
    calls = [OCT("08:00", "call.abandoned", "K-1", wait_s=9, household="9-9-9"), OCT("09:00", "call.answered", "K-2", agent="cs-1", household="9-9-9"),
             OCT("10:00", "record.amended", "office", event=2, by="cs-1", reason="x", fields={"household": "8-8-8"}), OCT("08:30", "call.abandoned", "K-3", wait_s=9, household="8-8-8")]
    assert share(log_of(*calls[:2]), "call_return", "2026-10") == (1, 1) and share(log_of(*calls), "call_return", "2026-10") == (1, 2)

"""C9, Z8: records are bound by month (按月装订), their figures on the cover; what comes late is in the next bundle, and is named there."""
import datetime
import json
import os
import sys
import time

import pytest

import daemon as harness
import estate

sys.path.insert(0, os.path.join(harness.REPOSITORY, "tests", "scenario"))
from test_archive import Estate, read_naively, sealed  # noqa: E402


@pytest.fixture
def place(start_daemon, tmp_path):
    return Estate(start_daemon, tmp_path)


def event(number, of, subject, when=None, **data):
    more = {"time": when.isoformat()} if when is not None else {}
    return estate.pack({"specversion": "1.0", "id": f"{number:08d}-c9", "source": "/estate/desk", "type": of, "subject": subject, **more, "data": data})


def repair(n, case, in_home=True):
    return event(n, "repair.finished", case, by="fitter-1", in_home=in_home)


def called(n, case, household, **more):
    return event(n, "callback.done", case, kind="repair", household=household, by="cs-1", mode="phone", **more)


def test_z8_the_months_figures_are_on_the_cover(place):
    place.begin()
    wire = place.daemon.wire()
    events = [repair(1, "R-1"), repair(2, "R-2"), repair(3, "R-3"), repair(4, "R-4"), repair(5, "R-5", in_home=False), repair(6, "R-1"),
              called(7, "R-1", "1-1-101"), called(8, "R-5", "1-1-102"), called(9, "R-2", "1-1-101", covers=["R-3"]),
              event(10, "callback.attempted", "R-4", by="cs-1", result="unreachable")]
    assert wire.put(1, *events)[1] == "ack"
    place.now()
    place.bind()
    _, cover, _ = read_naively(place.bundle)
    # Four homes were worked in, three of them called back about; the common area counts for neither.
    assert (cover["repairs_in_home"], cover["repairs_called_back"]) == (4, 3)
    assert (cover["callbacks_done"], cover["callbacks_attempted"], cover["households_called_back"]) == (3, 1, 2)
    figures = sealed(place.daemon)[1][4]
    assert figures == {**{name: cover[name] for name in figures if name not in ("version", "amendments")}, "version": 1, "amendments": 0}


def test_c9_bound_by_month_and_late_records_named_in_the_next(place):
    place.begin()
    wire = place.daemon.wire()
    first = wire.put(1, event(1, "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone"))[4][0][0]
    bound = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=35)
    place.now()
    month = place.month
    place.bind()
    earlier = place.bundle
    # Learnt only now: it happened in the month that is bound.  And the record that is bound was wrong.
    wire = place.daemon.wire()
    assert wire.put(2, event(2, "complaint.handled", "C-1", bound, by="clerk-1", verify="onsite"))[1] == "ack"
    assert wire.put(3, event(3, "record.amended", "C-1", event=first, by="cs-lead", reason="category", fields={"category": "hygiene"}))[1] == "ack"
    on_time = wire.put(4, event(4, "case.closed", "C-1", datetime.datetime.now(datetime.timezone.utc), by="clerk-1"))[4][0][0]
    # A month and more goes by.
    place.now(35 * 86400)
    months = sorted(os.listdir(os.path.join(place.daemon.data, "months")))
    next_month = [m for m in months if m != month][0]
    place.daemon.estate("archive", "--month", next_month, "--to", place.archive)
    records, cover, _ = read_naively(os.path.join(place.archive, next_month + ".bundle.zst"))
    late = next(seq for seq, _, _, _, data in records if b"complaint.handled" in data)
    amended = next(seq for seq, _, _, _, data in records if b"record.amended" in data)
    assert cover["amendments"] == [{"seq": late, "type": "complaint.handled", "month": month},
                                   {"seq": amended, "type": "record.amended", "event": first, "month": month}]
    assert on_time in [r[0] for r in records]
    # What was bound before is as it was.
    place.daemon.estate("archive", "verify", "--log", earlier, os.path.join(place.archive, next_month + ".bundle.zst"))
    told = sealed(place.daemon)
    assert [(kind, subject) for _, kind, subject, _, _ in told] == [(kind, m) for m in (month, next_month) for kind in ("period.closed", "bundle.sealed")]
    assert told[3][4]["amendments"] == 2
    listed = [json.loads(line) for line in place.daemon.estate("archive", "list", "--json", place.archive).stdout.splitlines()]
    assert [one["cover"]["month"] for one in listed] == sorted([month, next_month])


def test_c9_a_correction_of_a_record_that_is_trimmed_names_its_month(place):
    place.begin(settings={"retention_age": "10d"})
    first = place.daemon.wire().put(1, event(1, "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone"))[4][0][0]
    place.now()
    month, deadline, n = place.month, time.monotonic() + 30, 100
    place.bind()
    while place.daemon.client().status()["first_seq"] <= first:
        assert time.monotonic() < deadline
        assert place.daemon.wire().put(n, event(n, "probe.recorded", "p", n=1))[1] == "ack"
        n += 1
    amended = place.daemon.wire().put(3, event(3, "record.retracted", "C-1", event=first, by="cs-lead", reason="twice"))[4][0][0]
    place.now(35 * 86400)
    place.daemon.client().put(event(4, "probe.recorded", "p", n=2))
    (next_month,) = [m for m in sorted(os.listdir(os.path.join(place.daemon.data, "months"))) if m > month][:1]
    place.daemon.estate("archive", "--month", next_month, "--to", place.archive)
    _, cover, _ = read_naively(os.path.join(place.archive, next_month + ".bundle.zst"))
    assert cover["amendments"] == [{"seq": amended, "type": "record.retracted", "event": first, "month": month}]

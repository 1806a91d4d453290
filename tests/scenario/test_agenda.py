"""estate agenda: what a worker callback answers, on the terminal, on paper and as calendars.  The worker here is a stand-in, but for the last test."""
import datetime
import html.parser
import json
import os
import re
import subprocess
import threading
import unicodedata

import icalendar
import pytest

import daemon as harness
from test_obligations import on_a_terminal
from test_rights import Keyed

SITE = datetime.timezone(datetime.timedelta(hours=8))
TODAY = datetime.datetime.now(SITE).date()
DAY = datetime.timedelta(days=1)


def instant(days, clock="00:00"):
    """That hour of the site, so many days from today."""
    hour, minute = map(int, clock.split(":"))
    return (datetime.datetime.combine(TODAY + days * DAY, datetime.time(hour, minute), SITE)).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def row(callback, kind, staff, *, subject=None, household="3-2-1201", opens=0, due=1, role="cs_assistant", mode="phone", mandatory=True, reason="Z4: not rated",
        state="open", attempts=0, **more):
    return {"callback": callback, "kind": kind, "subject": subject or callback.split("/")[0], "household": household, "opens": instant(opens), "due": instant(due),
            "at": instant(opens), "role": role, "staff": staff, "mode": mode, "mandatory": mandatory, "reason": reason, "state": state, "attempts": attempts,
            "overdue": due <= 0, "covers": [], **more}


ROWS = [
    row("R-20261124-0007/1", "repair", "cs-2", attempts=2, not_before=instant(0, "11:20"), contact_event=2),
    row("C-17/2", "complaint", "cs-2", household="12-1-803", due=0, reason="C2: complaint handled, reopened 1 times", state="lead",
        covers=[{"callback": "R-9/1", "kind": "repair", "subject": "R-9"}]),
    row("3-2-1203/2026", "routine", "lead-1", subject="3-2-1203", household="3-2-1203", due=12, role="cs_lead", mode="visit", mandatory=False,
        reason="V3: key household, at most 90 days apart", state="appointed", appointment={"state": "agreed", "at": instant(0, "15:30")}),
    row("C-18/1", "complaint", "lead-1", household="1-1-101", role="cs_lead", mode="visit", due=2, reason="C4: major"),
]


class Callback:
    """Answers `agenda` of a day, and `callback`, as estate-callback does."""

    def __init__(self, daemon, rows=ROWS, done=(), pages=100):
        self.rows, self.done, self.asked, self.pages = list(rows), set(done), [], pages
        self.client = daemon.client("callback")
        self.client.hello()
        self.service = self.client.serve("callback")
        self.client.services()              # it is registered when this is answered
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.stopping:
            question = self.service.next(0.05)
            if question is not None:
                self.answer(question)

    def answer(self, question):
        q = question.arguments
        self.asked.append((question.name, q))
        if question.name == "callback":
            question.answer({"callback": q["callback"], "state": "done" if q["callback"] in self.done else "cancelled"}, seq=1)
            return
        ends = (datetime.datetime.combine(datetime.date.fromisoformat(q["date"]) + DAY, datetime.time(), SITE)).astimezone(datetime.timezone.utc)
        rows = [r for r in self.rows if r["opens"] < ends.strftime("%Y-%m-%dT%H:%M:%SZ") and all(r[key] == q[key] for key in ("staff", "role", "kind") if key in q)]
        begin = int(question.page or 0)
        question.answer({"rows": rows[begin:begin + self.pages]}, seq=1, next=str(begin + self.pages) if begin + self.pages < len(rows) else None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.service.close()


def agenda(daemon, *arguments, expect=0, **env):
    done = subprocess.run([harness.program("estate"), "agenda", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=harness.VERB_S,
                          env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": "C.UTF-8", **env})
    assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def registered(daemon):
    """Event 2: whom R-20261124-0007 is about.  Nobody's name and number."""
    daemon.estate("put", stdin=json.dumps({"specversion": "1.0", "id": "h", "source": "/test", "type": "household.registered", "subject": "3-2-1201",
                                           "data": {"kind": "owner", "name": "业主3-2-1201", "phone": "000-0302-1201"}}))


def test_for_people(daemon):
    registered(daemon)
    with Callback(daemon):
        lines = agenda(daemon).stdout.splitlines()
    assert lines[0] == f"Agenda {TODAY} {TODAY:%a}"
    assert lines[2:8] == [
        "cs-2 (cs_assistant)  2 in all, 2 must, 1 overdue",
        "        12-1-803  phone                               complaint  C-17/2",
        f"  overdue, due {TODAY - DAY:%m-%d} 24:00; C2: complaint handled, reopened 1 times; also about R-9",
        "≥11:20  3-2-1201  phone  000-0302-1201  业主3-2-1201  repair     R-20261124-0007/1",
        f"  must, due {TODAY:%m-%d} 24:00; Z4: not rated; tried 2 times",
        ""]
    assert lines[8] == "lead-1 (cs_lead)  2 in all, 1 must"
    assert lines[9].split() == ["15:30", "3-2-1203", "visit", "routine", "3-2-1203/2026"]
    assert lines[12].endswith("C4: major; ask for an appointment first")


def test_in_chinese(daemon):
    registered(daemon)
    with Callback(daemon):
        text = agenda(daemon, LC_ALL="zh_CN.UTF-8").stdout
    for words in ("回访日程 ", "cs-2（客服助理）", "2 项，必访 2，已超时 1", "零修回访  R-20261124-0007/1", "业主3-2-1201", "必访，期限 ", "已试 2 次", "同时回访 R-9", "先预约", "选访"):
        assert words in text, (words, text)


def test_a_rule_is_said_in_words_and_an_id_is_whole(daemon):
    call = row("call-1791024287.39/1", "call", "cs-2", reason="C4.again; nobody else of cs_assistant")
    del call["household"]
    with Callback(daemon, [call]):
        lines = agenda(daemon).stdout.splitlines()
        assert lines[3] == "phone  call  call-1791024287.39/1"
        assert "C4: a call about a case of one's own does not count, somebody else has to; nobody else of cs_assistant" in lines[4]


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("locale", ["C.UTF-8", "zh_CN.UTF-8"])
def test_it_fits_the_terminal(daemon, columns, locale):
    registered(daemon)
    long = [row(f"R-2026112{n}-0007/1", "repair", "cs-2", household=f"1{n}-2-1802", reason="Z4: not rated; a reason that goes on and on and on 而且很长很长很长很长",
                attempts=n, contact_event=2) for n in range(5)]
    with Callback(daemon, ROWS + long):
        text = on_a_terminal(daemon, columns, 50, locale, "agenda")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(map(width, lines)) <= columns and len(lines) > 20, text
    whole = ("000-0302-1201", "R-20261124-0007/1", "C-17/2", "R-20261123-0007/1")
    assert [word for word in whole if not re.search(rf"(?<!\S){re.escape(word)}(?!\S)", "\n".join(lines))] == []
    assert "…" not in text


def test_days_and_filters(daemon):
    with Callback(daemon, ROWS + [row("C-30/1", "complaint", "cs-2", opens=2, due=4)], pages=2) as worker:
        assert agenda(daemon, "--staff", "cs-2", "--json").stdout.count('"callback":"') == 3
        assert worker.asked[0] == ("agenda", {"date": str(TODAY), "staff": "cs-2"})
        three = agenda(daemon, "--days", "3", "--kind", "complaint", "--staff", "cs-2").stdout
        # Each once, on its first day.
        assert re.findall(r"complaint  (C-\d+)", three) == ["C-17", "C-30"] and f"{TODAY + 2 * DAY} " in three
        assert agenda(daemon, "--date", "tomorrow", "--json", "--role", "finance").stdout == '{"rows":[],"seq":1}\n'
        assert worker.asked[-1] == ("agenda", {"date": str(TODAY + DAY), "role": "finance"})
        assert "Nobody is to be called back" in agenda(daemon, "--role", "finance").stdout


def test_numbers_are_for_who_may_see_them(start_daemon, tmp_path):
    """The asker reads the event that bears the number with rights of its own."""
    rights = ["read: '**'", "ask: ['*']"]
    keyed = Keyed(start_daemon, tmp_path, {"guest": rights, "desk": [*rights, "see_personal: true"], "nobody": ["ask: ['*']", "read: callback.due"]})
    registered(keyed.daemon)
    with Callback(keyed.daemon):
        for name, number in (("guest", "***"), ("desk", "000-0302-1201"), ("nobody", None)):
            key = tmp_path / f"{name}.key"
            key.write_text(keyed.keys[name].secret + "\n", encoding="ascii")
            key.chmod(0o600)
            access = ["--connect", keyed.endpoint, "--key-file", key, "--server-key", keyed.server.public]
            rows = json.loads(agenda(keyed.daemon, *access, "--json").stdout)["rows"]
            assert [r.get("phone") for r in rows] == [None, number, None, None], (name, rows)
            assert ("000-0302-1201" in agenda(keyed.daemon, *access, "--print").stdout) == (name == "desk")
            assert ("业主3-2-1201" in agenda(keyed.daemon, *access).stdout) == (name == "desk")


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


def test_on_paper(daemon):
    registered(daemon)
    with Callback(daemon, ROWS + [row("C-99/1", "complaint", "cs-2", reason="<script>alert(1)</script> & \"so\"")]):
        text = agenda(daemon, "--print", LC_ALL="zh_CN.UTF-8").stdout
    page = Page(text)
    assert page.tags.count("section") == 2 and page.tags.count("tr") == 2 + 5 and "script" not in page.tags
    assert "000-0302-1201" in page.text and "业户签字：" in page.text and '<script>alert(1)</script> & "so"' in page.text
    assert "size:A4" in text


# --- Calendars, read by a parser that is not ours

def calendar(path_or_text):
    text = path_or_text if isinstance(path_or_text, str) else path_or_text.read_bytes()
    return icalendar.Calendar.from_ical(text)


def events(cal):
    return {str(e["UID"]): e for e in cal.walk("VEVENT")}


def test_a_calendar_each(daemon, tmp_path):
    registered(daemon)
    with Callback(daemon):
        assert agenda(daemon, "--ics", tmp_path, LC_ALL="zh_CN.UTF-8").stdout == f"{tmp_path}：日历 2 份，其中 2 份有变化\n"
    assert sorted(os.listdir(tmp_path)) == ["cs-2.ics", "lead-1.ics"]
    raw = (tmp_path / "lead-1.ics").read_bytes()
    assert raw.startswith(b"BEGIN:VCALENDAR\r\n") and all(len(line) <= 75 for line in raw.split(b"\r\n"))
    for line in raw.split(b"\r\n"):
        line.decode("utf-8")                                        # no character is cut by the folding
    lead, assistant = events(calendar(tmp_path / "lead-1.ics")), events(calendar(tmp_path / "cs-2.ics"))
    visit = lead["callback-3-2-1203/2026@estated"]
    # An instant, in UTC: half past three at the site.
    assert visit.decoded("DTSTART") == datetime.datetime.combine(TODAY, datetime.time(15, 30), SITE) and visit.decoded("DTSTART").utcoffset() == 0 * DAY
    assert visit.decoded("DTEND") - visit.decoded("DTSTART") == datetime.timedelta(minutes=30)
    call = assistant["callback-R-20261124-0007/1@estated"]
    assert call.decoded("DTSTART") == TODAY and call.decoded("DTEND") == TODAY + DAY and str(call["STATUS"]) == "CONFIRMED" and int(call["SEQUENCE"]) == 0
    assert str(call["SUMMARY"]) == "3-2-1201 零修回访（电话）" and "必访" in str(call["DESCRIPTION"])
    assert b"000-0302-1201" not in raw + (tmp_path / "cs-2.ics").read_bytes()      # a calendar leaves the house


def test_written_again(daemon, tmp_path):
    """What is as it was stays byte by byte; what changed, was done, is off or has moved to somebody else is what an import needs."""
    with Callback(daemon):
        agenda(daemon, "--ics", tmp_path)
        first = (tmp_path / "cs-2.ics").read_bytes()
        assert agenda(daemon, "--ics", tmp_path).stdout == f"{tmp_path}: 2 calendars, 0 of them changed\n"
        assert (tmp_path / "cs-2.ics").read_bytes() == first
    visit, major = dict(ROWS[2]), dict(ROWS[3])
    visit["appointment"] = {"state": "agreed", "at": instant(0, "17:00")}
    major.update(staff="manager-1", role="site_manager")
    # The hour of the visit moved; C-18 went to the manager; C-17 was done; the repair is off.
    with Callback(daemon, [visit, major], done={"C-17/2"}):
        assert agenda(daemon, "--ics", tmp_path).stdout == f"{tmp_path}: 3 calendars, 3 of them changed\n"
    lead, assistant, manager = (events(calendar(tmp_path / f"{who}.ics")) for who in ("lead-1", "cs-2", "manager-1"))
    moved = lead["callback-3-2-1203/2026@estated"]
    assert int(moved["SEQUENCE"]) == 1 and moved.decoded("DTSTART").astimezone(SITE).hour == 17 and str(moved["STATUS"]) == "CONFIRMED"
    gone = lead["callback-C-18/1@estated"]
    assert str(gone["STATUS"]) == "CANCELLED" and int(gone["SEQUENCE"]) == 1
    assert str(manager["callback-C-18/1@estated"]["STATUS"]) == "CONFIRMED" and int(manager["callback-C-18/1@estated"]["SEQUENCE"]) == 0
    done = assistant["callback-C-17/2@estated"]
    assert str(done["SUMMARY"]).startswith("✓ ") and str(done["STATUS"]) == "CONFIRMED" and int(done["SEQUENCE"]) == 1
    assert str(assistant["callback-R-20261124-0007/1@estated"]["STATUS"]) == "CANCELLED"
    # Nothing is asked twice about what has ended, and nothing changes.
    with Callback(daemon, [visit, major]) as worker:
        assert agenda(daemon, "--ics", tmp_path).stdout == f"{tmp_path}: 3 calendars, 0 of them changed\n"
        assert {name for name, _ in worker.asked} == {"agenda"}
    # And what comes back is on again.
    with Callback(daemon, ROWS):
        agenda(daemon, "--ics", tmp_path)
    back = events(calendar(tmp_path / "lead-1.ics"))["callback-C-18/1@estated"]
    assert str(back["STATUS"]) == "CONFIRMED" and int(back["SEQUENCE"]) == 2
    stamps = [e.decoded("DTSTAMP") for e in events(calendar(tmp_path / "lead-1.ics")).values()]
    assert all(abs(s - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=5) for s in stamps)


def test_one_to_standard_output(daemon):
    with Callback(daemon):
        cal = calendar(agenda(daemon, "--staff", "cs-2", "--ics", "-").stdout)
    assert len(events(cal)) == 2 and str(cal["METHOD"]) == "PUBLISH" and str(cal["X-WR-CALNAME"]) == "callbacks cs-2"


def test_what_cannot_be_done_is_said(daemon, tmp_path):
    (tmp_path / "cs-2.ics").write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//other//\r\nEND:VCALENDAR\r\n")
    with Callback(daemon):
        said = agenda(daemon, "--ics", tmp_path, expect=3).stderr
        assert "cs-2.ics: is not a calendar that this command has written" in said
        assert "PRODID:-//other//" in (tmp_path / "cs-2.ics").read_text()
        assert "is no folder" in agenda(daemon, "--ics", tmp_path / "none", expect=3).stderr
    for arguments, words in ((["--ics", "-"], "whose calendar?"), (["--ics", str(tmp_path), "--role", "cs_lead"], "all that somebody has to do"),
                             (["--print", "--json"], "one of --print"), (["--date", "soon"], "is no day"), (["--days", "40"], "--days"), (["x"], "every argument has a name"),
                             (["--staff", "a b"], "is no staff id")):
        assert words in agenda(daemon, *arguments, expect=2).stderr
    assert "estate-callback does not run" in agenda(daemon, expect=1).stderr
    assert "没有运行" in agenda(daemon, expect=1, LC_ALL="zh_CN.UTF-8").stderr

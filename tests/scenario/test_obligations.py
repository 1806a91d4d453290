"""estate obligations: what a worker escalate answers, for people and programs.  The worker here is a stand-in that answers what the test wants."""
import datetime
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import unicodedata

import pytest

import daemon as harness
from worker import Worker

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
SITE = datetime.timezone(datetime.timedelta(hours=8))


def instant(minutes):
    return (NOW + datetime.timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def row(rule, subject, due, state="running", role="cs_lead", **more):
    return {"obligation": f"{rule}/{subject}", "rule": rule, "subject": subject, "role": role, "opened": instant(due - 300), "due": instant(due),
            "state": state, "level": 0, **more}


ROWS = [
    row("H3", "H-1", -65, "breached", "supervisor", level=2, next={"at": instant(5), "role": "site_manager", "staff": "S-9", "step": "step"}),
    row("C1", "C-17", 30, staff="S-4", next={"at": instant(20), "role": "cs_lead", "staff": "S-4", "step": "warn"}, term="eod 1", counted=1,
        household="3-2-1201"),
    row("C7", "C-9", 60 * 26, "paused", "site_manager", provisional=True, staff="site_manager",
        next={"at": instant(60), "role": "site_manager", "staff": "site_manager", "step": "warn"}),
]


class Escalate:
    """Answers `open` as the worker does: filters, pages, the next deadline first.  `asked` has the questions."""

    def __init__(self, daemon, rows=(), page_rows=1000):
        self.rows, self.page_rows, self.asked, self.seq = list(rows), page_rows, [], 7
        self.client = daemon.client("escalate")
        self.client.hello()
        self.service = self.client.serve("escalate")
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
        self.asked.append(question.name)
        rows = [r for r in self.rows if all(r[key] == q[key] for key in ("role", "subject", "rule") if key in q)]
        if "due_before" in q:
            rows = [r for r in rows if r["due"] < q["due_before"][:19] + "Z"]
        begin = int(question.page or 0)
        rows = sorted(rows, key=lambda r: r["due"])
        more = begin + self.page_rows < len(rows)
        question.answer({"rows": rows[begin:begin + self.page_rows]}, seq=self.seq, next=str(begin + self.page_rows) if more else None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.service.close()


def shown(daemon, *arguments, expect=0, **env):
    done = subprocess.run([harness.program("estate"), "obligations", *arguments], capture_output=True, text=True, check=False, timeout=harness.VERB_S,
                          env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": "C.UTF-8", **env})
    assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def subjects(daemon, *arguments):
    return [one["subject"] for one in json.loads(shown(daemon, "--json", *arguments).stdout)["rows"]]


def test_for_people(daemon):
    with Escalate(daemon, ROWS):
        lines = shown(daemon).stdout.splitlines()
    assert re.match(r"LEFT +DUE +RULE +SUBJECT +WHO +STATE$", lines[0])
    assert re.match(r"-1 h 0\d min +\d\d-\d\d \d\d:\d\d +H3 +H-1 +supervisor +breached \(2\)$", lines[1])
    assert re.match(r"  next \d\d-\d\d \d\d:\d\d S-9 \(site_manager\) is told · since \d\d-\d\d ", lines[2])
    assert re.match(r"(30|2\d) min +\S+ \S+ +C1 +C-17 +S-4 +running$", lines[3])
    assert re.match(r"  next \S+ \S+ S-4 \(cs_lead\) is warned · 1 working day from \S+ \S+, 1 day counted · 3-2-1201$", lines[4])
    assert re.match(r"1 d 1 h .* site_manager +paused$", lines[5]) and re.match(r"  next \S+ \S+ site_manager is warned · .* · provisional$", lines[6])
    assert lines[7] == "3 running, 1 overdue (as of event 7)"
    due = datetime.datetime.strptime(ROWS[1]["due"], "%Y-%m-%dT%H:%M:%S%z").astimezone(SITE)
    assert due.strftime("%m-%d %H:%M") in lines[3]


def test_in_chinese(daemon):
    with Escalate(daemon, ROWS):
        text = shown(daemon, LC_ALL="zh_CN.UTF-8").stdout
    for words in ("剩余", "责任人", "已超时（2）", "下一步 ", "到期提醒", "1 个工作日，自 ", "暂定日历", "3 项在办，1 项已过期"):
        assert words in text, text
    assert "site_manager" not in text and "管理处经理 到期提醒" in text


def test_filters_are_the_workers(daemon):
    with Escalate(daemon, ROWS) as worker:
        assert subjects(daemon) == ["H-1", "C-17", "C-9"]
        assert subjects(daemon, "--role", "supervisor") == ["H-1"]
        assert subjects(daemon, "--subject", "C-9") == ["C-9"]
        assert subjects(daemon, "--rule", "C1") == ["C-17"]
        assert subjects(daemon, "--overdue") == ["H-1"]
        assert subjects(daemon, "--due-within", "1h") == ["H-1", "C-17"]
        assert subjects(daemon, "--due-within", "3d", "--rule", "C7") == ["C-9"]
        assert set(worker.asked) == {"open"}
    assert shown(daemon, "--overdue", expect=1).stdout == ""        # the stand-in has gone


def test_the_worker_itself(daemon):
    """estate-escalate with the shipped rules: filters, pages and words are what it answers."""
    def event(id, type, subject, **data):
        return json.dumps({"specversion": "1.0", "id": id, "source": "/test/obligations", "type": type, "subject": subject, "data": data})

    with Worker(daemon, name="escalate", program=harness.program("estate-escalate"), rules=None, start=False) as worker:
        worker.start("--config", os.path.join(harness.REPOSITORY, "config"))
        stream = daemon.client("activated").subscribe("first", type=["config.activated"])
        assert {stream.next(harness.VERB_S).fields["data"]["kind"] for _ in range(3)} == {"rules", "calendar", "roster"}
        daemon.estate("put", stdin="\n".join([
            event("1", "complaint.opened", "C-1", category="noise", severity="ordinary", via="phone", household="3-2-1201"),
            event("2", "help.requested", "H-1", kind="medical", household="3-2-1202"),
            event("3", "case.assigned", "C-1", to="S-4", role="cs_assistant")]))
        last = str(daemon.client("last").hello()["last"])
        daemon.estate("ask", "escalate", "status", "--at-least", last)
        of_case = json.loads(shown(daemon, "--json", "--subject", "C-1").stdout)["rows"]
        assert {one["rule"] for one in of_case} == {"C1", "C10"} and {one["staff"] for one in of_case} == {"S-4"}
        emergency = {one["rule"] for one in json.loads(shown(daemon, "--json", "--due-within", "10min").stdout)["rows"]}
        assert {"H3", "H5", "H6", "H8"} <= emergency and "C1" not in emergency
        assert subjects(daemon, "--rule", "H8", "--role", "clerk") == ["H-1"] and subjects(daemon, "--rule", "H8", "--role", "finance") == []
        text = shown(daemon).stdout
        assert re.search(r"\n\d d .* C1 +C-1 +S-4 +running\n  next .* S-4 \(cs_assistant\) is warned · 1 working day from .* · 3-2-1201\n", text), text
        assert "there is no such role" in shown(daemon, "--role", "nobody", expect=1).stderr
        told = daemon.estate("case", "C-1").stdout
        assert "Still running" in told and re.search(r"obligation.opened +C1 due .* \(cs_assistant\)", told)


def test_nothing_is_owed(daemon):
    with Escalate(daemon):
        assert shown(daemon).stdout == "nothing is owed\n"
        assert shown(daemon, "--overdue").stdout == "nothing of that kind is owed\n"
        assert json.loads(shown(daemon, "--json").stdout) == {"rows": [], "seq": 7}


def test_all_pages_the_next_deadline_first(daemon):
    many = [row("C1", f"C-{n}", (n * 37) % 211) for n in range(211)]
    with Escalate(daemon, many, page_rows=50) as worker:
        answer = json.loads(shown(daemon, "--json").stdout)
        assert len(worker.asked) == 5
    assert answer["rows"] == sorted(many, key=lambda r: r["due"])
    assert answer["rows"][0] == many[0]                             # as it was answered, nothing lost


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
def test_lines_fit_the_terminal(daemon, columns, language):
    long = row("H3", "C-" + "7" * 60, 9, staff="S-" + "8" * 40, household="3-2-1201", term="hours 32400s",
               next={"at": instant(20), "role": "general_manager", "staff": "S-" + "9" * 30, "step": "step"})
    with Escalate(daemon, [*ROWS, long]):
        text = on_a_terminal(daemon, columns, 24, language, "obligations", "--no-color")
    assert text.count("\n") >= 10 and "…" not in text         # nothing is cut: an id can be copied
    assert "3-2-1201" in text and "S-" + "9" * 30 in text and "S-" + "8" * 40 in text and "C-" + "7" * 60 in text
    for line in text.splitlines():
        assert width(line.rstrip("\r")) <= columns or line.split() == [line.strip()], line     # one id that is longer than a line


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def on_a_terminal(daemon, columns, lines, language, *arguments):
    """What a verb writes on a terminal of that size."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen([harness.program("estate"), *arguments], stdin=slave, stdout=slave, stderr=slave,
                               env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": language, "TERM": "xterm"})
    os.close(slave)
    pieces = []
    try:
        while piece := os.read(master, 65536):
            pieces.append(piece)
    except OSError:                         # the other side is closed
        pass
    os.close(master)
    assert process.wait(harness.VERB_S) == 0
    return b"".join(pieces).decode()


def test_colour_only_on_a_terminal(daemon):
    with Escalate(daemon, ROWS):
        assert "\033" not in shown(daemon).stdout
        assert "\033[31m" in on_a_terminal(daemon, 80, 24, "C.UTF-8", "obligations")


@pytest.mark.parametrize("language, words", [("C.UTF-8", ["nobody answers for escalate", "systemctl start estate-worker@escalate"]),
                                             ("zh_CN.UTF-8", ["没有程序回答", "systemctl start estate-worker@escalate"])])
def test_without_the_worker(daemon, language, words):
    done = shown(daemon, expect=1, LC_ALL=language)
    assert done.stdout == "" and done.stderr.count("\n") == 1 and [word for word in words if word not in done.stderr] == []
    assert json.loads(shown(daemon, "--json", expect=1).stderr)["name"] == "no-service"


def test_watch_asks_again_only_when_something_changed(daemon):
    """A line for each change, and not one more question than that."""
    with Escalate(daemon, ROWS[:1]) as worker:
        watch = subprocess.Popen([harness.program("estate"), "obligations", "--watch", "--json"], stdout=subprocess.PIPE, text=True,
                                 env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint})
        try:
            first = json.loads(watch.stdout.readline())
            assert [one["subject"] for one in first["rows"]] == ["H-1"]
            worker.rows.append(ROWS[1])
            put = daemon.client("put")
            put.hello()
            put.put({"specversion": "1.0", "id": "w-0", "source": "/test", "type": "probe.recorded", "data": {}})
            stored = put.put({"specversion": "1.0", "id": "w-1", "source": "/test", "type": "obligation.opened", "subject": "C-17",
                              "data": {"obligation": "C1/C-17", "rule": "C1", "role": "cs_lead", "due": ROWS[1]["due"]}}).seq
            worker.seq = stored
            second = json.loads(watch.stdout.readline())
            assert [one["subject"] for one in second["rows"]] == ["H-1", "C-17"]
            assert len(worker.asked) == 2
        finally:
            watch.terminate()
            assert watch.wait(harness.VERB_S) == 0
            watch.stdout.close()


def test_a_watch_that_loses_the_worker_keeps_what_it_knew_and_says_so(daemon):
    """On a screen: not "nothing is owed", and the worker's return shows with the next change."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    put = daemon.client("put")
    put.hello()

    def change(number):
        return put.put({"specversion": "1.0", "id": f"l-{number}", "source": "/test", "type": "case.acknowledged", "subject": "H-1", "data": {"by": "S-1"}}).seq

    def until(words):
        text = ""
        while not all(word in text for word in words):
            text += os.read(master, 65536).decode()
        return text

    with Escalate(daemon, ROWS):
        watch = subprocess.Popen([harness.program("estate"), "obligations", "--watch"], stdin=slave, stdout=slave, stderr=slave,
                                 env={**os.environ, "ESTATE_ENDPOINT": daemon.endpoint, "LC_ALL": "C.UTF-8", "TERM": "xterm"})
        os.close(slave)
        until(["as of event 7"])
    change(1)
    lost = until(["This is not as it is now: nobody answers for escalate"])
    assert "H-1" in lost and "nothing is owed" not in lost
    with Escalate(daemon, ROWS[:2]) as worker:
        worker.seq = change(2)
        assert "H-1" in until([f"2 running, 1 overdue (as of event {worker.seq})"])
    watch.terminate()
    assert watch.wait(harness.VERB_S) == 0
    os.close(master)


@pytest.mark.parametrize("arguments, told", [
    (["C-17"], "--subject C-17"), (["--due-within", "soon"], "soon is no span"), (["--due-within", "-1h"], "no span"),
    (["--overdue", "--due-within", "1h"], "exclude each other"), (["--subject", "a b"], "is no id"), (["--role", ""], "is no id"),
])
def test_wrong_usage(daemon, arguments, told):
    assert told in shown(daemon, *arguments, expect=2).stderr

"""Workers that are asked: in a rehearsal and live the same answers; who waits, who sees what; figures for Prometheus."""
import datetime
import json
import os
import re
import signal
import time

import pytest

import openmetrics
from test_worker import assigned, case, put_all
from worker import PATIENCE_S, RULES, Worker, parrot, rehearse

SLOW = RULES.replace("300ms", "90d")        # nothing falls due meanwhile


def ask(daemon, *words, expect=0):
    """estate ask: the whole answer, or what was said on stderr."""
    done = daemon.estate("ask", "--json", *words, expect=expect)
    return json.loads(done.stdout) if expect == 0 else done.stderr


def settle(worker):
    """All that is owed soon: SLOW's deadlines are not."""
    worker.settle(until=datetime.date.today() + datetime.timedelta(2))


def rehearsed(worker, question, *arguments, expect=0):
    """The pages that a rehearsal of the log answers."""
    lines, _ = rehearse(worker.log(), "--ask", question, *arguments, program=worker.program, env=worker.env, expect=expect)
    return [json.loads(line) for line in lines if b'"specversion"' not in line]


def rows(pages):
    return [row for page in pages for row in page["answer"]["rows"]]


def test_live_and_rehearsed_the_same_answers(daemon):
    """Page by page, of a log with a dozen cases."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        last = put_all(daemon, [case(n) for n in range(10, 22)] + [assigned(n) for n in range(10, 14)])[-1]
        live, page = [], []
        while not live or "next" in live[-1]:
            live.append(ask(daemon, "example", "counts", "limit=5", "prefix=C-", "--at-least", last, *page))
            page = ["--page", live[-1].get("next")]
        assert [len(p["answer"]["rows"]) for p in live] == [5, 5, 2] and all(p["seq"] >= last for p in live)
        assert rows(live) == rows(rehearsed(worker, 'counts={"limit":5,"prefix":"C-"}'))
        assert rows(live) == [{"subject": f"C-{n}", "events": 2 if n < 14 else 1} for n in range(10, 22)]
        owed = ask(daemon, "example", "open", "--at-least", "now")["answer"]["rows"]
        assert owed == rows(rehearsed(worker, "open")) and [row["subject"] for row in owed] == [f"C-{n}" for n in range(14, 22)]
        assert [row["due"] for row in owed] == sorted(row["due"] for row in owed)
        text = daemon.estate("ask", "example", "counts", "prefix=C-1", "least=2").stdout
        assert "C-10" in text and "C-14" not in text
        about = {q["name"]: q for q in ask(daemon, "example", "help")["answer"]["questions"]}
        assert about["counts"]["takes"] == "prefix least" and "open" in about
        settle(worker)
        worker.prove()


def test_what_is_asked_wrongly_is_refused_by_its_name(daemon):
    with Worker(daemon) as worker:
        for words, path, detail in ((["count"], "question.name", "estate ask example help"), (["counts", "leest=2"], "question.leest", "prefix least"),
                                    (["counts", "least=many"], "question.least", "whole number"), (["counts", "limit=0"], "question.limit", "1000"),
                                    (["counts", "--page", "+"], "page", "next"), (["status", "limit=1"], "question.limit", "no pages")):
            said = ask(daemon, "example", *words, expect=1)
            assert "bad-argument" in said or path in said, said
            assert path in said and detail in said
        refused, = rehearsed(worker, 'counts={"leest":2}', expect=1)
        assert refused["refused"] == "bad-argument" and refused["path"] == "question.leest"
        for question in ("counts=", "counts=[1]", 'counts={"name":"x"}'):
            _, said = rehearse(b"", "--ask", question, expect=1)
            assert "--ask" in said


def test_at_least_waits_until_the_worker_has_read_so_far(daemon):
    """Stopped, it answers nothing; woken, it first reads on.  Whoever waits for nothing is answered as it stands."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        for n in range(5):
            last, = put_all(daemon, [case(n)])
            answer = ask(daemon, "example", "counts", "--at-least", "now")
            assert answer["seq"] >= last and {"subject": f"C-{n}", "events": 1} in answer["answer"]["rows"]
        worker.signal(signal.SIGSTOP)
        seqs = put_all(daemon, [case(n) for n in range(100, 120)])
        wire = daemon.wire(client="asker")
        assert wire.ask(1, "ask", 6, {"service": "example", "question": {"name": "counts"}, "timeout_ms": 100})[3]["name"] == "deadline"
        wire.send(1, "ask", 7, {"service": "example", "question": {"name": "counts", "prefix": "C-1"}, "at_least": seqs[-1], "timeout_ms": 60000})
        assert not wire.quiet()
        worker.signal(signal.SIGCONT)
        answer = wire.receive()
        assert answer[1] == "answered" and answer[3]["seq"] >= seqs[-1] and len(answer[3]["answer"]["rows"]) == 21
        assert "beyond-end" in ask(daemon, "example", "counts", "--at-least", seqs[-1] + 1000, expect=1)
        # What concerns it not, it has read all the same: parrots want probes only.
        with Worker(daemon, name="parrot", program=parrot(), rules=None):
            last, = put_all(daemon, [case(999)])
            assert ask(daemon, "parrot", "status", "--at-least", last)["answer"]["cursor"] >= last


def test_reading_goes_on_while_it_is_asked(daemon):
    """A few hundred questions on their way, and events in between: all answered, nothing late or lost."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        wire = daemon.wire(client="asker")
        for wave in range(6):
            for n in range(60):         # 64 are the most that may wait
                wire.send(1, "ask", n + 1, {"service": "example", "question": {"name": "counts", "limit": 1000}, "timeout_ms": 60000})
                if n % 20 == 0:
                    put_all(daemon, [case(1000 * wave + n + k) for k in range(10)])
            answers = [wire.receive() for _ in range(60)]
            assert {a[2] for a in answers} == set(range(1, 61)) and {a[1] for a in answers} == {"answered"}
        settle(worker)
        worker.prove()


def test_asked_through_restarts(daemon):
    """The daemon is killed, the worker is killed: whoever asks again is answered; nothing is left over for a session that is gone."""
    with Worker(daemon, rules=SLOW) as worker:
        worker.await_rules(daemon.client("rules"))
        put_all(daemon, [case(1)])
        before = ask(daemon, "example", "counts", "--at-least", "now")["answer"]
        daemon.kill9()
        daemon.start()
        until_served(daemon, "example")
        assert before["rows"][0] in ask(daemon, "example", "counts")["answer"]["rows"]
        worker.kill9()
        said = ask(daemon, "example", "counts", expect=1)
        assert "no-service" in said or "service-lost" in said
        worker.start()
        until_served(daemon, "example")
        assert {"subject": "C-1", "events": 1} in ask(daemon, "example", "counts")["answer"]["rows"]


def until_served(daemon, service):
    deadline = time.monotonic() + PATIENCE_S
    client = daemon.client("until")
    client.hello()
    while not any(s["service"] == service for s in client.services()):
        assert time.monotonic() < deadline


# --- figures

def test_status_says_how_it_stands(daemon):
    with Worker(daemon, rules=SLOW) as worker:
        at = worker.await_rules(daemon.client("rules"))
        last = put_all(daemon, [case(n) for n in range(3)])[-1]
        settle(worker)
        status = ask(daemon, "example", "status", "--at-least", "now")["answer"]
        assert status["cursor"] >= last and status["timers_pending"] >= 3 and status["parked_items"] == status["refused_events"] == 0
        assert status["connected"] == 1 and status["rebuild_target"] == 0 and status["release"] and status["state_version"] == 1
        assert status["in_force"][0]["kind"] == "rules" and status["in_force"][0]["since_event"] == at and len(status["in_force"][0]["digest"]) == 64
        assert status["next_timer"] > status["log_time"] > status["start"]


def page_of(path, condition):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with open(path, "rb") as file:
                families = openmetrics.check_classic(file.read())
            if condition(families):
                return families
        except FileNotFoundError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)


def value(families, name, **labels):
    found, = [s.value for s in families[name].samples if s.labels == labels]
    return found


def test_the_page_of_metrics(daemon, tmp_path):
    """Right by the format and by the conventions, whole at each moment, gone with the worker; what it says is what status says."""
    path = str(tmp_path / "example.prom")
    with Worker(daemon, rules=SLOW, start=False) as worker:
        worker.start("--metrics", path)
        worker.await_rules(daemon.client("rules"))
        last = put_all(daemon, [case(n) for n in range(3)])[-1]
        families = page_of(path, lambda f: value(f, "estate_worker_cursor", worker="example") >= last)
        for name, family in families.items():
            assert name.startswith("estate_worker_") and family.type in ("counter", "gauge") and family.help and not family.help.endswith("."), name
            assert (family.type == "counter") == any(s.name.endswith("_total") for s in family.samples), name
            assert not re.search(r"_(ns|ms|us|nanoseconds|milliseconds|kib|percent)(_|$)", name), name
            assert all(s.labels["worker"] == "example" for s in family.samples)
        status = ask(daemon, "example", "status")["answer"]
        assert value(families, "estate_worker_timers_pending", worker="example") == status["timers_pending"] >= 3
        assert value(families, "estate_worker_build_info", worker="example", version=status["release"], state_version="1") == 1
        digest = status["in_force"][0]["digest"]
        assert value(families, "estate_worker_in_force_info", worker="example", kind="rules", digest=digest) == 1
        assert value(families, "estate_worker_start_timestamp_seconds", worker="example") == pytest.approx(time.time(), abs=600)
        assert b"C-1" not in open(path, "rb").read()
        worker.stop()
        assert not os.path.exists(path)
        # A page that cannot be written stops nothing.
        worker.start("--metrics", str(tmp_path / "missing" / "x.prom"))
        put_all(daemon, [case(9)])
        settle(worker)
        worker.until_says("the page of metrics cannot be written")
        worker.prove()
